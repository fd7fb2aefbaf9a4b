"""Point spread functions in FITS headers, as mpdaf writes and reads them: polynomials of FWHM and beta in wavelength.

A wavelength is counted as (l - FSFLB1) / (FSFLB2 - FSFLB1) - 1/2; FSFnnFkk are the coefficients of the FWHM in arcsec,
that of the highest power first, FSFnnBkk those of beta; nn is the number of the field, of which there are NFIELDS.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from astropy.io import fits

from processing.science.psf import PIVOT, Psf

__all__ = ["fsf_cards", "read_fsf"]

MODEL: Final = 2
"""Of mpdaf: a round Moffat profile, both polynomials."""

BLUE: Final = 5000.0
RED: Final = 9000.0
MOST_FIELDS: Final = 100


def fsf_cards(psfs: Mapping[str, Psf]) -> fits.Header:
    """Return the cards of the PSFs of fields, numbered in their order, with their names as comments."""
    header = fits.Header()
    header["FSFMODE"] = (MODEL, "round Moffat, FWHM and beta polynomials")
    header["FSFLB1"] = (BLUE, "[Angstrom] blue wavelength of reference")
    header["FSFLB2"] = (RED, "[Angstrom] red wavelength of reference")
    header["NFIELDS"] = (len(psfs), "fields with a PSF")
    for field, (name, psf) in enumerate(psfs.items()):
        middle = float(psf.fwhm_at(np.array((BLUE + RED) / 2)))
        header[f"FSF{field:02d}FNC"] = (2, f"{name}: coefficients of the FWHM")
        header[f"FSF{field:02d}F00"] = (round(psf.slope * (RED - BLUE), 6), "[arcsec] per range of reference")
        header[f"FSF{field:02d}F01"] = (round(middle, 6), "[arcsec] in its middle")
        header[f"FSF{field:02d}BNC"] = (1, "coefficients of beta")
        header[f"FSF{field:02d}B00"] = (psf.beta, "exponent of the Moffat profile")
    return header


def read_fsf(header: fits.Header) -> tuple[Psf, ...]:
    """Return the PSFs of a header: none where it has none, or polynomials that no ``Psf`` follows."""
    try:
        if header.get("FSFMODE") != MODEL:
            return ()
        return tuple(_read(header, f"FSF{field:02d}") for field in range(MOST_FIELDS) if f"FSF{field:02d}FNC" in header)
    except (KeyError, TypeError, ValueError):
        return ()


def _read(header: fits.Header, prefix: str) -> Psf:
    widths = [float(header[f"{prefix}F{k:02d}"]) for k in range(int(header[f"{prefix}FNC"]))]
    betas = [float(header[f"{prefix}B{k:02d}"]) for k in range(int(header[f"{prefix}BNC"]))]
    if len(widths) > 2 or len(betas) != 1:
        raise ValueError("a FWHM that is not linear in wavelength, or a beta that changes")
    first, last = float(header["FSFLB1"]), float(header["FSFLB2"])
    slope = widths[0] / (last - first) if len(widths) == 2 else 0.0
    return Psf(widths[-1] + slope * (PIVOT - (first + last) / 2), betas[0], slope)
