"""How another archive is asked: one request at a time, with patience, a time limit and a name.

429, 502, 503, 504 and connections that fail are tried again, each time after a longer wait with some chance in it, or
after what the server asks for (Retry-After), within bounds.  urllib3 does the waiting.
"""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

__all__ = ["BUSY", "Politeness", "session"]

BUSY: Final = frozenset({429, 502, 503, 504})
"""What a server answers that may well answer otherwise a little later."""


@dataclass(frozen=True)
class Politeness:
    """How often and how long to wait.

    Parameters
    ----------
    tries
        How often a request is repeated.
    wait
        Seconds before the second repetition; doubled for each further one, the first is at once.
    jitter
        Up to so many seconds more, by chance, so that clients that failed together do not come back together.
    longest
        Seconds that no wait exceeds, whatever Retry-After asks for.
    connect, read
        Seconds without a connection, or without a byte, after which a request has failed.
    """

    tries: int = 7
    wait: float = 2.0
    jitter: float = 2.0
    longest: int = 300
    connect: float = 30.0
    read: float = 180.0

    def retry(self) -> Retry:
        """Return the policy for urllib3.  Also POST is repeated: queries change nothing."""
        return Retry(
            total=self.tries,
            allowed_methods=None,
            status_forcelist=BUSY,
            raise_on_status=False,
            backoff_factor=self.wait,
            backoff_jitter=self.jitter,
            backoff_max=self.longest,
            retry_after_max=self.longest,
        )


def session(politeness: Politeness) -> requests.Session:
    """Return a session that asks so."""
    return adopt(requests.Session(), politeness)


def adopt(opened: requests.Session, politeness: Politeness) -> requests.Session:
    """Make a session that a library opened ask so, and return it."""
    for scheme in ("https://", "http://"):
        opened.mount(scheme, _TimeLimited(politeness))
    opened.headers["User-Agent"] = f"musevault/{version('musevault')} {opened.headers['User-Agent']}"
    return opened


class _TimeLimited(HTTPAdapter):
    """Adds the time limit, which requests knows for single requests only and pyvo never sets."""

    def __init__(self, politeness: Politeness) -> None:
        super().__init__(max_retries=politeness.retry())
        self._limit = (politeness.connect, politeness.read)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002  as requests has it
        timeout: Any = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        return super().send(request, stream, timeout or self._limit, verify, cert, proxies)
