"""Read the tables out of a release description's text, as it comes out of the PDF.

Columns are separated by tabs; a continuation row leaves the pointing's columns empty; a cell may hold several values
in a row; page breaks repeat the table's head.  Prose is ignored, but for the programme numbers in it.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from archive.errors import Refused
from ingest.release import Block, Galaxy, MuseField, PsfRange, ReleaseTables

__all__ = ["read_text"]

PROGRAMME: Final = re.compile(r"\b(\d{3,4}\.[A-Z]-\d{4})\b")
PSF: Final = re.compile(r"^(?P<mean>[\d.]+)\s*\\pm\s*\^\{(?P<plus>[\d.]+)\}\s*_\{(?P<minus>[\d.]+)\}$")
POINTING: Final = re.compile(r"^(?P<target>\S+) P(?P<number>\d+)$")
TPL_START: Final = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def read_text(path: Path) -> ReleaseTables:
    """Read a release description.

    Raises
    ------
    Refused
        The text does not hold both tables; a row cannot be understood (the text names it).
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror or error}") from error
    lines = [line.rstrip("\n") for line in text.splitlines()]
    galaxies = tuple(_galaxy(cells) for line in lines if (cells := _table1_cells(line)))
    fields, blocks = _pointings(lines)
    if not galaxies or not fields:
        raise Refused(f"{path}: no table of galaxies or no table of pointings in this text")
    programmes = tuple({"programme_id": number} for number in dict.fromkeys(PROGRAMME.findall(text)))
    return ReleaseTables(_facts(lines), programmes, (), galaxies, tuple(fields), tuple(blocks))


def _facts(lines: list[str]) -> dict[str, Any]:
    """The first line is the title, and its part before the colon the survey's name."""
    title = next((line.strip() for line in lines if line.strip()), "untitled")
    name = title.split(":")[0].strip()
    return {"release_id": re.sub(r"\W+", "-", name.lower()), "title": title, "collection": name}


def _table1_cells(line: str) -> list[str] | None:
    cells = [cell.strip() for cell in line.split("\t")]
    return cells if len(cells) == 8 and PSF.match(cells[6]) else None


def _galaxy(cells: list[str]) -> Galaxy:
    name, distance, mass, sfr, ebv, scale, psf, copt = cells
    match = PSF.match(psf)
    if match is None:
        raise Refused(f"Table 1, {name}: the PSF reads {psf!r}")
    spread = PsfRange(float(match["mean"]), float(match["plus"]), float(match["minus"]))
    numbers = _numbers("Table 1", name, [distance, mass, sfr, ebv, scale, copt])
    return Galaxy(
        name=name,
        distance=numbers[0],
        log_stellar_mass=numbers[1],
        log_sfr=numbers[2],
        ebv=numbers[3],
        scale=numbers[4],
        psf=spread,
        copt_fwhm=numbers[5],
    )


def _pointings(lines: list[str]) -> tuple[list[MuseField], list[Block]]:
    fields: list[MuseField] = []
    blocks: list[Block] = []
    for line in lines:
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) < 5 or not TPL_START.match(cells[3]):
            continue
        if cells[0]:
            fields.append(_field(cells))
        if not fields:
            raise Refused(f"Table 2 begins with a continuation row: {line.strip()!r}")
        blocks += _blocks(fields[-1].pointing_id, starts=cells[3].split(), ranks=cells[4].split())
    return fields, blocks


def _field(cells: list[str]) -> MuseField:
    match = POINTING.match(cells[0])
    if match is None or len(cells) != 7:
        raise Refused(f"Table 2: cannot read the row {' | '.join(cells)!r}")
    ra, dec, psf = _numbers("Table 2", cells[0], [cells[1], cells[2], cells[5]])
    return MuseField(match["target"], int(match["number"]), ra, dec, psf, cells[6])


def _blocks(pointing: str, *, starts: list[str], ranks: list[str]) -> list[Block]:
    if len(starts) != len(ranks):
        raise Refused(f"Table 2, {pointing}: {len(starts)} starts but {len(ranks)} lists of exposures")
    return [_block(pointing, start, numbers) for start, numbers in zip(starts, ranks, strict=True)]


def _block(pointing: str, start: str, numbers: str) -> Block:
    try:
        return Block(datetime.fromisoformat(start), pointing, pointing, tuple(int(n) for n in numbers.split("-")))
    except ValueError as error:
        raise Refused(f"Table 2, {pointing}, {start} {numbers}: {error}") from error


def _numbers(table: str, row: str, cells: list[str]) -> list[float]:
    try:
        return [float(cell) for cell in cells]
    except ValueError as error:
        raise Refused(f"{table}, {row}: {error}") from error
