"""Tables fetched by http and https, as a service may that strangers give addresses to.

Only public addresses, or hosts that the operator lists; a name is looked up once and that address is connected to;
every redirect is checked anew; the time of all of it and the bytes are bounded.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from server.uploads.addresses import resolved
from server.uploads.errors import UploadError
from server.uploads.limits import Limits

__all__ = ["fetch"]

REDIRECTS: Final = 3
BLOCK: Final = 1 << 16
SILENCE_SECONDS: Final = 15.0
PORTS: Final = {"http": 80, "https": 443}
MOVED: Final = frozenset({301, 302, 303, 307, 308})


class _To(http.client.HTTPConnection):
    """A connection to an address that was looked up and checked before."""

    def __init__(self, url: SplitResult, addresses: tuple[str, ...], *, left: float, trusted: Path | None) -> None:
        port = url.port or PORTS[url.scheme]
        super().__init__(str(url.hostname), port, timeout=min(SILENCE_SECONDS, left))
        self.default_port = PORTS[url.scheme]
        self._addresses = addresses
        self._secure = _trusting(trusted) if url.scheme == "https" else None

    def connect(self) -> None:
        """Connect to the first of the addresses that answers."""
        self.sock = self._connected()
        if self._secure is not None:
            self.sock = self._secure.wrap_socket(self.sock, server_hostname=self.host)

    def _connected(self) -> socket.socket:
        for address in self._addresses[:-1]:
            try:
                return socket.create_connection((address, self.port), self.timeout)
            except OSError:
                continue
        return socket.create_connection((self._addresses[-1], self.port), self.timeout)

    def cut(self) -> None:
        """End it from outside: whoever waits for bytes gets none."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):
            return


def fetch(address: str, path: Path, limits: Limits) -> None:
    """Fetch a table into a file.

    Raises
    ------
    UploadError
        The address may not be fetched from, does not answer with a table, or is too slow or too large.
    """
    end = time.monotonic() + limits.seconds
    for _ in range(REDIRECTS + 1):
        url = _split(address)
        addresses = resolved(str(url.hostname), url.port or PORTS[url.scheme], allowed=limits.hosts)
        try:
            with _asked(url, addresses, end, trusted=limits.trusted) as response:
                if response.status not in MOVED:
                    _keep(response, path, limits, end)
                    return
                address = urljoin(address, response.headers.get("Location", ""))
        except ssl.SSLCertVerificationError as error:
            raise UploadError(f"the certificate of {url.hostname} is not trusted: {error.verify_message}") from error
        except (OSError, http.client.HTTPException) as error:
            late = time.monotonic() >= end
            words = f"takes longer than {limits.seconds:g} s" if late else "does not answer as it should"
            raise UploadError(f"{url.hostname} {words}") from error
    raise UploadError(f"its address redirects more than {REDIRECTS} times")


def _trusting(further: Path | None) -> ssl.SSLContext:
    """Return what checks certificates: against the system's authorities and those of a file."""
    context = ssl.create_default_context()
    if further is not None:
        context.load_verify_locations(further)
    return context


def _split(address: str) -> SplitResult:
    try:
        url = urlsplit(address)
        known = url.scheme in PORTS and url.hostname and (url.port is None or url.port > 0)
    except ValueError as error:
        raise UploadError(f"{address[:80]!r} is no address") from error
    if not known:
        raise UploadError(f"{address[:80]!r} is no address by http or https")
    if url.username is not None or url.password is not None:
        raise UploadError("an address may not hold a password")
    if any(letter <= " " or letter > "~" for letter in address):
        raise UploadError(f"{address[:80]!r} has letters that an address may not have")
    return url


@contextmanager
def _asked(
    url: SplitResult, addresses: tuple[str, ...], end: float, *, trusted: Path | None
) -> Iterator[http.client.HTTPResponse]:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection = _To(url, addresses, left=left, trusted=trusted)
    watch = threading.Timer(left, connection.cut)
    watch.daemon = True
    watch.start()
    try:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        headers = {"User-Agent": "musevault", "Accept-Encoding": "identity", "Connection": "close"}
        connection.request("GET", target, headers=headers)
        with connection.getresponse() as response:  # closing the connection would leave it open
            yield response
    finally:
        watch.cancel()
        connection.close()


def _keep(response: http.client.HTTPResponse, path: Path, limits: Limits, end: float) -> None:
    if response.status != 200:
        raise UploadError(f"its address answers with status {response.status}")
    left = limits.bytes
    with path.open("wb") as file:
        while block := response.read1(BLOCK):
            left -= len(block)
            if left < 0:
                raise UploadError(f"it is larger than {limits.size}")
            if time.monotonic() > end:
                raise TimeoutError
            file.write(block)
    if response.length or time.monotonic() > end:
        raise http.client.IncompleteRead(b"")
