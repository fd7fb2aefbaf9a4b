"""A spiral galaxy as fields on the sky: brightness of its stars, rotation, dispersion, dust.  Pure.

Places are in arcsec east and north of the centre.  Sizes follow from what the catalogue says of the galaxy.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BULGE", "DISK", "YOUNG", "Galaxy"]

Array = NDArray[np.float64]

BULGE, DISK, YOUNG = 0, 1, 2
"""Of the stars: indices of the populations."""

CENTRAL: Final = (300.0, 130.0, 25.0)
"""Flux of bulge, disk and arms' young stars at the centre, 1e-20 erg/s/cm2/Angstrom per spaxel of 0.04 arcsec2."""

PITCH: Final = np.radians(20.0)


@dataclass(frozen=True)
class Galaxy:
    """What the catalogue says: angles in degrees, from north through east for that of the receding major axis.

    ``scale`` is in pc an arcsec, ``velocity`` in km/s.
    """

    name: str
    ra: float
    dec: float
    velocity: float
    position_angle: float
    inclination: float
    log_mass: float
    scale: float
    ebv: float

    @property
    def scale_length(self) -> float:
        """Of the disk, arcsec."""
        return float(2200 * 10 ** (0.25 * (self.log_mass - 10))) / self.scale

    @property
    def speed(self) -> float:
        """Of rotation, where it is flat, km/s."""
        return float(170 * 10 ** (0.27 * (self.log_mass - 10)))

    def disk(self, east: Array, north: Array) -> tuple[Array, Array]:
        """Return the radius in the disk's plane, arcsec, and the azimuth from the receding major axis, radians."""
        sine, cosine = np.sin(np.radians(self.position_angle)), np.cos(np.radians(self.position_angle))
        along = east * sine + north * cosine
        across = (east * cosine - north * sine) / np.cos(np.radians(self.inclination))
        return np.hypot(along, across), np.arctan2(across, along)

    def sky(self, radius: Array, azimuth: Array) -> tuple[Array, Array]:
        """Return where a place of the disk's plane is seen, arcsec east and north: the inverse of ``disk``."""
        sine, cosine = np.sin(np.radians(self.position_angle)), np.cos(np.radians(self.position_angle))
        along, across = radius * np.cos(azimuth), radius * np.sin(azimuth) * np.cos(np.radians(self.inclination))
        return along * sine + across * cosine, along * cosine - across * sine

    def arms(self, radius: Array, azimuth: Array) -> Array:
        """Return how much a place is in one of two logarithmic arms, 0 to 1."""
        turn = np.log(np.maximum(radius, 0.05 * self.scale_length) / self.scale_length) / np.tan(PITCH)
        arms: Array = (0.5 + 0.5 * np.cos(2 * (azimuth - turn))) ** 2
        return arms

    def stars(self, east: Array, north: Array) -> Array:
        """Return the brightness of bulge, disk and young stars without dust: shape (3, ...), per spaxel."""
        radius, azimuth = self.disk(east, north)
        u = radius / self.scale_length
        bulge = CENTRAL[BULGE] * np.exp(-np.hypot(east, north) / (0.12 * self.scale_length))
        arms = self.arms(radius, azimuth)
        disk = CENTRAL[DISK] * np.exp(-u) * (0.85 + 0.3 * arms)
        return np.stack([bulge, disk, CENTRAL[YOUNG] * np.exp(-u) * arms])

    def diffuse(self, east: Array, north: Array) -> Array:
        """Return the flux of the diffuse gas in H alpha without dust, 1e-20 erg/s/cm2 per spaxel."""
        radius, azimuth = self.disk(east, north)
        diffuse: Array = 60 * np.exp(-radius / self.scale_length) * (0.3 + 0.7 * self.arms(radius, azimuth))
        return diffuse

    def stellar_velocity(self, east: Array, north: Array) -> Array:
        """Return the line-of-sight velocity of the stars, barycentric, km/s."""
        radius, azimuth = self.disk(east, north)
        return self.velocity + 0.92 * self._rotation(radius, azimuth)

    def gas_velocity(self, east: Array, north: Array) -> Array:
        """Return the line-of-sight velocity of the gas: it turns faster and streams along the arms; km/s."""
        radius, azimuth = self.disk(east, north)
        streaming = 8 * np.sin(np.radians(self.inclination)) * (self.arms(radius, azimuth) - 0.4) * np.sin(azimuth)
        velocity: Array = self.velocity + self._rotation(radius, azimuth) + streaming
        return velocity

    def stellar_dispersion(self, east: Array, north: Array) -> Array:
        """Return the dispersion of the stars, km/s."""
        radius, _ = self.disk(east, north)
        central = 0.45 * self.speed
        dispersion: Array = 35 + central * np.exp(-radius / (0.5 * self.scale_length))
        return dispersion

    def dust(self, east: Array, north: Array) -> Array:
        """Return the extinction of the gas in the galaxy, A(V) in magnitudes."""
        radius, azimuth = self.disk(east, north)
        dust: Array = (0.4 + 0.8 * self.arms(radius, azimuth)) * np.exp(-radius / (2 * self.scale_length))
        return dust

    def _rotation(self, radius: Array, azimuth: Array) -> Array:
        flat = self.speed * np.tanh(radius / (0.35 * self.scale_length))
        rotation: Array = flat * np.sin(np.radians(self.inclination)) * np.cos(azimuth)
        return rotation
