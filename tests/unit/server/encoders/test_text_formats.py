"""Answers as tab-separated values and as JSON."""

import io
import json

import pyarrow as pa
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from server.encoders import json as json_encoder
from server.encoders import tsv
from server.query import Result
from tests.unit.server.test_encoders import COLUMNS, EVERY_ROW, ROWS, broken, cut_short, every_type, result, texts


def test_tsv_has_a_line_a_row_whatever_the_texts() -> None:
    lines = b"".join(tsv.encode(result(ROWS, ROWS))).decode().splitlines()
    assert lines[0] == "ra\tn\tname\tat\tregion"
    assert lines[1] == "1.5\t1\ta<b>&c\t2014-12-08T02:48:40\t1 2.5 -3"
    assert lines[2] == 'NaN\t\tquo"ted, and broken\t2014-12-08T02:48:56.798\t'
    assert lines[3] == "\t-1152921504606846976\t\t\t"
    assert len(lines) == 7


def test_astropy_reads_tsv() -> None:
    table = Table.read(b"".join(tsv.encode(result(ROWS))).decode(), format="ascii.tab")
    assert (table["ra"][0], table["n"][2], table["name"][0]) == (1.5, -(2**60), "a<b>&c")


def test_tsv_tells_of_a_limit_in_its_last_line_and_of_a_failure_too() -> None:
    assert b"".join(tsv.encode(result(ROWS, maxrec=2))).splitlines()[-1].startswith(b"# OVERFLOW")
    assert cut_short(tsv.encode(Result(COLUMNS, 100, broken()))).endswith(b"\n# ERROR: division by zero\n")


def test_json_has_columns_rows_and_status() -> None:
    read = json.loads(b"".join(json_encoder.encode(result(ROWS, ROWS))))
    assert read["metadata"][0] == {
        "name": "ra", "datatype": "double", "unit": "deg", "ucd": "pos.eq.ra", "description": "What <ra> & co. mean",
    }  # fmt: skip
    assert read["data"][:3] == [
        [1.5, 1, "a<b>&c", "2014-12-08T02:48:40", [1.0, 2.5, -3.0]],
        [None, None, 'quo"ted, and\nbroken', "2014-12-08T02:48:56.798", []],
        [None, -(2**60), None, None, None],
    ]
    assert (len(read["data"]), read["status"]) == (6, "OK")


def test_json_of_every_type() -> None:
    read = json.loads(b"".join(json_encoder.encode(every_type(EVERY_ROW))))
    assert read["data"][1][5:] == [[None, None], False, 200, -2, -3, None, [], "ab"]
    assert read["data"][2][5:] == [None] * 8


def test_json_of_nothing() -> None:
    read = json.loads(b"".join(json_encoder.encode(result())))
    assert (len(read["metadata"]), read["data"], read["status"]) == (5, [], "OK")


def test_json_tells_of_a_limit() -> None:
    read = json.loads(b"".join(json_encoder.encode(result(ROWS, maxrec=2))))
    assert (len(read["data"]), read["status"], read["message"]) == (
        2,
        "OVERFLOW",
        "the answer has more than these 2 rows",
    )


def test_a_json_that_breaks_off_is_no_json() -> None:
    said = cut_short(json_encoder.encode(Result(COLUMNS, 100, broken())))
    assert said.endswith(b"\n# ERROR: division by zero\n")
    try:
        json.loads(said)
    except json.JSONDecodeError:
        return
    raise AssertionError(said)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_text_survives_json(words: list[str]) -> None:
    assert [row[0] for row in json.loads(b"".join(json_encoder.encode(texts(*words))))["data"]] == words


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False)))
def test_any_number_survives_json_and_tsv(numbers: list[float | None]) -> None:
    batch = pa.record_batch([pa.array(numbers, pa.float64())], names=["a"])
    read = json.loads(b"".join(json_encoder.encode(Result(COLUMNS[:1], 100, iter([batch])))))
    assert [row[0] for row in read["data"]] == numbers
    lines = io.StringIO(b"".join(tsv.encode(Result(COLUMNS[:1], 100, iter([batch])))).decode()).readlines()
    assert [float(line) if line.strip() else None for line in lines[1:]] == numbers
