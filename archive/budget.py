"""The processors and the memory of one worker: taken before a job begins, given back after it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from archive.needs import Needs

__all__ = ["Budget", "NoRoom"]


class NoRoom(Exception):
    """The job does not fit beside the others for now, or into this machine at all."""


class Budget:
    """What is left of a machine."""

    def __init__(self, cores: int, memory: int) -> None:
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
    async def taken(self, needs: Needs, *, patience: float) -> AsyncIterator[None]:
        """Take what a job needs for as long as the block runs.

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
                await self._take(needs)
        except TimeoutError as error:
            raise NoRoom("others keep the machine busy") from error
        try:
            yield
        finally:
            await asyncio.shield(self._give(needs))

    async def _take(self, needs: Needs) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._fits(needs))
            self._left = Needs(self._left.cores - needs.cores, self._left.memory - needs.memory)

    async def _give(self, needs: Needs) -> None:
        async with self._changed:
            self._left = Needs(self._left.cores + needs.cores, self._left.memory + needs.memory)
            self._changed.notify_all()

    def _fits(self, needs: Needs) -> bool:
        return needs.cores <= self._left.cores and needs.memory <= self._left.memory
