"""A band image as a FITS file: primary header, then DATA, STAT and DQ on the cube's pixels.

Keywords and classes follow ESO's Science Data Products standard for ancillary images.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

import numpy as np
from astropy.io import fits

from archive.cube import Cube
from archive.products import HeaderText
from musevault import __version__
from processing.science.bands import BandImage

__all__ = ["Band", "header_texts", "image_hdus", "write"]

INHERITED: Final = (
    "ORIGIN", "TELESCOP", "INSTRUME", "RA", "DEC", "EQUINOX", "RADESYS", "RADECSYS", "MJD-OBS", "DATE-OBS", "MJD-END",
    "OBJECT", "PROG_ID", "ESO OBS PROG ID", "ESO OBS ID", "ESO OBS NAME", "ESO OBS TARG NAME", "ESO TPL START",
    "ESO INS MODE",
)  # fmt: skip
"""Keywords of the cube's primary header that hold for its images."""


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
    header = fits.Header()
    for keyword in INHERITED:
        if keyword in cube and _is_readable(cube.cards[keyword]):
            header.append(cube.cards[keyword])
    header["PRODCATG"] = (band.prodcatg, "data product category")
    header["PROCSOFT"] = (f"musevault/{__version__}", "data reduction software")
    header["DATE"] = (datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "file creation date, UTC")
    header["PROV1"] = (_ascii(source), "made from")
    header["HIERARCH ESO DRS MUSE FILTER NAME"] = (band.name, "filter used")
    header["HIERARCH ESO DRS MUSE FILTER FRACTION"] = (round(band.fraction, 4), "part of the filter in the cube")
    if band.zero_point is not None:
        header["HIERARCH ESO DRS MUSE FILTER ZPAB"] = (band.zero_point, "[mag] AB zero point")
    header["HIERARCH ESO DRS MUSE AO GAP FILLED"] = (image.gap_filled, "AO gap bridged by a straight line")
    return header


def _extension(name: str, pixels: np.ndarray[Any, Any], cube: Cube, classes: Mapping[str, str]) -> fits.ImageHDU:
    header = fits.Header()
    for keyword in ("CRPIX", "CRVAL", "CUNIT", "CTYPE"):
        for axis in (1, 2):
            if f"{keyword}{axis}" in cube.header:
                header[f"{keyword}{axis}"] = cube.header[f"{keyword}{axis}"]
    matrix = cube.celestial.pixel_scale_matrix
    for row in (1, 2):
        for column in (1, 2):
            header[f"CD{row}_{column}"] = float(matrix[row - 1, column - 1])
    for keyword in ("RADESYS", "LONPOLE", "LATPOLE", "CSYER1", "CSYER2"):
        if keyword in cube.header and _is_readable(cube.header.cards[keyword]):
            header[keyword] = cube.header[keyword]
    header.update({"HDUCLASS": "ESO", "HDUDOC": "SDP", "HDUVERS": "SDP version 8", "HDUCLAS1": "IMAGE", **classes})
    return fits.ImageHDU(pixels, header, name=name)


def _is_readable(card: fits.Card) -> bool:
    """Whether a card keeps the standard: one that does not is no card of ours."""
    try:
        return card.value is not None
    except (ValueError, fits.VerifyError):
        return False


def _ascii(name: str) -> str:
    """FITS headers hold printable ASCII only: other characters are written as escapes."""
    return "".join(c if c.isascii() and c.isprintable() else c.encode("unicode_escape").decode() for c in name)
