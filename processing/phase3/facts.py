"""What is known of a product when its header is written for ESO.  Pure values; ``catalogue`` collects them."""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Self

__all__ = ["ASTROMETRIC_ERROR", "WAVELENGTH_ERROR", "Contribution", "Facts", "Measured", "moment_of"]

SECONDS_A_DAY: Final = 86400.0
MJD_OF_1970: Final = 40587.0

ASTROMETRIC_ERROR: Final = 0.047 / 3600
"""Degrees: scatter of stars in mosaics about their places in the reference images, as the survey's release has it."""

WAVELENGTH_ERROR: Final = 0.026
"""Angstrom: what ESO's pipeline says of its wavelengths."""


@dataclass(frozen=True)
class Contribution:
    """A raw exposure on target that went into a product.

    Parameters
    ----------
    dp_id
        ESO's identifier of the frame.
    mjd_obs, exptime
        Start, modified Julian date UTC, and length in seconds.
    run_id, eso_ob_id
        Of the observation, where they are known.
    """

    dp_id: str
    mjd_obs: float
    exptime: float
    run_id: str | None = None
    eso_ob_id: int | None = None

    @property
    def mjd_end(self) -> float:
        """When it ended."""
        return self.mjd_obs + self.exptime / SECONDS_A_DAY


@dataclass(frozen=True)
class Measured:
    """What is measured on a cube and its white image.

    Parameters
    ----------
    wavelength_min, wavelength_max
        First and last plane that is of use, nm.
    resolving_power
        At the middle between them.
    sky_resolution, sky_resolution_error
        FWHM of a point source on the white image, arcsec; the error where it is known.
    limiting_magnitude
        AB magnitude of a point source at five sigma on the white image.
    pixel_noise
        Of a voxel, erg/s/cm2/Angstrom.
    """

    wavelength_min: float
    wavelength_max: float
    resolving_power: float
    sky_resolution: float
    limiting_magnitude: float
    pixel_noise: float
    sky_resolution_error: float | None = None


@dataclass(frozen=True)
class Facts:
    """What is known of a product: what its headers say beside axes and pixels.

    Parameters
    ----------
    object
        Designation of the target.
    ra, dec
        Centre of the field, degrees.
    contributions
        The raw exposures on target, one at least; kept in the order of time.
    exptime
        Typical time behind a pixel, s: of a mosaic the median of its exposure map.
    procsoft
        Program and version that made it.
    date
        When, UTC.
    radesys, specsys
        Frames of position and of wavelength.
    reference
        Bibcode or DOI of the paper; empty when there is none yet.
    measured
        Only of cubes.
    associated
        File names of what belongs to a cube.
    sources
        File names that a product was made from which is not made of raw exposures directly, such as an image's cube.
    filter
        Name of the band of an image.
    systemic_velocity
        Of the galaxy, km/s: what velocities in maps are relative to.
    astrometric_error
        Systematic error of the positions, degrees.
    wavelength_error
        Of the wavelengths, Angstrom.
    simulated
        Whether nobody ever observed it.
    """

    object: str
    ra: float
    dec: float
    contributions: tuple[Contribution, ...]
    exptime: float
    procsoft: str
    date: datetime
    radesys: str = "ICRS"
    specsys: str = "BARYCENT"
    reference: str = ""
    measured: Measured | None = None
    associated: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    filter: str | None = None
    systemic_velocity: float | None = None
    astrometric_error: float = ASTROMETRIC_ERROR
    wavelength_error: float = WAVELENGTH_ERROR
    simulated: bool = False

    def __post_init__(self) -> None:
        if not self.contributions:
            raise ValueError(f"{self.object}: no exposure on target is known")
        if not math.isfinite(self.exptime):
            raise ValueError(f"{self.object}: the exposure time is not known")
        ordered = tuple(sorted(self.contributions, key=lambda one: (one.mjd_obs, one.dp_id)))
        object.__setattr__(self, "contributions", ordered)

    @property
    def mjd_start(self) -> float:
        """When the first exposure began."""
        return self.contributions[0].mjd_obs

    @property
    def mjd_end(self) -> float:
        """When the last exposure had ended."""
        return max(one.mjd_end for one in self.contributions)

    @property
    def total_exptime(self) -> float:
        """All exposures one after the other, s."""
        return sum(one.exptime for one in self.contributions)

    @property
    def runs(self) -> tuple[str, ...]:
        """The programmes' runs, each once, in the order of time."""
        return tuple(dict.fromkeys(one.run_id for one in self.contributions if one.run_id))

    @property
    def blocks(self) -> tuple[int, ...]:
        """The identifiers of the observation blocks, each once, in the order of time."""
        return tuple(dict.fromkeys(one.eso_ob_id for one in self.contributions if one.eso_ob_id is not None))

    @property
    def frames(self) -> tuple[str, ...]:
        """The raw frames, each once."""
        return tuple(dict.fromkeys(one.dp_id for one in self.contributions))

    def ancillary(self, *, sources: tuple[str, ...], band: str | None = None) -> Self:
        """Return what holds for a product that was made of this one."""
        return replace(self, measured=None, associated=(), sources=sources, filter=band)


def moment_of(mjd: float) -> str:
    """Return a modified Julian date as ISO 8601 with milliseconds."""
    moment = datetime.fromtimestamp(round((mjd - MJD_OF_1970) * SECONDS_A_DAY, 3), UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
