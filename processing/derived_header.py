"""What headers say of anything that is made of a cube, spaxel by spaxel: what holds for the cube, and its place."""

from datetime import UTC, datetime
from typing import Final

from astropy.io import fits

from archive.cube import Cube
from musevault import __version__

__all__ = ["axes_of", "primary_of"]

INHERITED: Final = (
    "ORIGIN", "TELESCOP", "INSTRUME", "RA", "DEC", "EQUINOX", "RADESYS", "RADECSYS", "MJD-OBS", "DATE-OBS", "MJD-END",
    "OBJECT", "PROG_ID", "ESO OBS PROG ID", "ESO OBS ID", "ESO OBS NAME", "ESO OBS TARG NAME", "ESO TPL START",
    "ESO INS MODE",
)  # fmt: skip
"""Keywords of the cube's primary header that hold for what is made of it."""


def primary_of(cube: fits.Header, prodcatg: str, *, source: str) -> fits.Header:
    """Return a primary header from that of the cube; ``source`` is the name of its file."""
    header = fits.Header()
    for keyword in INHERITED:
        if keyword in cube and _is_readable(cube.cards[keyword]):
            header.append(cube.cards[keyword])
    header["PRODCATG"] = (prodcatg, "data product category")
    header["PROCSOFT"] = (f"musevault/{__version__}", "data reduction software")
    header["DATE"] = (datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "file creation date, UTC")
    header["PROV1"] = (_ascii(source), "made from")
    return header


def axes_of(cube: Cube) -> fits.Header:
    """Return the header of an image on the cube's spaxels, with the classes that all images have."""
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
    header.update({"HDUCLASS": "ESO", "HDUDOC": "SDP", "HDUVERS": "SDP version 8", "HDUCLAS1": "IMAGE"})
    return header


def _is_readable(card: fits.Card) -> bool:
    """Whether a card keeps the standard: one that does not is no card of ours."""
    try:
        return card.value is not None
    except (ValueError, fits.VerifyError):
        return False


def _ascii(name: str) -> str:
    """FITS headers hold printable ASCII only: other characters are written as escapes."""
    return "".join(c if c.isascii() and c.isprintable() else c.encode("unicode_escape").decode() for c in name)
