"""Answers as VOTable and CSV: nothing lost, nothing silent, nothing mistaken for success."""

import csv
import io
import math
from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa
import pytest
from astropy.io.votable import parse
from hypothesis import given
from hypothesis import strategies as st

from server.adql import OutputColumn
from server.encoders import csv as csv_encoder
from server.encoders import tabledata, votable
from server.query import QueryFailed, Result


def column(name: str, datatype: str, arraysize: str | None = None, xtype: str | None = None) -> OutputColumn:
    return OutputColumn(
        name=name, datatype=datatype, arraysize=arraysize, xtype=xtype, unit="deg" if name == "ra" else None,
        ucd="pos.eq.ra" if name == "ra" else None, utype=None, description=f"What <{name}> & co. mean", sql_name=name,
    )  # fmt: skip


COLUMNS = (
    column("ra", "double"),
    column("n", "long"),
    column("name", "char", "*"),
    column("at", "char", "*", "timestamp"),
    column("region", "double", "*", "polygon"),
)
ROWS = pa.record_batch(
    [
        pa.array([1.5, math.nan, None]),
        pa.array([1, None, -(2**60)]),
        pa.array(["a<b>&c", 'quo"ted, and\nbroken', None]),
        pa.array([datetime(2014, 12, 8, 2, 48, 40), datetime(2014, 12, 8, 2, 48, 56, 798000), None]),
        pa.array([[1.0, 2.5, -3.0], [], None], pa.list_(pa.float64())),
    ],
    names=["c1", "c2", "c3", "c4", "c5"],
)


EVERY_TYPE = (
    *COLUMNS,
    column("p", "double", "2", "point"),
    column("flag", "boolean"),
    column("byte", "unsignedByte"),
    column("small", "short"),
    column("whole", "int"),
    column("single", "float"),
    column("numbers", "int", "*"),
    column("code", "char", "3"),
)
EVERY_ROW = pa.record_batch(
    [
        *ROWS.columns,
        pa.array([[1.0, 2.0], [math.inf, -math.inf], None], pa.list_(pa.float64())),
        pa.array([True, False, None]),
        pa.array([1, 200, None], pa.int16()),
        pa.array([1, -2, None], pa.int16()),
        pa.array([1, -3, None], pa.int32()),
        pa.array([0.5, math.inf, None], pa.float32()),
        pa.array([[1, 2], [], None], pa.list_(pa.int32())),
        pa.array(["abc", "ab", None]),
    ],
    names=[str(n) for n in range(13)],
)


def every_type(*batches: pa.RecordBatch, maxrec: int = 100) -> Result:
    return Result(EVERY_TYPE, maxrec, iter(batches))


def texts(*values: str) -> Result:
    return Result((COLUMNS[2],), 1000, iter([pa.record_batch([pa.array(values, pa.string())], names=["c1"])]))


def result(*batches: pa.RecordBatch, maxrec: int = 100) -> Result:
    return Result(COLUMNS, maxrec, iter(batches))


def broken() -> Iterator[pa.RecordBatch]:
    yield ROWS
    raise pa.ArrowInvalid("ERROR: division by zero")


def cut_short(stream: Iterator[bytes]) -> bytes:
    """What a stream says before it fails, as ``broken`` does."""
    said = b""
    with pytest.raises(QueryFailed, match="division by zero"):  # noqa: PT012  all of it is what is asked
        for block in stream:
            said += block
    return said


def read(document: bytes) -> tuple[list[dict[str, object]], dict[str, str]]:
    tree = parse(io.BytesIO(document))
    table = tree.get_first_table()
    infos = {i.value: i.content or "" for r in tree.resources for i in r.infos}
    rows = [
        {
            name: None if masked else value
            for name, value, masked in zip(table.array.dtype.names, row, mask, strict=True)
        }
        for row, mask in zip(table.array.data, table.array.mask, strict=True)
    ]
    return rows, infos


def test_a_votable_reads_back_as_it_was_written() -> None:
    rows, infos = read(b"".join(tabledata.encode(result(ROWS))))
    assert rows[0]["ra"] == 1.5
    assert rows[1]["n"] is None
    assert rows[2]["n"] == -(2**60)
    assert [r["name"] for r in rows][:2] == ["a<b>&c", 'quo"ted, and\nbroken']
    assert [r["at"] for r in rows][:2] == ["2014-12-08T02:48:40", "2014-12-08T02:48:56.798"]
    assert list(rows[0]["region"]) == [1.0, 2.5, -3.0]  # type: ignore[call-overload]
    assert infos == {"OK": ""}


def test_fields_carry_unit_ucd_and_description() -> None:
    fields = parse(io.BytesIO(b"".join(tabledata.encode(result(ROWS))))).get_first_table().fields
    assert (str(fields[0].unit), fields[0].ucd) == ("deg", "pos.eq.ra")
    assert fields[4].xtype == "polygon"
    assert fields[0].description == "What <ra> & co. mean"


def test_an_empty_answer_has_fields_and_no_rows() -> None:
    rows, infos = read(b"".join(tabledata.encode(result(ROWS.slice(0, 0)))))
    assert (rows, infos) == ([], {"OK": ""})


def test_a_limit_that_cut_is_told_after_the_table() -> None:
    document = b"".join(tabledata.encode(result(ROWS, ROWS, maxrec=4)))
    rows, infos = read(document)
    assert len(rows) == 4
    assert "OVERFLOW" in infos
    assert document.index(b"OVERFLOW") > document.index(b"</TABLE>")


def test_a_limit_that_is_just_reached_cuts_nothing() -> None:
    rows, infos = read(b"".join(tabledata.encode(result(ROWS, maxrec=3))))
    assert (len(rows), "OVERFLOW" in infos) == (3, False)


def test_a_failure_in_mid_stream_ends_well_formed_and_says_so() -> None:
    rows, infos = read(b"".join(tabledata.encode(Result(COLUMNS, 100, broken()))))
    assert len(rows) == 3
    assert infos["ERROR"] == "division by zero"


def test_an_error_is_a_votable() -> None:
    tree = parse(io.BytesIO(votable.error_document("no <such> column \x00")))
    (info,) = tree.resources[0].infos
    assert (info.name, info.value, info.content) == ("QUERY_STATUS", "ERROR", "no <such> column ?")


def test_csv_reads_back_and_tells_of_a_limit_in_its_last_line() -> None:
    text = b"".join(csv_encoder.encode(result(ROWS, ROWS, maxrec=5))).decode()
    lines = list(csv.reader(io.StringIO(text, newline="")))
    assert lines[0] == ["ra", "n", "name", "at", "region"]
    assert lines[1] == ["1.5", "1", "a<b>&c", "2014-12-08T02:48:40", "1 2.5 -3"]
    assert lines[2][2] == 'quo"ted, and\nbroken'
    assert lines[3] == ["", "-1152921504606846976", "", "", ""]
    assert lines[-1][0].startswith("# OVERFLOW")


def test_a_csv_that_breaks_off_says_why_and_is_no_success() -> None:
    assert cut_short(csv_encoder.encode(Result(COLUMNS, 100, broken()))).endswith(b"# ERROR: division by zero\r\n")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\r")), min_size=1))
def test_any_text_survives_or_is_shown_as_unprintable(texts: list[str]) -> None:
    batch = pa.record_batch([pa.array(texts)], names=["c1"])
    document = b"".join(tabledata.encode(Result((COLUMNS[2],), 1000, iter([batch]))))
    rows, _ = read(document)
    assert len(rows) == len(texts)
