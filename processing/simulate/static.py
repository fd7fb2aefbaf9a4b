"""Write what the pipeline wants beside pixel tables: astrometry, line spread function, sky of the observing blocks."""

from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from scipy import special

from processing.science.lsf import FWHM_PER_SIGMA, MUSE_LSF
from processing.simulate.cards import of_sky, of_static
from processing.simulate.exposures import Block, Exposure, sky_dp_id
from processing.simulate.night import SKY_LINES, SkyLight
from processing.simulate.observation import Spectral

__all__ = ["write_astrometry", "write_lsf", "write_sky"]

Array = NDArray[np.float64]

IFUS: Final = 24
SLICES: Final = 48
PIXEL: Final = 1.25
LSF_STEP: Final = 0.15
LSF_REACH: Final = 7.5
LSF_WAVELENGTHS: Final = (4600.0, 9400.0, 13)
"""First and last, Angstrom, and how many."""

SKY_MARGIN: Final = 5.0
"""Angstrom by which the sky reaches beyond the tables, which the pipeline cuts to it."""

LINE_FLUX: Final = "10**(-20)*erg/(s cm^2 arcsec^2)"
CONTINUUM_FLUX: Final = "10**(-20)*erg/(s cm^2 Angstrom arcsec^2)"
"""The only units that the pipeline knows; it takes the numbers as they stand."""


def write_astrometry(path: Path, block: Block, ins_mode: str, *, seed: int) -> None:
    """Write the astrometric calibration: spaxels of 0.2 arcsec, north up."""
    header = of_static("ASTROMETRY_WCS", block, ins_mode, seed=seed)
    for axis, kind in ((1, "RA---TAN"), (2, "DEC--TAN")):
        header[f"CTYPE{axis}"], header[f"CUNIT{axis}"] = kind, "deg"
        header[f"CRPIX{axis}"], header[f"CRVAL{axis}"] = 0.0, 0.0
    header["CD1_1"], header["CD1_2"], header["CD2_1"], header["CD2_2"] = -0.2 / 3600, 0.0, 0.0, 0.2 / 3600
    fits.PrimaryHDU(header=header).writeto(path)


def write_lsf(path: Path, block: Block, ins_mode: str, *, seed: int) -> None:
    """Write the line spread function, the same for all slices: a Gaussian seen through a detector's pixel."""
    offsets = np.arange(-LSF_REACH, LSF_REACH + LSF_STEP / 2, LSF_STEP)
    wavelengths = np.linspace(*LSF_WAVELENGTHS[:2], LSF_WAVELENGTHS[2])
    sigma = (MUSE_LSF.fwhm(wavelengths) / FWHM_PER_SIGMA)[:, np.newaxis]
    profile = special.ndtr((offsets + PIXEL / 2) / sigma) - special.ndtr((offsets - PIXEL / 2) / sigma)
    cube = np.repeat((profile / PIXEL).astype(np.float32)[np.newaxis], SLICES, axis=0)
    hdus = fits.HDUList([fits.PrimaryHDU(header=of_static("LSF_PROFILE", block, ins_mode, seed=seed))])
    for ifu in range(1, IFUS + 1):
        hdu = fits.ImageHDU(cube, name=f"CHAN{ifu:02d}.LSF_PROFILE")
        cards = {
            "CTYPE1": "PARAM", "CUNIT1": "Angstrom", "CRPIX1": 1.0, "CRVAL1": -LSF_REACH, "CD1_1": LSF_STEP,
            "CTYPE2": "AWAV", "CUNIT2": "Angstrom", "CRPIX2": 1.0, "CRVAL2": float(wavelengths[0]),
            "CD2_2": float(wavelengths[1] - wavelengths[0]), "CD1_2": 0.0, "CD2_1": 0.0,
        }  # fmt: skip
        hdu.header.update(cards)
        hdus.append(hdu)
    hdus.writeto(path)


def write_sky(folder: Path, exposure: Exposure, target: str, spectral: Spectral, *, seed: int) -> tuple[Path, Path]:
    """Write the sky that the offset exposure of a block tells; returns the continuum's file and the lines'.

    Parameters
    ----------
    exposure
        Any of the block.
    """
    margin = max(SKY_MARGIN, 2 * spectral.step)
    low, high = spectral.low - margin, spectral.high + margin
    wavelengths = np.arange(low, high + PIXEL, PIXEL)
    lines = [line for line in SKY_LINES if low - 50 < line.wavelength < high + 50]
    taken = exposure.sky_taken
    continuum = [
        fits.Column("lambda", "D", unit="Angstrom", array=wavelengths),
        fits.Column("flux", "D", unit=CONTINUUM_FLUX, array=SkyLight(taken.continuum_factor, 0.0)(wavelengths)),
    ]
    of_lines = [
        fits.Column("name", "20A", array=[line.name for line in lines]),
        fits.Column("group", "J", array=[line.group for line in lines]),
        fits.Column("lambda", "D", unit="Angstrom", array=[line.wavelength for line in lines]),
        fits.Column("flux", "D", unit=LINE_FLUX, array=[taken.line_factor * line.flux for line in lines]),
        fits.Column("dq", "J", array=[0] * len(lines)),
    ]
    paths = []
    for category, name, columns in (("SKY_CONTINUUM", "CONTINUUM", continuum), ("SKY_LINES", "LINES", of_lines)):
        header = of_sky(exposure.block, target, exposure.true, exposure.place.ins_mode, category=category, seed=seed)
        path = folder / f"{sky_dp_id(exposure.block)}_{category}.fits"
        table = fits.BinTableHDU.from_columns(columns, name=name)
        fits.HDUList([fits.PrimaryHDU(header=header), table]).writeto(path)
        paths.append(path)
    return paths[0], paths[1]
