"""How long a query may keep its client waiting for the first rows.

A query that has none after a moment is shown to PostgreSQL's planner: what it predicts to take too long is broken off
there and then.  So the many queries that are quick pay nothing for it, and a costly one whose rows flow is let alone.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

__all__ = ["Forecast", "Patience"]

MOMENT_SECONDS: Final = 0.25


@dataclass(frozen=True)
class Forecast:
    """How the planner's estimate of a query's cost is had, and the most that it may be."""

    estimate: Callable[[], float | None]
    limit: float


class Patience:
    """Calls ``cancel`` when the block takes longer than ``seconds``, or is expected to."""

    def __init__(self, cancel: Callable[[], None], seconds: float, forecast: Forecast | None) -> None:
        self.predicted: float | None = None
        """The estimate for which the query was broken off."""

        self._cancel: Final = cancel
        self._seconds: Final = seconds
        self._forecast: Final = forecast
        self._over: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._over.set()

    def _watch(self) -> None:
        left = self._seconds
        if self._forecast is not None and left > MOMENT_SECONDS:
            if self._over.wait(MOMENT_SECONDS):
                return
            left -= MOMENT_SECONDS
            cost = self._forecast.estimate()
            if cost is not None and cost > self._forecast.limit and not self._over.is_set():
                self.predicted = cost
                self._cancel()
                return
        if not self._over.wait(left):
            self._cancel()
