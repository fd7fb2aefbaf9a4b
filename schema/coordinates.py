"""Galactic and ecliptic coordinates as SQL over a position in ICRS, for views that show them.

Good to a tenth of an arcsecond.  The ecliptic is the mean one of J2000.
"""

from typing import Final

__all__ = ["ecliptic_latitude", "ecliptic_longitude", "galactic_latitude", "galactic_longitude"]

POLE_RA: Final = 192.8594812065348
"""Right ascension of the north Galactic pole, ICRS, degrees."""

POLE_DEC: Final = 27.12825118085622
POLE_LONGITUDE: Final = 122.9319185680026
"""Galactic longitude of the north celestial pole, degrees."""

OBLIQUITY: Final = 23.4392794
"""Angle between equator and ecliptic at J2000 (IAU 2006), degrees."""


def galactic_longitude(ra: str, dec: str) -> str:
    """Return SQL for the Galactic longitude in degrees, 0 to 360, of the SQL of a position in degrees."""
    east, north, _ = _about_the_galactic_pole(ra, dec)
    return _from_zero(f"{POLE_LONGITUDE} - atan2d({east}, {north})")


def galactic_latitude(ra: str, dec: str) -> str:
    """Return SQL for the Galactic latitude in degrees."""
    return _latitude(*_about_the_galactic_pole(ra, dec))


def ecliptic_longitude(ra: str, dec: str) -> str:
    """Return SQL for the ecliptic longitude in degrees, 0 to 360."""
    x, y, _ = _about_the_ecliptic_pole(ra, dec)
    return _from_zero(f"atan2d({y}, {x})")


def ecliptic_latitude(ra: str, dec: str) -> str:
    """Return SQL for the ecliptic latitude in degrees."""
    return _latitude(*_about_the_ecliptic_pole(ra, dec))


def _about_the_galactic_pole(ra: str, dec: str) -> tuple[str, str, str]:
    turned = f"{ra} - {POLE_RA}"
    east = f"cosd({dec}) * sind({turned})"
    north = f"sind({dec}) * cosd({POLE_DEC}) - cosd({dec}) * sind({POLE_DEC}) * cosd({turned})"
    up = f"sind({dec}) * sind({POLE_DEC}) + cosd({dec}) * cosd({POLE_DEC}) * cosd({turned})"
    return east, north, up


def _about_the_ecliptic_pole(ra: str, dec: str) -> tuple[str, str, str]:
    x = f"cosd({dec}) * cosd({ra})"
    y = f"cosd({dec}) * sind({ra}) * cosd({OBLIQUITY}) + sind({dec}) * sind({OBLIQUITY})"
    z = f"sind({dec}) * cosd({OBLIQUITY}) - cosd({dec}) * sind({ra}) * sind({OBLIQUITY})"
    return x, y, z


def _latitude(x: str, y: str, z: str) -> str:
    """The arc tangent, not the arc sine: that one is an error where rounding makes a sine greater than 1."""
    return f"atan2d({z}, sqrt(({x}) ^ 2 + ({y}) ^ 2))"


def _from_zero(longitude: str) -> str:
    return f"({longitude}) - 360 * floor(({longitude}) / 360)"
