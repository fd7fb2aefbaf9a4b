"""A band image as a FITS file: primary header, then DATA, STAT and DQ on the cube's pixels.

Keywords and classes follow ESO's Science Data Products standard for ancillary images.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from astropy.io import fits

from archive.cube import Cube
from archive.products import HeaderText
from processing.derived_header import axes_of, primary_of
from processing.science.bands import BandImage

__all__ = ["Band", "header_texts", "image_hdus", "write"]


@dataclass(frozen=True)
class Band:
    """What an image's header says of its band; ``zero_point`` is AB, as ``filters`` means it."""

    name: str
    prodcatg: str
    fraction: float
    zero_point: float | None = None


def image_hdus(cube: Cube, image: BandImage, band: Band, *, source: str) -> fits.HDUList:
    """Build the file of an image; ``source`` is the name of the cube's file."""
    data = _extension("DATA", image.image.astype(np.float32), cube, {"HDUCLAS2": "DATA"})
    data.header["BUNIT"] = (cube.unit or "", "data unit type")
    hdus = [fits.PrimaryHDU(header=_primary(cube.primary, image, band, source)), data]
    if image.variance is not None:
        classes = {"HDUCLAS2": "ERROR", "HDUCLAS3": "MSE", "SCIDATA": "DATA", "QUALDATA": "DQ"}
        stat = _extension("STAT", image.variance.astype(np.float32), cube, classes)
        stat.header["BUNIT"] = (f"({cube.unit})**2" if cube.unit else "", "data unit type")
        data.header["ERRDATA"] = "STAT"
        hdus.append(stat)
    classes = {"HDUCLAS2": "QUALITY", "HDUCLAS3": "MASKZERO", "SCIDATA": "DATA"}
    if image.variance is not None:
        classes["ERRDATA"] = "STAT"
    hdus.append(_extension("DQ", image.mask.astype(np.uint8), cube, classes))
    data.header["QUALDATA"] = "DQ"
    return fits.HDUList(hdus)


def write(hdus: fits.HDUList, target: BinaryIO) -> None:
    """Write the file, checksums last."""
    hdus.writeto(target, checksum=True)


def header_texts(hdus: fits.HDUList) -> tuple[HeaderText, ...]:
    """Return the headers as the archive keeps them."""
    return tuple(
        HeaderText(n, hdu.name or None, "\n".join(str(card).rstrip() for card in hdu.header.cards))
        for n, hdu in enumerate(hdus)
    )


def _primary(cube: fits.Header, image: BandImage, band: Band, source: str) -> fits.Header:
    header = primary_of(cube, band.prodcatg, source=source)
    header["HIERARCH ESO DRS MUSE FILTER NAME"] = (band.name, "filter used")
    header["HIERARCH ESO DRS MUSE FILTER FRACTION"] = (round(band.fraction, 4), "part of the filter in the cube")
    if band.zero_point is not None:
        header["HIERARCH ESO DRS MUSE FILTER ZPAB"] = (band.zero_point, "[mag] AB zero point")
    header["HIERARCH ESO DRS MUSE AO GAP FILLED"] = (image.gap_filled, "AO gap bridged by a straight line")
    return header


def _extension(name: str, pixels: np.ndarray[Any, Any], cube: Cube, classes: Mapping[str, str]) -> fits.ImageHDU:
    header = axes_of(cube)
    header.update(classes)
    return fits.ImageHDU(pixels, header, name=name)
