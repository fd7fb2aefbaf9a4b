"""astroquery's TapPlus against the service: tables listed, queries at once and in a while, tables taken along."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from astropy.table import Table
from astroquery.utils.tap.core import TapPlus

from archive.archive import Archive
from schema.published import catalogue
from tests.support.workers import query_worker

Service = tuple[Archive, str]
NEAR = "SELECT name, ra, dec, dist FROM survey.target WHERE dist < 10 ORDER BY name"
JOINED = "SELECT t.name, m.mark FROM survey.target AS t JOIN tap_upload.mine AS m ON m.galaxy = t.name"

pytestmark = pytest.mark.filterwarnings("ignore:unclosed")  # TapPlus closes no connections


@pytest.fixture
def tap(service: Service) -> Iterator[TapPlus]:
    with query_worker(service[0]):
        yield TapPlus(url=f"{service[1]}/tap", verbose=False)
    gc.collect()  # what it leaves open goes here, not in another test


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.xml"
    Table({"galaxy": ["NGC0628", "NGC0000"], "mark": [1, 2]}).write(path, format="votable")
    return path


def test_all_tables_are_listed_with_their_columns(tap: TapPlus) -> None:
    found = {table.get_qualified_name(): table for table in tap.load_tables()}
    known = {table.qualified: [column.name for column in table.columns] for table in catalogue()}
    assert {name.split(".", 1)[-1] if name not in known else name for name in found} == set(known)


def test_one_table_is_described(tap: TapPlus) -> None:
    table = tap.load_table("survey.target")
    columns = {column.name: column for column in table.columns}
    assert columns["dist"].unit == "Mpc"
    assert columns["ra"].ucd == "pos.eq.ra;meta.main"


def test_a_query_is_answered_the_same_at_once_and_in_a_while(tap: TapPlus) -> None:
    at_once, later = tap.launch_job(NEAR), tap.launch_job_async(NEAR)
    assert (at_once.get_phase(), later.get_phase()) == ("COMPLETED", "COMPLETED")
    assert list(at_once.get_results()["name"]) == ["IC5332", "NGC0628", "NGC5068"]
    assert [list(row) for row in later.get_results()] == [list(row) for row in at_once.get_results()]


def test_a_job_is_found_again(tap: TapPlus) -> None:
    job = tap.launch_job_async(NEAR, background=True)
    again = tap.load_async_job(jobid=job.jobid)
    assert len(again.get_results()) == 3
    assert again.get_phase() == "COMPLETED"


def test_a_table_of_ones_own_is_taken_along(tap: TapPlus, mine: Path) -> None:
    for launch in (tap.launch_job, tap.launch_job_async):
        job = launch(JOINED, upload_resource=str(mine), upload_table_name="mine")
        assert [tuple(row) for row in job.get_results()] == [("NGC0628", 1)]


def test_a_result_is_saved_in_the_format_that_was_asked_for(tap: TapPlus, tmp_path: Path) -> None:
    for launch in (tap.launch_job, tap.launch_job_async):
        path = tmp_path / f"{launch.__name__}.csv"
        launch(NEAR, output_format="csv", output_file=str(path), dump_to_file=True)
        assert path.read_text().startswith("name,ra,dec,dist")


def test_a_mistake_is_told_in_the_services_words(tap: TapPlus) -> None:
    for launch in (tap.launch_job, tap.launch_job_async):
        with pytest.raises(requests.HTTPError, match="unknown column 'nme'"):
            launch("SELECT nme FROM survey.target")
