"""What a job of the chain works with: its raw frames, and the calibrations that the catalogue associates with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from archive import products, reducible
from archive.archive import Archive
from archive.association_rules import Mode
from archive.calibrations import associations
from archive.errors import Refused
from archive.set_of_frames import link_files
from processing.chain.stages import Stage, stages_of
from processing.esorex.frame import Frame
from schema.exposures import Exposure
from schema.products import Product

__all__ = ["Supply", "supply"]


@dataclass(frozen=True)
class Supply:
    """Raw frames of one sort in the order of time, their IFUs, and calibrations by tag: files, and what they are."""

    tag: str
    exposures: tuple[Exposure, ...]
    raw: tuple[Frame, ...]
    ifus: tuple[int, ...]
    calibrations: Mapping[str, tuple[Frame, ...]]
    found: Mapping[str, tuple[Product, ...]]


def supply(archive: Archive, dp_ids: Sequence[str], folder: Path) -> Supply:
    """Bring raw frames of one sort and their calibrations into a folder.

    What calibrations the first frame has, all have: they were taken together.

    Raises
    ------
    Refused
        They are not of one sort, none of their detectors is alive in all, or the file of one is not held.
    """
    exposures = tuple(reducible.exposures(archive.database, dp_ids))
    tags = {one.raw_tag for one in exposures}
    if len(tags) != 1 or None in tags or len(exposures) < len(dp_ids):
        raise Refused(f"{', '.join(dp_ids)} are not raw frames of one sort that the archive knows")
    tag = str(exposures[0].raw_tag)
    first, *others = associations(archive.database, [one.dp_id for one in exposures], Mode.MASTER)
    linked = link_files(archive, [first, *(replace(tree, members=()) for tree in others)], str(folder))
    own = {one.dp_id for one in exposures}
    wanted = _wanted(stages_of(tag))
    missing = [name for name in linked.missing if name in own or _tags_of(first.calibrations, name) & wanted]
    if missing:
        raise Refused(f"the archive does not hold the file of {', '.join(missing)}")
    paths = {path.name.partition(".fits")[0]: path for path, _ in linked.lines}
    used = [key for key in first.calibrations if key[0] in wanted and key[1] not in linked.missing]
    calibrations: dict[str, tuple[Frame, ...]] = {}
    found: dict[str, tuple[Product, ...]] = {}
    for its_tag, name in used:
        calibrations[its_tag] = (*calibrations.get(its_tag, ()), Frame(paths[name], its_tag))
        found[its_tag] = (*found.get(its_tag, ()), products.get(archive, name))
    raw = tuple(Frame(paths[one.dp_id], tag) for one in exposures)
    return Supply(tag, exposures, raw, _ifus(archive, exposures), calibrations, found)


def _wanted(stages: Sequence[Stage]) -> frozenset[str]:
    return frozenset(tag for stage in stages for tag in (*stage.takes, *stage.may_take))


def _tags_of(calibrations: Mapping[tuple[str, str], object], name: str) -> set[str]:
    return {tag for tag, file_id in calibrations if file_id == name}


def _ifus(archive: Archive, exposures: Sequence[Exposure]) -> tuple[int, ...]:
    alive = [set(reducible.channels(archive.database, one.dp_id)) for one in exposures]
    common = set.intersection(*alive)
    if not common:
        raise Refused(f"no detector is alive in all of {', '.join(one.dp_id for one in exposures)}")
    return tuple(sorted(common))
