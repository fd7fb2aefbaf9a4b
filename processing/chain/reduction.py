"""Run the recipes of a sort of raw frames one after the other, an IFU each where they can; files in, files out.

Which calibrations go in is said by the caller; what an earlier stage made of the same frames takes their place.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from astropy.io import fits

from archive.errors import Refused
from processing.chain.stages import Stage, stages_of
from processing.esorex.frame import Frame
from processing.esorex.recipe import Limits, Recipe
from processing.esorex.run import Outcome, run

__all__ = ["AT_ONCE", "Reduced", "memory", "reduce", "seconds"]

AT_ONCE: Final = 2
"""IFUs that are worked on together: each takes memory, and keeps a processor busy."""

IFU_BYTES: Final = 1_500_000_000
TABLE_BYTES: Final = 750_000_000
"""Memory of a run on one IFU, and of the pixel table of each where a run takes all of them."""

BASE_BYTES: Final = 500_000_000
SECONDS: Final[Mapping[str, float]] = {
    "muse_bias": 17.0, "muse_flat": 23.0, "muse_wavecal": 40.0, "muse_lsf": 60.0,
    "muse_twilight": 30.0, "muse_scibasic": 10.0, "muse_standard": 60.0, "muse_create_sky": 60.0,
}  # fmt: skip
"""Of an IFU, as measured on a small machine."""

LIMIT_FACTOR: Final = 30.0
NO_REFRACTION: Final = {"lambdaref": -1.0}
"""Simulated frames have no atmosphere that spreads colours: to correct for it would smear them."""

OF_IFU: Final = re.compile(r"IFU +(\d+)")
FAILED: Final = "Basic processing failed"
REFRACTED: Final = frozenset({"muse_create_sky", "muse_standard"})


@dataclass(frozen=True)
class Reduced:
    """What came of frames: files by tag, those of single IFUs in their order; tags of the calibrations that were used.

    ``software`` is the pipeline with its version; ``warnings`` are those that mean something; ``simulated`` tells
    whether no telescope ever saw the frames.
    """

    files: Mapping[str, tuple[Path, ...]]
    used: frozenset[str]
    logs: tuple[str, ...]
    warnings: tuple[str, ...]
    software: str
    simulated: bool


def reduce(
    tag: str,
    raw: Sequence[Frame],
    calibrations: Mapping[str, Sequence[Frame]],
    folder: Path,
    *,
    ifus: Sequence[int],
    tell: Callable[[float, str], None] = lambda _fraction, _words: None,
) -> Reduced:
    """Reduce raw frames of one sort.

    Parameters
    ----------
    calibrations
        By tag.
    folder
        For the runs, to be made.

    Raises
    ------
    Refused
        A calibration that a stage needs is not there, or the pipeline fails; the text names the IFU.
    """
    stages = stages_of(tag)
    made: dict[str, tuple[Path, ...]] = {}
    outcomes: list[Outcome] = []
    simulated = _is_simulated(raw)
    for number, stage in enumerate(stages):
        tell(number / len(stages), f"{stage.recipe} on {len(raw)} {tag}, {len(ifus)} IFUs")
        frames = [*_worked_on(stage, raw, made), *_beside(stage, calibrations, made)]
        of_stage = _run(stage, frames, folder / f"{number}_{stage.recipe}", ifus=ifus, is_simulated=simulated)
        for category in stage.makes:
            made[category] = tuple(one.path for outcome in of_stage for one in outcome.products[category])
        outcomes += of_stage
    warnings = _telling((words for outcome in outcomes for words in outcome.warnings), ifus)
    wanted = frozenset(category for stage in stages for category in (*stage.takes, *stage.may_take))
    used = wanted & frozenset(calibrations)
    return Reduced(made, used, tuple(outcome.log for outcome in outcomes), warnings, _version(outcomes), simulated)


def memory(tag: str, ifus: int) -> float:
    """Return how many bytes the reduction of frames takes: what works on all IFUs in one run holds them all."""
    by_ifu = IFU_BYTES * min(max(1, ifus), AT_ONCE)
    together = TABLE_BYTES * ifus if any(stage.all_ifus for stage in stages_of(tag)) else 0
    return BASE_BYTES + max(by_ifu, together)


def seconds(tag: str, ifus: int) -> float:
    """Return how long the reduction of frames takes on one processor."""
    return ifus * sum(SECONDS[stage.recipe] for stage in stages_of(tag))


def _worked_on(stage: Stage, raw: Sequence[Frame], made: Mapping[str, Sequence[Path]]) -> list[Frame]:
    if stage.raw in made:
        return [Frame(path, stage.raw) for path in made[stage.raw]]
    return list(raw)


def _beside(
    stage: Stage, calibrations: Mapping[str, Sequence[Frame]], made: Mapping[str, Sequence[Path]]
) -> list[Frame]:
    own = {tag: [Frame(path, tag) for path in made[tag]] for tag in stage.takes if tag in made}
    held = {tag: calibrations.get(tag, ()) for tag in (*stage.takes, *stage.may_take) if tag not in own}
    lacking = [tag for tag in stage.takes if tag not in own and not held[tag]]
    if lacking:
        raise Refused(f"{stage.recipe} needs {', '.join(lacking)}, of which none is associated with its frames")
    return [frame for several in (*own.values(), *held.values()) for frame in several]


def _run(
    stage: Stage, frames: Sequence[Frame], folder: Path, *, ifus: Sequence[int], is_simulated: bool
) -> list[Outcome]:
    folder.mkdir(parents=True)
    parameters = {**stage.parameters, **(NO_REFRACTION if is_simulated and stage.recipe in REFRACTED else {})}
    makes = dict.fromkeys(stage.makes, 1)
    limits = Limits(LIMIT_FACTOR * SECONDS[stage.recipe] * (len(ifus) if stage.all_ifus else 1), threads=1)
    if stage.all_ifus:
        return [run(Recipe(stage.recipe, makes, parameters), frames, folder / "all", limits)]

    def of_one(ifu: int) -> Outcome:
        try:
            recipe = Recipe(stage.recipe, makes, {"nifu": ifu, **parameters})
            return run(recipe, frames, folder / f"{ifu:02d}", limits)
        except Refused as error:
            raise Refused(f"IFU {ifu}: {error}") from error

    with ThreadPoolExecutor(AT_ONCE, stage.recipe) as pool:
        return list(pool.map(of_one, ifus))


def _telling(warnings: Iterable[str], ifus: Sequence[int]) -> tuple[str, ...]:
    """Return warnings that are about IFUs that are there.

    Raises
    ------
    Refused
        A recipe for all IFUs went on without one of them.
    """
    found = []
    for words in dict.fromkeys(warnings):
        match = OF_IFU.search(words)
        if match is not None and int(match[1]) not in ifus:
            continue
        if match is not None and words.startswith(FAILED):
            raise Refused(f"the pipeline left an IFU out: {words}")
        found.append(words)
    return tuple(found)


def _version(outcomes: Sequence[Outcome]) -> str:
    (first, *_), *_ = outcomes[0].products.values()
    return str(first.header.get("ESO PRO REC1 PIPE ID", "muse"))


def _is_simulated(raw: Sequence[Frame]) -> bool:
    return fits.getheader(raw[0].path).get("SIMULATE") is True
