"""Write the calibrations that come as files, not from frames: lines, geometry, response, extinction, standard star.

They hold for the simulated instrument, not for the real one.
"""

import zlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from astropy.time import Time
from numpy.typing import NDArray

from processing.simulate import cards
from processing.simulate.detector import RESPONSE, sensitivity
from processing.simulate.night import SKY_LINES
from processing.simulate.raw_geometry import IFUS, LENGTH, Ifu, ifu_of
from processing.simulate.raw_lamps import LINES
from processing.simulate.raw_light import extinction

__all__ = ["STANDARD", "standard_flux", "write_static"]

Array = NDArray[np.float64]

STANDARD: Final = ("SIM-STANDARD", 94.0, -30.0)
"""Name and place, degrees, of a standard star that does not exist."""

STANDARD_FLUX: Final = 1e-13
LINE_FLUX: Final = "10**(-20)*erg/(s cm^2 arcsec^2)"


def standard_flux(wavelengths: Array) -> Array:
    """Return the flux of the standard star, erg/s/cm2/Angstrom."""
    flux: Array = STANDARD_FLUX * (wavelengths / 7000) ** -1.5
    return flux


def write_static(folder: Path, date: datetime, *, ins_mode: str, seed: int) -> list[Path]:
    """Write all of them; ``date`` is from when on they hold."""
    tables = {
        "LINE_CATALOG": [_line_catalogue()],
        "GEOMETRY_TABLE": [_geometry([ifu_of(number) for number in range(1, IFUS + 1)])],
        "STD_RESPONSE": [_response()],
        "EXTINCT_TABLE": [_extinction()],
        "STD_FLUX_TABLE": [_standard()],
        "SKY_LINES": [_sky_lines()],
        "ASTROMETRY_WCS": [],
    }
    paths = []
    for category, extensions in tables.items():
        header = _primary(category, date, ins_mode, seed)
        if category == "ASTROMETRY_WCS":
            _add_axes(header)
        if category == "LINE_CATALOG":
            header["VERSION"] = 3
        if category == "STD_RESPONSE":
            header["HIERARCH ESO DRS MUSE FLUX FFCORR"] = (True, "flat-field spectra are taken out")
        path = folder / f"{category}.fits"
        fits.HDUList([fits.PrimaryHDU(header=header), *extensions]).writeto(path)
        paths.append(path)
    return paths


def _primary(category: str, date: datetime, ins_mode: str, seed: int) -> fits.Header:
    moment = date.isoformat(timespec="seconds")
    header = fits.PrimaryHDU().header
    cards.mark(header, seed=seed)
    header["INSTRUME"] = ("MUSE", "instrument that is simulated")
    header["TELESCOP"] = ("ESO-VLT-U4", "telescope that is simulated")
    header["DATE-OBS"] = (f"{moment}.000", "UTC")
    header["MJD-OBS"] = (float(Time(date).mjd), "[d]")
    # Not the name that the calibrations beside simulated pixel tables have.
    header["ARCFILE"] = (f"M.MUSE.{moment}.{zlib.crc32(f'raw {category}'.encode()) % 1000:03d}.fits", "name")
    values = {
        "PRO CATG": category,
        "PRO TYPE": "REDUCED",
        "INS MODE": ins_mode,
        "INS OPTI2 NAME": "WFM",
        "DET READ CURNAME": "SCI1.0",
    }
    for keyword, value in values.items():
        header[f"HIERARCH ESO {keyword}"] = value
    return header


def _add_axes(header: fits.Header) -> None:
    for axis, kind in ((1, "RA---TAN"), (2, "DEC--TAN")):
        header[f"CTYPE{axis}"], header[f"CUNIT{axis}"] = kind, "deg"
        header[f"CRPIX{axis}"], header[f"CRVAL{axis}"] = 0.0, 0.0
    header["CD1_1"], header["CD1_2"], header["CD2_1"], header["CD2_2"] = -0.2 / 3600, 0.0, 0.0, 0.2 / 3600


def _line_catalogue() -> fits.BinTableHDU:
    columns = [
        fits.Column("lambda", "E", unit="Angstrom", array=[line.wavelength for line in LINES]),
        fits.Column("flux", "E", array=[line.electrons for line in LINES]),
        fits.Column("ion", "8A", array=[line.ion for line in LINES]),
        fits.Column("quality", "J", array=[line.quality for line in LINES]),
        fits.Column("comment", "20A", array=["simulated"] * len(LINES)),
    ]
    table = fits.BinTableHDU.from_columns(columns)
    table.header["VERSION"] = 3
    return table


def _geometry(ifus: Sequence[Ifu]) -> fits.BinTableHDU:
    slices = [(ifu.number, each) for ifu in ifus for each in ifu.slices]
    columns = [
        fits.Column("SubField", "J", array=[number for number, _ in slices]),
        fits.Column("SliceCCD", "J", array=[each.number for _, each in slices]),
        fits.Column("SliceSky", "J", array=[each.sky for _, each in slices]),
        fits.Column("x", "D", unit="pix", array=[each.x for _, each in slices]),
        fits.Column("y", "D", unit="pix", array=[each.y for _, each in slices]),
        fits.Column("angle", "D", unit="deg", array=[each.angle for _, each in slices]),
        fits.Column("width", "D", unit="pix", array=[LENGTH for _ in slices]),
    ]
    return fits.BinTableHDU.from_columns(columns)


def _response() -> fits.BinTableHDU:
    wavelengths = np.arange(4500.0, 9900.0, 5.0)
    response = 2.5 * np.log10(RESPONSE * sensitivity(wavelengths))
    columns = [
        fits.Column("lambda", "D", unit="Angstrom", array=wavelengths),
        fits.Column("response", "D", unit="2.5*log10((count/s/Angstrom)/(erg/s/cm**2/Angstrom))", array=response),
        fits.Column(
            "resperr", "D", unit="2.5*log10((count/s/Angstrom)/(erg/s/cm**2/Angstrom))", array=0.01 + 0 * response
        ),
    ]
    return fits.BinTableHDU.from_columns(columns)


def _extinction() -> fits.BinTableHDU:
    wavelengths = np.arange(4000.0, 10001.0, 50.0)
    columns = [
        fits.Column("lambda", "D", unit="Angstrom", array=wavelengths),
        fits.Column("extinction", "D", unit="mag/airmass", array=extinction(wavelengths)),
    ]
    return fits.BinTableHDU.from_columns(columns)


def _standard() -> fits.BinTableHDU:
    wavelengths = np.arange(4000.0, 10001.0, 10.0)
    flux = standard_flux(wavelengths)
    columns = [
        fits.Column("lambda", "D", unit="Angstrom", array=wavelengths),
        fits.Column("flux", "D", unit="erg/s/cm**2/Angstrom", array=flux),
        fits.Column("fluxerr", "D", unit="erg/s/cm**2/Angstrom", array=0.01 * flux),
    ]
    table = fits.BinTableHDU.from_columns(columns, name=STANDARD[0])
    table.header["RA"], table.header["DEC"] = STANDARD[1], STANDARD[2]
    return table


def _sky_lines() -> fits.BinTableHDU:
    columns = [
        fits.Column("name", "20A", array=[line.name for line in SKY_LINES]),
        fits.Column("group", "J", array=[line.group for line in SKY_LINES]),
        fits.Column("lambda", "D", unit="Angstrom", array=[line.wavelength for line in SKY_LINES]),
        fits.Column("flux", "D", unit=LINE_FLUX, array=[line.flux for line in SKY_LINES]),
        fits.Column("dq", "J", array=[0] * len(SKY_LINES)),
    ]
    return fits.BinTableHDU.from_columns(columns, name="LINES")
