"""Failed log-ins, so that passwords cannot be tried out quickly: each failure makes the next wait longer."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

__all__ = ["Attempts"]

FREE: Final = 5
"""Failures that cost nothing: people mistype."""

LONGEST_SECONDS: Final = 60.0
FORGOTTEN_SECONDS: Final = 900.0
MOST: Final = 10_000


@dataclass(frozen=True)
class _Failures:
    count: int
    last: float

    def wait(self, now: float) -> float:
        """Return the seconds for which no other attempt is looked at."""
        if self.count < FREE:
            return 0.0
        return self.last + min(2.0 ** (self.count - FREE), LONGEST_SECONDS) - now


class Attempts:
    """The failures of the last while, by whoever they are counted by; the oldest go when there are many."""

    def __init__(self) -> None:
        self._failures: Final[OrderedDict[tuple[str, str], _Failures]] = OrderedDict()
        self._lock: Final = threading.Lock()

    def wait(self, key: tuple[str, str]) -> float:
        """Return the seconds that must pass before the next attempt; 0 or less means it may be made."""
        now = time.monotonic()
        with self._lock:
            found = self._failures.get(key)
            return 0.0 if found is None else found.wait(now)

    def failed(self, key: tuple[str, str]) -> None:
        """Count a failure."""
        now = time.monotonic()
        with self._lock:
            known = self._failures.pop(key, None)
            count = known.count if known is not None and now - known.last < FORGOTTEN_SECONDS else 0
            self._failures[key] = _Failures(count + 1, now)
            while len(self._failures) > MOST:
                self._failures.popitem(last=False)

    def succeeded(self, key: tuple[str, str]) -> None:
        """Forget the failures."""
        with self._lock:
            self._failures.pop(key, None)
