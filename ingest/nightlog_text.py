"""The shape of ESO's night-log reports: blocks between lines of dashes, and the small forms that stand in them.

Pure.  What the blocks mean is in ``nightlog``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from ingest.headers import number

__all__ = [
    "LABEL",
    "Block",
    "Sort",
    "Span",
    "blocks",
    "cells",
    "decode",
    "looks_like_a_report",
    "moment_of_frame",
    "night_of",
    "night_of_link",
    "plausible",
    "span",
]

LABEL: Final = re.compile(r"\s*([^:\t]+?)\s*:\s*(.*?)\s*$", re.DOTALL)
RULE: Final = re.compile(r"\s*-{5,}\s*$")

SORTS: Final = (
    ("conditions", re.compile(r"general weather conditions\s*:?", re.IGNORECASE)),
    ("weather", re.compile(r"weather observations\s*:?", re.IGNORECASE)),
    ("link", re.compile(r"see\s*:", re.IGNORECASE)),
    ("general", re.compile(r"general comments?\s*:?", re.IGNORECASE)),
    ("block", re.compile(r"(?=OB\s*:)")),
    ("comment", re.compile(r"comments?\s*:", re.IGNORECASE)),
    ("constraints", re.compile(r"(?=(constraint\b.*fulfilled|grade\s*:))", re.IGNORECASE)),
    ("files", re.compile(r"files produced.*", re.IGNORECASE)),
    ("execution", re.compile(r"(?=OBS\.(ID|START)\s*:)", re.IGNORECASE)),
    ("template", re.compile(r"(?=template\s*:)", re.IGNORECASE)),
    ("frames", re.compile(r"(?=original filename\b)", re.IGNORECASE)),
    ("legend", re.compile(r"OB grades\s*:?", re.IGNORECASE)),
)
"""By what the first line of each sort of block is known; a title proper is no part of the block."""

Sort = str
OPEN: Final = frozenset({"conditions", "weather", "general", "comment"})
"""Blocks in which people write: a line of dashes may be theirs, and what follows it goes on with the block."""

TELLING: Final = frozenset({"conditions", "weather", "constraints", "files", "frames", "legend"})
"""Blocks that no other text has."""

SPAN: Final = re.compile(r"(?P<low>[-+]?\d+(?:\.\d+)?)(?:\s*(?:-|to)\s*(?P<high>[-+]?\d+(?:\.\d+)?))?(?![\d.])")
DP_ID: Final = re.compile(r"[A-Z0-9_]+\.(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)")
LINK: Final = re.compile(r"night=(\d{1,2})(?:\+|%20|\s)([A-Za-z]{3})[a-z]*(?:\+|%20|\s)(\d{4})")
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass
class Block:
    """A block of a report: its sort, empty for one that is not known, and its lines without the title."""

    sort: Sort
    lines: list[str]

    @property
    def text(self) -> str | None:
        """What is written in it, or None when nothing is."""
        return "\n".join(line.rstrip() for line in self.lines).strip() or None


class Span(NamedTuple):
    """From the lowest to the highest."""

    low: float
    high: float


def decode(content: bytes) -> str:
    """Read bytes as text, UTF-8 or else Latin-1; lines end in one way, and NUL, which no table takes, goes."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def blocks(text: str) -> list[Block]:
    """Cut a report into its blocks; what people wrote on after a line of dashes stays with what went before."""
    found: list[Block] = []
    for lines in _pieces(text):
        first = next((n for n, line in enumerate(lines) if line.strip()), None)
        if first is None:
            continue
        block = _recognised(lines[first:])
        before = found[-1] if found else None
        if block.sort or before is None or (before.lines and before.sort not in OPEN):
            found.append(block)
        else:
            before.lines += block.lines
    return found


def looks_like_a_report(text: str) -> bool:
    """Tell whether a text is a night-log report, whatever its name."""
    return any(block.sort in TELLING for block in blocks(text))


def cells(line: str) -> list[str]:
    """Cut a line of a table at its tabs, or, where it has none, at two blanks or more."""
    parts = line.split("\t") if "\t" in line else re.split(r"\s{2,}", line)
    return [part.strip() for part in parts]


def span(words: str) -> Span | None:
    """Read a range as in ``0.29 - 1.1"``, or a single number as one; None where there is none."""
    match = SPAN.match(words.strip())
    if match is None:
        return None
    low = number(match["low"])
    high = low if match["high"] is None else number(match["high"])
    if low is None or high is None:
        return None
    return Span(min(low, high), max(low, high))


def moment_of_frame(dp_id: str) -> datetime | None:
    """Return the time, UTC, that an identifier of a frame tells, or None when it is no such identifier."""
    match = DP_ID.fullmatch(dp_id)
    try:
        return None if match is None else plausible(datetime.fromisoformat(match[1]))
    except ValueError:
        return None


def plausible(moment: datetime) -> datetime | None:
    """Return a moment, in UTC without its zone, if telescopes may have observed then, else None."""
    if not FIRST_YEAR <= moment.year < LAST_YEAR:
        return None
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def night_of(moment: datetime) -> str:
    """Return the night of a moment: the date, UTC, of twelve hours before."""
    return (moment - timedelta(hours=12)).date().isoformat()


def night_of_link(words: str) -> str | None:
    """Return the night that a link to the site's monitors names as in ``night=15+Jun+2017``, or None."""
    match = LINK.search(words)
    if match is None or match[2].lower() not in MONTHS:
        return None
    try:
        day = datetime(int(match[3]), MONTHS.index(match[2].lower()) + 1, int(match[1]))  # noqa: DTZ001  UTC
    except ValueError:
        return None
    return None if plausible(day) is None else day.date().isoformat()


def _pieces(text: str) -> Iterator[list[str]]:
    lines: list[str] = []
    for line in text.split("\n"):
        if RULE.match(line):
            yield lines
            lines = []
        else:
            lines.append(line)
    yield lines


def _recognised(lines: list[str]) -> Block:
    for sort, title in SORTS:
        match = title.match(lines[0].strip())
        if match is not None:
            rest = lines[0].strip()[match.end() :]
            return Block(sort, [rest, *lines[1:]] if rest.strip() else lines[1:])
    return Block("", lines)
