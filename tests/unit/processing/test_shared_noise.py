"""What neighbours share of the noise, by place and wavelength: mixtures of pointings, and their file."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from archive.errors import Refused
from processing.noise_file import noise_hdus, read_noise
from processing.science.shared_noise import NOTHING, SharedNoise, SumNoise, mixtures

WAVELENGTHS = np.array([5000.0, 9000.0])
WIDTHS = np.array([1.0, 3.0, 9.0])
FACTORS = np.array([[[1.0, 1.5, 2.0], [1.0, 2.0, 4.0]], [[1.0, 1.6, 2.4], [1.0, 2.2, 5.0]]])


def two_pointings() -> SharedNoise:
    """Pointings side by side, two columns of spaxels that both have, one that nobody has."""
    seconds = np.zeros((2, 3, 7), np.float32)
    seconds[0, :, :4], seconds[1, :, 2:6] = 1200, 600
    return mixtures(seconds, WAVELENGTHS, WIDTHS, FACTORS, np.array([[1.0, 1.0], [1.0, 0.5]]))


def test_each_pointing_has_its_own_and_an_overlap_has_the_mean_of_the_variances() -> None:
    noise = two_pointings()
    at = noise.at(5000.0)
    first, both, second = (int(at.kinds((3, 7))[0, x]) for x in (0, 2, 5))
    assert len({first, both, second}) == 3
    assert at.squared(np.array([first, second]), 81) == pytest.approx([4.0, 16.0])
    share = round(10 / 3) / 10  # of the second, to a tenth
    assert at.squared(np.array([both]), 81) == pytest.approx([4.0 * (1 - share) + 16.0 * share])
    assert noise.kind is not None
    assert (noise.kind[:, 6] == NOTHING).all()


def test_who_is_noisier_counts_for_more() -> None:
    noise = two_pointings().at(9000.0)
    both = noise.kinds((3, 7))[0, 2:3]
    weights = np.array([0.7, 0.3 * 0.5])
    assert noise.squared(both, 9) == pytest.approx([(weights * np.array([1.6, 2.2]) ** 2).sum() / weights.sum()])


def test_between_wavelengths_and_widths_it_is_interpolated_and_beyond_them_it_stays() -> None:
    noise, own = two_pointings(), np.array([0])
    one = int(noise.at(5000.0).kinds((3, 7))[0, 0])
    own[:] = one
    assert np.sqrt(noise.at(7000.0).squared(own, 9)) == pytest.approx(1.55)
    assert np.sqrt(noise.at(3000.0).squared(own, 9)) == pytest.approx(1.5)
    assert np.sqrt(noise.at(5000.0).squared(own, 36)) == pytest.approx(1.75)
    assert np.sqrt(noise.at(5000.0).squared(own, 10_000)) == pytest.approx(2.0)
    assert noise.at(5000.0).squared(own, 1) == pytest.approx(1.0)


def test_it_is_written_and_read_as_it_is(tmp_path: Path) -> None:
    noise = two_pointings()
    noise_hdus(noise, fits.Header(), "cube.fits").writeto(tmp_path / "told.fits")
    again = read_noise(tmp_path / "told.fits")
    for name in ("wavelengths", "widths", "factors", "kind"):
        np.testing.assert_array_equal(getattr(again, name), getattr(noise, name))


def test_another_file_or_another_field_is_refused(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.zeros((2, 2))).writeto(tmp_path / "other.fits")
    with pytest.raises(Refused, match=r"other\.fits does not tell the noise of sums"):
        read_noise(tmp_path / "other.fits")
    with pytest.raises(ValueError, match="noise is told of"):
        two_pointings().at(5000.0).kinds((4, 4))


def test_noise_that_nobody_shares_adds_up() -> None:
    assert SumNoise.none().squared(np.zeros(3, dtype=np.intp), np.array([1, 4, 100])) == pytest.approx(1.0)
