"""What headers say, in the forms that ESO's files really have."""

from datetime import datetime
from pathlib import Path

import pytest
from astropy.io import fits

from archive.cube import Cube
from archive.errors import Refused
from ingest import headers
from ingest.cube_facts import facts, oddities
from ingest.pipeline_record import activities
from tests.support.cubes import HEADER, write_cube


@pytest.mark.parametrize(
    ("run", "programme"),
    [
        ("094.A-0859(A)", "094.A-0859"),
        ("1100.B-0651(C)", "1100.B-0651"),
        ("60.A-9100(G)", "60.A-9100"),
        ("106.20Y7.001", "106.20Y7"),
        ("097.B-0640", "097.B-0640"),
        (None, None),
    ],
)
def test_a_run_belongs_to_a_programme(run: str | None, programme: str | None) -> None:
    assert headers.programme_of(run) == programme


def test_what_eso_writes_for_nothing_reads_as_nothing() -> None:
    header = {"OBJECT": "UNKNOWN ", "ESO TEL AMBI FWHM START": -1.0, "ESO OBS ID": -999, "ESO TPL START": ""}
    read = headers.fields(header)
    assert read["object"] is None
    assert read["dimm_fwhm_start"] is None
    assert read["eso_ob_id"] is None
    assert read["tpl_start"] is None
    assert set(read) == set(headers.EXPOSURE)


def test_no_value_is_no_text_and_no_number() -> None:
    assert headers.text(None) is None
    assert [headers.number(value) for value in (None, "NaN", "1E400", float("inf"))] == [None] * 4
    assert [headers.whole(value) for value in (float("inf"), "NaN", "1E999")] == [None] * 3


def test_cards_are_read_one_by_one_and_of_a_repeated_keyword_the_first() -> None:
    cards = ["OBJECT  = 'one'", "ORIGIN  = 12 34", "TELESCOP=", "OBJECT  = 'other'", "COMMENT said"]
    header = fits.Header.fromstring("".join(card.ljust(80) for card in cards))
    assert headers.readable(header) == ({"OBJECT": "one"}, ("ORIGIN",))


def test_an_exposure_is_read_from_a_header() -> None:
    read = headers.fields(fits.Header(HEADER))
    assert read["run_id"] == "1100.B-0651(A)"
    assert read["eso_ob_id"] == 200000001
    assert read["tpl_start"] == datetime(2017, 9, 4, 5, 59, 30)
    assert headers.dp_id(fits.Header(HEADER)) == "MUSE.2017-09-04T06:00:00.000"


def test_the_pipelines_record_becomes_a_chain_of_activities() -> None:
    last, used, earlier = activities(dict(fits.Header(HEADER)), product_id="p")
    assert (last.name, last.software) == ("muse_scipost", "muse/2.8.7")
    assert [u.entity for u in used] == ["PIXTABLE_OBJECT_0001-01.fits"]
    (first,) = earlier
    assert first.informs == last.activity_id
    assert first.activity.parameters == {"nifu": "-1"}
    assert [(u.entity, u.role) for u in first.used] == [
        ("MUSE.2017-09-04T06:00:00.000", "OBJECT"),
        ("MASTER_BIAS-01.fits", "MASTER_BIAS"),
    ]
    assert first.used[1].md5 == "0123456789abcdef0123456789abcdef"


def test_the_same_record_gives_the_same_activities_again() -> None:
    one = activities(dict(fits.Header(HEADER)), product_id="p")
    other = activities(dict(fits.Header(HEADER)), product_id="q")
    assert one[0].activity_id == other[0].activity_id


def test_parameters_that_are_no_json_are_kept_as_written() -> None:
    record: dict[str, object] = {"ESO PRO REC1 ID": "muse_scipost"}
    for n, value in enumerate((1.5, float("inf"), True, None), start=1):
        record |= {f"ESO PRO REC1 PARAM{n} NAME": f"p{n}", f"ESO PRO REC1 PARAM{n} VALUE": value}
    last, _, _ = activities(record, product_id="p")
    assert last.parameters == {"p1": 1.5, "p2": "inf", "p3": True, "p4": None}


def test_a_product_without_a_record_was_made_by_something_unknown() -> None:
    last, used, earlier = activities({"PROCSOFT": "muse/2.8.7"}, product_id="p")
    assert (last.name, last.software, used, earlier) == ("unknown", "muse/2.8.7", [], [])


def test_a_cubes_facts_come_from_its_axes_and_headers(tmp_path: Path) -> None:
    with Cube(write_cube(tmp_path / "cube.fits")) as cube:
        found = facts(cube)
        odd = {o.kind for o in oddities(cube, "(10**(-20)*erg/s/cm**2/Angstrom)**2")}
    assert (found["ra"], found["dec"]) == pytest.approx((53.4015, -36.1404), abs=1e-9)
    assert (found["wavelength_min"], found["wavelength_max"]) == pytest.approx((5300e-10, 7275e-10))
    assert (found["n_wavelength"], found["n_y"], found["n_x"]) == (80, 6, 5)
    assert found["exptime"] == 1200.0  # EXPTIME is that of one of the two exposures
    assert found["mjd_end"] == pytest.approx(58000.25 + 1200 / 86400)
    assert odd == {"exptime", "frame"}


def test_a_product_of_the_standard_keeps_its_exposure_time(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "cube.fits", PRODCATG="SCIENCE.CUBE.IFS", NCOMBINE=2, MJD_END=58000.3)
    with Cube(path) as cube:
        assert facts(cube)["exptime"] == 600.0
        assert facts(cube)["mjd_end"] == 58000.3


def test_a_wrong_unit_of_the_variance_is_noticed(tmp_path: Path) -> None:
    with Cube(write_cube(tmp_path / "cube.fits")) as cube:
        kinds = [o.kind for o in oddities(cube, "10**(-20)*erg/s/cm**2/Angstrom**2")]
    assert "stat-unit" in kinds


def test_a_cube_of_another_instrument_is_refused(tmp_path: Path) -> None:
    with Cube(write_cube(tmp_path / "cube.fits", INSTRUME="KMOS")) as cube, pytest.raises(Refused, match="'KMOS'"):
        facts(cube)
