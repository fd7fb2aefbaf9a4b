"""A product that is made again takes the place of its earlier edition: at once, whole, and everywhere."""

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from archive import editions, products, provenance
from archive.archive import Archive
from archive.cli import verify
from archive.errors import Refused
from archive.products import HeaderText, NewFile, Publication
from archive.unreferenced import sweep
from archive.verify import Kind, faults
from ingest.products import ingest_products
from processing.order import Order
from processing.tasks import BAND_IMAGES, band_images
from schema.findings import Finding
from schema.products import Artifact, Header, Product
from schema.provenance import Activity, Used, WasGeneratedBy
from tests.support.commands import typing
from tests.support.cubes import write_cube


def publication(archive: Archive, content: str, *, version: int | None = 1, title: str = "a list") -> Publication:
    """An edition of the product ``list``, with a file, a header, a finding and provenance of its own."""
    stored = archive.store.write(lambda target: target.write(content.encode()))
    activity = Activity(activity_id=f"made-{content}", name="make", task_version=version, parameters={"say": content})
    return Publication(
        product=Product(product_id="list", kind="list", title=title, collection="MUSE", calib_level=3, simulated=0),
        files=[NewFile(stored, "list.txt", "list.txt", "text/plain", headers=(HeaderText(0, None, content),))],
        activity=activity,
        used=[Used(activity_id=activity.activity_id, entity=f"input-of-{content}", role="INPUT")],
        findings=[Finding(origin="product:list", kind="odd", subject="list", message=content)],
        remakes=True,
    )


def counted(archive: Archive) -> dict[str, int]:
    with archive.database.reading() as session:
        tables = (Product, Artifact, Header, Finding, Activity, Used, WasGeneratedBy)
        return {t.__name__: session.scalar(select(func.count()).select_from(t)) or 0 for t in tables}


def age(archive: Archive, *, days: float) -> None:
    """Let the files of the store be older than they are."""
    for sha256 in archive.store.names():
        moment = time.time() - days * 86400
        os.utime(archive.store.path(sha256), (moment, moment))


def test_a_new_edition_takes_the_place_of_all_that_belonged_to_the_old_one(archive: Archive) -> None:
    products.publish(archive, publication(archive, "old"))
    before = counted(archive)
    assert products.publish(archive, publication(archive, "new", title="another list"))
    product = products.get(archive, "list")
    assert product.title == "another list"
    (file,) = product.artifacts
    assert archive.store.get(file.sha256).read_bytes() == b"new"
    assert [h.cards for h in products.headers(archive, "list.txt")] == ["new"]
    (step,) = provenance.history(archive, "list")
    assert (step.activity.parameters, [one.name for one in step.used]) == ({"say": "new"}, ["input-of-new"])
    assert editions.current(archive.database)["list"].parameters == {"say": "new"}
    assert counted(archive) == before


def test_the_same_activity_publishes_its_edition_once(archive: Archive) -> None:
    assert products.publish(archive, publication(archive, "old"))
    assert not products.publish(archive, publication(archive, "old"))
    assert counted(archive)["Product"] == 1


def test_an_edition_that_fails_half_way_leaves_the_old_one_as_it_was(archive: Archive) -> None:
    products.publish(archive, publication(archive, "old"))
    bad = publication(archive, "bad")
    bad.product.release_id = "no-such-release"
    with pytest.raises(Refused, match="list"):
        products.publish(archive, bad)
    assert [h.cards for h in products.headers(archive, "list.txt")] == ["old"]
    assert provenance.history(archive, "list")[0].activity.parameters == {"say": "old"}


def test_readers_see_the_old_edition_until_the_new_one_is_whole(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    products.publish(archive, publication(archive, "old"))
    clear, seen = editions.clear, []

    def look(session: Session, product_id: str) -> None:
        clear(session, product_id)
        (file,) = products.get(archive, product_id).artifacts  # by a connection of its own, as everybody else
        seen.append(archive.store.get(file.sha256).read_bytes())

    monkeypatch.setattr(editions, "clear", look)
    products.publish(archive, publication(archive, "new"))
    assert seen == [b"old"]


def test_what_was_not_made_here_is_not_replaced(archive: Archive, tmp_path: Path) -> None:
    (outcome,) = ingest_products(archive, [write_cube(tmp_path / "cube.fits")], collection="MUSE")
    cube = outcome.key or ""
    bold = publication(archive, "bold")
    bold.product.product_id = cube
    with pytest.raises(Refused, match="was not made here"):
        products.publish(archive, bold)
    assert products.get(archive, cube).kind == "cube"


def test_images_made_again_follow_everywhere(archive: Archive, tmp_path: Path) -> None:
    (outcome,) = ingest_products(archive, [write_cube(tmp_path / "cube.fits", value=3.0)], collection="MUSE")
    cube = outcome.key or ""
    white = f"{cube}_IMAGE_white"
    order = Order("band_images", BAND_IMAGES, (cube,), {white: {"filter": "white"}})
    seen = []
    for job in ("first", "second"):
        band_images(archive, order.to_parameters(), job, lambda _fraction, _words: None)
        files = {a.artifact_id: a for p in (cube, white) for a in products.get(archive, p).artifacts}
        assert files[f"{cube}.png"].sha256 == files[f"{white}.png"].sha256
        (step, *_) = provenance.history(archive, white)
        assert step.activity.job_id == job
        seen.append(products.get(archive, white).ingested)
        with archive.database.reading() as session:
            published = text("SELECT count(*) FROM ivoa.obscore WHERE obs_publisher_did LIKE :name")
            assert session.scalar(published, {"name": f"%{white}%"}) == 1
    assert seen[1] > seen[0]
    assert provenance.made_of(archive, cube) == [white]


def test_the_file_of_an_earlier_edition_goes_when_it_is_swept_and_a_day_old(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    products.publish(archive, publication(archive, "old"))
    (old,) = (a.sha256 for a in products.get(archive, "list").artifacts)
    products.publish(archive, publication(archive, "new"))
    assert [(fault.kind, fault.sha256) for fault in faults(archive)] == [(Kind.UNKNOWN, old)]
    assert sweep(archive) == []
    age(archive, days=2)
    with archive.store.get(old).open("rb") as reader, typing(archive, monkeypatch, verify) as verifies:
        assert verifies("--sweep").stdout == f"removed  {old}\nevery file is whole\n"
        assert reader.read() == b"old"
    assert list(faults(archive)) == []


def test_a_file_that_is_stored_again_is_no_leftover(archive: Archive) -> None:
    stored = archive.store.write(lambda target: target.write(b"about to be published"))
    age(archive, days=2)
    archive.store.write(lambda target: target.write(b"about to be published"))
    assert sweep(archive) == []
    age(archive, days=2)
    assert sweep(archive) == [stored.sha256]


def test_a_file_that_was_swept_before_it_was_published_is_not_promised(archive: Archive) -> None:
    late = publication(archive, "late")
    age(archive, days=2)
    sweep(archive)
    with pytest.raises(Exception, match="missing from the store"):
        products.publish(archive, late)
    assert products.find(archive, "list") is None
