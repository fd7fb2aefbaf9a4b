"""Where the telescope is, and how it turns and moves with the Earth.  Pure, from tables that need no network."""

from datetime import datetime
from typing import Final

import astropy.units as u
import numpy as np
from astropy.coordinates import EarthLocation, SkyCoord
from astropy.time import Time
from astropy.utils import iers

__all__ = ["PARANAL", "SIDEREAL", "airmass", "barycentric_velocity", "sidereal_time"]

PARANAL: Final = (-70.40479659, -24.62794830, 2648.0)
"""Longitude, latitude (degrees) and height (m) of the fourth Unit Telescope."""

SIDEREAL: Final = 1.0027379
"""Sidereal seconds in a second."""


def sidereal_time(date: datetime) -> float:
    """Return the local mean sidereal time at Paranal, seconds."""
    with iers.conf.set_temp("auto_download", value=False):
        return float(Time(date).sidereal_time("mean", PARANAL[0] * u.deg).hour) * 3600


def airmass(ra: float, dec: float, sidereal: float) -> float:
    """Return the secant of the zenith distance at Paranal, no more than 5."""
    up, latitude, hour = np.radians(dec), np.radians(PARANAL[1]), np.radians(sidereal / 240 - ra)
    height = np.sin(up) * np.sin(latitude) + np.cos(up) * np.cos(latitude) * np.cos(hour)
    return float(1 / max(height, 0.2))


def barycentric_velocity(ra: float, dec: float, middle: datetime) -> float:
    """Return the telescope's velocity towards a place, degrees, at a moment: km/s to add to velocities seen."""
    longitude, latitude, height = PARANAL
    where = EarthLocation.from_geodetic(longitude * u.deg, latitude * u.deg, height * u.m)
    with iers.conf.set_temp("auto_download", value=False):
        target = SkyCoord(ra * u.deg, dec * u.deg)
        return float(
            target.radial_velocity_correction("barycentric", obstime=Time(middle), location=where).to_value("km/s")
        )
