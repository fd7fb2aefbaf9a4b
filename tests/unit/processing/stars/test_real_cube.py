"""Both engines on a real cube, the galaxy in the middle of Abell 478: stars and lines, in units of our errors."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from processing.science.emission import fit_tile
from processing.science.engine_comparison import line_differences, star_differences, summary
from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.reference_fits import lines_by_ppxf, stars_by_ppxf
from processing.science.star_flags import StarFlag
from processing.science.stars import StarSpectra, fit_stars
from processing.science.tile import Tile
from tests.support.star_spectra import library

pytest.importorskip("ppxf")

CUBE = Path("data/mpdaf/data/sdetect/minicube.fits")
REDSHIFT = 0.0860
SIDE = 5
"""Spaxels along the side of a bin."""


def spectra_of(side: int) -> StarSpectra:
    """Add up squares of spaxels and return their spectra, row by row."""
    with fits.open(CUBE) as hdus:
        header, data, variance = hdus["DATA"].header, hdus["DATA"].data, hdus["STAT"].data
        wavelength = header["CRVAL3"] + header["CD3_3"] * (np.arange(len(data)) + 1 - header["CRPIX3"])
        kept = (wavelength / (1 + REDSHIFT) > 4850) & (wavelength / (1 + REDSHIFT) < 7000)
        flux, noise = (
            each[kept].astype(np.float64).reshape(kept.sum(), 40 // side, side, 40 // side, side).sum(axis=(2, 4))
            for each in (data, variance)
        )
    flux, noise = (each.reshape(len(each), -1).T for each in (flux, noise))
    return StarSpectra(wavelength[kept], flux, noise, np.isfinite(flux), REDSHIFT * SPEED_OF_LIGHT)


@pytest.mark.slow
def test_both_engines_tell_the_same_of_a_real_galaxy() -> None:
    spectra, spaxels = spectra_of(SIDE), spectra_of(1)
    stars = fit_stars(spectra, library())
    found = summary(star_differences(stars, stars_by_ppxf(spectra, library())))
    assert all(one.median < 0.1 and one.percentile_99 < 0.5 for one in found)
    clear = np.flatnonzero(np.isfinite(stars.velocity) & (stars.flags & StarFlag.LOW_SN == 0))
    assert clear.size > 12
    bins = np.arange(64).reshape(8, 8).repeat(SIDE, axis=0).repeat(SIDE, axis=1).ravel()
    chosen = np.flatnonzero(np.isin(bins, clear))[::4]
    tile = Tile(
        wavelength=spaxels.wavelength,
        flux=spaxels.flux[chosen],
        variance=spaxels.variance[chosen],
        good=spaxels.good[chosen],
        continuum=stars.continuum[bins[chosen]] / SIDE**2,
        velocity=np.repeat(stars.velocity[bins[chosen], np.newaxis], 3, axis=1),
        sigma=np.full((chosen.size, 3), 50.0),
        systemic_velocity=spaxels.systemic_velocity,
    )
    lines = summary(line_differences(fit_tile(tile), lines_by_ppxf(tile)))
    often = [one for one in lines if one.count >= 20]
    assert len(often) >= 10
    assert all(one.median < 0.1 and one.percentile_99 < 0.5 for one in often)
    assert all(one.largest < 2 for one in lines)


def test_the_galaxy_moves_as_it_is_known_to() -> None:
    spectra = spectra_of(SIDE)
    middle = replace(
        spectra,
        flux=spectra.flux.sum(axis=0, keepdims=True),
        variance=spectra.variance.sum(axis=0, keepdims=True),
        good=np.ones_like(spectra.good[:1]),
    )
    found = fit_stars(middle, library())
    redshift = (1 + REDSHIFT) * np.exp(found.velocity[0] / SPEED_OF_LIGHT) - 1
    assert redshift == pytest.approx(0.0857, abs=0.0003)
    assert found.sigma[0] == pytest.approx(305, abs=60)
