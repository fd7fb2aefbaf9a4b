"""A file goes to the ingest of its kind, whatever folder it lies in."""

from pathlib import Path

import pytest

from ingest.kinds import Kind, is_whole_beginning, kind_of
from tests.support.cubes import write_cube
from tests.support.raw_frames import card, primary, raw_bytes

REPORT = """General weather conditions
Seeing: 0.29 - 1.1"
-----------------------------
OB: 1755413
"""
TABLE = """# ambient
Date time,DIMM Seeing ["],MASS-DIMM Tau0 [s]
2018-06-05T01:06:58,0.8,0.004
"""


@pytest.mark.parametrize(
    ("name", "beginning", "kind"),
    [
        ("MUSE.2018-06-05T01:06:58.638.fits.fz", raw_bytes(channels=0), Kind.EXPOSURES),
        ("bias.FITS", raw_bytes(channels=0, ESO_DPR_CATG="CALIB", ESO_DPR_TYPE="BIAS"), Kind.EXPOSURES),
        ("master.fits", primary({"ESO PRO CATG": "MASTER_BIAS"}), Kind.EXPOSURES),
        (
            "response.fits",
            primary({"ESO PRO CATG": "STD_RESPONSE", "ESO PRO REC1 ID": "muse_standard"}),
            Kind.EXPOSURES,
        ),
        ("cube.fits", primary({"ESO PRO CATG": "DATACUBE_FINAL"}, more=1500), Kind.PRODUCTS),
        ("phase3.fits", primary({"PRODCATG": "SCIENCE.CUBE.IFS"}), Kind.PRODUCTS),
        ("table.fits", primary({"ESO PRO REC1 ID": "muse_scipost"}), Kind.PRODUCTS),
        (
            "odd.fits",
            card("ESO PRO CATG", "DATACUBE_FINAL").encode() + b"OBJECT  = 'a\x00\xff'".ljust(80),
            Kind.PRODUCTS,
        ),
        ("empty.fits", b"", Kind.EXPOSURES),
        ("text.fits", b"this is no FITS file", Kind.EXPOSURES),
        ("after_end.fits", raw_bytes(channels=0) + primary({"PRODCATG": "x"}), Kind.EXPOSURES),
        ("MUSE.2018-06-05T01:06:58.638.NL.txt", b"", Kind.NIGHTLOG),
        ("report.txt", REPORT.encode(), Kind.NIGHTLOG),
        ("readme.txt", b"Nothing of the night.\n", None),
        ("dimm_paranal.csv", TABLE.encode(), Kind.AMBIENT),
        ("budget.csv", b"when,how much\n2018,12\n", None),
        ("notes.md", REPORT.encode(), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_name_and_first_bytes_tell_the_kind(name: str, beginning: bytes, kind: Kind | None) -> None:
    assert kind_of(name, beginning) == kind


def test_cubes_of_the_pipeline_are_products(tmp_path: Path) -> None:
    cube = write_cube(tmp_path / "cube.fits").read_bytes()
    assert kind_of("cube.fits", cube) == Kind.PRODUCTS


def test_a_header_is_read_to_its_end_and_rubbish_no_further_than_needed() -> None:
    header = primary({"ESO PRO CATG": "DATACUBE_FINAL"}, more=1500)
    assert is_whole_beginning("cube.fits", header)
    assert not is_whole_beginning("cube.fits", header[:2880])
    assert not is_whole_beginning("cube.fits", b"")
    assert is_whole_beginning("rubbish.fits", b"rubbish")
    assert is_whole_beginning("endless.fits", b"SIMPLE  =".ljust(1 << 20))
    assert not is_whole_beginning("report.txt", b"General")
