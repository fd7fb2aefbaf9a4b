"""How clients say which format they would like, and how it is packed."""

import gzip
import zlib

import pyarrow as pa
import pytest
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from server.encoders import FORMATS, acceptable, find
from server.encoders.compression import gzipped, packing, zstandard

VOTABLE = "application/x-votable+xml"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (None, VOTABLE),
        ("VOTable", VOTABLE),
        ("text/xml", VOTABLE),
        ("application/x-votable xml", VOTABLE),
        ("application/x-votable+xml; serialization=TABLEDATA", f"{VOTABLE};serialization=TABLEDATA"),
        ("votable/td", f"{VOTABLE};serialization=TABLEDATA"),
        (' Application/X-VOTable+XML ; serialization = "binary2" ', f"{VOTABLE};serialization=BINARY2"),
        ("VOTABLE/B2", f"{VOTABLE};serialization=BINARY2"),
        ("application/x-votable+xml;charset=utf-8;serialization=binary", f"{VOTABLE};serialization=BINARY"),
        ("votable/b", f"{VOTABLE};serialization=BINARY"),
        ("text/csv", "text/csv;header=present"),
        ("text/csv; header=present; charset=utf-8", "text/csv;header=present"),
        ("csv", "text/csv;header=present"),
        ("tsv", "text/tab-separated-values"),
        ("JSON", "application/json"),
        ("fits", "application/fits"),
        ("parquet", "application/vnd.apache.parquet"),
        ("arrow", "application/vnd.apache.arrow.stream"),
    ],
)
def test_a_format_is_found_by_what_clients_call_it(name: str | None, found: str) -> None:
    format_ = find(name)
    assert format_ is not None
    assert format_.media_type == found


@pytest.mark.parametrize(
    "name", ["application/pdf", "text/csv;header=absent", f"{VOTABLE};serialization=FITS", ";", ""]
)
def test_an_unknown_format_is_not_found(name: str) -> None:
    assert find(name) is None


def test_names_lead_to_one_format_each() -> None:
    names = [name for f in FORMATS for name in (f.media_type, *f.aliases)]
    assert len(names) == len({n.lower() for n in names})
    assert all(find(f.media_type) is f for f in FORMATS)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", VOTABLE),
        ("*/*", VOTABLE),
        ("text/html", VOTABLE),
        (FIREFOX, VOTABLE),
        ("application/pdf", VOTABLE),
        ("application/json", "application/json"),
        ("text/csv;q=0.3, application/json;q=0.9, */*;q=0.1", "application/json"),
        ("application/x-votable+xml;serialization=BINARY2, */*;q=0.5", f"{VOTABLE};serialization=BINARY2"),
        ("application/json;q=0, text/csv", "text/csv;header=present"),
        ("application/json;q=0, */*", VOTABLE),
        ("*/*, text/csv", "text/csv;header=present"),
        ("application/pdf, application/vnd.apache.parquet;q=0.2", "application/vnd.apache.parquet"),
    ],
)
def test_the_accept_header_is_honoured(header: str, found: str) -> None:
    assert acceptable(parse_accept_header(header, MIMEAccept)).media_type == found


def test_each_block_of_a_packed_stream_can_be_read_at_once() -> None:
    packed = list(gzipped(iter([b"first, ", b"second"])))
    assert gzip.decompress(b"".join(packed)) == b"first, second"
    assert zlib.decompressobj(31).decompress(packed[0]) == b"first, "
    packed = list(zstandard(iter([b"first, ", b"second"])))
    assert unpacked(b"".join(packed)).read() == b"first, second"
    assert unpacked(packed[0]).read(7) == b"first, "


def test_a_packed_stream_without_its_end_is_refused() -> None:
    with pytest.raises(EOFError):
        gzip.decompress(b"".join([*gzipped(iter([b"first, ", b"second"]))][:-1]))
    with pytest.raises(OSError, match="Truncated"):
        unpacked(b"".join([*zstandard(iter([b"first, ", b"second"]))][:-1])).read()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, zstd;q=0.5", "gzip"),
        ("ZSTD", "zstd"),
        ("gzip;q=0", None),
        ("*", "gzip"),
        ("*, gzip;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("br", None),
        ("", None),
    ],
)
def test_the_accept_encoding_header_is_honoured(header: str, found: str | None) -> None:
    assert packing(parse_accept_header(header)) == found


def unpacked(content: bytes) -> pa.CompressedInputStream:
    return pa.CompressedInputStream(pa.py_buffer(content), "zstd")
