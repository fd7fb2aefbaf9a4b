"""Pixel tables that the pipeline would misread without a word, looked for before a run.

Each check stands for something that MUSE's pipeline 2.8.7 was seen to do with status 0: exposures of one DATE-OBS are
one exposure, a whole number for RA is no number, one NaN spoils a cube, tables of single IFUs without the flux of their
lamp are one IFU.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive.errors import Refused
from processing.esorex.frame import Frame

__all__ = ["ALL_IFUS", "Table", "check_ifus", "check_tables", "is_table"]

COLUMNS: Final = ("xpos", "ypos", "lambda", "data", "dq", "stat", "origin")
REDUCED: Final = "PIXTABLE_REDUCED"
UNITS: Final = {True: "rad", False: "pix"}
NUMBERS: Final = ("RA", "DEC", "EXPTIME")
LAMPS: Final = ("ESO DRS MUSE FLAT FLUX LAMP", "ESO DRS MUSE FLAT FLUX SKY")
MERGED: Final = "ESO DRS MUSE PIXTABLE MERGED"
TYPE: Final = "ESO DRS MUSE PIXTABLE TYPE"
CHANNEL: Final = re.compile(r"CHAN(\d\d)")
DATE_LENGTH: Final = 23
ALL_IFUS: Final = 24
ROWS: Final = 4_000_000
"""Of a table that are looked at together: memory stays flat."""


@dataclass(frozen=True)
class Table:
    """A pixel table as it was found to be.

    Parameters
    ----------
    channel
        The only IFU of it, None for a table of several.
    ifus
        Of which there are values, from the rows themselves.
    wavelengths
        First and last of the rows, Angstrom.
    """

    frame: Frame
    date: str
    mode: str
    ra: float
    rows: int
    channel: int | None
    ifus: frozenset[int]
    wavelengths: tuple[float, float]


def is_table(frame: Frame) -> bool:
    """Whether a frame is a pixel table."""
    return frame.tag.startswith("PIXTABLE_")


def check_tables(frames: Sequence[Frame]) -> list[Table]:
    """Look at the pixel tables among frames and return them; those of single IFUs share their exposure's DATE-OBS.

    Raises
    ------
    Refused
        One of them would be misread; the text says which, and why.
    """
    tables = [_look(frame) for frame in frames if is_table(frame)]
    if not tables:
        return []
    known = Counter((table.date, table.channel) for table in tables)
    doubled = [date for (date, _), number in known.items() if number > 1]
    if doubled:
        raise Refused(f"two tables are of DATE-OBS {doubled[0]}: one would be left out")
    mixed = {date for date, channel in known if channel is None} & {date for date, channel in known if channel}
    if mixed:
        raise Refused(f"of {min(mixed)} there is a table of several IFUs and one of a single IFU")
    if max(table.ra for table in tables) - min(table.ra for table in tables) > 180:
        raise Refused("the exposures lie on both sides of right ascension 0, which the pipeline cannot combine")
    return tables


def check_ifus(tables: Sequence[Table], expected: int) -> None:
    """See that each exposure has all its IFUs: the pipeline goes on without those that are not there.

    Raises
    ------
    Refused
        One of them has fewer, or more.
    """
    found: dict[str, set[int]] = {}
    for table in tables:
        found.setdefault(table.date, set()).update(table.ifus)
    for date, ifus in found.items():
        if len(ifus) != expected:
            lost = sorted(set(range(1, ALL_IFUS + 1)) - ifus) if expected == ALL_IFUS else []
            which = f", not {', '.join(map(str, lost))}" if lost else ""
            raise Refused(f"the exposure of {date} has {len(ifus)} of {expected} IFUs{which}")


def _look(frame: Frame) -> Table:
    try:
        with fits.open(frame.path, memmap=True) as hdus:
            _check_header(frame, hdus)
            return _table(frame, hdus)
    except OSError as error:
        raise Refused(f"{frame.path.name}: {error}") from error


def _check_header(frame: Frame, hdus: fits.HDUList) -> None:
    name, header = frame.path.name, hdus[0].header
    date = header.get("DATE-OBS")
    if not isinstance(date, str) or len(date) != DATE_LENGTH:
        raise Refused(f"{name}: DATE-OBS {date!r} has not {DATE_LENGTH} characters: the table would be left out")
    for keyword in NUMBERS:
        if not isinstance(header.get(keyword), float):
            raise Refused(f"{name}: {keyword} is {header.get(keyword)!r} and must have a decimal point")
    if header.get(TYPE) != "GEOFULL":
        raise Refused(f"{name}: {TYPE} is {header.get(TYPE)!r}, not 'GEOFULL'")
    lacking = [column for column in COLUMNS if column not in hdus]
    if lacking:
        raise Refused(f"{name}: there is no extension {', '.join(lacking)}")
    unit, units = UNITS[frame.tag == REDUCED], {column: hdus[column].header.get("BUNIT") for column in ("xpos", "ypos")}
    if set(units.values()) != {unit}:
        raise Refused(f"{name}: xpos and ypos are in {' and '.join(map(repr, units.values()))}, not in {unit!r}")
    if not hdus["data"].header.get("BUNIT"):
        raise Refused(f"{name}: data have no BUNIT")
    rows = {hdus[column].header["NAXIS2"] for column in COLUMNS}
    if len(rows) > 1 or rows == {0}:
        raise Refused(f"{name}: its columns have {', '.join(map(str, sorted(rows)))} rows")
    if _channel(header) and not any(isinstance(header.get(lamp), float) for lamp in LAMPS):
        raise Refused(f"{name}: it is of one IFU without {LAMPS[0]}: the other IFUs would be left out")


def _table(frame: Frame, hdus: fits.HDUList) -> Table:
    """Read the rows: what is used must be numbers, and of the IFUs that the header says."""
    header, name, used = hdus[0].header, frame.path.name, 0
    counts = np.zeros(32, np.int64)
    low, high = np.inf, -np.inf
    for rows in _pieces(hdus):
        good = rows["dq"] == 0
        used += int(good.sum())
        for column in ("data", "stat"):
            if not np.isfinite(rows[column][good]).all():
                raise Refused(f"{name}: {column} that is not flagged is no number: the whole cube would be none")
        counts += np.bincount((rows["origin"] >> 6 & 31).ravel(), minlength=32)
        low, high = min(low, float(rows["lambda"].min())), max(high, float(rows["lambda"].max()))
    if not used:
        raise Refused(f"{name}: all values are flagged")
    ifus, channel = frozenset(int(ifu) for ifu in np.flatnonzero(counts)), _channel(header)
    if channel is not None and ifus != {channel}:
        raise Refused(f"{name}: it is of IFU {channel}, its rows are of {', '.join(map(str, sorted(ifus)))}")
    if channel is None and header.get(MERGED, len(ifus)) != len(ifus):
        raise Refused(f"{name}: {MERGED} is {header[MERGED]}, its rows are of {len(ifus)} IFUs")
    rows_in_all = int(hdus["data"].header["NAXIS2"])
    date, mode = str(header["DATE-OBS"]), str(header.get("ESO INS MODE", ""))
    return Table(frame, date, mode, float(header["RA"]), rows_in_all, channel, ifus, (low, high))


def _pieces(hdus: fits.HDUList) -> Iterator[dict[str, NDArray[Any]]]:
    for start in range(0, hdus["data"].shape[0], ROWS):
        here = np.s_[start : start + ROWS, :]
        yield {name: np.asarray(hdus[name].section[here]) for name in ("data", "stat", "dq", "origin", "lambda")}


def _channel(header: fits.Header) -> int | None:
    match = CHANNEL.match(str(header.get("EXTNAME", "")))
    return int(match[1]) if match else None
