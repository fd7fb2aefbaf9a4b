"""ESO's night-log reports: one text on one execution of an observation block, with the weather of its night.

Pure: text in, facts out.  Any block may be missing; what cannot be read is told as an oddity, and the rest is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from archive.errors import Refused
from ingest.headers import moment, whole
from ingest.nightlog_blocks import (
    Constraint,
    Frame,
    Oddity,
    constraints,
    frames,
    grade,
    labels,
)
from ingest.nightlog_text import Block, Sort, Span, blocks, moment_of_frame, night_of, night_of_link, plausible
from ingest.nightlog_weather import WeatherNote, ranges, weather

__all__ = ["Execution", "Report", "parse"]

COMPLETED: Final = frozenset("ABD")
WITHIN: Final = frozenset("AB")
LARGEST: Final = 2**63
NO_COMMENTS: Final = frozenset({"no comments", "no comment", "none"})


@dataclass(frozen=True)
class Execution:
    """The execution of an observation block; ``ob_start`` in UTC, ``grade`` None where none was given."""

    ob_id: int | None
    ob_start: datetime | None
    ob_name: str | None
    target_name: str | None
    run_id: str | None
    instrument: str | None
    container: str | None
    comment: str | None
    grade: str | None
    constraints: tuple[Constraint, ...]
    frames: tuple[Frame, ...]

    @property
    def completed(self) -> bool | None:
        """Whether the grade completes the block."""
        return None if self.grade is None else self.grade in COMPLETED

    @property
    def within_constraints(self) -> bool | None:
        """Whether the grade says that the constraints were kept."""
        return None if self.grade is None else self.grade in WITHIN


@dataclass(frozen=True)
class Report:
    """All that a report tells.

    ``ranges`` are of seeing (arcsec), humidity (per cent), wind (m/s) and temperature (Celsius); ``execution`` is
    None in a report that is on the night alone.
    """

    night: str | None
    ranges: dict[str, Span]
    comment: str | None
    weather: tuple[WeatherNote, ...]
    execution: Execution | None
    oddities: tuple[Oddity, ...]


def parse(text: str) -> Report:
    """Read a report.

    Raises
    ------
    Refused
        Neither an observation block, nor a frame, nor a night is in it.
    """
    found = blocks(text)
    odd = [Oddity("block", f"{b.lines[0].strip()!r} begins a block that is not known") for b in found if not b.sort]
    execution = _execution(found, odd)
    night = _night(found, execution, odd)
    if night is None and execution is None:
        raise Refused("no night-log report: it names no observation block, no frame and no night")
    limits, overall = ranges(_of(found, "conditions"), odd)
    general = [b.text for b in _of(found, "general")]
    return Report(
        night=night,
        ranges=limits,
        comment="\n".join(filter(None, map(_telling, (overall, *general)))) or None,
        weather=weather(_of(found, "weather"), night, odd),
        execution=execution,
        oddities=tuple(odd),
    )


def _of(found: Sequence[Block], *sorts: Sort) -> list[Block]:
    return [block for block in found if block.sort in sorts]


def _telling(words: str | None) -> str | None:
    return None if words is None or words.lower().rstrip(".") in NO_COMMENTS else words


def _execution(found: Sequence[Block], odd: list[Oddity]) -> Execution | None:
    said = labels(_of(found, "block", "execution"))
    taken = frames(found, odd)
    ob_id = _ob_id(said, odd)
    if ob_id is None and not taken:
        return None
    comments = [_telling(block.text) for block in _of(found, "comment")]
    container = said.get("container")
    return Execution(
        ob_id=ob_id,
        ob_start=_start(said.get("obs.start"), odd),
        ob_name=said.get("name") or None,
        target_name=said.get("target") or None,
        run_id=said.get("run") or None,
        instrument=said.get("instrument") or None,
        container=None if container in {None, "", "0"} else container,
        comment="\n".join(filter(None, comments)) or None,
        grade=grade(labels(_of(found, "constraints")).get("grade"), odd),
        constraints=constraints(_of(found, "constraints"), odd),
        frames=taken,
    )


def _ob_id(said: dict[str, str], odd: list[Oddity]) -> int | None:
    written = [said[name] for name in ("ob", "obs.id") if said.get(name)]
    numbers = [found for found in map(whole, written) if found is not None and 0 < found < LARGEST]
    if len(numbers) < len(written):
        odd.append(Oddity("ob-id", f"{' and '.join(map(repr, written))}: no number of an observation block"))
    elif len(set(numbers)) > 1:
        odd.append(Oddity("ob-id", f"the report is on {numbers[0]}, its files are of {numbers[1]}"))
    return numbers[0] if numbers else None


def _start(words: str | None, odd: list[Oddity]) -> datetime | None:
    read = None if not words else moment(words)
    found = None if read is None else plausible(read)
    if words and found is None:
        odd.append(Oddity("ob-start", f"{words!r} is no time"))
    return found


def _night(found: Sequence[Block], execution: Execution | None, odd: list[Oddity]) -> str | None:
    """Tell the night: as the link to the monitors has it, else that of the block's start, else of the first frame."""
    links = (line for block in _of(found, "link") for line in block.lines)
    linked = next(filter(None, map(night_of_link, links)), None)
    began = None
    if execution is not None:
        times = (moment_of_frame(frame.dp_id) for frame in execution.frames)
        moments = filter(None, (execution.ob_start, *times))
        began = next((night_of(one) for one in moments), None)
    if linked is not None and began is not None and linked != began:
        odd.append(Oddity("night", f"the report links to the night {linked}, the block began in that of {began}"))
    return linked or began
