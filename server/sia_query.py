"""From the parameters of SIA 2.0 to ADQL over ``ivoa.obscore``.  Pure: text in, text out.

Values of one parameter are alternatives, different parameters must all hold; intervals overlap when they share a
point.  Nothing of what the client wrote passes but numbers that were read and strings that were quoted.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

from werkzeug.datastructures import MultiDict

from server.dali import UsageError

__all__ = ["to_adql"]

OVERLAPS: Final = {"BAND": ("em_min", "em_max"), "TIME": ("t_min", "t_max")}
WITHIN: Final = {
    "FOV": "s_fov",
    "SPATRES": "s_resolution",
    "SPECRP": "em_res_power",
    "EXPTIME": "t_exptime",
    "TIMERES": "t_resolution",
}
EQUALS: Final = {
    "ID": "obs_publisher_did",
    "COLLECTION": "obs_collection",
    "FACILITY": "facility_name",
    "INSTRUMENT": "instrument_name",
    "DPTYPE": "dataproduct_type",
    "TARGET": "target_name",
    "FORMAT": "access_format",
}
STEP_DEGREES: Final = 1.0
"""Spacing of the points that stand for a piece of a parallel."""


def to_adql(given: MultiDict[str, str]) -> str:
    """Return the query that the parameters mean.

    Raises
    ------
    UsageError
        A value cannot be understood; the text names the parameter.
    """
    conditions = [
        "(" + " OR ".join(condition(value) for value in given.getlist(name) if value.strip()) + ")"
        for name, condition in _conditions().items()
        if any(value.strip() for value in given.getlist(name))
    ]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT * FROM ivoa.obscore{where}"


def _conditions() -> dict[str, Callable[[str], str]]:
    return {
        "POS": _position,
        **{name: _overlap(name, *columns) for name, columns in OVERLAPS.items()},
        **{name: _within(name, column) for name, column in WITHIN.items()},
        **{name: _equal(column) for name, column in EQUALS.items()},
        "CALIB": _calibration,
        "POL": lambda value: f"pol_states LIKE {_quoted(f'%/{value.strip()}/%')}",
    }


def _position(value: str) -> str:
    shape, *words = value.split()
    numbers = _numbers("POS", words)
    match shape.upper(), len(numbers):
        case "CIRCLE", 3:
            region = f"CIRCLE({_listed(numbers)})"
        case "POLYGON", n if n >= 6 and n % 2 == 0:
            region = f"POLYGON({_listed(numbers)})"
        case "RANGE", 4:
            return _range(*numbers)
        case _:
            raise UsageError(f"POS: cannot read {value!r}; write CIRCLE ra dec radius, RANGE or POLYGON, in degrees")
    return f"INTERSECTS(s_region, {region}) = 1"


def _range(west: float, east: float, south: float, north: float) -> str:
    """A range of coordinates has parallels for edges, which polygons do not: they are followed in small steps."""
    west, east = max(west, 0.0), min(east, 360.0)
    south, north = max(south, -90.0), min(north, 90.0)
    if east < west or north < south:
        raise UsageError("POS: RANGE wants the smaller coordinate first")
    if east - west >= 180 or north == 90 or south == -90 or east == west or north == south:
        return f"(s_ra BETWEEN {west!r} AND {east!r} AND s_dec BETWEEN {south!r} AND {north!r})"
    count = max(1, math.ceil((east - west) / STEP_DEGREES))
    along = [west + (east - west) * n / count for n in range(count + 1)]
    outline = [(ra, south) for ra in along] + [(ra, north) for ra in reversed(along)]
    return f"INTERSECTS(s_region, POLYGON({_listed([c for corner in outline for c in corner])})) = 1"


def _overlap(name: str, low: str, high: str) -> Callable[[str], str]:
    def condition(value: str) -> str:
        start, end = _interval(name, value)
        return _both(
            f"{high} >= {start!r}" if start > -math.inf else "", f"{low} <= {end!r}" if end < math.inf else "", low
        )

    return condition


def _within(name: str, column: str) -> Callable[[str], str]:
    def condition(value: str) -> str:
        start, end = _interval(name, value)
        return _both(
            f"{column} >= {start!r}" if start > -math.inf else "",
            f"{column} <= {end!r}" if end < math.inf else "",
            column,
        )

    return condition


def _both(one: str, other: str, column: str) -> str:
    bounds = " AND ".join(bound for bound in (one, other) if bound)
    return f"({bounds})" if bounds else f"{column} IS NOT NULL"


def _equal(column: str) -> Callable[[str], str]:
    return lambda value: f"{column} = {_quoted(value)}"


def _calibration(value: str) -> str:
    if value.strip() not in {"0", "1", "2", "3", "4"}:
        raise UsageError(f"CALIB must be 0 to 4, not {value!r}")
    return f"calib_level = {value.strip()}"


def _interval(name: str, value: str) -> tuple[float, float]:
    numbers = _numbers(name, value.split())
    if len(numbers) == 1:
        numbers *= 2
    if len(numbers) != 2 or numbers[0] > numbers[1] or numbers[0] == math.inf or numbers[1] == -math.inf:
        raise UsageError(f"{name}: cannot read {value!r}; write one number, or two with the smaller first")
    return numbers[0], numbers[1]


def _numbers(name: str, words: Sequence[str]) -> list[float]:
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from error
    if any(math.isnan(n) for n in numbers):
        raise UsageError(f"{name}: NaN is no number to search by")
    return numbers


def _listed(numbers: Sequence[float]) -> str:
    if any(math.isinf(n) for n in numbers):
        raise UsageError("POS: a circle or polygon has no infinite coordinates")
    return ", ".join(repr(n) for n in numbers)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
