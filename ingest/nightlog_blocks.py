"""The tables of a night-log report: what was executed, its constraints and grade, its frames.

Pure.  Every reader keeps what it can read and adds to ``odd`` what it cannot.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ingest.headers import measured, number, whole
from ingest.nightlog_text import LABEL, Block, cells, moment_of_frame

__all__ = ["NOTHING", "Constraint", "Frame", "Oddity", "constraints", "frames", "grade", "labels"]

NOTHING: Final = frozenset({"", "-", "n/a"})
JUDGEMENTS: Final = {"yes": True, "no": False}
GRADES: Final = frozenset("ABCDX")
COLUMNS: Final = {
    "original filename": "origfile",
    "archive filename": "dp_id",
    "tpl.expno/nexp": "number",
    "exptime": "exptime",
    "airmass": "airmass",
    "dimm": "dimm_fwhm",
}

MOST_EXPOSURES: Final = 100_000
ENDING: Final = re.compile(r"\.fits(\.\w+)?$", re.IGNORECASE)
SAFE_TIME: Final = re.compile(r"T(\d\d)_(\d\d)_(\d\d)")


@dataclass(frozen=True)
class Oddity:
    """Something in a report that cannot be read or contradicts the rest."""

    kind: str
    message: str


@dataclass(frozen=True)
class Constraint:
    """A constraint of the block: kept or not, None where the report does not judge."""

    name: str
    fulfilled: bool | None
    requested: str | None


@dataclass(frozen=True)
class Frame:
    """A frame that was taken: exposure time in s, seeing in arcsec."""

    dp_id: str
    origfile: str | None = None
    template: str | None = None
    data_product: str | None = None
    ins_mode: str | None = None
    tpl_expno: int | None = None
    tpl_nexp: int | None = None
    exptime: float | None = None
    airmass: float | None = None
    dimm_fwhm: float | None = None


def labels(found: Iterable[Block]) -> dict[str, str]:
    """Read lines of the form ``label: words``; labels in small letters, of a repeated one the first."""
    read: dict[str, str] = {}
    for block in found:
        for line in block.lines:
            match = LABEL.match(line)
            if match is not None:
                read.setdefault(match[1].lower(), match[2])
    return read


def constraints(found: Iterable[Block], odd: list[Oddity]) -> tuple[Constraint, ...]:
    """Read the table of constraints, of which some rows say less than others."""
    read: dict[str, Constraint] = {}
    for line in (line for block in found for line in block.lines if line.strip()):
        first, *rest = cells(line)
        name = first.rstrip(" :")
        if name.lower() in {"constraint", "grade", ""}:
            continue
        judged, requested = (rest[0], next(filter(None, rest[1:]), None)) if rest else ("", None)
        if judged.lower() not in NOTHING and judged.lower() not in JUDGEMENTS:
            odd.append(Oddity("constraint", f"{name}: {judged!r} says neither Yes nor No"))
        if name in read:
            odd.append(Oddity("constraint", f"{name} is there twice: the first is taken"))
        read.setdefault(name, Constraint(name, JUDGEMENTS.get(judged.lower()), requested))
    return tuple(read.values())


def grade(words: str | None, odd: list[Oddity]) -> str | None:
    """Read the grade that was given, or None for none."""
    if words is None or words.strip(" _-?") == "":
        return None
    letter = words.split()[0].upper()
    if letter in GRADES:
        return letter
    odd.append(Oddity("grade", f"{words!r} is no grade"))
    return None


def frames(found: Iterable[Block], odd: list[Oddity]) -> tuple[Frame, ...]:
    """Read the tables of frames, each with the template that is named before it."""
    read: dict[str, Frame] = {}
    taken_by = Frame("")
    for block in found:
        if block.sort == "template":
            named = labels([block])
            taken_by = Frame(
                dp_id="",
                template=named.get("template") or None,
                data_product=named.get("data product") or None,
                ins_mode=named.get("mode") or None,
            )
        elif block.sort == "frames":
            for frame in _rows(block.lines, taken_by, odd):
                if frame.dp_id in read:
                    odd.append(Oddity("frame", f"{frame.dp_id} is there twice: the first is taken"))
                read.setdefault(frame.dp_id, frame)
    return tuple(read.values())


def _rows(lines: Sequence[str], taken_by: Frame, odd: list[Oddity]) -> Iterator[Frame]:
    header = [COLUMNS.get(name.lower()) for name in cells(lines[0])]
    for line in lines[1:]:
        values = {name: value for name, value in zip(header, cells(line), strict=False) if name is not None}
        dp_id = SAFE_TIME.sub(r"T\1:\2:\3", ENDING.sub("", values.get("dp_id", "")))
        if moment_of_frame(dp_id) is not None:
            yield _frame(dp_id, values, taken_by)
        elif line.strip():
            odd.append(Oddity("frame", f"{line.strip()!r} names no frame of the archive"))


def _frame(dp_id: str, values: dict[str, str], taken_by: Frame) -> Frame:
    taken, _, of = values.get("number", "").partition("/")
    return replace(
        taken_by,
        dp_id=dp_id,
        origfile=values.get("origfile") or None,
        tpl_expno=_few(taken),
        tpl_nexp=_few(of),
        exptime=number(values.get("exptime")),
        airmass=measured(values.get("airmass")),
        dimm_fwhm=measured(values.get("dimm_fwhm")),
    )


def _few(words: str) -> int | None:
    """Read a number of exposures; what is beyond any template is none."""
    found = whole(words)
    return found if found is not None and 0 <= found < MOST_EXPOSURES else None
