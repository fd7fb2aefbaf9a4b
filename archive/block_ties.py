"""Which raw frame is which exposure of the survey's log, and where log and headers disagree.

Pure: rows in, ties and disagreements out.  ``ties`` reads the rows and writes what is found.

The log numbers the exposures of an observing block by their rank in time among the OBJECT frames of one start of the
template (TPL START); sky frames in between do not count.  A pointing's position is that of its first exposure.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from archive.pointings_near import Spot, nearest, separation

__all__ = ["KINDS", "OBJECT", "SKY", "Disagreement", "Frame", "LoggedBlock", "LoggedPointing", "Tie", "ties"]

OBJECT: Final = "OBJECT"
SKY: Final = "SKY"

OFF: Final = 10.0
"""Arcsec that the first frame may be from the position that the log gives."""
SAME: Final = 30.0
"""Arcsec within which a frame that the log does not know is taken for one of the nearest pointing."""
NEAR: Final = 60.0
"""Arcsec within which such a frame is worth a word."""

KINDS: Final = ("rank-missing", "position", "mode", "ao", "programme-unknown", "programmes", "start-unknown")


@dataclass(frozen=True)
class LoggedBlock:
    """A start of the template as the log has it; ``ranks`` are the exposures in the mosaic."""

    block_id: str
    pointing_id: str
    tpl_start: datetime
    ranks: tuple[int, ...]


@dataclass(frozen=True)
class LoggedPointing:
    """A pointing as the log has it; position in degrees."""

    pointing_id: str
    target: str
    ra: float
    dec: float
    ao_mode: str


@dataclass(frozen=True)
class Frame:
    """What is known of a raw frame; ``from_header`` where its own header was read.

    ``programme_known``: the survey names the frame's programme.  ``science``: the frame is no calibration.
    """

    dp_id: str
    raw_tag: str | None
    tpl_start: datetime | None
    mjd_obs: float | None
    ra: float | None
    dec: float | None
    ins_mode: str | None
    ao_mode: str | None
    programme_id: str | None
    programme_known: bool
    science: bool
    from_header: bool


@dataclass(frozen=True)
class Tie:
    """What a frame belongs to; nothing where all is None."""

    dp_id: str
    block_id: str | None = None
    pointing_id: str | None = None
    target: str | None = None
    rank: int | None = None
    in_mosaic: int | None = None


@dataclass(frozen=True)
class Disagreement:
    """Log and headers at odds over a block or a frame: ``message`` has both values."""

    kind: str
    subject: str
    message: str


def ties(
    blocks: Iterable[LoggedBlock], pointings: Sequence[LoggedPointing], frames: Iterable[Frame]
) -> tuple[list[Tie], list[Disagreement]]:
    """Tie frames to the log.

    Parameters
    ----------
    blocks
        The blocks that the frames may belong to.
    pointings
        All pointings of the survey.
    frames
        All frames that are known of the starts of the template that matter: ranks are counted among them.

    Returns
    -------
    tuple
        One tie for every frame, and the disagreements.
    """
    logged = {block.tpl_start: block for block in blocks}
    known = {pointing.pointing_id: pointing for pointing in pointings}
    spots = sorted(Spot(p.dec, p.ra, p.pointing_id) for p in pointings)
    found: list[Tie] = []
    odd: list[Disagreement] = []
    for start, members in _by_start(frames).items():
        block = None if start is None else logged.get(start)
        if block is not None:
            pointing = known[block.pointing_id]
            found += _in_block(block, pointing, members)
            odd += _disagreements(block, pointing, members)
            continue
        for frame in members:
            tie, more = _by_position(frame, spots, known)
            found.append(tie)
            odd += more
    return found, odd


def _by_start(frames: Iterable[Frame]) -> Mapping[datetime | None, list[Frame]]:
    """Frames by the second in which their template began, each group in the order of time."""
    groups = defaultdict(list)
    for frame in frames:
        groups[frame.tpl_start and frame.tpl_start.replace(microsecond=0)].append(frame)
    for members in groups.values():
        members.sort(key=lambda f: (f.mjd_obs is None, f.mjd_obs or 0.0, f.dp_id))
    return groups


def _objects(members: Iterable[Frame]) -> list[Frame]:
    """Telluric standards, which the pipeline tags as objects too, are not counted."""
    return [frame for frame in members if frame.raw_tag == OBJECT and frame.science]


def _in_block(block: LoggedBlock, pointing: LoggedPointing, members: Sequence[Frame]) -> list[Tie]:
    """Objects get their rank; sky frames belong to the block, but lie beside the pointing; lamps belong to nothing."""
    ranks = {frame.dp_id: rank for rank, frame in enumerate(_objects(members), start=1)}
    found = []
    for frame in members:
        rank = ranks.get(frame.dp_id)
        if rank is not None:
            used = int(rank in block.ranks)
            found.append(Tie(frame.dp_id, block.block_id, block.pointing_id, pointing.target, rank, used))
        elif frame.raw_tag == SKY:
            found.append(Tie(frame.dp_id, block.block_id, target=pointing.target, in_mosaic=0))
        else:
            found.append(Tie(frame.dp_id))
    return found


def _disagreements(block: LoggedBlock, pointing: LoggedPointing, members: Sequence[Frame]) -> list[Disagreement]:
    objects = _objects(members)
    on_sky = [frame for frame in members if frame.raw_tag in {OBJECT, SKY}]
    messages = {
        "rank-missing": _missing_ranks(block, objects) if any(f.from_header for f in on_sky) else None,
        "position": _offset(block, pointing, objects),
        "mode": _several("instrument modes", (f.ins_mode for f in on_sky)),
        "ao": _other_ao(pointing, objects),
        "programme-unknown": _foreign(objects),
        "programmes": _several("programmes", (f.programme_id for f in on_sky)),
    }
    return [Disagreement(kind, block.block_id, message) for kind, message in messages.items() if message is not None]


def _missing_ranks(block: LoggedBlock, objects: Sequence[Frame]) -> str | None:
    missing = [str(rank) for rank in block.ranks if rank > len(objects)]
    if not missing:
        return None
    used = "-".join(map(str, block.ranks))
    return f"the log has exposures {used}, but {len(objects)} OBJECT frames are known: none is number " + ", ".join(
        missing
    )


def _offset(block: LoggedBlock, pointing: LoggedPointing, objects: Sequence[Frame]) -> str | None:
    used = [frame for rank, frame in enumerate(objects, start=1) if rank in block.ranks]
    first = next(iter(used), None)
    if first is None or first.ra is None or first.dec is None:
        return None
    off = separation(first.ra, first.dec, pointing.ra, pointing.dec)
    if off <= OFF:
        return None
    return (
        f"the log has {pointing.pointing_id} at {pointing.ra:.6f} {pointing.dec:+.6f}, the first frame used, "
        f"{first.dp_id}, is at {first.ra:.6f} {first.dec:+.6f}: {off:.1f} arcsec apart"
    )


def _other_ao(pointing: LoggedPointing, objects: Sequence[Frame]) -> str | None:
    said = Counter(f.ao_mode for f in objects if f.ao_mode is not None)
    if set(said) <= {pointing.ao_mode}:
        return None
    return f"the log has {pointing.pointing_id} as {pointing.ao_mode}, the headers have {_counted(said)}"


def _several(what: str, values: Iterable[str | None]) -> str | None:
    said = Counter(value for value in values if value is not None)
    return f"its frames are of several {what}: {_counted(said)}" if len(said) > 1 else None


def _foreign(frames: Iterable[Frame]) -> str | None:
    said = Counter(f.programme_id or "none" for f in frames if not f.programme_known)
    return f"programmes that the survey does not name: {_counted(said)}" if said else None


def _counted(said: Counter[str]) -> str:
    return ", ".join(f"{value} ({count} frame{'s' if count > 1 else ''})" for value, count in sorted(said.items()))


def _by_position(
    frame: Frame, spots: Sequence[Spot], known: Mapping[str, LoggedPointing]
) -> tuple[Tie, list[Disagreement]]:
    """Tie a science frame whose template the log does not know to the pointing where it was taken."""
    if frame.raw_tag != OBJECT or not frame.science:
        return Tie(frame.dp_id), []
    tie, odd = Tie(frame.dp_id), []
    near = None if frame.ra is None or frame.dec is None else nearest(spots, frame.ra, frame.dec, within=NEAR)
    if near is not None:
        pointing_id, off = near
        began = "at an unknown time" if frame.tpl_start is None else f"at {frame.tpl_start.isoformat()}"
        message = f"{off:.1f} arcsec from {pointing_id}, but the log has no template that began {began}"
        odd.append(Disagreement("start-unknown", frame.dp_id, message))
        if off <= SAME:
            tie = Tie(frame.dp_id, None, pointing_id, known[pointing_id].target, in_mosaic=0)
    foreign = _foreign([frame])
    if foreign is not None:
        odd.append(Disagreement("programme-unknown", frame.dp_id, foreign))
    return tie, odd
