"""The pointing nearest to a place on the sky.  Pure: degrees in, arcsec out."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Spot", "nearest", "separation"]


class Spot(NamedTuple):
    """A place, degrees, and what is there; declination first, by which they are sorted."""

    dec: float
    ra: float
    name: str


def separation(ra: float, dec: float, other_ra: float, other_dec: float) -> float:
    """Return the great circle between two places, all in degrees, in arcsec; exact also where it is short."""
    y, other_y = math.radians(dec), math.radians(other_dec)
    half_x = math.radians(other_ra - ra) / 2
    half_y = (other_y - y) / 2
    chord = math.sin(half_y) ** 2 + math.cos(y) * math.cos(other_y) * math.sin(half_x) ** 2
    return math.degrees(2 * math.asin(math.sqrt(min(1.0, chord)))) * 3600


def nearest(spots: Sequence[Spot], ra: float, dec: float, *, within: float) -> tuple[str, float] | None:
    """Return name and distance (arcsec) of the nearest spot that is not farther than ``within``, or None.

    ``spots`` are sorted: only those of about the same declination are looked at.
    """
    reach = within / 3600
    found = None
    for spot in spots[bisect_left(spots, (dec - reach,)) :]:
        if spot.dec > dec + reach:
            break
        off = separation(ra, dec, spot.ra, spot.dec)
        if off <= within and (found is None or off < found[1]):
            found = (spot.name, off)
    return found
