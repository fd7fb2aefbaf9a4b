"""Filter curves by name, and their zero points."""

from pathlib import Path

import numpy as np
import pytest

from archive.errors import Refused
from archive.settings import load
from processing.filters import TABLES, read_curve


@pytest.mark.parametrize(("name", "pivot", "width"), [("WFI_BB", 6484, 1600), ("DUPONT_R", 6230, 1400)])
def test_the_bands_of_the_reference_images_are_there(name: str, pivot: float, width: float) -> None:
    curve = read_curve(load().data, name)
    wavelength, throughput = curve.band.wavelength, curve.band.throughput
    middle = np.sqrt(np.trapezoid(throughput * wavelength) / np.trapezoid(throughput / wavelength))
    assert middle == pytest.approx(pivot, abs=60)
    assert np.ptp(wavelength[throughput > throughput.max() / 2]) == pytest.approx(width, rel=0.2)
    like = read_curve(load().data, "Cousins_R").zero_point + 5 * np.log10(middle / 6556)
    assert curve.zero_point == pytest.approx(like, abs=0.03)  # as the list has those of its own


@pytest.mark.parametrize("name", [*TABLES, "SDSS_r"])
def test_without_the_packages_it_is_said_what_is_missing(name: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="set MUSEVAULT_DATA"):
        read_curve(tmp_path, name)


def test_a_name_that_nobody_knows_is_refused() -> None:
    with pytest.raises(Refused, match="no filter 'Pink'"):
        read_curve(load().data, "Pink")
