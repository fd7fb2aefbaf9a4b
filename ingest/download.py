"""Fetch files over HTTP that may be large, over lines that may break: what is here of a file is not fetched again.

``<identifier>.part`` grows beside ``<identifier>.offer``, which keeps what the server said of the file, so that a
download goes on only with the same file.  A file that is whole, by its length and by a checksum where the server gives
one, is renamed into a folder of its own.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

import requests
import structlog
import urllib3

from archive.errors import ArchiveError, Refused, StoreError
from ingest.offer import PART, WHOLE, Offer, continues, fault
from ingest.polite import BUSY, Politeness

__all__ = ["Bearer", "Downloader", "Progress", "Unavailable"]

log = structlog.get_logger()

CHUNK: Final = 1 << 20
BEYOND_THE_END: Final = 416

Progress = Callable[[str, int, int | None], None]
"""Is told identifier, bytes so far, and bytes in all where that is known."""


class Unavailable(ArchiveError):
    """A file cannot be had now: the service is too busy, or cannot be reached."""


class Bearer(requests.auth.AuthBase):
    """Sends a token with a request; requests takes it off when another host is next."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(frozen=True)
class Downloader:
    """Fetches files of one service into a folder.

    ``address`` is what identifiers are put behind.
    """

    session: requests.Session
    address: str
    folder: Path
    politeness: Politeness
    token: Bearer | None = None
    progress: Progress = lambda *_: None

    def find(self, identifier: str) -> Path | None:
        """Return a file that was fetched before and is still in its folder, or None."""
        folder = self.folder / identifier
        return next(iter(sorted(folder.iterdir())), None) if folder.is_dir() else None

    def fetch(self, identifier: str) -> Path:
        """Fetch a file, or what is lacking of it; returns where it is.

        The identifier has been checked: it may stand in an address and name a file.

        Raises
        ------
        Refused
            The service does not give this file, or twice gave one that is not what it said.
        StoreError
            The disk is full or not writable.  What there is stays.
        Unavailable
            The service cannot be reached, or is too busy.
        """
        wrong = None
        for _ in range(2):
            offer = self._complete(identifier)
            wrong = fault(self._part(identifier), offer)
            if wrong is None:
                return self._keep(identifier, offer)
            log.warning("thrown away", file=identifier, reason=wrong)
            self._discard(identifier)
        raise Refused(f"{identifier}: {wrong}, also when fetched anew")

    def _complete(self, identifier: str) -> Offer:
        """Go on until the file has its length: as long as bytes come, a line may break as often as it likes."""
        failures = 0
        while True:
            before = _size(self._part(identifier))
            offer = self._go_on(identifier)
            if offer is not None:
                return offer
            failures = 0 if _size(self._part(identifier)) > before else failures + 1
            if failures > self.politeness.tries:
                raise Unavailable(f"{identifier}: the download breaks off again and again")
            time.sleep(min(self.politeness.wait * failures, self.politeness.longest))

    def _go_on(self, identifier: str) -> Offer | None:
        """Ask for what is lacking and write what comes; returns the offer once all is there."""
        part, known = self._part(identifier), self._known(identifier)
        start = _size(part)
        if known is not None and known.size == start and part.exists():
            return known
        with self._ask(identifier, start, known) as response:
            status = response.status_code
            if status == BEYOND_THE_END or (
                status == PART and not continues(response.headers, start=start, known=known)
            ):
                log.info("begins anew", file=identifier)
                self._discard(identifier)
                return None
            _check(response, identifier, with_token=self.token is not None)
            offer = Offer.read(status, response.headers, otherwise=f"{identifier}.fits")
            if status == PART and known is not None:
                offer = replace(known, checksums={**known.checksums, **offer.checksums})
            return offer if self._append(identifier, response, offer, at=start if status == PART else 0) else None

    def _ask(self, identifier: str, start: int, known: Offer | None) -> requests.Response:
        headers = {"Accept-Encoding": "identity"}  # bytes as they are stored, or lengths would mean nothing
        if start:
            headers["Range"] = f"bytes={start}-"
            if known is not None and known.validator is not None:
                headers["If-Range"] = known.validator
        try:
            return self.session.get(self.address + identifier, headers=headers, auth=self.token, stream=True)
        except requests.RequestException as error:
            raise Unavailable(f"{identifier}: cannot be fetched: {' '.join(str(error).split())}") from error

    def _append(self, identifier: str, response: requests.Response, offer: Offer, *, at: int) -> bool:
        """Write the answer behind that byte; returns whether the file then has its length."""
        part = self._part(identifier)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with part.open("ab") as target:
                if _size(part) != at:
                    target.truncate(at)
                self._remember(identifier, offer)
                self._copy(identifier, response, target, offer.size)
                target.flush()
                os.fsync(target.fileno())
        except urllib3.exceptions.HTTPError as error:
            log.info("broke off", file=identifier, reason=" ".join(str(error).split()))
            return False
        except OSError as error:
            raise StoreError(f"{part} cannot be written: {error.strerror or error}; what there is stays") from error
        return offer.size is None or _size(part) >= offer.size

    def _copy(self, identifier: str, response: requests.Response, target: BinaryIO, size: int | None) -> None:
        for chunk in response.raw.stream(CHUNK, decode_content=False):
            target.write(chunk)
            self.progress(identifier, target.tell(), size)

    def _keep(self, identifier: str, offer: Offer) -> Path:
        folder = self.folder / identifier
        try:
            folder.mkdir(exist_ok=True)
            kept = self._part(identifier).replace(folder / offer.name)
        except OSError as error:
            raise StoreError(f"{folder} cannot be written: {error.strerror or error}; what there is stays") from error
        self._offer(identifier).unlink(missing_ok=True)
        return kept

    def _known(self, identifier: str) -> Offer | None:
        try:
            return Offer(**json.loads(self._offer(identifier).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _remember(self, identifier: str, offer: Offer) -> None:
        beside = self.folder / f"{identifier}.offer.new"
        beside.write_text(json.dumps(asdict(offer)))
        beside.replace(self._offer(identifier))

    def _discard(self, identifier: str) -> None:
        self._part(identifier).unlink(missing_ok=True)
        self._offer(identifier).unlink(missing_ok=True)

    def _part(self, identifier: str) -> Path:
        return self.folder / f"{identifier}.part"

    def _offer(self, identifier: str) -> Path:
        return self.folder / f"{identifier}.offer"


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _check(response: requests.Response, identifier: str, *, with_token: bool) -> None:
    """See that an answer holds the file, or a part of it.

    Raises
    ------
    Refused
        It does not, and will not: this file's affair.
    Unavailable
        It does not now: likely the service's affair.
    """
    status = response.status_code
    if status in {401, 403}:
        remedy = "the token does not open it" if with_token else "needs a token (MUSEVAULT_ESO_TOKEN)"
        raise Refused(f"{identifier}: proprietary: {remedy}")
    if status in BUSY:
        raise Unavailable(f"{identifier}: cannot be fetched: the service is too busy ({status})")
    if status not in {WHOLE, PART}:
        raise Refused(f"{identifier}: the service answers {status} {response.reason}")
