"""Answers as FITS tables."""

import io
import math
import warnings
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits as astropy_fits
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from server.encoders import fits
from server.query import QueryFailed, Result
from tests.unit.server.test_encoders import COLUMNS, EVERY_ROW, ROWS, broken, every_type, result, texts


def opened(answer: Result) -> astropy_fits.BinTableHDU:
    written = b"".join(fits.encode(answer))
    assert len(written) % 2880 == 0
    units = astropy_fits.open(io.BytesIO(written), memmap=False)
    units.verify("exception")
    return units[1]


def test_a_table_reads_back_with_what_its_columns_mean() -> None:
    table = Table.read(opened(result(ROWS, ROWS)))
    assert table.colnames == ["ra", "n", "name", "at", "region"]
    assert (len(table), str(table["ra"].unit)) == (6, "deg")
    assert list(table["n"]) == [1, np.ma.masked, -(2**60)] * 2
    assert list(table["name"][:2]) == ["a<b>&c", 'quo"ted, and\nbroken']
    assert list(table["at"][:2]) == ["2014-12-08T02:48:40", "2014-12-08T02:48:56.798"]
    assert [list(cell) for cell in table["region"]] == [[1.0, 2.5, -3.0], [], []] * 2
    assert math.isnan(table["ra"].filled(math.nan)[2])
    assert (table.meta["TUCD1"], table.meta["TCOMM1"]) == ("pos.eq.ra", "What <ra> & co. mean")
    assert (table.meta["TXTYP5"], table.meta["QSTATUS"]) == ("polygon", "OK")


def test_every_type_reads_back() -> None:
    unit = opened(every_type(EVERY_ROW))
    forms = ["1D", "1K", "19A", "23A", "1QD(3)", "2D", "1L", "1B", "1I", "1J", "1E", "1QJ(2)", "3A"]
    assert [unit.header[f"TFORM{n}"] for n in range(1, 14)] == forms
    assert [unit.header.get(f"TNULL{n}") for n in (2, 8, 9, 10)] == [-(2**63), 255, -(2**15), -(2**31)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a NULL among booleans is False to astropy, and it says so
        flags = list(unit.data["flag"])
    assert flags[:2] == [True, False]
    assert unit.data["p"][1].tolist() == [math.inf, -math.inf]
    assert list(unit.data["byte"]) == [1, 200, 255]
    assert list(unit.data["code"]) == ["abc", "ab", ""]


def test_a_long_text_widens_its_column() -> None:
    unit = opened(texts("short", "x" * 1000, ""))
    assert unit.header["TFORM1"] == "1000A"
    assert list(unit.data["name"]) == ["short", "x" * 1000, ""]


def test_a_few_long_texts_among_many_short_ones_lie_in_the_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits, "PADDING", 1000)
    given = ["short"] * 99 + ["x" * 1000, ""]
    unit = opened(texts(*given))
    assert unit.header["TFORM1"] == "1QA(1000)"
    assert ["".join(text) for text in unit.data["name"]] == given


def test_other_letters_become_question_marks() -> None:
    assert list(opened(texts("Pléiades", "Å Cen")).data["name"]) == ["Pl?iades", "? Cen"]


def test_the_lowest_integer_is_no_null_where_it_is_a_value() -> None:
    batch = pa.record_batch([pa.array([-(2**63), None])], names=["a"])
    unit = opened(Result(COLUMNS[1:2], 10, iter([batch])))
    assert (unit.header["TNULL1"], unit.data["n"].tolist()) == (2**63 - 1, [-(2**63), 2**63 - 1])


def test_an_empty_answer_keeps_its_columns() -> None:
    unit = opened(result())
    assert (len(unit.data), unit.columns.names) == (0, ["ra", "n", "name", "at", "region"])


def test_a_limit_is_told_in_the_header() -> None:
    unit = opened(result(ROWS, ROWS, maxrec=4))
    assert (len(unit.data), unit.header["QSTATUS"], unit.header["MAXREC"]) == (4, "OVERFLOW", 4)


def test_a_query_that_fails_writes_nothing() -> None:
    with pytest.raises(QueryFailed, match="division by zero"):
        next(fits.encode(Result(COLUMNS, 100, broken())))


def test_long_and_foreign_descriptions_and_repeated_names_are_no_obstacle() -> None:
    long = "a very long description of a column " * 10
    columns = (replace(COLUMNS[0], description=long), replace(COLUMNS[0], description="[Å]\n'x'"))
    batch = pa.record_batch([pa.array([1.0]), pa.array([2.0])], names=["a", "b"])
    unit = opened(Result(columns, 10, iter([batch])))
    assert unit.columns.names == ["ra", "ra_2"]
    assert unit.header["TCOMM1"].strip() == long.strip()
    assert unit.header["TCOMM2"] == "[?]?'x'"


@given(st.lists(st.lists(st.floats(allow_nan=False)) | st.none()), st.integers(1, 4))
def test_any_arrays_survive_however_they_are_cut(arrays: list[list[float] | None], size: int) -> None:
    batch = pa.record_batch([pa.array(arrays, pa.list_(pa.float64()))], names=["a"])
    parts = [batch.slice(start, size) for start in range(0, len(arrays), size)]
    unit = opened(Result(COLUMNS[4:], 1000, iter(parts)))
    assert [list(cell) for cell in unit.data["region"]] == [array or [] for array in arrays]
