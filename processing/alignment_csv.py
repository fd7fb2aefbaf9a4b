"""Alignments as a table that people edit: one line an exposure, offsets in arcsec on the sky, trails as their ends.

``write`` makes the text, ``read`` takes it apart and checks every cell.  What a line changes is the business of
``alignment_edits``.
"""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from archive.errors import Refused
from processing.aligning import Band
from processing.alignment_file import AlignmentRecord

__all__ = ["NUMBERS", "Line", "Number", "bands", "cells_of", "from_arcsec", "read", "to_text", "write"]


@dataclass(frozen=True)
class Number:
    """A column of numbers: unit, least and greatest value, decimals that are written."""

    unit: str
    least: float
    most: float
    decimals: int


NUMBERS: Final[Mapping[str, Number]] = {
    "ra_offset": Number("arcsec", -60, 60, 4),
    "dec_offset": Number("arcsec", -60, 60, 4),
    "rotation": Number("deg", -10, 10, 5),
    "flux_scale": Number("", 0.01, 100, 6),
    "background": Number("1e-20 erg/s/cm2/Angstrom", -1e6, 1e6, 4),
    "sky_factor": Number("", 0, 10, 6),
}
"""Offsets are along the axes on the sky, to be taken off the header's position, as the pipeline has it."""

COLUMNS: Final = ("dp_id", *NUMBERS, "quality", "origin", "note", "trails")
UNCERTAIN: Final = frozenset({"offset", "flux", "sky"})
WIDEST: Final = 60.0
"""Arcsec that a masked band may be wide: a whole field."""


@dataclass(frozen=True)
class Line:
    """A line of the table: its number in the file, the exposure, its other cells by column."""

    number: int
    dp_id: str
    cells: Mapping[str, str]


def write(records: Iterable[tuple[AlignmentRecord, float]]) -> Iterator[str]:
    """Yield the lines of the table, header first, of alignments with the declinations of their fields."""
    yield _line([f"{name} [{_unit(name)}]" if _unit(name) else name for name in COLUMNS])
    for record, dec in records:
        cells = cells_of(record, dec)
        yield _line([cells[name] for name in COLUMNS])


def cells_of(record: AlignmentRecord, dec: float) -> dict[str, str]:
    """Return an alignment as the cells of its line; ``dec`` is the field's declination, degrees."""
    scales = _to_arcsec(dec)
    numbers = {
        name: f"{getattr(record, name) * scales.get(name, 1.0):.{column.decimals}f}" for name, column in NUMBERS.items()
    }
    return {
        "dp_id": record.dp_id,
        **numbers,
        "quality": record.quality,
        "origin": record.origin,
        "note": record.note or "",
        "trails": "; ".join(to_text(band) for band in record.trails),
    }


def from_arcsec(name: str, value: float, dec: float) -> float:
    """Return the value of a cell as the column of the database has it."""
    return value / _to_arcsec(dec).get(name, 1.0)


def to_text(band: Band) -> str:
    """Return a masked band as it is written."""
    return f"{band.start[0]:.6f} {band.start[1]:.6f} {band.stop[0]:.6f} {band.stop[1]:.6f} {band.width:.2f}"


def read(text: str) -> list[Line]:
    """Take a table apart.

    Columns may be in any order and, but for ``dp_id``, be left out.

    Raises
    ------
    Refused
        It is no such table; the text says in which line.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        names = [_name(cell.strip()) for cell in next(reader, [])]
        if "dp_id" not in names:
            raise Refused("line 1: no column dp_id: the first line names the columns")
        if len(set(names)) < len(names):
            raise Refused("line 1: a column is there twice")
        lines = [_checked(reader.line_num, names, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise Refused(f"line {reader.line_num}: {error}") from error
    _refuse_doubles(lines)
    return lines


def bands(cell: str) -> tuple[Band, ...]:
    """Return the bands that a cell names: ``ra dec ra dec width``, with semicolons between.

    Raises
    ------
    ValueError
        One of them is none.
    """
    return tuple(_band(part.strip()) for part in cell.split(";") if part.strip())


def _band(text: str) -> Band:
    words = text.split()
    if len(words) != 5:
        raise ValueError(f"a trail is ra dec ra dec (deg) width (arcsec), not {text!r}")
    ra_start, dec_start, ra_stop, dec_stop, width = (_float("a number of a trail", word) for word in words)
    for ra, dec in ((ra_start, dec_start), (ra_stop, dec_stop)):
        _check_limits("right ascension of a trail", ra, 0, 360)
        _check_limits("declination of a trail", dec, -90, 90)
    if (ra_start, dec_start) == (ra_stop, dec_stop):
        raise ValueError(f"a trail needs two ends: {text!r}")
    _check_limits("width of a trail", width, 0.01, WIDEST)
    return Band((ra_start, dec_start), (ra_stop, dec_stop), width)


def _to_arcsec(dec: float) -> dict[str, float]:
    """Return by what degrees of the coordinates are multiplied."""
    return {"ra_offset": 3600 * math.cos(math.radians(dec)), "dec_offset": 3600.0}


def _line(cells: Sequence[str]) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="").writerow(cells)
    return target.getvalue()


def _unit(name: str) -> str:
    return NUMBERS[name].unit if name in NUMBERS else ""


def _name(cell: str) -> str:
    """Return the column that a cell of the first line names, whose unit may be left out."""
    name, _, unit = cell.partition("[")
    name, unit = name.strip(), unit.rstrip("] ")
    if name not in COLUMNS:
        raise Refused(f"line 1: unknown column {cell!r}, there are {', '.join(COLUMNS)}")
    if unit and unit != _unit(name):
        raise Refused(f"line 1: {name} is in {_unit(name) or 'no unit'}, not in {unit}")
    return name


def _checked(number: int, names: Sequence[str], row: Sequence[str]) -> Line:
    """Check the cells of a line."""
    if len(row) != len(names):
        raise Refused(f"line {number}: {len(row)} cells, the first line has {len(names)}")
    cells = {name: cell.strip() for name, cell in zip(names, row, strict=True)}
    dp_id = cells.pop("dp_id")
    if not dp_id:
        raise Refused(f"line {number}: no dp_id")
    try:
        for name, cell in cells.items():
            _check(name, cell)
    except ValueError as error:
        raise Refused(f"line {number}: {dp_id}: {error}") from error
    return Line(number, dp_id, cells)


def _refuse_doubles(lines: Sequence[Line]) -> None:
    seen: set[str] = set()
    for line in lines:
        if line.dp_id in seen:
            raise Refused(f"line {line.number}: {line.dp_id} is there twice")
        seen.add(line.dp_id)


def _check(name: str, cell: str) -> None:
    """Check a cell; one of a number or the quality that is empty leaves that as it is."""
    if name == "trails":
        bands(cell)
    elif name in NUMBERS and cell:
        _check_limits(name, _float(name, cell), NUMBERS[name].least, NUMBERS[name].most)
    elif name == "quality" and cell != "good" and not set(cell.split()) <= UNCERTAIN:
        raise ValueError(f"quality is good, or what is uncertain of {', '.join(sorted(UNCERTAIN))}, not {cell!r}")
    elif name == "note" and cell and not (cell.isascii() and cell.isprintable()):
        raise ValueError("the note has characters that FITS has not: plain ASCII in one line")


def _float(name: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise ValueError(f"{name} is no number: {cell!r}") from None
    if not math.isfinite(value):
        raise ValueError(f"{name} is no finite number: {cell!r}")
    return value


def _check_limits(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} is {value:g}, allowed is {least:g} to {most:g}")
