"""An archive that plays ESO's, behind a network that misbehaves as networks do."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from sqlalchemy import update
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from archive.archive import Archive
from schema.exposures import Exposure
from schema.observations import Programme
from server.app import create_app
from tests.support import archives

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


@dataclass(frozen=True)
class Asked:
    """One request that came through."""

    path: str
    range: str | None
    authorization: str | None
    query: str | None


@dataclass
class Network:
    """What happens to requests: at first nothing.  Fields may be changed at any time."""

    app: Application | None = None
    asked: list[Asked] = field(default_factory=list)
    busy: int = 0
    status: int = 503
    retry_after: str | None = None
    token: str | None = None
    breaks_after: int | None = None
    garbles: int = 0
    knows_ranges: bool = True

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        request = Request(environ)
        body = request.get_data()
        environ["wsgi.input"] = BytesIO(body)
        query = parse_qs(body.decode()).get("QUERY", [None])[0]
        authorization = request.headers.get("Authorization")
        self.asked.append(Asked(request.path, request.headers.get("Range"), authorization, query))
        if self.busy:
            self.busy -= 1
            return self._refuse(environ, start)
        if (
            self.token is not None
            and request.path.startswith("/dataPortal")
            and authorization != f"Bearer {self.token}"
        ):
            return Response("proprietary", 401)(environ, start)
        if not self.knows_ranges:
            environ.pop("HTTP_RANGE", None)
        assert self.app is not None
        answer = self.app(environ, start)
        return self._on_the_way(answer) if request.path.startswith("/dataPortal") else answer

    def files(self) -> list[Asked]:
        """The requests for files."""
        return [asked for asked in self.asked if asked.path.startswith("/dataPortal")]

    def queries(self) -> list[str]:
        """The ADQL that was asked."""
        return [asked.query for asked in self.asked if asked.query is not None]

    def _refuse(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        return Response("later", self.status, headers)(environ, start)

    def _on_the_way(self, body: Iterable[bytes]) -> Iterator[bytes]:
        try:
            if self.garbles:
                self.garbles -= 1
                yield from (bytes(len(chunk)) for chunk in body)
            elif self.breaks_after is not None:
                most, self.breaks_after = self.breaks_after, None
                yield b"".join(body)[:most]
            else:
                yield from body
        finally:
            getattr(body, "close", lambda: None)()


@dataclass(frozen=True)
class Eso:
    """The archive that plays ESO's, its address, and the network before it."""

    archive: Archive
    address: str
    network: Network

    def addresses(self) -> dict[str, str]:
        """The settings of an archive that takes this one for ESO's."""
        return {
            "eso_tap_url": f"{self.address}/tap",
            "eso_download_url": f"{self.address}/dataPortal/file/",
            "eso_calselector_url": f"{self.address}/calselector/v1/associations",
        }

    def add(self, *frames: Exposure) -> None:
        """List raw frames."""
        programmes = {frame.programme_id for frame in frames} - {None}
        with self.archive.database.transaction() as session:
            for programme_id in programmes:
                session.merge(Programme(programme_id=programme_id, pi_name="SCHINNERER"))
            session.flush()
            session.add_all(frames)

    def change(self, dp_id: str, **values: Any) -> None:
        """Change what is said of a frame."""
        with self.archive.database.transaction() as session:
            session.execute(update(Exposure).where(Exposure.dp_id == dp_id).values(**values))


@contextmanager
def served(url: str, root: Path, network: Network) -> Iterator[tuple[Archive, str]]:
    """An archive whose services are reached over a network; yields the archive and the base URL."""
    server = make_server("127.0.0.1", 0, network, threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    with archives.opened(url, root, base_url=address) as archive:
        app = create_app(archive)
        network.app = app
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield archive, address
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            app.extensions["queries"].close()
