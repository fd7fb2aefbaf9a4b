"""A small submission to ESO: a cube with its images and its exposure map, as a profile has them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits

from processing.phase3.axes import Axes, Spectral
from processing.phase3.facts import Contribution, Facts, Measured
from processing.phase3.headers import Content, Extension, headers_for
from processing.phase3.profiles import Profile, Role
from processing.phase3.units import FLUX, SECONDS, VARIANCE

CUBE: Final = "NGC1365_PHANGS_DATACUBE_native.fits"
NAMES: Final = {
    Role.CUBE: CUBE,
    Role.WHITE: "NGC1365_PHANGS_IMAGE_white_native.fits",
    Role.BAND: "NGC1365_PHANGS_IMAGE_SDSS_r_native.fits",
    Role.EXPMAP: "NGC1365_PHANGS_IMAGE_expmap_native.fits",
    Role.MAPS: "NGC1365_MAPS_native.fits",
}
SHAPE: Final = (4, 5, 6)
AXES: Final = Axes(
    types=("RA---TAN", "DEC--TAN"),
    value=(53.4015, -36.1404),
    pixel=(3.5, 3.0),
    matrix=(-0.2 / 3600, 0.0, 0.0, 0.2 / 3600),
    radesys="ICRS",
    spectral=Spectral("AWAV", 7000.0, 1.0, 1.25),
)
FACTS: Final = Facts(
    object="NGC1365",
    ra=53.4015,
    dec=-36.1404,
    contributions=(
        Contribution("MUSE.2018-02-01T01:00:00.123", 58150.04166809, 600.0, "1100.B-0651(A)", 200000001),
        Contribution("MUSE.2018-02-01T01:12:00.456", 58150.05000528, 600.0, "1100.B-0651(A)", 200000001),
        Contribution("MUSE.2018-02-03T02:00:00.789", 58152.08334247, 600.0, "1100.B-0651(B)", 200000002),
    ),
    exptime=1200.0,
    procsoft="musevault/0.1.0",
    date=datetime(2021, 7, 16, 12, 0, 0, tzinfo=UTC),
    reference="2022A&A...659A.191E",
    measured=Measured(
        wavelength_min=700.0,
        wavelength_max=700.375,
        resolving_power=2999.1,
        sky_resolution=0.82,
        sky_resolution_error=0.1,
        limiting_magnitude=24.4487,
        pixel_noise=1.8055e-20,
    ),
    systemic_velocity=1636.0,
)


def write_submission(folder: Path, profile: Profile) -> list[Path]:
    """Write all that a profile asks for into a folder; returns the files, the cube first."""
    roles = [role for role in NAMES if role in profile.roles]
    return [write_file(folder, profile, role) for role in roles]


def write_file(folder: Path, profile: Profile, role: Role) -> Path:
    """Write one file of it."""
    hdus = [fits.PrimaryHDU()]
    extensions, pixels = _extensions(role), _pixels(role)
    headers = headers_for(profile, role, facts_of(profile, role), extensions)
    hdus += [fits.ImageHDU(pixels[one.content]) for one in extensions]
    for hdu, header in zip(hdus, headers, strict=True):
        hdu.header.extend(header.cards, end=True)
    path = folder / NAMES[role]
    fits.HDUList(hdus).writeto(path, checksum=True)
    return path


def facts_of(profile: Profile, role: Role) -> Facts:
    """What is known of one file of it."""
    if role is Role.CUBE:
        names = tuple(name for other, name in NAMES.items() if other in profile.roles and other is not Role.CUBE)
        return Facts(**{**vars(FACTS), "associated": names})
    return FACTS.ancillary(sources=(CUBE,), band={Role.WHITE: "white", Role.BAND: "SDSS_r"}.get(role))


def _extensions(role: Role) -> list[Extension]:
    axes = AXES if role is Role.CUBE else AXES.flat
    match role:
        case Role.EXPMAP:
            return [Extension("DATA", Content.DATA, axes, SECONDS)]
        case Role.MAPS:
            return [Extension("BIN_ID", Content.DATA, axes)]
        case Role.CUBE | Role.WHITE | Role.BAND:
            return [
                Extension("DATA", Content.DATA, axes, FLUX),
                Extension("STAT", Content.VARIANCE, axes, VARIANCE),
                Extension("DQ", Content.MASK, axes),
            ]


def _pixels(role: Role) -> Mapping[Content, np.ndarray[Any, Any]]:
    shape = SHAPE if role is Role.CUBE else SHAPE[1:]
    data = np.full(shape, 3.0, np.float32)
    if role is Role.EXPMAP:
        data[:] = 1200.0
        data[0, 0] = 0.0
    return {Content.DATA: data, Content.VARIANCE: np.full(shape, 3.26, np.float32), Content.MASK: np.zeros(shape, "u1")}
