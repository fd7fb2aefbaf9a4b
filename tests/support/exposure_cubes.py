"""Small exposure cubes on one grid, as the pipeline writes them: DATA and STAT, holes in both."""

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from processing.exposure_stack import ExposureCube
from tests.support.cubes import AXES

Floats = NDArray[np.float32]

PIPELINE: dict[str, Any] = {
    "HIERARCH ESO PRO REC1 PARAM2 NAME": "resample",
    "HIERARCH ESO PRO REC1 PARAM2 VALUE": "drizzle",
    "HIERARCH ESO PRO REC1 PARAM9 NAME": "pixfrac",
    "HIERARCH ESO PRO REC1 PARAM9 VALUE": "0.8,0.8",
}


def write(
    path: Path,
    data: Floats,
    variance: Floats | None,
    *,
    corner: tuple[int, int] = (0, 0),
    seconds: float = 600.0,
    primary: dict[str, Any] | None = None,
    **axes: Any,
) -> ExposureCube:
    """Write the cube of an exposure whose first pixel is at ``corner``, x and y of the grid."""
    cards = {**AXES, "CD3_3": 1.25, "CRPIX1": 10.0 - corner[0], "CRPIX2": 20.0 - corner[1], **axes}
    header = fits.Header({keyword: value for keyword, value in cards.items() if value is not None})
    hdus = [fits.PrimaryHDU(header=fits.Header({**PIPELINE, **(primary or {})})), fits.ImageHDU(data, header, "DATA")]
    if variance is not None:
        hdus.append(fits.ImageHDU(variance, header, "STAT"))
    fits.HDUList(hdus).writeto(path)
    return ExposureCube(path.stem, path, seconds)


def dithered(folder: Path, *, planes: int = 7, side: int = 11, count: int = 4) -> list[ExposureCube]:
    """Write exposures of noise that lie a few pixels apart, one with a cosmic ray, all with holes."""
    cubes = []
    for number in range(count):
        rng = np.random.default_rng(number)
        data = rng.normal(100, 2, (planes, side, side + number)).astype(np.float32)
        data[:, 0, :2] = np.nan
        data[planes // 2, side // 2, side // 2] += 1000 * (number == 1)
        variance = np.where(np.isfinite(data), np.float32(4), np.float32(np.nan))
        corner = (3 * number, 2 * (number % 3))
        cubes.append(write(folder / f"exposure-{number}.fits", data, variance, corner=corner, seconds=300.0 + number))
    return cubes
