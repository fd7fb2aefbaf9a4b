"""Whom a product comes from, and what falls with a frame: recursive questions over graphs with known answers."""

import pytest

from archive import exposure_record, products, provenance
from archive.archive import Archive
from tests.support.lineage import record

BIAS = "MUSE.2018-06-05T10:00:00.001"
SCIENCE = "MUSE.2018-06-05T01:06:59.418"


def steps(archive: Archive, product: str) -> list[str]:
    return [step.activity.activity_id for step in provenance.history(archive, product)]


def redone(archive: Archive, entity: str) -> list[tuple[int, str]]:
    return [(one.stage, made.product_id) for one in provenance.affected(archive, entity) for made in one.products]


def test_a_diamond_is_walked_once_and_its_end_is_redone_last(archive: Archive) -> None:
    record(
        archive,
        {"bias": [BIAS], "flat": ["bias"], "long": ["flat"], "cube": ["bias", "long", SCIENCE], "image": ["cube"]},
    )
    assert steps(archive, "cube") == ["make-cube", "make-bias", "make-long", "make-flat"]
    assert [frame.dp_id for frame in provenance.raw_frames(archive, "image")] == [SCIENCE, BIAS]
    assert redone(archive, BIAS) == [(0, "bias"), (1, "flat"), (2, "long"), (3, "cube"), (4, "image")]
    assert redone(archive, SCIENCE) == [(0, "cube"), (1, "image")]
    assert provenance.made_of(archive, "bias") == ["cube", "flat"]


def test_a_record_that_goes_in_a_circle_ends(archive: Archive) -> None:
    record(archive, {"a": ["c", SCIENCE], "b": ["a"], "c": ["b"]})
    assert steps(archive, "a") == ["make-a", "make-c", "make-b"]
    assert [frame.dp_id for frame in provenance.raw_frames(archive, "b")] == [SCIENCE]
    assert sorted(product for _, product in redone(archive, SCIENCE)) == ["a", "b", "c"]


def test_a_chain_of_fifty_is_followed_to_its_end(archive: Archive) -> None:
    record(archive, {f"p{n:02d}": [f"p{n - 1:02d}" if n else SCIENCE] for n in range(50)})
    assert len(steps(archive, "p49")) == 50
    assert [frame.dp_id for frame in provenance.raw_frames(archive, "p49")] == [SCIENCE]
    assert redone(archive, SCIENCE) == [(n, f"p{n:02d}") for n in range(50)]


def test_a_bad_frame_takes_down_what_was_made_of_it_and_nothing_else(archive: Archive) -> None:
    record(
        archive,
        {
            "master": [BIAS],
            "cube-1": ["master", SCIENCE],
            "cube-2": ["master", "MUSE.2018-06-05T02:00:00.000"],
            "cube-3": ["other.fits"],
            "mosaic": ["cube-1", "cube-2", "cube-3"],
        },
    )
    assert redone(archive, SCIENCE) == [(0, "cube-1"), (1, "mosaic")]
    assert redone(archive, "cube-3") == [(0, "mosaic")]
    assert redone(archive, "other.fits") == [(0, "cube-3"), (1, "mosaic")]
    assert {product for _, product in redone(archive, BIAS)} == {"master", "cube-1", "cube-2", "mosaic"}
    assert redone(archive, "mosaic") == redone(archive, "nothing") == []


def test_steps_whose_results_were_not_kept_join_the_two_ends(archive: Archive) -> None:
    record(archive, {"cube": ["PIXTABLE-01.fits"]}, informed={"make-cube": {"scibasic": [SCIENCE, "MASTER_BIAS.fits"]}})
    first, second = provenance.history(archive, "cube")
    assert (first.builds_on, second.activity.activity_id, second.made) == (("scibasic",), "scibasic", "cube")
    assert [(one.name, one.is_exposure, one.product_id) for one in second.used] == [
        (SCIENCE, True, None),
        ("MASTER_BIAS.fits", False, None),
    ]
    affected = provenance.affected(archive, SCIENCE)
    assert [(one.name, len(one.products)) for one in affected] == [("scibasic", 0), ("make-cube", 1)]


def test_a_product_that_was_taken_in_after_its_use_is_found_by_its_name(archive: Archive) -> None:
    """The record said its name only, as headers do."""
    record(archive, {"cube": ["master"]}, by_name=True)
    record(archive, {"master": [BIAS]})
    assert steps(archive, "cube") == ["make-cube", "make-master"]
    assert redone(archive, BIAS) == [(0, "master"), (1, "cube")]


@pytest.mark.parametrize("product", ["nothing", SCIENCE], ids=["unknown", "raw"])
def test_what_nobody_made_has_no_history(archive: Archive, product: str) -> None:
    assert (steps(archive, product), provenance.raw_frames(archive, product)) == ([], [])


def test_an_exposure_tells_all_that_was_made_from_it_through_any_number_of_steps(
    full_service: tuple[Archive, str],
) -> None:
    archive, _ = full_service
    (image,) = [p.product_id for p in products.latest(archive, kind="image") if p.filter == "white"]
    (frame,) = [f.dp_id for f in provenance.raw_frames(archive, image) if f.roles == "OBJECT"]
    shown = exposure_record.find(archive.database, frame)
    assert shown is not None
    assert {made.product_id for made in shown.made} == {
        p.product_id for kind in ("cube", "image", "stars", "maps") for p in products.latest(archive, kind=kind)
    }
