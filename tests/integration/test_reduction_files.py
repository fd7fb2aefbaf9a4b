"""Pixel tables, sky spectra and reference images become products that the reduction finds, or a reason."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from archive import products
from archive.archive import Archive
from archive.errors import Refused
from ingest.outcome import Became, Outcome
from ingest.products import ingest_products
from ingest.reference import ingest_reference
from ingest.releases import ingest_release
from schema.exposures import Exposure
from tests.support.archives import SURVEY
from tests.support.cubes import HEADER

COLUMNS = ("xpos", "ypos", "lambda", "data", "dq", "stat", "origin")
DP_ID = "MUSE.2017-09-04T06:00:00.000"


def table(path: Path, *, columns: tuple[str, ...] = COLUMNS, **changes: Any) -> Path:
    primary = fits.PrimaryHDU(header=fits.Header(HEADER))
    primary.header["HIERARCH ESO PRO CATG"] = "PIXTABLE_OBJECT"
    primary.header["HIERARCH ESO DRS MUSE PIXTABLE LIMITS LAMBDA LOW"] = 4750.0
    primary.header["SIMULATE"] = True
    for keyword, value in changes.items():
        primary.header[keyword] = value
    images = [fits.ImageHDU(np.ones((4, 1), np.float32), name=name) for name in columns]
    fits.HDUList([primary, *images]).writeto(path, overwrite=True)
    return path


def image(path: Path, *, value: float = 1.0, ra: float = 53.4015, **changes: Any) -> Path:
    hdu = fits.PrimaryHDU(np.full((20, 30), value, np.float32))
    header = {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CUNIT1": "deg", "CUNIT2": "deg", "CRPIX1": 15.5, "CRPIX2": 10.5,
        "CRVAL1": ra, "CRVAL2": -36.1404, "CD1_1": -0.2 / 3600, "CD2_2": 0.2 / 3600,
        "BUNIT": "uJy", "FILTER": "Cousins_R", **changes,
    }  # fmt: skip
    hdu.header.update({key: value for key, value in header.items() if value is not None})
    hdu.writeto(path, overwrite=True)
    return path


def take(archive: Archive, path: Path) -> Outcome:
    (outcome,) = ingest_products(archive, [path], collection="MUSE")
    return outcome


def test_a_pixel_table_is_called_by_its_exposure_which_becomes_known_too(archive: Archive, tmp_path: Path) -> None:
    ingest_release(archive.database, SURVEY)
    outcome = take(archive, table(tmp_path / "PIXTABLE_OBJECT_0001.fits"))
    assert (outcome.became, outcome.key) == (Became.NEW, f"{DP_ID}_PIXTABLE_OBJECT")
    product = products.get(archive, f"{DP_ID}_PIXTABLE_OBJECT")
    assert (product.kind, product.target, product.simulated) == ("pixtable", "NGC1365", 1)
    assert product.tpl_start is not None
    assert product.wavelength_min == pytest.approx(4750e-10)
    with archive.database.reading() as session:
        assert session.get(Exposure, DP_ID) is not None
    assert take(archive, tmp_path / "PIXTABLE_OBJECT_0001.fits").became is Became.KNOWN


def test_the_table_of_one_ifu_is_told_from_those_of_the_others(archive: Archive, tmp_path: Path) -> None:
    outcome = take(archive, table(tmp_path / "PIXTABLE_OBJECT_0001-07.fits", EXTNAME="CHAN07"))
    assert outcome.key == f"{DP_ID}_PIXTABLE_OBJECT-07"


def test_another_content_under_the_same_exposure_is_refused_and_the_first_kept(
    archive: Archive, tmp_path: Path
) -> None:
    take(archive, table(tmp_path / "one.fits"))
    again = take(archive, table(tmp_path / "two.fits", OBSERVER="somebody"))
    assert again.became is Became.REFUSED
    assert "held already" in str(again.reason)


@pytest.mark.parametrize(
    ("columns", "changes", "words"),
    [
        (COLUMNS[:-1], {}, "without extension ORIGIN"),
        (COLUMNS, {"ARCFILE": ""}, "without ARCFILE"),
        (COLUMNS, {"INSTRUME": "SINFONI"}, "INSTRUME is 'SINFONI'"),
    ],
)
def test_a_table_that_lacks_something_is_refused(
    archive: Archive, tmp_path: Path, columns: tuple[str, ...], changes: dict[str, str], words: str
) -> None:
    outcome = take(archive, table(tmp_path / "table.fits", columns=columns, **changes))
    assert outcome.became is Became.REFUSED
    assert words in str(outcome.reason)


def test_a_reference_image_belongs_to_its_galaxy_and_gives_way_to_a_better_one(
    archive: Archive, tmp_path: Path
) -> None:
    ingest_release(archive.database, SURVEY)
    path = image(tmp_path / "r.fits")
    first = ingest_reference(archive, path, target="NGC1365", collection="MUSE")
    assert (first.became, first.key) == (Became.NEW, "NGC1365_REFERENCE_Cousins_R")
    assert ingest_reference(archive, path, target="NGC1365", collection="MUSE").became is Became.KNOWN
    before = products.get(archive, "NGC1365_REFERENCE_Cousins_R")
    image(path, value=2.0)
    assert ingest_reference(archive, path, target="NGC1365", collection="MUSE").became is Became.NEW
    after = products.get(archive, "NGC1365_REFERENCE_Cousins_R")
    assert after.artifacts[0].sha256 != before.artifacts[0].sha256
    assert [after.ra, after.dec] == pytest.approx([53.4015, -36.1404])


@pytest.mark.parametrize(
    ("target", "changes", "words"),
    [
        ("NGC9999", {}, "no galaxy of the survey"),
        ("NGC1365", {"FILTER": None}, "no FILTER"),
        ("NGC1365", {"BUNIT": None}, "no BUNIT"),
        ("NGC1365", {"CTYPE1": "LINEAR", "CTYPE2": "LINEAR"}, "no celestial coordinates"),
    ],
)
def test_an_image_that_cannot_be_a_reference_is_refused(
    archive: Archive, tmp_path: Path, target: str, changes: dict[str, Any], words: str
) -> None:
    ingest_release(archive.database, SURVEY)
    with pytest.raises(Refused, match=words):
        ingest_reference(archive, image(tmp_path / "r.fits", **changes), target=target, collection="MUSE")


def test_a_text_is_no_reference(archive: Archive, tmp_path: Path) -> None:
    ingest_release(archive.database, SURVEY)
    path = tmp_path / "r.fits"
    path.write_text("no image")
    with pytest.raises(Refused, match="no image that can be read"):
        ingest_reference(archive, path, target="NGC1365", collection="MUSE")
