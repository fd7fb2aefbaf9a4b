"""Where on the sky a raw frame looked, and where the Moon was.  Pure."""

import math
from collections.abc import Mapping
from typing import Any, Final

from ingest.mosaic import footprint as square
from ingest.mosaic import separation

__all__ = ["footprint", "moon"]

ON_SKY: Final = frozenset({"OBJECT", "SKY", "STD", "ASTROMETRY", "SKYFLAT"})
FIELD_SIZES: Final[Mapping[str | None, float]] = {"NFM": 7.5, "WFM": 60.0, None: 60.0}
"""Edge of the field in arcsec, by the field mode; what is not said is the wide field."""

J2000: Final = 51544.5


def footprint(tag: str | None, facts: Mapping[str, Any]) -> list[float] | None:
    """Return the field of view of an exposure of the sky as a DALI polygon, degrees; None where it is not known.

    With the derotator in sky mode, the position angle of the field is the negative of its angle (MUSE pipeline).  In
    its other modes the field turns, or its angle is counted from elsewhere.
    """
    ra, dec = facts["ra"], facts["dec"]
    if tag not in ON_SKY or ra is None or dec is None or facts["rotator_mode"] not in {"SKY", None}:
        return None
    return square(ra, dec, -(facts["rotator_angle"] or 0.0), size=FIELD_SIZES.get(facts["ins_field"], 60.0))


def moon(facts: Mapping[str, Any], ra: object, dec: object) -> dict[str, float | None]:
    """Return distance (degrees) and illuminated fraction of a Moon that stands at these degrees."""
    if not isinstance(ra, int | float) or not isinstance(dec, int | float) or facts["mjd_obs"] is None:
        return {"moon_distance": None, "moon_illumination": None}
    place = (float(ra), float(dec))
    elongation = math.radians(separation(place, sun(facts["mjd_obs"])) / 3600)
    known = facts["ra"] is not None and facts["dec"] is not None
    return {
        "moon_distance": round(separation(place, (facts["ra"], facts["dec"])) / 3600, 3) if known else None,
        "moon_illumination": round((1 - math.cos(elongation)) / 2, 3),
    }


def sun(mjd: float) -> tuple[float, float]:
    """Return right ascension and declination of the Sun in degrees, to a hundredth (Astronomical Almanac, page C5)."""
    days = mjd - J2000
    anomaly = math.radians((357.528 + 0.9856003 * days) % 360)
    longitude = math.radians(280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    tilt = math.radians(23.439 - 0.0000004 * days)
    ra = math.atan2(math.cos(tilt) * math.sin(longitude), math.cos(longitude))
    return math.degrees(ra) % 360, math.degrees(math.asin(math.sin(tilt) * math.sin(longitude)))
