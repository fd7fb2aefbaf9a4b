"""Cut-outs of a galaxy's grid."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from archive.errors import Refused
from processing.esorex.grid import cutout, write_output_wcs
from tests.support.pixel_tables import Exposed
from tests.support.simulations import GALAXY

CENTRE = (GALAXY.ra, GALAXY.dec)
LIMITS = "ESO DRS MUSE PIXTABLE LIMITS"


@pytest.fixture
def header(exposed: Exposed) -> fits.Header:
    return fits.getheader(exposed.tables[0])


def test_the_centre_of_a_galaxy_is_the_middle_of_a_pixel(header: fits.Header) -> None:
    part = cutout([header], CENTRE, (0.0, 0.0), 0.0)
    place = WCS(part.header).all_world2pix([[*CENTRE, part.first * 1e-10]], 0)[0]
    assert place == pytest.approx((-part.x, -part.y, 0.0), abs=1e-6)
    assert all(isinstance(part.header[f"CRPIX{axis}"], float) for axis in (1, 2, 3))


def test_exposures_differ_by_whole_pixels(exposed: Exposed, header: fits.Header) -> None:
    one = cutout([header], CENTRE, (0.0, 0.0), 0.0)
    other = cutout([fits.getheader(exposed.tables[1])], CENTRE, (2e-4, -3e-4), 0.3)
    assert (one.x, one.y, one.shape) != (other.x, other.y, other.shape)
    assert (one.first - other.first) / 1.25 % 1 == 0
    for keyword in ("CRVAL1", "CRVAL2", "CD1_1", "CD2_2", "CD3_3"):
        assert one.header[keyword] == other.header[keyword]
    assert (one.header["CRPIX1"] - other.header["CRPIX1"]) % 1 == 0


@pytest.mark.parametrize("angle", [0.0, 17.0, 45.0, 90.0, 200.0])
def test_a_turned_field_lies_within_its_part(exposed: Exposed, header: fits.Header, angle: float) -> None:
    exposure = exposed.exposures[0]
    header["ESO INS DROT POSANG"] = angle
    part = cutout([header], CENTRE, (exposure.ra_offset, exposure.dec_offset), 0.2)
    field = type(exposure.true)(exposure.true.ra, exposure.true.dec, angle + 0.2)
    edge = np.linspace(-12, 12, 49)
    ra, dec = field.sky(*(one.ravel() for one in np.meshgrid(edge, edge)))
    x, y = WCS(part.header).celestial.all_world2pix(ra, dec, 0)
    _, rows, columns = part.shape
    for places, size in ((x, columns), (y, rows)):
        assert 10 < places.min() < 15
        assert 10 < size - 1 - places.max() < 15


def test_tables_of_single_ifus_are_one_field(header: fits.Header) -> None:
    lower, upper = header.copy(), header.copy()
    middle = (header[f"{LIMITS} Y LOW"] + header[f"{LIMITS} Y HIGH"]) / 2
    lower[f"{LIMITS} Y HIGH"], upper[f"{LIMITS} Y LOW"] = middle - 1, middle + 1
    whole = cutout([header], CENTRE, (0.0, 0.0), 0.0)
    assert cutout([upper, lower], CENTRE, (0.0, 0.0), 0.0) == whole
    assert cutout([upper], CENTRE, (0.0, 0.0), 0.0).shape < whole.shape


def test_wavelengths_are_those_of_the_survey(header: fits.Header) -> None:
    header[f"{LIMITS} LAMBDA LOW"], header[f"{LIMITS} LAMBDA HIGH"] = 4599.4, 9351.2
    part = cutout([header], CENTRE, (0.0, 0.0), 0.0)
    assert (part.first, part.shape[0]) == (4700.0, 3761)


def test_an_exposure_off_the_grid_is_refused(header: fits.Header) -> None:
    with pytest.raises(Refused, match="lies 180.0 degrees from the centre of its galaxy"):
        cutout([header], (GALAXY.ra + 180, -GALAXY.dec), (0.0, 0.0), 0.0)
    with pytest.raises(Refused, match="lies 0.6 degrees from the centre of its galaxy"):
        cutout([header], (GALAXY.ra, GALAXY.dec + 0.6), (0.0, 0.0), 0.0)
    header[f"{LIMITS} LAMBDA LOW"] = header[f"{LIMITS} LAMBDA HIGH"] = 9500.0
    with pytest.raises(Refused, match="off its galaxy's grid"):
        cutout([header], CENTRE, (0.0, 0.0), 0.0)


def test_a_table_without_limits_is_refused(header: fits.Header) -> None:
    del header[f"{LIMITS} X LOW"]
    with pytest.raises(Refused, match="does not say its limits"):
        cutout([header], CENTRE, (0.0, 0.0), 0.0)


def test_a_grid_without_values_is_small(tmp_path: Path, header: fits.Header) -> None:
    part = cutout([header], CENTRE, (0.0, 0.0), 0.0)
    axes = write_output_wcs(tmp_path / "grid.fits", part)
    assert (tmp_path / "grid.fits").stat().st_size < 20_000
    written = fits.getheader(tmp_path / "grid.fits", 1)
    assert [written[f"NAXIS{axis}"] for axis in (3, 2, 1)] == list(part.shape)
    assert (written["CTYPE1"], written["CTYPE3"]) == ("RA---TAN", "AWAV")
    for keyword in ("CRVAL1", "CRPIX1", "CRVAL3", "CD1_1", "CD2_2", "CD3_3"):
        assert isinstance(written[keyword], float)
        assert written[keyword] == pytest.approx(axes[keyword], rel=1e-13)
