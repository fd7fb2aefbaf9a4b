"""The quality of a mosaic: faults that were put in are found, told as rows, and shown in a report and on pages."""

import base64
import io
import re
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image
from sqlalchemy import text

from archive import products, provenance
from archive import quality as told_quality
from archive.archive import Archive
from archive.errors import Refused
from processing.plan import make_plan
from processing.quality_task import QUALITY
from schema.products import Role
from schema.quality import LABELS, Figure, Quality
from tests.support import archives, quality_mosaics
from tests.support.quality_mosaics import EXPOSURES, MOSAIC, REPORT, TARGET, Faults, file_of, measure, take_in

PICTURES = ("field", "signal", "noise", "overlaps", "photometry", "stars")


def figures(archive: Archive) -> Mapping[tuple[str, str], Quality]:
    told = told_quality.find(archive.database, products.get(archive, MOSAIC))
    assert told is not None
    return {(row.figure, row.part): row for row in told.figures}


REPORTED = [figure for figure in Figure if not figure.startswith(("psf_", "noise_gain", "noise_of", "engines"))]
"""Figures of a native mosaic; the others are of homogenised ones, and of fits."""


@pytest.fixture(scope="module")
def told(server: str, survey_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Archive, str]]:
    """An archive with its services whose mosaic was measured; to be read only."""
    root = tmp_path_factory.mktemp("told")
    with archives.fresh_database(server, template=survey_template) as url, archives.served(url, root) as served:
        take_in(served[0], root, Faults())
        measure(served[0])
        yield served


def test_what_is_wrong_with_a_mosaic_is_found(told: tuple[Archive, str]) -> None:
    faults, found = Faults(), figures(told[0])

    def value(figure: Figure, part: str = "") -> float:
        return found[figure, part].measured

    assert value(Figure.NOISE_RATIO) == pytest.approx(faults.noise, rel=0.02)
    assert value(Figure.NOISE) == pytest.approx(quality_mosaics.SIGMA / np.sqrt(2), rel=0.01)
    assert value(Figure.OVERLAP_BIAS) == pytest.approx(faults.bias, abs=0.03)
    assert value(Figure.OVERLAP_SCATTER) == pytest.approx(faults.noise, rel=0.03)
    assert value(Figure.REPEAT_BIAS) < 0.02
    assert value(Figure.REPEAT_SCATTER) == pytest.approx(faults.noise, rel=0.03)
    assert value(Figure.ASTROMETRY_DEC) == pytest.approx(faults.north, abs=0.005)
    assert abs(value(Figure.ASTROMETRY_RA)) < 0.005
    assert value(Figure.ASTROMETRY_DEC_SCATTER) < 0.03
    assert found[Figure.ASTROMETRY_DEC, ""].n == sum(figure == Figure.STAR_DEC for figure, _ in found) > 15


def test_figures_are_told_by_wavelength_by_pair_and_by_star(told: tuple[Archive, str]) -> None:
    parts = {figure: {part for name, part in figures(told[0]) if name == figure} for figure in Figure}
    assert {"6500-6505", "6525-6530"} <= parts[Figure.NOISE_RATIO]
    (first, _), (second, _), (third, _), _ = EXPOSURES
    assert f"{first} {third}" in parts[Figure.OVERLAP_BIAS]
    assert f"{first} {second}" in parts[Figure.REPEAT_SCATTER]
    assert all(re.fullmatch(r"\d+\.\d{6} [-+]\d+\.\d{6}", star) for star in parts[Figure.STAR_RA])
    assert all(parts[figure] for figure in REPORTED)


def test_the_report_holds_its_pictures_and_they_are_pictures(told: tuple[Archive, str]) -> None:
    archive, _ = told
    report = products.get(archive, REPORT)
    assert (report.kind, report.target, report.simulated) == ("report", TARGET, 1)
    names = {f"{REPORT}_{name}.png": Role.AUXILIARY for name in PICTURES} | {f"{REPORT}_field.png": Role.PREVIEW}
    assert {a.file_name: a.role for a in report.artifacts} == names | {f"{REPORT}.html": Role.THIS}
    page = unescape(file_of(archive, REPORT).decode())
    shown = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(shown) == len(PICTURES)
    for data in shown:
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            assert min(picture.size) > 300
            assert len(np.unique(np.asarray(picture.convert("L")))) > 20
    assert "http" not in page
    for figure in REPORTED:
        assert LABELS[figure] in page
    used = {one.name for step in provenance.history(archive, REPORT)[:1] for one in step.used}
    assert {MOSAIC, *(f"{dp_id}_CUBE" for dp_id, _ in EXPOSURES)} < used


def test_another_mosaic_gets_another_report_in_place_of_the_one(survey: Archive, tmp_path: Path) -> None:
    take_in(survey, tmp_path, Faults(bias=0.4))
    measure(survey, "first")
    assert make_plan(survey, [TARGET], tasks=(QUALITY,)).steps == ()
    before = len(figures(survey))
    take_in(survey, tmp_path, Faults(bias=0.0), seed=2)
    measure(survey, "second")
    found = figures(survey)
    assert found[Figure.OVERLAP_BIAS, ""].measured < 0.03
    assert found[Figure.PHOTOMETRY, ""].measured == pytest.approx(Faults().magnitude, abs=0.005)
    assert len(found) == pytest.approx(before, abs=6)
    with survey.database.reading() as session:
        assert session.scalar(text("SELECT count(DISTINCT product_id) FROM survey.quality")) == 1


def test_a_report_that_is_made_anew_tells_the_same_figures_once(survey: Archive, tmp_path: Path) -> None:
    take_in(survey, tmp_path, Faults())
    order = quality_mosaics.order(survey)
    for job in ("first", "first", "second"):
        quality_mosaics.do(survey, order, job)
    assert len(figures(survey)) > 50


def test_a_field_without_stars_is_told_as_one(survey: Archive, tmp_path: Path) -> None:
    take_in(survey, tmp_path, Faults(), stars=False)
    measure(survey)
    found = {figure for figure, _ in figures(survey)}
    assert Figure.PHOTOMETRY in found
    assert not {Figure.ASTROMETRY_RA, Figure.STAR_RA, Figure.STAR_FWHM} & found
    assert "No star was found in both images." in file_of(survey, REPORT).decode()


def test_a_mosaic_without_variance_is_refused_and_nothing_is_told(survey: Archive, tmp_path: Path) -> None:
    take_in(survey, tmp_path, Faults())
    quality_mosaics.replace_without_variance(survey, tmp_path)
    with pytest.raises(Refused, match="no variance"):
        measure(survey)
    assert products.find(survey, REPORT) is None
    assert told_quality.find(survey.database, products.get(survey, MOSAIC)) is None


def test_a_reference_of_another_place_is_refused(survey: Archive, tmp_path: Path) -> None:
    take_in(survey, tmp_path, Faults(north=3600.0))
    with pytest.raises(Refused, match="cannot be compared"):
        measure(survey)


def test_the_pages_of_a_mosaic_and_of_its_report_show_the_figures(told: tuple[Archive, str]) -> None:
    url = told[1]
    for product_id, other in ((MOSAIC, REPORT), (REPORT, MOSAIC)):
        page = requests.get(f"{url}/products/{product_id}", timeout=30).text
        assert '<h2 id="quality">' in page
        assert f"/products/{other}" in page
        for words in (LABELS[Figure.NOISE_RATIO], LABELS[Figure.OVERLAP_SCATTER], "6500-6505", "1.12"):
            assert words in page
        for name in PICTURES:
            assert f'src="/files/{REPORT}_{name}.png"' in page
    answer = requests.get(f"{url}/files/{REPORT}_noise.png", timeout=30)
    assert answer.content.startswith(b"\x89PNG")
    answer = requests.get(f"{url}/files/{REPORT}.html", timeout=30)
    assert not answer.headers["Content-Disposition"].startswith("attachment")
    assert "img-src data:" in answer.headers["Content-Security-Policy"]
    exposure = requests.get(f"{url}/products/{EXPOSURES[0][0]}_CUBE", timeout=30).text
    assert '<h2 id="quality">' not in exposure


def test_figures_can_be_asked_for_in_adql(told: tuple[Archive, str]) -> None:
    url = told[1]
    asked = (
        f"SELECT measured FROM survey.quality WHERE product_id = '{MOSAIC}' AND figure = 'noise_ratio' AND part = ''"
    )
    answer = requests.get(
        f"{url}/tap/sync", {"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": asked, "FORMAT": "csv"}, timeout=30
    )
    assert float(answer.text.splitlines()[1]) == pytest.approx(1.12, rel=0.02)
