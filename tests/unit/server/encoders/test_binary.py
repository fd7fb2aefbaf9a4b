"""VOTable's binary serializations: what TABLEDATA says, in bytes."""

import io
import math
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pytest
from astropy.io.votable import parse
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from server.encoders import tabledata
from server.encoders.binary import encode_binary, encode_binary2
from server.query import Result
from tests.unit.server.test_encoders import COLUMNS, EVERY_ROW, ROWS, broken, every_type, read, result, texts

Encoder = Callable[[Result], Iterator[bytes]]
both = pytest.mark.parametrize("encode", [encode_binary, encode_binary2])


def table(stream: Iterator[bytes]) -> Table:
    return Table.read(io.BytesIO(b"".join(stream)), format="votable")


@both
def test_every_type_reads_back_as_from_tabledata(encode: Encoder) -> None:
    written, known = (
        table(encode(every_type(EVERY_ROW, EVERY_ROW))),
        table(tabledata.encode(every_type(EVERY_ROW, EVERY_ROW))),
    )
    assert written.colnames == known.colnames
    for name in ("ra", "n", "at", "p", "flag", "byte", "small", "whole", "single"):
        assert written[name].dtype == known[name].dtype
        assert np.array_equal(np.ma.getmaskarray(written[name]), np.ma.getmaskarray(known[name])), name
        kept = ~np.ma.getmaskarray(known[name])
        assert np.array_equal(np.asarray(written[name])[kept], np.asarray(known[name])[kept]), name
    for name in ("name", "code"):
        assert [str(v) for v in written[name][:2]] == [str(v) for v in known[name][:2]]
    assert [list(v) for v in written["region"][:2]] == [[1.0, 2.5, -3.0], []]
    assert [list(v) for v in written["numbers"][3:5]] == [[1, 2], []]


def test_binary2_tells_nan_from_null() -> None:
    rows, _ = read(b"".join(encode_binary2(result(ROWS))))
    assert rows[2]["ra"] is None
    document = parse(io.BytesIO(b"".join(encode_binary2(every_type(EVERY_ROW)))))
    array = document.get_first_table().array
    assert math.isnan(array["ra"].data[1])
    assert list(array.mask["byte"]) == [False, False, True]
    assert list(array["n"].data)[::2] == [1, -(2**60)]


def test_fields_keep_what_columns_mean_and_texts_are_declared_as_unicode() -> None:
    fields = parse(io.BytesIO(b"".join(encode_binary2(result(ROWS))))).get_first_table().fields
    assert (str(fields[0].unit), fields[0].ucd, fields[4].xtype) == ("deg", "pos.eq.ra", "polygon")
    assert [f.datatype for f in fields] == ["double", "long", "unicodeChar", "char", "double"]


@both
def test_an_empty_answer_has_fields_and_no_rows(encode: Encoder) -> None:
    for nothing in (result(), result(ROWS.slice(0, 0))):
        rows, infos = read(b"".join(encode(nothing)))
        assert (rows, infos) == ([], {"OK": ""})


@both
def test_a_limit_that_cut_is_told_after_the_table(encode: Encoder) -> None:
    rows, infos = read(b"".join(encode(result(ROWS, ROWS, maxrec=4))))
    assert (len(rows), infos["OVERFLOW"]) == (4, "the answer has more than these 4 rows")


@both
def test_a_failure_in_mid_stream_ends_with_whole_rows_and_says_so(encode: Encoder) -> None:
    rows, infos = read(b"".join(encode(Result(COLUMNS, 100, broken()))))
    assert (len(rows), infos["ERROR"]) == (3, "division by zero")


@both
def test_a_sliced_batch_is_only_its_slice(encode: Encoder) -> None:
    rows, _ = read(b"".join(encode(result(ROWS.slice(1, 2)))))
    assert [r["name"] for r in rows] == ['quo"ted, and\nbroken', ""]
    assert list(rows[0]["region"]) == []  # type: ignore[call-overload]


@both
@given(words=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
def test_any_text_survives(encode: Encoder, words: list[str]) -> None:
    rows, _ = read(b"".join(encode(texts(*words))))
    assert [r["name"] for r in rows] == words


@given(
    st.lists(st.tuples(st.none() | st.floats(), st.none() | st.integers(-(2**63), 2**63 - 1))),
    st.integers(1, 5),
)
def test_any_numbers_survive_binary2_however_they_are_cut(
    values: list[tuple[float | None, int | None]], size: int
) -> None:
    doubles, longs = [v[0] for v in values], [v[1] for v in values]
    batch = pa.record_batch([pa.array(doubles, pa.float64()), pa.array(longs, pa.int64())], names=["a", "b"])
    parts = [batch.slice(start, size) for start in range(0, len(values), size)]
    rows, _ = read(b"".join(encode_binary2(Result(COLUMNS[:2], 1000, iter(parts)))))
    assert [r["n"] for r in rows] == longs
    finite = [v for v in doubles if v is not None and not math.isnan(v)]
    assert [r["ra"] for r in rows if r["ra"] is not None and not math.isnan(r["ra"])] == finite  # type: ignore[arg-type]
