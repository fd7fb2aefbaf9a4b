"""Room on a machine: taken, given back, and shared fairly."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from archive.budget import Budget, NoRoom
from archive.needs import Needs

SMALL, WIDE = Needs(cores=1, memory=0), Needs(cores=2, memory=0)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


async def hold(budget: Budget, needs: Needs, name: str, seconds: float, done: list[str]) -> None:
    async with budget.taken(needs, name, patience=60):
        await asyncio.sleep(seconds)
        done.append(name)


def test_what_does_not_fit_is_turned_away_and_what_does_goes_on() -> None:
    async def story() -> None:
        budget = Budget(2, 100)
        with pytest.raises(NoRoom, match="needs 3 cores"):
            async with budget.taken(Needs(cores=3, memory=0), "large", patience=1):
                pass
        async with budget.taken(WIDE, "first", patience=1):
            with pytest.raises(NoRoom, match="busy"):
                async with budget.taken(SMALL, "second", patience=0.01):
                    pass
        async with budget.taken(SMALL, "second", patience=1):
            pass

    run(story())


def test_a_wide_job_gets_its_turn_among_many_small_ones() -> None:
    """More small ones wait than there is room for, so that never both cores are free by chance."""

    async def story() -> None:
        budget, done = Budget(2, 100, fair=0.2), list[str]()
        tasks = []

        async def stream() -> None:
            for number in range(60):
                tasks.append(
                    asyncio.ensure_future(hold(budget, SMALL, f"small-{number}", 0.04 + 0.011 * (number % 5), done))
                )
                await asyncio.sleep(0.01)

        streaming = asyncio.ensure_future(stream())
        await asyncio.sleep(0.1)
        for _ in range(100):
            try:
                async with budget.taken(WIDE, "wide", patience=0.03):
                    done.append("wide")
                    break
            except NoRoom:
                continue
        await streaming
        await asyncio.gather(*tasks)
        assert "wide" in done
        assert done.index("wide") < 45
        assert len(done) == 61

    run(story())


def test_one_that_does_not_come_back_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        budget = Budget(2, 100, fair=0.0)
        async with budget.taken(SMALL, "first", patience=1):
            with pytest.raises(NoRoom):
                async with budget.taken(WIDE, "gone", patience=0.01):
                    pass
            with pytest.raises(NoRoom):
                async with budget.taken(SMALL, "second", patience=0.01):
                    pass
            monkeypatch.setattr("archive.budget.FORGOTTEN_SECONDS", 0.0)
            async with budget.taken(SMALL, "second", patience=1):
                pass

    run(story())
