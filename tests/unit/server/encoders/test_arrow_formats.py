"""Answers as Parquet and as an Arrow stream."""

import io
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pytest
from astropy.io.votable import parse
from pyarrow import ipc
from pyarrow import parquet as pq

from server.encoders import arrow, parquet
from server.encoders.names import unique
from server.query import Result
from tests.unit.server.test_encoders import COLUMNS, EVERY_ROW, ROWS, broken, cut_short, every_type, result

TYPES = [
    pa.float64(), pa.int64(), pa.string(), pa.timestamp("us"), pa.list_(pa.float64()), pa.list_(pa.float64()),
    pa.bool_(), pa.uint8(), pa.int16(), pa.int32(), pa.float32(), pa.list_(pa.int32()), pa.string(),
]  # fmt: skip


def parquet_of(answer: Result) -> pq.ParquetFile:
    return pq.ParquetFile(io.BytesIO(b"".join(parquet.encode(answer))))


def described(file: pq.ParquetFile) -> tuple[list[str], dict[str, str]]:
    """The column names and the status in the VOTable of the footer."""
    footer = file.metadata.metadata
    assert footer[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    (resource,) = parse(io.BytesIO(footer[b"IVOA.VOTable-Parquet.content"])).resources
    (table,) = resource.tables
    assert len(table.array) == 0
    assert (str(table.fields[0].unit), table.fields[0].ucd) == ("deg", "pos.eq.ra")
    return [f.name for f in table.fields], {i.value: i.content or "" for i in resource.infos}


def test_parquet_has_rows_and_in_its_footer_what_they_mean() -> None:
    file = parquet_of(result(ROWS, ROWS))
    rows = file.read().to_pylist()
    assert rows[0] == {
        "ra": 1.5, "n": 1, "name": "a<b>&c", "at": datetime(2014, 12, 8, 2, 48, 40), "region": [1.0, 2.5, -3.0],
    }  # fmt: skip
    assert rows[2] == {"ra": None, "n": -(2**60), "name": None, "at": None, "region": None}
    assert len(rows) == 6
    assert described(file) == (["ra", "n", "name", "at", "region"], {"OK": ""})
    assert file.schema_arrow.field("ra").metadata[b"unit"] == b"deg"
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_every_type_keeps_its_type_and_values() -> None:
    file = parquet_of(every_type(EVERY_ROW))
    stream = ipc.open_stream(b"".join(arrow.encode(every_type(EVERY_ROW)))).read_all()
    assert file.schema_arrow.types == stream.schema.types == TYPES
    for place, column in enumerate(EVERY_ROW.columns):
        assert (
            str(stream.column(place).to_pylist())
            == str(file.read().column(place).to_pylist())
            == str(column.to_pylist())
        )


def test_the_first_bytes_of_parquet_leave_before_the_first_row_is_known() -> None:
    assert next(parquet.encode(Result(COLUMNS, 100, broken()))) == b"PAR1"


def test_row_groups_are_gathered_from_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_BYTES", 2 * ROWS.nbytes)
    file = parquet_of(result(*[ROWS] * 5))
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [6, 6, 3]


def test_an_empty_answer_keeps_its_columns() -> None:
    file = parquet_of(result())
    assert (file.metadata.num_rows, file.schema_arrow.types) == (0, TYPES[:5])
    stream = ipc.open_stream(b"".join(arrow.encode(result()))).read_all()
    assert (stream.num_rows, stream.schema.types) == (0, TYPES[:5])


def test_a_limit_is_told_in_the_footer_of_parquet() -> None:
    file = parquet_of(result(ROWS, ROWS, maxrec=4))
    assert (file.metadata.num_rows, list(described(file)[1])) == (4, ["OVERFLOW"])


def test_a_parquet_that_breaks_off_cannot_be_read() -> None:
    said = cut_short(parquet.encode(Result(COLUMNS, 100, broken())))
    with pytest.raises(pa.ArrowInvalid):
        pq.ParquetFile(io.BytesIO(said))


def last_message(stream: bytes) -> dict[bytes, bytes]:
    reader = ipc.open_stream(stream)
    found: dict[bytes, bytes] = {}
    while True:
        try:
            batch, metadata = reader.read_next_batch_with_custom_metadata()
        except StopIteration:
            return found
        found = dict(metadata or {})
        assert bool(batch.num_rows) is not bool(found)


def test_arrow_has_the_batches_and_the_status_behind_them() -> None:
    stream = b"".join(arrow.encode(result(ROWS, ROWS)))
    assert last_message(stream) == {b"QUERY_STATUS": b"OK"}
    table = ipc.open_stream(stream).read_all()
    assert table.column("name").to_pylist() == ["a<b>&c", 'quo"ted, and\nbroken', None] * 2
    assert table.schema.field("ra").metadata[b"ucd"] == b"pos.eq.ra"
    cut = last_message(b"".join(arrow.encode(result(ROWS, maxrec=2))))
    assert cut[b"QUERY_STATUS"] == b"OVERFLOW"


def test_an_arrow_stream_that_breaks_off_cannot_be_read_to_the_end() -> None:
    said = cut_short(arrow.encode(Result(COLUMNS, 100, broken())))
    with pytest.raises((pa.ArrowInvalid, OSError)):
        ipc.open_stream(said).read_all()


def test_names_that_repeat_are_numbered_also_in_the_description() -> None:
    columns = (COLUMNS[0], replace(COLUMNS[1], name="RA"), replace(COLUMNS[2], name="ra"))
    batch = pa.record_batch(ROWS.columns[:3], names=["a", "b", "c"])
    file = parquet_of(Result(columns, 10, iter([batch])))
    assert file.schema_arrow.names == described(file)[0] == ["ra", "RA_2", "ra_3"]


@pytest.mark.parametrize(
    ("names", "found"),
    [([], []), (["a", "b"], ["a", "b"]), (["a", "A", "a_2"], ["a", "A_2", "a_2_2"])],
)
def test_equal_names_become_unique(names: list[str], found: list[str]) -> None:
    assert unique(names) == found
