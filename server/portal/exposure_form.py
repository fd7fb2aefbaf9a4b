"""The form above the list of exposures: what was typed into it becomes what the archive is asked.  Pure."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from archive.exposure_listing import Cone, Wanted

__all__ = ["DEFAULT_RADIUS", "FIELDS", "ExposureForm", "is_night", "read"]

FIELDS: Final = ("target", "night", "programme", "tag", "ra", "dec", "radius")
DEFAULT_RADIUS: Final = 1.0
"""Arcmin: a field of MUSE."""

LARGEST_RADIUS: Final = 600.0
NIGHT: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
YEARS: Final = range(1900, 3000)
SEXAGESIMAL: Final = re.compile(r"([+-]?)(\d{1,3})[:\s]+(\d{1,2})[:\s]+(\d{1,2}(?:\.\d*)?)", re.ASCII)


@dataclass(frozen=True)
class ExposureForm:
    """A form as it was filled in: ``typed`` by field, what it asks for, and what is wrong with it."""

    typed: Mapping[str, str]
    wanted: Wanted = field(default_factory=Wanted)
    problems: tuple[str, ...] = ()


def read(values: Mapping[str, str]) -> ExposureForm:
    """Read the fields of a request."""
    typed = {name: values.get(name, "").strip() for name in FIELDS}
    typed = {name: value for name, value in typed.items() if value}
    problems: list[str] = []
    if "night" in typed and not is_night(typed["night"]):
        problems.append(f"A night is a date, as in 2019-11-05, and not {typed['night']}.")
    cone = _cone(typed, problems)
    if problems:
        return ExposureForm(typed, problems=tuple(problems))
    equal = {name: typed.get(name) for name in ("target", "night", "programme", "tag")}
    return ExposureForm(typed, Wanted(**equal, cone=cone))


def is_night(written: str) -> bool:
    """Tell whether a text is a date of the calendar, YYYY-MM-DD, on which there may have been a telescope."""
    if NIGHT.fullmatch(written) is None:
        return False
    try:
        return date.fromisoformat(written).year in YEARS
    except ValueError:
        return False


def _cone(typed: Mapping[str, str], problems: list[str]) -> Cone | None:
    if not typed.keys() & {"ra", "dec", "radius"}:
        return None
    if not typed.keys() >= {"ra", "dec"}:
        problems.append("A place needs a right ascension and a declination.")
        return None
    ra, dec = _angle(typed["ra"], turn=15.0), _angle(typed["dec"], turn=1.0)
    radius = _number(typed.get("radius", str(DEFAULT_RADIUS)))
    if ra is None or not 0 <= ra <= 360:
        problems.append("The right ascension is a number of degrees from 0 to 360, or hours, minutes and seconds.")
    if dec is None or not -90 <= dec <= 90:
        problems.append("The declination is a number of degrees from -90 to 90, or degrees, minutes and seconds.")
    if radius is None or not 0 < radius <= LARGEST_RADIUS:
        problems.append(f"The radius is a number of arcminutes up to {LARGEST_RADIUS:g}.")
    if problems or ra is None or dec is None or radius is None:
        return None
    return Cone(ra, dec, radius / 60)


def _angle(written: str, *, turn: float) -> float | None:
    """Read degrees, or three numbers of which the first counts ``turn`` degrees."""
    parts = SEXAGESIMAL.fullmatch(written.replace("\N{MINUS SIGN}", "-"))
    if parts is None:
        return _number(written)
    sign, whole, minutes, seconds = parts.groups()
    if int(minutes) >= 60 or float(seconds) >= 60:
        return None
    angle = (int(whole) + int(minutes) / 60 + float(seconds) / 3600) * turn
    return -angle if sign == "-" else angle


def _number(written: str) -> float | None:
    try:
        found = float(written.replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return None
    return found if math.isfinite(found) else None
