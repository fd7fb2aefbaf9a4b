"""ESO's keywords to the pipeline's tags."""

import pytest

from ingest.raw_kinds import MASTER_TAGS, raw_tag

KINDS = [
    ("CALIB", "BIAS", "BIAS"),
    ("CALIB", "DARK", "DARK"),
    ("CALIB", "FLAT,LAMP", "FLAT"),
    ("CALIB", "FLAT,LAMP,ILLUM", "ILLUM"),
    ("CALIB", "WAVE", "ARC"),
    ("CALIB", "WAVE,LSF", "ARC_LSF"),
    ("CALIB", "WAVE,MASK", "MASK"),
    ("CALIB", "FLAT,SKY", "SKYFLAT"),
    ("CALIB", "STD", "STD"),
    ("CALIB", "STD,TELLU", "OBJECT"),
    ("CALIB", "ASTROMETRY", "ASTROMETRY"),
    ("SCIENCE", "SKY", "SKY"),
    ("CALIB", "SKY", "SKY"),
    ("SCIENCE", "OBJECT", "OBJECT"),
    ("TECHNICAL", "FLAT,LAMP,THRUPUT", "AMPL"),
    ("ACQUISITION", "OBJECT", None),
    ("ACQUISITION", "SKY", None),
    ("TECHNICAL", "FOCUS", None),
    ("CALIB", "FLAT", None),
    ("SCIENCE", None, None),
    (None, "OBJECT", "OBJECT"),
]


@pytest.mark.parametrize(("category", "kind", "tag"), KINDS, ids=[f"{c}-{k}" for c, k, _ in KINDS])
def test_the_pipeline_s_tag_of_a_frame(category: str | None, kind: str | None, tag: str | None) -> None:
    assert raw_tag(category, kind) == tag


def test_blanks_and_small_letters_do_not_matter() -> None:
    assert raw_tag("CALIB", "Flat, Lamp, Illum ") == "ILLUM"


def test_no_product_of_science_is_a_calibration() -> None:
    assert not MASTER_TAGS & {"DATACUBE_FINAL", "PIXTABLE_OBJECT", "PIXTABLE_REDUCED", "IMAGE_FOV", "OBJECT_RED"}
