"""STILTS as an astronomer uses it in a terminal: queries at once and in a while, tables of one's own, cones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.archive import Archive
from tests.support.stilts import stilts, stilts_refuses
from tests.support.workers import query_worker

Service = tuple[Archive, str]
NEAR = "SELECT name, ra, dec, dist FROM survey.target WHERE dist < 10 ORDER BY name"
JOINED = "SELECT t.name, m.mark FROM survey.target AS t JOIN tap_upload.mine AS m ON m.galaxy = t.name"


@pytest.fixture
def working(service: Service) -> Iterator[str]:
    """The address of the services, with the worker for queries."""
    with query_worker(service[0]):
        yield service[1]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("galaxy,mark,seen\nNGC0628,1,2020-01-02T03:04:05\nNGC0000,2,2020-01-02T03:04:06\n")
    return path


def asked(url: str, adql: str, *words: str) -> list[str]:
    """Ask as ``stilts tapquery`` does; return the lines of the answer, its names first."""
    return stilts("tapquery", f"tapurl={url}/tap", f"adql={adql}", "ofmt=csv", *words).splitlines()


def uploading(mine: Path, serialization: str = "TABLEDATA") -> list[str]:
    return ["nupload=1", f"upload1={mine}", "ufmt1=csv", "upname1=mine", f"upvotformat={serialization}"]


def test_a_query_is_answered_the_same_at_once_and_in_a_while(working: str) -> None:
    at_once = asked(working, NEAR, "sync=true")
    assert at_once[0] == "name,ra,dec,dist"
    assert [line.split(",")[0] for line in at_once[1:]] == ["IC5332", "NGC0628", "NGC5068"]
    assert asked(working, NEAR, "sync=false", "delete=finished") == at_once


@pytest.mark.parametrize("serialization", ["TABLEDATA", "BINARY", "BINARY2"])
def test_a_table_of_ones_own_is_taken_along(working: str, mine: Path, serialization: str) -> None:
    for sync in ("true", "false"):
        found = asked(working, JOINED, f"sync={sync}", *uploading(mine, serialization))
        assert found == ["name,mark", "NGC0628,1"]


def test_a_mistake_is_told_in_the_services_words(working: str) -> None:
    for sync in ("true", "false"):
        words = stilts_refuses(
            "tapquery", f"tapurl={working}/tap", "adql=SELECT nme FROM survey.target", f"sync={sync}"
        )
        assert "unknown column 'nme'" in words
        assert "did you mean 'name'" in words


def test_a_row_limit_is_kept_to(working: str) -> None:
    assert len(asked(working, "SELECT * FROM survey.pointing", "maxrec=5")) == 1 + 5


def test_a_cone_finds_the_pointings_in_it(working: str) -> None:
    cone = ["cone", f"serviceurl={working}/scs/survey.pointing", "lon=24.17", "lat=15.75", "ofmt=csv"]
    few = stilts(*cone, "radius=0.02", "verb=1").splitlines()
    assert few[0] == "pointing_id,ra,dec"
    assert [line.split(",")[0] for line in few[1:]] == ["NGC0628-P01", "NGC0628-P02"]
    assert stilts(*cone, "radius=0.02", "verb=3").splitlines()[0].endswith(",footprint")
    assert "SR must be a number of degrees from 0 to 180" in stilts_refuses(*cone, "radius=500")


def test_every_row_of_ones_own_table_has_its_cone(working: str, tmp_path: Path) -> None:
    places = tmp_path / "places.csv"
    places.write_text("ra,dec\n24.17,15.75\n0.0,89.0\n")
    found = stilts(
        "coneskymatch", f"serviceurl={working}/scs/survey.pointing", f"in={places}", "ifmt=csv", "ra=ra", "dec=dec",
        "sr=0.02", "find=each", "ofmt=csv", "usefoot=false",
    )  # fmt: skip
    assert [line.split(",")[2] for line in found.splitlines()[1:]] == ["NGC0628-P01", ""]


def test_images_are_found_by_position(full_service: Service) -> None:
    found = stilts(
        "cone", f"serviceurl={full_service[1]}/sia2/query", "servicetype=sia2", "lon=63.355", "lat=10.465",
        "radius=0.01", "ocmd=keepcols 'dataproduct_type access_format'", "ofmt=csv",
    )  # fmt: skip
    assert sorted(found.splitlines()[1:]) == ["cube,application/fits", *["image,application/fits"] * 5]
