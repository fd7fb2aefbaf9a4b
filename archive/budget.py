"""The processors and the memory of one worker: taken before a job begins, given back after it.

A wide job beside many small ones would never find room: once one has been turned away for a minute, no other is let in
before it.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from archive.needs import Needs

__all__ = ["Budget", "NoRoom"]

FAIR_SECONDS: Final = 60.0
FORGOTTEN_SECONDS: Final = 30.0
"""After which one that was turned away and did not ask again is taken to be done elsewhere."""


class NoRoom(Exception):
    """The job does not fit beside the others for now, or into this machine at all."""


class Budget:
    """What is left of a machine; who has been turned away for ``fair`` seconds goes before the others."""

    def __init__(self, cores: int, memory: int, *, fair: float = FAIR_SECONDS) -> None:
        self._fair: Final = fair
        self._turned_away: Final[dict[str, tuple[float, float]]] = {}
        self._cores: Final = cores
        self._memory: Final = memory
        self._left = Needs(cores, memory)
        self._changed: Final = asyncio.Condition()

    @property
    def cores(self) -> int:
        """How many processors there are in all."""
        return self._cores

    def admits(self, needs: Needs) -> bool:
        """Tell whether so much is there at all."""
        return needs.cores <= self._cores and needs.memory <= self._memory

    @asynccontextmanager
    async def taken(self, needs: Needs, name: str, *, patience: float) -> AsyncIterator[None]:
        """Take what the job of a name needs for as long as the block runs.

        Raises
        ------
        NoRoom
            It is not there, or not within ``patience`` seconds.
        """
        if not self.admits(needs):
            raise NoRoom(
                f"it needs {needs.cores} cores and {needs.memory >> 20} MB of memory;"
                f" this worker has {self._cores} and {self._memory >> 20} MB"
            )
        try:
            async with asyncio.timeout(patience):
                await self._take(needs, name)
        except TimeoutError as error:
            first, _ = self._turned_away.get(name, (time.monotonic() - patience, 0.0))
            self._turned_away[name] = first, time.monotonic()
            raise NoRoom("others keep the machine busy") from error
        self._turned_away.pop(name, None)
        try:
            yield
        finally:
            await asyncio.shield(self._give(needs))

    async def _take(self, needs: Needs, name: str) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._fits(needs) and self._is_next(name))
            self._left = Needs(self._left.cores - needs.cores, self._left.memory - needs.memory)

    async def _give(self, needs: Needs) -> None:
        async with self._changed:
            self._left = Needs(self._left.cores + needs.cores, self._left.memory + needs.memory)
            self._changed.notify_all()

    def _fits(self, needs: Needs) -> bool:
        return needs.cores <= self._left.cores and needs.memory <= self._left.memory

    def _is_next(self, name: str) -> bool:
        """Tell whether no other has been waiting for too long, and longer."""
        now = time.monotonic()
        for other, (_, last) in list(self._turned_away.items()):
            if last < now - FORGOTTEN_SECONDS and other != name:
                del self._turned_away[other]
        starved = {other: first for other, (first, _) in self._turned_away.items() if first < now - self._fair}
        return not starved or min(starved, key=lambda other: starved[other]) == name
