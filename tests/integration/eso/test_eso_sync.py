"""Two archives: what one publishes under ESO's names, the other takes over, whatever the network does meanwhile."""

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from archive import eso_listing
from archive.archive import Archive
from archive.errors import ArchiveError
from archive.eso_listing import Mark, Recorded
from ingest import eso_client
from ingest.eso import Page, synchronise
from ingest.polite import Politeness
from ingest.products import ingest_products
from schema.eso_listing import EsoProduct
from schema.exposures import Exposure
from schema.observations import Programme
from tests.support.cubes import write_cube
from tests.support.network import Eso

PROGRAMME = "1100.B-0651"
QUICK = Politeness(tries=3, wait=0, jitter=0, longest=1, connect=5, read=20)
BEGIN = datetime(2024, 5, 1, 12)


def listed(number: int, **values: Any) -> Exposure:
    """A raw frame as it stands in a listing, one a minute."""
    start = datetime(2018, 6, 5, 1, number, 59, 418000)
    facts: dict[str, Any] = {
        "dp_id": f"MUSE.{start:%Y-%m-%dT%H:%M:%S}.418",
        "known_from": "header",
        "instrument": "MUSE",
        "telescope": "ESO-VLT-U4",
        "dp_cat": "SCIENCE",
        "dp_type": "OBJECT",
        "dp_tech": "IFU",
        "programme_id": PROGRAMME,
        "run_id": f"{PROGRAMME}(A)",
        "pi_name": "SCHINNERER",
        "eso_ob_id": 1989464,
        "ob_name": "NGC4254_P06",
        "object": "NGC4254",
        "ins_mode": "WFM-AO-N",
        "ra": 184.7,
        "dec": 14.4,
        "footprint": [184.69, 14.39, 184.71, 14.39, 184.71, 14.41, 184.69, 14.41],
        "tpl_start": datetime(2018, 6, 5, 1, 0, 43),
        "exp_start": start,
        "mjd_obs": 58274.04 + number / 1440,
        "exptime": 645.0,
        "airmass_start": 1.31,
        "public_from": datetime(2019, 6, 5),
        "modified": BEGIN + timedelta(hours=number, microseconds=123456),
        **values,
    }
    return Exposure(**facts)


def sync(archive: Archive, *programmes: str, **options: Any) -> list[Page]:
    with eso_client.connect(archive.settings, QUICK) as source:
        return list(synchronise(archive, source, programmes or [PROGRAMME], **options))


def total(pages: list[Page], listing: str = "raw") -> tuple[int, int, int]:
    """New, changed and known entries."""
    found = [page.recorded for page in pages if page.listing == listing]
    return sum(r.new for r in found), sum(r.changed for r in found), sum(r.known for r in found)


def frames(archive: Archive) -> dict[str, Exposure]:
    with archive.database.reading() as session:
        return {row.dp_id: row for row in session.scalars(select(Exposure).order_by(Exposure.dp_id))}


def state(archive: Archive) -> dict[str, dict[str, Any]]:
    return {dp_id: {k: v for k, v in vars(row).items() if k[0] != "_"} for dp_id, row in frames(archive).items()}


def test_what_eso_lists_of_a_programme_comes_over(eso: Eso, here: Archive) -> None:
    eso.add(*(listed(n) for n in range(3)), listed(9, programme_id=None, run_id="1100.B-0652(A)"))
    pages = sync(here)
    assert total(pages) == (3, 0, 0)
    found = frames(here)["MUSE.2018-06-05T01:00:59.418"]
    assert (found.known_from, found.programme_id, found.run_id) == ("eso", PROGRAMME, "1100.B-0651(A)")
    assert (found.raw_tag, found.ao_mode, found.night) == ("OBJECT", "AO", "2018-06-04")
    assert (found.exptime, found.airmass_start, found.eso_ob_id, found.airmass_end) == (645.0, 1.31, 1989464, None)
    assert found.exp_start == datetime(2018, 6, 5, 1, 0, 59, 418000)
    assert (found.public_from, found.object) == (datetime(2019, 6, 5), "NGC4254")
    assert found.footprint == [184.69, 14.39, 184.71, 14.39, 184.71, 14.41, 184.69, 14.41]
    with here.database.reading() as session:
        assert session.get_one(Programme, PROGRAMME).pi_name == "SCHINNERER"


def test_products_come_over_with_their_collection(eso: Eso, here: Archive, tmp_path: Path) -> None:
    (cube,) = ingest_products(eso.archive, [write_cube(tmp_path / "NGC1365.fits")], collection="PHANGS")
    assert total(sync(here), "products") == (1, 0, 0)
    assert total(sync(here), "products") == (0, 0, 1)
    with here.database.reading() as session:
        product = session.scalars(select(EsoProduct)).one()
    assert (product.dp_id, product.obs_collection, product.dataproduct_type) == (cube.key, "PHANGS", "cube")
    assert (product.proposal_id, product.target_name, product.product_id) == ("1100.B-0651(A)", "NGC 1365", None)


def test_a_second_run_asks_from_where_the_first_came_to_and_changes_nothing(eso: Eso, here: Archive) -> None:
    eso.add(*(listed(n) for n in range(5)))
    sync(here)
    before = state(here)
    eso.network.asked.clear()
    assert total(sync(here)) == (0, 0, 1)  # the last entry comes again: others of its moment might have been added
    assert state(here) == before
    raw, products = eso.network.queries()
    assert "last_mod_date >= '2024-05-01T16:00:00.123'" in raw
    assert "last_mod_date >= '1970-01-01T00:00:00.000'" in products


def test_a_change_at_eso_comes_over(eso: Eso, here: Archive) -> None:
    eso.add(*(listed(n) for n in range(3)))
    sync(here)
    eso.change("MUSE.2018-06-05T01:01:59.418", object="NGC 4254 south", modified=BEGIN + timedelta(days=1))
    assert total(sync(here)) == (0, 1, 1)
    assert frames(here)["MUSE.2018-06-05T01:01:59.418"].object == "NGC 4254 south"


def test_a_run_that_ends_between_pages_is_gone_on_with(eso: Eso, here: Archive) -> None:
    eso.add(*(listed(n) for n in range(7)))
    with eso_client.connect(here.settings, QUICK) as source:
        first = next(synchronise(here, source, [PROGRAMME], rows=3))
    assert (first.recorded, first.reached) == (Recorded(new=3), BEGIN + timedelta(hours=2, microseconds=123456))
    assert eso_listing.mark(here.database, PROGRAMME, "raw") == first.reached
    eso.network.asked.clear()
    assert total(sync(here, rows=3)) == (4, 0, 1)
    assert all("2024-05-01T1" in query for query in eso.network.queries()[:3])
    assert len(frames(here)) == 7


def test_more_entries_of_one_moment_than_a_page_has_are_all_taken_once(eso: Eso, here: Archive) -> None:
    eso.add(*(listed(n, modified=BEGIN) for n in range(7)), listed(8, modified=BEGIN + timedelta(seconds=1)))
    assert total(sync(here, rows=2)) == (8, 0, 0)


def test_a_later_beginning_leaves_the_mark_and_an_earlier_one_asks_again(eso: Eso, here: Archive) -> None:
    eso.add(*(listed(n) for n in range(5)))
    assert total(sync(here, since=BEGIN + timedelta(hours=3))) == (2, 0, 0)
    assert eso_listing.mark(here.database, PROGRAMME, "raw") is None
    assert total(sync(here)) == (3, 0, 2)
    assert total(sync(here, since=BEGIN)) == (0, 0, 5)


def test_eso_fills_what_a_header_left_open_and_replaces_what_a_product_said(eso: Eso, here: Archive) -> None:
    eso.add(*(listed(n) for n in range(2)))
    ids = sorted(frames(eso.archive))
    with here.database.transaction() as session:
        session.add(Exposure(dp_id=ids[0], known_from="header", object="from the header", exptime=None))
        session.add(Exposure(dp_id=ids[1], known_from="product", object="from a product", rotator_angle=12.0))
    assert total(sync(here)) == (0, 2, 0)
    header, product = frames(here).values()
    assert (header.known_from, header.object, header.exptime) == ("header", "from the header", 645.0)
    assert (product.known_from, product.object, product.rotator_angle) == ("eso", "NGC4254", 12.0)
    eso.change(ids[0], public_from=datetime(2030, 1, 1), modified=BEGIN + timedelta(days=2))
    assert total(sync(here)) == (0, 1, 1)
    assert frames(here)[ids[0]].public_from == datetime(2030, 1, 1)


def test_an_entry_that_cannot_be_taken_does_not_stop_the_others(eso: Eso, here: Archive) -> None:
    eso.add(listed(0), listed(1, dp_id="../../etc/passwd"), listed(2, tpl_expno=3), listed(3))
    (page, _) = sync(here)
    assert (page.recorded.new, len(page.recorded.refused)) == (3, 1)
    assert page.recorded.refused[0] == ("../../etc/passwd", "'../../etc/passwd' is no identifier of ESO's")


def test_a_row_that_the_database_refuses_does_not_stop_the_others(here: Archive) -> None:
    crossing = [10.0, 10.0, 11.0, 11.0, 11.0, 10.0, 10.0, 11.0]
    rows = [{"dp_id": f"MUSE.{n}", "footprint": crossing if n == 1 else None} for n in range(3)]
    mark = Mark(PROGRAMME, "raw", BEGIN)
    recorded = eso_listing.record_frames(here.database, rows, programmes=[], reached=mark)
    assert (recorded.new, [dp_id for dp_id, _ in recorded.refused]) == (2, ["MUSE.1"])
    assert eso_listing.mark(here.database, PROGRAMME, "raw") == BEGIN


def test_a_busy_archive_is_asked_again_when_it_says(eso: Eso, here: Archive) -> None:
    eso.add(listed(0))
    eso.network.busy, eso.network.retry_after = 1, "1"
    began = time.monotonic()
    assert total(sync(here)) == (1, 0, 0)
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize("status", [429, 503])
def test_an_archive_that_stays_busy_ends_the_run_with_one_line(eso: Eso, here: Archive, status: int) -> None:
    eso.network.busy, eso.network.status = 100, status
    with pytest.raises(ArchiveError, match="ESO's archive does not answer: .*(429|503)") as error:
        sync(here)
    assert "\n" not in error.value.message
    assert len(eso.network.asked) == 1 + QUICK.tries


def test_an_archive_that_cannot_be_reached_or_takes_no_query_is_told_in_one_line(here: Archive) -> None:
    nowhere = here.settings.model_copy(update={"eso_tap_url": "http://127.0.0.1:9/tap"})
    with eso_client.connect(nowhere, QUICK) as source, pytest.raises(ArchiveError, match="does not answer") as error:
        source.ask("select 1", rows=1)
    assert "\n" not in error.value.message
    with eso_client.connect(here.settings, QUICK) as source, pytest.raises(ArchiveError, match="does not take"):
        source.ask("select nothing from nowhere", rows=1)
