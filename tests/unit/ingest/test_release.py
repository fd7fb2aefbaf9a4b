"""A release description read from its text and from a folder, corrected, and held against itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from archive.errors import Refused
from ingest.consistency import disagreements, repeated_keys
from ingest.release import Correction, ReleaseTables, corrected
from ingest.release_folder import read_folder
from ingest.release_text import read_text
from tests.support.archives import SURVEY

PRINTED = Path("tests/golden/release-tables.txt")


@pytest.fixture(scope="module")
def folder() -> ReleaseTables:
    return read_folder(SURVEY)


def block_of(tables: ReleaseTables, block_id: str) -> str:
    return next(b.pointing for b in tables.blocks if b.block_id == block_id)


def test_the_printed_tables_and_the_folder_are_the_same_survey(folder: ReleaseTables) -> None:
    printed = read_text(PRINTED)
    assert printed.fields == folder.fields
    assert printed.blocks == folder.blocks
    assert [replace(g, orientation={}) for g in folder.galaxies] == list(printed.galaxies)
    assert {p["programme_id"] for p in printed.programmes} == {p["programme_id"] for p in folder.programmes}


def test_the_survey_has_the_size_that_its_team_counts(folder: ReleaseTables) -> None:
    assert len(folder.galaxies) == 19
    assert [sum(f.ao_mode == mode for f in folder.fields) for mode in ("noAO", "AO")] == [87, 81]
    assert len(folder.blocks) == 190
    assert sum(len(b.exposure_numbers) for b in folder.blocks) == 676


def test_two_starts_in_one_cell_are_two_blocks_of_one_pointing() -> None:
    blocks = [b for b in read_text(PRINTED).blocks if b.pointing == "NGC7496-P01"]
    assert [b.exposure_numbers for b in blocks] == [(1,), (1, 2, 3)]


def test_a_continuation_row_belongs_to_the_pointing_above_it() -> None:
    starts = [b.block_id for b in read_text(PRINTED).blocks if b.pointing == "NGC0628-P03"]
    assert starts == ["TPL.2017-07-25T07:31:28", "TPL.2017-11-13T03:43:40"]


def test_the_asymmetric_range_of_the_psf_is_kept(folder: ReleaseTables) -> None:
    ngc1512 = next(g for g in folder.galaxies if g.name == "NGC1512")
    assert (ngc1512.psf.mean, ngc1512.psf.plus, ngc1512.psf.minus) == (0.80, 0.38, 0.06)


def test_an_erratum_moves_a_block_and_keeps_what_was_printed(folder: ReleaseTables) -> None:
    used, unapplied = corrected(folder, folder.corrections)
    assert unapplied == ()
    assert len(used.corrections) == 3
    assert block_of(used, "TPL.2019-12-31T04:55:57") == "NGC1385-P02"
    assert next(b for b in used.blocks if b.pointing != b.printed_pointing).printed_pointing == "NGC1385-P03"


def test_an_erratum_that_expects_something_else_is_not_applied(folder: ReleaseTables) -> None:
    wrong = Correction("observing_block", "TPL.2018-06-14T08:00:41", "pointing_id", "IC5332-P09", "IC5332-P02", "?")
    used, unapplied = corrected(folder, [wrong])
    assert unapplied == (wrong,)
    assert block_of(used, wrong.row_key) == "IC5332-P01"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda t: replace(t, fields=t.fields[1:]), "psf-smallest"),
        (lambda t: replace(t, fields=(replace(t.fields[0], dec=12.0), *t.fields[1:])), "off-target"),
        (lambda t: replace(t, galaxies=(replace(t.galaxies[0], scale=50.0), *t.galaxies[1:])), "scale"),
        (lambda t: replace(t, galaxies=t.galaxies[1:]), "unknown-galaxy"),
        (lambda t: replace(t, fields=tuple(f for f in t.fields if f.target != "IC5332")), "no-pointing"),
    ],
)
def test_a_disturbed_table_is_noticed(folder: ReleaseTables, change: object, kind: str) -> None:
    assert callable(change)
    before = {(d.kind, d.subject) for d in disagreements(folder)}
    after = {(d.kind, d.subject) for d in disagreements(change(folder))}
    assert kind in {k for k, _ in after - before}


def test_keys_that_are_there_twice_are_named(folder: ReleaseTables) -> None:
    assert repeated_keys(folder) == []
    twice = replace(
        folder,
        galaxies=(*folder.galaxies, folder.galaxies[0]),
        fields=(*folder.fields, folder.fields[1]),
        blocks=(*folder.blocks, folder.blocks[0]),
    )
    assert repeated_keys(twice) == ["galaxy IC5332", "pointing IC5332-P02", "start 2018-06-14T08:00:41"]


def test_the_printed_tables_disagree_where_readers_found_them_to(folder: ReleaseTables) -> None:
    found = {(d.kind, d.subject) for d in disagreements(folder)}
    assert ("same-position", "NGC1385-P03, P04") in found
    assert ("exposure-left-out", "NGC4254-P06") in found
    assert ("psf-largest", "NGC4535") in found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nothing here", "no table of galaxies"),
        ("\t\t\t2017-11-13T03:43:40\t1-2-3\t\t\n", "begins with a continuation row"),
        ("NGC0628 P03\t24.1\t15.7\t2017-11-13T03:43:40 2017-11-13T04:43:40\t1-2-3\t0.7\tnoAO\n", "2 starts but 1"),
        ("NGC0628 P03\tx\t15.7\t2017-11-13T03:43:40\t1-2-3\t0.7\tnoAO\n", "NGC0628 P03"),
        ("NGC0628 P03\t24.1\t15.7\t2018-06-34T03:43:40\t1-2-3\t0.7\tnoAO\n", "NGC0628-P03, 2018-06-34T03:43:40 1-2-3"),
        ("NGC0628 P03\t24.1\t15.7\t2018-06-14T03:43:40\t1-2-x\t0.7\tnoAO\n", "NGC0628-P03, .* 1-2-x"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_with_the_place(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "release.txt"
    path.write_text(text)
    with pytest.raises(Refused, match=reason):
        read_text(path)


def test_a_folder_with_a_broken_row_is_refused_with_file_and_line(tmp_path: Path) -> None:
    for source in SURVEY.iterdir():
        (tmp_path / source.name).write_text(source.read_text())
    pointings = tmp_path / "pointings.csv"
    pointings.write_text(pointings.read_text().replace("IC5332,2,353.603097", "IC5332,2,east"))
    with pytest.raises(Refused, match=r"pointings.csv, line 4: could not convert string to float: 'east'"):
        read_folder(tmp_path)
    (tmp_path / "errata.csv").unlink()
    pointings.write_text((SURVEY / "pointings.csv").read_text())
    with pytest.raises(Refused, match="errata.csv is missing"):
        read_folder(tmp_path)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for source in SURVEY.iterdir():
        (tmp_path / source.name).write_text(source.read_text())
    return tmp_path


def test_a_byte_order_mark_is_no_part_of_a_file(copied: Path, folder: ReleaseTables) -> None:
    for source in [*copied.iterdir()]:
        source.write_text(source.read_text(), encoding="utf-8-sig")
    (copied / "release.txt").write_text(PRINTED.read_text(), encoding="utf-8-sig")
    assert read_folder(copied) == folder
    assert read_text(copied / "release.txt") == read_text(PRINTED)


@pytest.mark.parametrize("name", ["survey.toml", "pointings.csv"])
def test_a_file_that_is_not_utf8_is_refused_with_its_name(copied: Path, name: str) -> None:
    (copied / name).write_bytes((copied / name).read_bytes() + "# Schinnerer, M\xfcnchen".encode("latin-1"))
    with pytest.raises(Refused, match=f"{name} is not UTF-8"):
        read_folder(copied)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[release]", "[relaese]", "the file lacks release"),
        ("[[programme]]", "[[programs]]", "the file lacks programme"),
        ("[[naming]]", "[[names]]", "the file lacks naming"),
        ("[release]", "[other]\n[release]", "the file has the unknown key other"),
        ("[release]", "[[release]]", r"\[release\] should be one table"),
        ("licence =", "license =", r"\[release\] has the unknown key license"),
        ("title =", "name =", r"\[release\] lacks title"),
        ("pi_name", "pi", r"\[programme\] has the unknown key pi"),
        ("prodcatg", "category", r"\[naming\] lacks prodcatg"),
        ('collection = "PHANGS"', "collection = 3", r"collection of \[release\] should be of type str, not 3"),
        ("[release]", "[release", "survey.toml: "),
    ],
)
def test_a_survey_file_that_cannot_be_right_is_refused_with_the_place(
    copied: Path, old: str, new: str, reason: str
) -> None:
    survey = copied / "survey.toml"
    survey.write_text(survey.read_text().replace(old, new))
    with pytest.raises(Refused, match=reason):
        read_folder(copied)


def test_a_row_that_ends_too_early_is_refused_with_file_and_line(copied: Path) -> None:
    blocks = copied / "observing_blocks.csv"
    blocks.write_text(blocks.read_text().replace("2018-06-14T08:00:41,IC5332 P01,1-2-3-4", "2018-06-14T08:00:41"))
    with pytest.raises(Refused, match="observing_blocks.csv, line 4"):
        read_folder(copied)
