"""The page of the chain's recipes: what is made of which frames, and from what."""

from pathlib import Path

import pytest

from archive.association_rules import RULES
from archive.errors import Refused
from ingest.raw_kinds import MASTER_TAGS
from processing.chain.reduction import SECONDS, _telling, reduce
from processing.chain.stages import MADE_FROM, STAGES, made_of, stages_of
from processing.esorex.frame import Frame
from tests.support.raw_frames import write_raw


def test_every_calibration_that_a_stage_takes_is_one_that_the_catalogue_knows() -> None:
    known = MASTER_TAGS | {rule.tag for rule in RULES}
    for stage in STAGES:
        assert set(stage.takes) | set(stage.may_take) <= known


def test_what_the_rules_say_is_made_from_raw_frames_is_made_from_them() -> None:
    for rule in RULES:
        if rule.made_from in MADE_FROM and rule.tag != "STD_TELLURIC":
            assert rule.tag in made_of(rule.made_from)


def test_tables_between_two_stages_are_not_kept() -> None:
    assert [stage.recipe for stage in stages_of("SKY")] == ["muse_scibasic", "muse_create_sky"]
    assert made_of("SKY") == ("SKY_CONTINUUM", "SKY_LINES")
    assert made_of("OBJECT") == ("PIXTABLE_OBJECT",)


def test_how_long_each_recipe_takes_is_known() -> None:
    assert {stage.recipe for stage in STAGES} == SECONDS.keys()


def test_a_calibration_that_is_not_there_is_named(tmp_path: Path) -> None:
    flat = write_raw(tmp_path, name="flat.fits", SIMULATE=True)
    with pytest.raises(Refused, match="muse_flat needs MASTER_BIAS"):
        reduce("FLAT", [Frame(flat, "FLAT")], {}, tmp_path / "runs", ifus=[1])


def test_warnings_about_ifus_that_are_not_there_are_left_out_and_a_lost_one_is_an_error() -> None:
    assert _telling(["Basic processing failed for IFU 13: Illegal output", "hot pixels"], [1, 2]) == ("hot pixels",)
    with pytest.raises(Refused, match="left an IFU out"):
        _telling(["Basic processing failed for IFU  2: Illegal output"], [1, 2])
