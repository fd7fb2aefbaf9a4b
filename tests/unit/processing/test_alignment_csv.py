"""The table in which people set alignments: what it says, what it changes, and what it does not let pass."""

from dataclasses import replace

import pytest

from archive.errors import Refused
from processing.aligning import Band
from processing.alignment_csv import Line, read, write
from processing.alignment_edits import edited
from processing.alignment_file import AlignmentRecord

DEC = 60.0
FOUND = Band((54.36912345678, -24.5), (54.38, -24.49), 2.43, 33.1)
RECORD = AlignmentRecord(
    dp_id="MUSE.2019-10-06T08:09:01.500",
    date_obs="2019-10-06T08:09:01.500",
    mjd_obs=58762.3396,
    filter="Cousins_R",
    reference_id="NGC1385_REFERENCE_Cousins_R",
    ra_offset=1 / 3600,  # half an arcsec at this declination
    dec_offset=-0.25 / 3600 + 1e-12,
    rotation=0.123456789,
    flux_scale=1.0412345678,
    background=-3.5,
    sky_level=70.0,
    sky_factor=1.048019802,
    quality="flux",
    origin="measured",
    offset_error=0.004,
    rotation_error=0.002,
    flux_scale_error=0.003,
    background_error=0.1,
    sky_factor_error=0.001,
    correlation=0.998,
    significance=41.5,
    n_chunks=61,
    n_rejected=2,
    chi2=1.07,
    trails=(FOUND,),
)
HEADER = (
    "dp_id,ra_offset [arcsec],dec_offset [arcsec],rotation [deg],flux_scale,background [1e-20 erg/s/cm2/Angstrom],"
    "sky_factor,quality,origin,note,trails"
)


def table(record: AlignmentRecord = RECORD) -> str:
    return "\n".join(write([(record, DEC)])) + "\n"


def changed(text: str, record: AlignmentRecord = RECORD, note: str | None = None) -> AlignmentRecord | None:
    (line,) = read(text)
    return edited(record, line, dec=DEC, note=note)


def given(**cells: str) -> str:
    """A table of a few columns."""
    return f"dp_id,{','.join(cells)}\n{RECORD.dp_id},{','.join(cells.values())}\n"


def set_to(**cells: str) -> AlignmentRecord:
    found = changed(given(**cells))
    assert found is not None
    return found


def test_a_line_says_offsets_on_the_sky_and_the_first_line_names_the_units() -> None:
    header, line = table().splitlines()
    assert header == HEADER
    assert line == (
        f"{RECORD.dp_id},0.5000,-0.2500,0.12346,1.041235,-3.5000,1.048020,flux,measured,,"
        "54.369123 -24.500000 54.380000 -24.490000 2.43"
    )


def test_a_table_that_was_not_edited_changes_nothing() -> None:
    assert changed(table()) is None
    assert changed(table(), note="why not") is None


def test_what_a_spreadsheet_does_to_a_table_changes_nothing() -> None:
    text = (
        "\ufeff" + table().replace("0.5000", "0.5").replace("1.048020", " 1.04802 ").replace("\n", "\r\n") + ",,,\r\n"
    )
    assert changed(text) is None


def test_a_table_of_an_edition_by_hand_changes_nothing_a_second_time() -> None:
    once = set_to(ra_offset="0.123456789", flux_scale="1.0123456789", trails="54.1234567891 -24.5 54.2 -24.4 3.33333")
    assert changed(given(ra_offset="0.123456789", flux_scale="1.0123456789"), once) is None
    assert changed(table(once), once) is None


def test_an_offset_that_is_set_leaves_all_else_as_exact_as_it_was() -> None:
    after = set_to(ra_offset="-0.75")
    assert after.ra_offset == pytest.approx(-1.5 / 3600)
    assert after == replace(
        RECORD,
        ra_offset=after.ra_offset,
        origin="by hand",
        offset_error=None,
        correlation=None,
        significance=None,
    )


@pytest.mark.parametrize(
    ("cells", "factor"),
    [
        ({"flux_scale": "1.2"}, 1 + 3.5 / (1.2 * 70)),
        ({"background": "7"}, 1 - 7 / (1.0412345678 * 70)),
        ({"flux_scale": "0.5", "background": "0"}, 1.0),
        ({"flux_scale": "1.2", "sky_factor": "0.9"}, 0.9),
        ({"flux_scale": "1.2", "sky_factor": "1.048020"}, 1 + 3.5 / (1.2 * 70)),
        ({"sky_factor": "0.9"}, 0.9),
        ({"rotation": "0.2"}, RECORD.sky_factor),
    ],
    ids=str,
)
def test_the_sky_factor_follows_from_fluxes_unless_it_is_set_too(cells: dict[str, str], factor: float) -> None:
    after = set_to(**cells)
    assert after.sky_factor == pytest.approx(factor, rel=1e-9)
    assert (after.sky_factor_error is None) == (factor != RECORD.sky_factor)


def test_fluxes_that_leave_no_sky_are_refused_with_their_line() -> None:
    with pytest.raises(Refused, match=rf"line 2: {RECORD.dp_id}.*sky factor of -1"):
        changed(given(background="150"))


def test_trails_are_added_and_taken_away_and_those_that_stay_keep_their_significance() -> None:
    text = table().replace(" 2.43", " 2.43; 54.1 -24.4 54.2 -24.6 3")
    after = changed(text)
    assert after is not None
    assert after.trails == (FOUND, Band((54.1, -24.4), (54.2, -24.6), 3.0))
    gone = set_to(trails="")
    assert gone.trails == ()
    assert gone.origin == "by hand"
    assert gone.offset_error == RECORD.offset_error


def test_a_note_is_the_line_s_own_or_that_of_the_command_or_the_one_before() -> None:
    noted = replace(RECORD, note="before")
    line = given(rotation="0.2")
    assert [getattr(changed(line, noted, note), "note", 0) for note in (None, "by hand")] == ["before", "by hand"]
    assert getattr(changed(given(rotation="0.2", note="mine"), noted, "by hand"), "note", 0) == "mine"
    assert getattr(changed(given(note=""), noted), "note", 0) is None


def test_quality_is_what_whoever_looked_says() -> None:
    assert set_to(quality="good").quality == "good"
    assert set_to(quality="offset sky").quality == "offset sky"


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"ra_offset": "nan"}, "ra_offset is no finite number: 'nan'"),
        ({"rotation": "inf"}, "rotation is no finite number: 'inf'"),
        ({"flux_scale": "one"}, "flux_scale is no number: 'one'"),
        ({"flux_scale": "0"}, "flux_scale is 0, allowed is 0.01 to 100"),
        ({"dec_offset": "-61"}, "dec_offset is -61, allowed is -60 to 60"),
        ({"rotation": "20"}, "rotation is 20"),
        ({"sky_factor": "-1"}, "sky_factor is -1"),
        ({"quality": "bad"}, "quality is good, or what is uncertain of flux, offset, sky, not 'bad'"),
        ({"note": "\N{LATIN SMALL LETTER S WITH CARON}"}, "characters that FITS has not"),
        ({"trails": "1 2 3 4"}, "a trail is ra dec ra dec"),
        ({"trails": "1 2 3 4 five"}, "a number of a trail is no number: 'five'"),
        ({"trails": "1 2 3 4 -5"}, "width of a trail is -5"),
        ({"trails": "1 2 1 2 5"}, "two ends"),
        ({"trails": "361 2 1 2 5"}, "right ascension of a trail is 361"),
        ({"trails": "1 2 1 -92 5"}, "declination of a trail is -92"),
    ],
    ids=str,
)
def test_a_cell_that_cannot_be_is_refused_with_its_line(cells: dict[str, str], words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(given(**cells))
    assert f"line 2: {RECORD.dp_id}: " in refused.value.message
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: no column dp_id"),
        ("\n\n", "line 1: no column dp_id"),
        ("dp_id;rotation\n", "line 1: unknown column 'dp_id;rotation'"),
        ("dp_id,seeing\n", "line 1: unknown column 'seeing'"),
        ("rotation\n0.1\n", "line 1: no column dp_id"),
        ("dp_id,rotation,rotation\n", "line 1: a column is there twice"),
        ("dp_id,ra_offset [deg]\n", r"line 1: ra_offset is in arcsec, not in deg"),
        ("dp_id,flux_scale [mag]\n", r"line 1: flux_scale is in no unit, not in mag"),
        ("dp_id,rotation\na,0.1\na,0.2\n", "line 3: a is there twice"),
        ("dp_id,rotation\na,0.1,7\n", "line 2: 3 cells, the first line has 2"),
        ("dp_id,rotation\na\n", "line 2: 1 cells, the first line has 2"),
        ("dp_id,rotation\n,0.1\n", "line 2: no dp_id"),
        ('dp_id,note\na,"never ends\n', "line 2: "),
        ('dp_id,note\na,"x"y\n', "line 2: "),
    ],
)
def test_a_text_that_is_no_such_table_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text)
    assert refused.value.message.startswith(words)


def test_columns_may_come_in_any_order_and_be_left_out() -> None:
    (line,) = read("note,rotation [deg],dp_id\nbecause,0.1,a\n")
    assert line == Line(2, "a", {"note": "because", "rotation": "0.1"})
