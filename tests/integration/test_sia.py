"""SIA 2.0 with pyvo: the same catalogue, asked by parameters."""

import csv
import io

import pytest
import pyvo
import requests
from astropy import units as u
from astropy.time import Time

from archive.archive import Archive

Service = tuple[Archive, str]
HERE = (63.355, 10.465, 0.01)


@pytest.fixture
def sia(full_service: Service) -> pyvo.dal.SIA2Service:
    return pyvo.dal.SIA2Service(f"{full_service[1]}/sia2")


IMAGES = {"white", "SDSS_g", "SDSS_r", "SDSS_i"}
ALL = {"cube", "MAPS", *IMAGES}


def names(results: pyvo.dal.SIA2Results) -> set[str]:
    return {name_of(str(r["dp_id"])) for r in results}


def name_of(product: str) -> str:
    return "MAPS" if "_MAPS" in product else product.partition("_IMAGE_")[2] or "cube"


def test_a_position_finds_the_cube_and_its_images(sia: pyvo.dal.SIA2Service) -> None:
    assert names(sia.search(pos=HERE)) == ALL
    assert len(sia.search(pos=(64.355, 10.465, 0.01))) == 0


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"data_type": "cube"}, {"cube"}),
        ({"band": (500 * u.nm, 600 * u.nm)}, {"cube", "MAPS", "white", "SDSS_g", "SDSS_r"}),
        ({"band": (1 * u.um, 2 * u.um)}, set()),
        ({"time": (Time("2014-12-08"), Time("2014-12-09"))}, ALL),
        ({"time": (Time("2015-01-01"), Time("2015-12-31"))}, set()),
        ({"collection": "MUSE"}, ALL),
        ({"collection": "PHANGS"}, set()),
        ({"target_name": "Abell 478", "data_type": "image"}, {"MAPS", *IMAGES}),
        ({"calib_level": 2}, {"cube", *IMAGES}),
        ({"calib_level": 4}, {"MAPS"}),
        ({"pos": (63.0, 64.0, 10.0, 11.0)}, ALL),
        ({"instrument": "MUSE", "facility": "ESO-VLT-U4"}, ALL),
        ({"pol": "I"}, set()),
    ],
)
def test_parameters_narrow_the_search(
    sia: pyvo.dal.SIA2Service, parameters: dict[str, object], found: set[str]
) -> None:
    assert names(sia.search(**parameters)) == found


def test_an_identifier_finds_its_product(sia: pyvo.dal.SIA2Service) -> None:
    (cube,) = sia.search(pos=HERE, data_type="cube")
    (again,) = requests_of(sia, ID=cube["obs_publisher_did"])
    assert again == cube["access_url"]


def requests_of(sia: pyvo.dal.SIA2Service, **parameters: str) -> list[str]:
    answer = requests.get(f"{sia.baseurl}/query", {**parameters, "RESPONSEFORMAT": "csv"}, timeout=30)
    return [row["access_url"] for row in csv.DictReader(io.StringIO(answer.text))]


def test_the_answers_lead_to_the_file(sia: pyvo.dal.SIA2Service) -> None:
    (cube,) = sia.search(pos=HERE, data_type="cube")
    assert cube["access_url"].endswith(".fits")
    assert requests.head(cube["access_url"], timeout=30).headers["Content-Type"] == "application/fits"


def test_a_limit_of_no_rows_gives_the_columns(sia: pyvo.dal.SIA2Service) -> None:
    results = sia.search(maxrec=0)
    assert len(results) == 0
    assert "access_url" in results.fieldnames


def test_a_wrong_value_is_named(full_service: Service) -> None:
    answer = requests.get(f"{full_service[1]}/sia2/query", {"POS": "CIRCLE 1 2"}, timeout=30)
    assert answer.status_code == 400
    assert "POS: cannot read" in answer.text
