"""Readings of the site's monitors, as ESO's ambient server writes them: CSV with a line of names and rows of times.

Pure and a stream: lines in, readings out, however many there are.  Comment lines stand before the names and after
the rows.
"""

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final, NamedTuple

from archive.errors import Refused

__all__ = ["COLUMNS", "BadRow", "Column", "Layout", "Reading", "read"]

MOST_LINES_BEFORE: Final = 50
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200


class Column(NamedTuple):
    """What a column holds: readings times ``scale`` are in ``unit``; what is below ``lowest`` stands for nothing."""

    quantity: str
    unit: str
    scale: float = 1.0
    lowest: float = 0.0


CELSIUS_LOWEST: Final = -90.0

COLUMNS: Final = {
    # Differential image motion monitor
    'DIMM Seeing ["]': Column("dimm_seeing", "arcsec"),
    # Multi-aperture scintillation sensor
    'Free Atmosphere Seeing ["]': Column("free_atmosphere_seeing", "arcsec"),
    "MASS Tau0 [s]": Column("mass_coherence_time", "s"),
    'MASS Theta0 ["]': Column("mass_isoplanatic_angle", "arcsec"),
    'MASS-DIMM Seeing ["]': Column("mass_dimm_seeing", "arcsec"),
    "MASS-DIMM Tau0 [s]": Column("coherence_time", "s"),
    'MASS-DIMM Theta0 ["]': Column("isoplanatic_angle", "arcsec"),
    "MASS-DIMM Cn2 fraction at ground": Column("ground_layer_fraction", ""),
    "MASS-DIMM Turb Velocity [m/s]": Column("turbulence_velocity", "m/s"),
    "MASS-DIMM Turb Altitude [m]": Column("turbulence_altitude", "m"),
    # Before 2016
    "Tau0 [s]": Column("coherence_time", "s"),
    "Tau0 [ms]": Column("coherence_time", "s", 0.001),
    'Theta0 ["]': Column("isoplanatic_angle", "arcsec"),
    # Slope detection and ranging
    'Seeing ["]': Column("slodar_seeing", "arcsec"),
    "Cn2 fraction below 300m": Column("cn2_fraction_below_300m", ""),
    "Cn2 fraction below 500m": Column("cn2_fraction_below_500m", ""),
    # Weather station: where there are two heights, the name alone is the one that MUSE's headers quote
    "Air Temperature at 30m [C]": Column("air_temperature", "Celsius", lowest=CELSIUS_LOWEST),
    "Air Temperature at 2m [C]": Column("air_temperature_2m", "Celsius", lowest=CELSIUS_LOWEST),
    "Air Temperature at ground [C]": Column("air_temperature_ground", "Celsius", lowest=CELSIUS_LOWEST),
    "Air Temperature [C]": Column("air_temperature", "Celsius", lowest=CELSIUS_LOWEST),
    "Dew Temperature at 2m [C]": Column("dew_point_2m", "Celsius", lowest=CELSIUS_LOWEST),
    "Dew Temperature at 30m [C]": Column("dew_point_30m", "Celsius", lowest=CELSIUS_LOWEST),
    "Relative Humidity at 2m [%]": Column("humidity", "%"),
    "Relative Humidity at 30m [%]": Column("humidity_30m", "%"),
    "Relative Humidity [%]": Column("humidity", "%"),
    "Air Pressure at ground [hPa]": Column("pressure", "hPa"),
    "Air Pressure [hPa]": Column("pressure", "hPa"),
    "Wind Speed at 30m [m/s]": Column("wind_speed", "m/s"),
    "Wind Speed at 10m [m/s]": Column("wind_speed_10m", "m/s"),
    "Wind Speed [m/s]": Column("wind_speed", "m/s"),
    "Wind Direction at 30m (0/360) [deg]": Column("wind_direction", "deg"),
    "Wind Direction at 10m (0/360) [deg]": Column("wind_direction_10m", "deg"),
    "Wind Direction [deg]": Column("wind_direction", "deg"),
    # Water vapour radiometer
    "Precipitable Water Vapour [mm]": Column("water_vapour", "mm"),
    "IR temperature [Celsius]": Column("sky_temperature", "Celsius", lowest=-273.15),
}
"""What is taken, by the name in the file; written otherwise in case and blanks it is the same."""

TIMES: Final = ("date time", "datetime", "midpoint date", "start date", "date")
"""Names of the column of times, the best first."""


class Reading(NamedTuple):
    """One reading at one time, UTC."""

    quantity: str
    observed: datetime
    value: float
    unit: str


@dataclass(frozen=True)
class BadRow:
    """A row, by the number of its line, or a part of it that cannot be read."""

    line: int
    reason: str


@dataclass(frozen=True)
class Layout:
    """Where in a row is what: ``time`` and ``columns`` by place; ``unknown`` are names that mean nothing here."""

    time: int
    columns: tuple[tuple[int, Column], ...]
    unknown: tuple[str, ...]


def read(lines: Iterable[str]) -> tuple[Layout, Iterator[Reading | BadRow]]:
    """Read the names at once, and the rows as they are asked for.

    Raises
    ------
    Refused
        There is no line of names with a time and a known quantity among the first lines.
    """
    numbered = enumerate(lines, start=1)
    for _, line in islice(numbered, MOST_LINES_BEFORE):
        names = _fields(line)
        layout = None if names is None else _layout(names)
        if layout is not None:
            return layout, _readings(layout, numbered)
    raise Refused("no readings of the site's monitors: no line names a time and a quantity that is known")


def _layout(names: Sequence[str]) -> Layout | None:
    """Understand the line of names; None for a line that is none.  Of two columns of one quantity the first counts."""
    plain = [" ".join(name.split()).lower() for name in names]
    time = next((plain.index(name) for name in TIMES if name in plain), None)
    if time is None:
        return None
    columns: dict[str, tuple[int, Column]] = {}
    unknown = []
    for place, name in enumerate(plain):
        column = _PLAIN.get(name)
        if column is not None and column.quantity not in columns:
            columns[column.quantity] = (place, column)
        elif place != time and name:
            unknown.append(names[place].strip())
    return Layout(time, tuple(columns.values()), tuple(unknown)) if columns else None


_PLAIN: Final = {name.lower(): column for name, column in COLUMNS.items()}


def _readings(layout: Layout, numbered: Iterator[tuple[int, str]]) -> Iterator[Reading | BadRow]:
    for number, line in numbered:
        row = _fields(line) or [""]
        when = row[layout.time if layout.time < len(row) else 0].strip()
        if not when[:1].isdigit():
            continue  # no date, but a comment
        observed = _moment(when)
        if observed is None:
            yield BadRow(number, "no time")
            continue
        for place, column in layout.columns:
            if place >= len(row):
                yield BadRow(number, "too short")
                break
            yield from _reading(column, observed, row[place].strip(), number)


def _reading(column: Column, observed: datetime, words: str, line: int) -> Iterator[Reading | BadRow]:
    if not words:
        return
    try:
        value = float(words) * column.scale
    except ValueError:
        value = math.nan
    if math.isfinite(value) and value >= column.lowest:
        yield Reading(column.quantity, observed, value, column.unit)
    else:
        yield BadRow(line, f"{words[:20]!r} is no {column.quantity}")


def _fields(line: str) -> list[str] | None:
    try:
        return next(csv.reader([line]), None)
    except csv.Error:
        return None


def _moment(words: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        return None
    if ":" not in words or not FIRST_YEAR <= found.year < LAST_YEAR:
        return None
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)
