"""Tables that come with a query: as astronomers send them, and as attackers would."""

import base64
import gzip
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import adbc_driver_manager
import numpy as np
import pyarrow as pa
import pytest
import pyvo
import requests
from adbc_driver_postgresql import dbapi
from astropy.io.votable import from_table, parse, writeto
from astropy.table import MaskedColumn, Table
from pyarrow import ipc, parquet

from archive import uws
from archive.archive import Archive
from schema.published import catalogue
from server.adql import translate
from server.readers import Readers
from server.uploads.limits import Limits
from server.uploads.loading import load, ready
from server.uploads.reading import Upload
from tests.support import archives
from tests.support.workers import query_worker

Service = tuple[Archive, str]
FORMATS: Final = ("votable/td", "votable/b", "votable/b2", "fits", "csv", "tsv", "parquet", "arrow")
TARGET: Final = "SELECT name, ra, dec, dist FROM survey.target"

LEAVES_OPEN: Final = pytest.mark.filterwarnings(
    "ignore:.*unclosed", "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
)
"""For pyvo, which leaves files and connections open."""


@pytest.fixture(scope="module")
def taking(server: str, survey_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with small limits that fetches from this machine; nothing is written."""
    limits: dict[str, object] = {"upload_hosts": ("127.0.0.1",), "upload_rows": 20_000, "upload_bytes": 4 << 20}
    root = tmp_path_factory.mktemp("taking")
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.served(url, root, upload_seconds=1.0, **limits) as served,
    ):
        yield served


def post(
    service: Service, query: str, uploads: dict[str, bytes], *, answer: str = "votable/td", **parameters: str
) -> requests.Response:
    """Send a query with tables as parts of the request."""
    value = ";".join(f"{name},param:part{n}" for n, name in enumerate(uploads))
    files = {f"part{n}": (f"file{n}", content) for n, content in enumerate(uploads.values())}
    given = {"QUERY": query, "UPLOAD": value, "RESPONSEFORMAT": answer, **parameters}
    return requests.post(f"{service[1]}/tap/sync", given, files=files, timeout=60)


def table_of(answer: requests.Response) -> Table:
    assert answer.status_code == 200, answer.text
    return parse(io.BytesIO(answer.content)).get_first_table().to_table(use_names_over_ids=True)


def xml(answer: requests.Response) -> ET.Element:
    return ET.fromstring(answer.content)  # noqa: S314  our own answers


def message(answer: requests.Response) -> str:
    """Return the words of an error document."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/x-votable+xml"), answer.text
    info = xml(answer).find(".//{*}INFO")
    assert info is not None
    assert info.get("value") == "ERROR"
    return info.text or ""


def written(table: Table, serialization: str = "tabledata") -> bytes:
    out = io.BytesIO()
    writeto(from_table(table), out, tabledata_format=serialization)
    return out.getvalue()


def votable(fields: str, rows: str = "", *, head: str = "") -> bytes:
    data = f"<DATA><TABLEDATA>{rows}</TABLEDATA></DATA>"
    return f'{head}<VOTABLE version="1.4"><RESOURCE><TABLE>{fields}{data}</TABLE></RESOURCE></VOTABLE>'.encode()


def mixed() -> Table:
    """A table with a column of every kind that astropy writes to VOTable."""
    table = Table()
    table["Id"] = MaskedColumn([1, 2**60 + 1, 3], mask=[False, False, True])
    table["small"] = np.array([-5, 0, 7], np.int16)
    table["byte"] = np.array([0, 128, 255], np.uint8)
    table["ra"] = MaskedColumn([10.5, 1e-300, 30.25], mask=[False, True, False], unit="deg", description="Where it is")
    table["ra"].meta["ucd"] = "pos.eq.ra"
    table["mag"] = np.array([1.25, -0.0, 3.5], np.float32)
    table["name"] = ["a", "bcd", "x <&> y"]
    table["good"] = [True, False, True]
    table["flux"] = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    table["flags"] = np.array([[True, False, True]] * 3)
    return table


@pytest.mark.parametrize("serialization", ["tabledata", "binary", "binary2"])
def test_what_astropy_writes_comes_back_the_same(taking: Service, serialization: str) -> None:
    table = mixed()
    if serialization == "binary":  # astropy writes no missing integers there
        table["Id"] = table["Id"].filled(0)
    found = table_of(post(taking, "SELECT * FROM tap_upload.mine", {"mine": written(table, serialization)}))
    assert found.colnames == table.colnames
    for name in table.colnames:
        given, back = table[name], found[name]
        assert back.dtype.kind == (given.dtype.kind if given.dtype.kind != "U" else back.dtype.kind), name
        assert [str(np.asarray(v)) for v in back] == [str(np.asarray(v)) for v in given], name
    assert (str(found["ra"].unit), found["ra"].description, found["ra"].meta["ucd"]) == (
        "deg",
        "Where it is",
        "pos.eq.ra",
    )


@LEAVES_OPEN
def test_pyvo_uploads_tables_and_files_and_joins_them_with_ours(taking: Service, tmp_path: Path) -> None:
    tap = pyvo.dal.TAPService(f"{taking[1]}/tap")
    known = tap.search(TARGET).to_table()
    mine = Table({"ra": known["ra"] + 1e-4, "dec": known["dec"], "number": np.arange(len(known))})
    names = tmp_path / "names.xml"
    names.write_bytes(written(Table({"galaxy": ["NGC0628", "ngc9999"], "mark": [7, 8]}), "binary2"))
    query = """
        SELECT t.name, m.number, n.mark
        FROM tap_upload.mine AS m
        JOIN survey.target AS t ON DISTANCE(POINT(m.ra, m.dec), POINT(t.ra, t.dec)) < 0.001
        LEFT JOIN tap_upload.listed AS n ON n.galaxy = t.name
        ORDER BY m.number"""
    found = tap.search(query, uploads={"mine": mine, "listed": str(names)}).to_table()
    assert list(found["name"]) == list(known["name"])
    assert list(found["number"]) == list(range(len(known)))
    assert [n for n, mark in zip(found["name"], found["mark"], strict=True) if mark == 7] == ["NGC0628"]
    inside = tap.search(
        "SELECT COUNT(*) AS n FROM survey.pointing AS p, tap_upload.mine AS m"
        " WHERE CONTAINS(POINT(m.ra, m.dec), CIRCLE(p.ra, p.dec, 0.05)) = 1",
        uploads={"mine": mine},
    )
    assert inside["n"][0] > 19


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_that_we_write_is_read_back(taking: Service, name: str) -> None:
    query = "SELECT pointing_id, ra, dec, number, footprint FROM survey.pointing ORDER BY pointing_id"
    given = requests.get(f"{taking[1]}/tap/sync", {"QUERY": query, "RESPONSEFORMAT": name}, timeout=60).content
    again = "SELECT * FROM tap_upload.t"
    assert post(taking, again, {"t": given}, answer=name).content == given or name in {"votable/b", "fits"}
    first = requests.get(f"{taking[1]}/tap/sync", {"QUERY": query, "RESPONSEFORMAT": "csv"}, timeout=60).text
    assert post(taking, again, {"t": given}, answer="csv").text == first
    assert post(taking, again, {"t": gzip.compress(given)}, answer="csv").text == first


def test_types_meanings_nulls_and_nan_survive(taking: Service) -> None:
    fields = (
        '<FIELD name="when" datatype="char" arraysize="*" xtype="timestamp" ucd="time.start"/>'
        '<FIELD name="place" datatype="double" arraysize="2" xtype="point" unit="deg" utype="a:b.c"/>'
        '<FIELD name="outline" datatype="double" arraysize="*" xtype="polygon" unit="deg"/>'
        '<FIELD name="range" datatype="double" arraysize="2" xtype="interval" unit="m"/>'
        '<FIELD name="count" datatype="int"><VALUES null="-99"/></FIELD>'
        '<FIELD name="counts" datatype="short" arraysize="2x2"/>'
        '<FIELD name="x" datatype="double"><DESCRIPTION>  An   x </DESCRIPTION></FIELD>'
        '<FIELD name="word" datatype="unicodeChar" arraysize="8"/>'
        '<FIELD name="select" datatype="boolean"/>'
    )
    rows = (
        "<TR><TD>2020-01-02T03:04:05.678</TD><TD>10 -5.5</TD><TD>1 1 2 1 2 2</TD><TD>1e-7 +Inf</TD><TD>-99</TD>"
        "<TD>1 2 3 4</TD><TD>NaN</TD><TD>ünï</TD><TD>true</TD></TR>"
        "<TR><TD/><TD/><TD/><TD>NaN 2</TD><TD>0x1F</TD><TD></TD><TD> -Inf </TD><TD/><TD>?</TD></TR>"
    )
    answer = post(taking, "SELECT * FROM tap_upload.t", {"t": votable(fields, rows)})
    document = parse(io.BytesIO(answer.content)).get_first_table()
    said = [(f.name, f.datatype, f.arraysize, f.xtype, str(f.unit or ""), f.ucd, f.utype) for f in document.fields]
    assert said == [
        ("when", "char", "*", "timestamp", "", "time.start", None),
        ("place", "double", "2", "point", "deg", None, "a:b.c"),
        ("outline", "double", "*", "polygon", "deg", None, None),
        ("range", "double", "2", "interval", "m", None, None),
        ("count", "int", None, None, "", None, None),
        ("counts", "short", "2x2", None, "", None, None),
        ("x", "double", None, None, "", None, None),
        ("word", "unicodeChar", "8", None, "", None, None),
        ("select", "boolean", None, None, "", None, None),
    ]
    assert document.fields[6].description == "An x"
    cells = [[td.text or "" for td in tr] for tr in xml(answer).iterfind(".//{*}TR")]
    assert cells[0][:2] == ["2020-01-02T03:04:05.678", "10 -5.5"]
    assert [float(n) for n in cells[0][3].split()] == [1e-7, np.inf]
    assert cells[0][4:] == ["", "1 2 3 4", "NaN", "ünï", "true"]
    assert cells[1] == ["", "", "", cells[1][3], "31", "", "-Inf", "", ""]
    found = post(
        taking,
        'SELECT COUNT(*) AS n FROM tap_upload.t WHERE CONTAINS(place, CIRCLE(10, -5, 1)) = 1 AND "select" = TRUE'
        " AND \"when\" > '2020-01-01' AND INTERSECTS(outline, CIRCLE(1.5, 1.1, 0.1)) = 1",
        {"t": votable(fields, rows)},
    )
    assert table_of(found)["n"][0] == 1


def test_binary_timestamps_and_letters_of_fixed_width_are_read(taking: Service) -> None:
    """As STILTS writes them; the answer calls a single letter by no size, as VOTable wants it."""
    fields = (
        '<FIELD name="letter" datatype="char" arraysize="1"/>'
        '<FIELD name="seen" datatype="char" arraysize="19" xtype="timestamp"/><FIELD name="n" datatype="short"/>'
    )
    row = b"A" + b"2020-01-02T03:04:05" + b"\x00\x07"
    data = f'<BINARY><STREAM encoding="base64">{base64.b64encode(row * 2).decode()}</STREAM></BINARY>'
    content = votable(fields).replace(b"<TABLEDATA></TABLEDATA>", data.encode())
    answer = post(taking, "SELECT * FROM tap_upload.t WHERE seen < '2021-01-01'", {"t": content})
    cells = [[td.text for td in tr] for tr in xml(answer).iterfind(".//{*}TR")]
    assert cells == [["A", "2020-01-02T03:04:05", "7"]] * 2
    assert [f.get("arraysize") for f in xml(answer).iterfind(".//{*}FIELD")] == [None, "*", None]
    wrong = content.replace(b'"19"', b'"many"')
    assert "arraysize 'many' is no size" in message(post(taking, TARGET, {"t": wrong}))


def test_parquet_and_arrow_bring_their_types_and_what_their_fields_say(taking: Service) -> None:
    given = pa.table(
        {
            "text": pa.array(["a", None, "ü"]).dictionary_encode(),
            "when": pa.array([0, None, 10**15], pa.timestamp("us", "UTC")),
            "day": pa.array([18000, None, 1], pa.date32()),
            "tiny": pa.array([1, None, -128], pa.int8()),
            "unsigned": pa.array([1, None, 2**32 - 1], pa.uint32()),
            "list": pa.array([[1.5, None], None, []], pa.list_(pa.float32())),
            "pair": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int64(), 2)),
            "x": pa.array([1.0, None, float("nan")]),
        }
    )
    described = given.schema.set(7, pa.field("x", pa.float64(), metadata={"unit": "m", "ucd": "em.wl"}))
    given = given.cast(described)
    packed, stream = io.BytesIO(), io.BytesIO()
    parquet.write_table(given, packed)
    with ipc.new_stream(stream, given.schema) as writer:
        writer.write_table(given)
    for content in (packed.getvalue(), stream.getvalue()):
        answer = post(taking, "SELECT * FROM tap_upload.t", {"t": content}, answer="arrow")
        found = ipc.open_stream(answer.content).read_all()
        assert found["text"].to_pylist() == ["a", None, "ü"]
        assert [str(w) for w in found["when"].to_pylist()] == ["1970-01-01 00:00:00", "None", "2001-09-09 01:46:40"]
        assert str(found["day"].to_pylist()[0]) == "2019-04-14 00:00:00"
        assert found["unsigned"].to_pylist() == [1, None, 2**32 - 1]
        assert found["list"].to_pylist() == [[1.5, None], None, []]
        assert found["pair"].to_pylist() == [[1, 2], None, [3, 4]]
        assert found["x"].to_pylist()[:2] == [1.0, None]
        assert np.isnan(found["x"].to_pylist()[2])
        assert found.schema.field("x").metadata == {b"unit": b"m", b"ucd": b"em.wl"}


def test_csv_is_typed_by_all_of_its_cells(taking: Service) -> None:
    text = 'a,b,c,d,e,f,"g, h"\r\n1,1,007,true,2020-01-01T00:00:00,,"x\ny"\r\n2,2.5,8,FALSE,,,""\r\n'
    answer = post(taking, "SELECT * FROM tap_upload.t", {"t": text.encode()})
    document = parse(io.BytesIO(answer.content)).get_first_table()
    assert [(f.name, f.datatype, f.xtype) for f in document.fields] == [
        ("a", "long", None),
        ("b", "double", None),
        ("c", "char", None),
        ("d", "boolean", None),
        ("e", "char", "timestamp"),
        ("f", "char", None),
        ("g, h", "char", None),
    ]
    found = table_of(post(taking, "SELECT \"g, h\" AS g FROM tap_upload.t WHERE c = '007'", {"t": text.encode()}))
    assert found["g"][0] == "x\ny"


def test_names_are_those_of_adql_and_never_hide_a_published_table(taking: Service) -> None:
    one = votable(
        '<FIELD name="ctid" datatype="int"/><FIELD name="A b" datatype="int"/>', "<TR><TD>5</TD><TD>6</TD></TR>"
    )
    assert table_of(post(taking, 'SELECT "A b" AS x FROM tap_upload."My Table"', {'"My Table"': one}))["x"][0] == 6
    for name in ("target", "pg_class", "spoint", "TARGET"):
        assert list(table_of(post(taking, f"SELECT ctid FROM tap_upload.{name}", {name: one}))["ctid"]) == [5]
        assert len(table_of(post(taking, "SELECT name FROM target", {name: one}))) == 19
        assert len(table_of(post(taking, "SELECT TOP 5 * FROM survey.exposure", {name: one}))) == 0
    assert "twice" in message(post(taking, TARGET, {"a": one, "A": one}))
    for wrong in ("tap_upload.t", "a b", "1a", '"', "survey.target", "", "t;drop", "ü"):
        assert "UPLOAD" in message(post(taking, TARGET, {wrong: one}))
    given = {"QUERY": TARGET, "UPLOAD": "t,param:missing"}
    assert "no part 'missing'" in message(requests.post(f"{taking[1]}/tap/sync", given, timeout=30))
    assert "unknown table" in message(post(taking, "SELECT * FROM tap_upload.other", {"t": one}))
    assert "unknown table" in message(requests.post(f"{taking[1]}/tap/sync", {"QUERY": "SELECT * FROM t"}, timeout=30))


def test_what_is_wrong_is_said_with_table_row_and_column(taking: Service) -> None:
    field = '<FIELD name="n" datatype="int"/>'
    cases = {
        "upload 't': row 2, column 'n': 'x' is no int32 number": votable(
            field, "<TR><TD>1</TD></TR><TR><TD>x</TD></TR>"
        ),
        "row 1 has 2 cells instead of 1": votable(field, "<TR><TD>1</TD><TD>1</TD></TR>"),
        "is no int32": votable(field, "<TR><TD>99999999999</TD></TR>"),
        "two columns are called 'N'": votable(field + '<FIELD name="N" datatype="int"/>'),
        "values of type doubleComplex cannot be taken": votable('<FIELD name="c" datatype="doubleComplex"/>'),
        "timestamp like 2019": votable(
            '<FIELD name="t" datatype="char" arraysize="*" xtype="timestamp"/>', "<TR><TD>yesterday</TD></TR>"
        ),
        "3 elements instead of 2": votable(
            '<FIELD name="a" datatype="int" arraysize="2"/>', "<TR><TD>1 2</TD></TR><TR><TD>1 2 3</TD></TR>"
        ),
        "not well-formed XML: line 1": b"<VOTABLE><RESOURCE>",
        "no VOTable": b"<html><body/></html>",
        "has no table": b"<VOTABLE/>",
        "is empty": b"",
        "Expected 2 columns": b"a,b\n1,2\n3\n",
        "not in UTF-8": b"a,b\n\xff\xfe,1\n",
        "no Parquet": b"PAR1" + bytes(100) + b"PAR1",
        "no Arrow": b"ARROW1\0\0" + b"\xff" * 100,
        "broken FITS": b"SIMPLE  =                    T" + b" " * 3000,
        "broken gzip": gzip.compress(b"a,b\n1,2\n" * 100)[:-20],
        "NUL": bytes_of_arrow(pa.table({"s": ["a\0b"]})),
        "values of type struct": bytes_of_arrow(pa.table({"s": [{"a": 1}]})),
    }
    for words, content in cases.items():
        assert words in message(post(taking, "SELECT * FROM tap_upload.t", {"t": content})), words


def bytes_of_arrow(table: pa.Table) -> bytes:
    out = io.BytesIO()
    with ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def test_limits_of_rows_and_bytes_are_kept_and_told(taking: Service) -> None:
    count = "SELECT COUNT(*) AS n FROM tap_upload.t"
    full = votable('<FIELD name="n" datatype="int"/>', "<TR><TD>1</TD></TR>" * 20_000)
    assert table_of(post(taking, count, {"t": full}))["n"][0] == 20_000
    over = full.replace(b"</TABLEDATA>", b"<TR><TD>1</TD></TR></TABLEDATA>")
    for content in (over, b"a\n" + b"1\n" * 20_001, bytes_of_arrow(pa.table({"a": range(20_001)}))):
        assert "more than 20000 rows" in message(post(taking, count, {"t": content}))
    assert "larger than 4 MB" in message(post(taking, count, {"t": b"a\n" + b"x" * (5 << 20)}))
    capabilities = pyvo.dal.TAPService(f"{taking[1]}/tap").get_tap_capability()
    assert {m.ivo_id.rpartition("#")[2] for m in capabilities.uploadmethods} == {
        "upload-inline",
        "upload-http",
        "upload-https",
    }
    assert capabilities.uploadlimit.default.content == 20_000
    assert capabilities.uploadlimit.hard.content == 4 << 20


LAUGHS: Final = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
HOSTILE: Final = {
    "billion-laughs": f'<?xml version="1.0"?><!DOCTYPE VOTABLE [<!ENTITY l0 "ha">{LAUGHS}]><VOTABLE>&l9;</VOTABLE>',
    "quadratic-blowup": f'<!DOCTYPE VOTABLE [<!ENTITY a "{"a" * 50_000}">]><VOTABLE>{"&a;" * 50_000}</VOTABLE>',
    "external-entity": '<!DOCTYPE VOTABLE [<!ENTITY a SYSTEM "file:///etc/passwd">]><VOTABLE>&a;</VOTABLE>',
    "parameter-entity": '<!DOCTYPE VOTABLE [<!ENTITY % a SYSTEM "http://127.0.0.1:1/x"> %a;]><VOTABLE/>',
    "default-attributes": f'<!DOCTYPE VOTABLE [<!ATTLIST TD a CDATA "{"x" * 9999}">]><VOTABLE/>',
    "deep": "<VOTABLE>" + "<RESOURCE>" * 100_000,
    "endless-attribute": '<VOTABLE a="' + "x" * 3_000_000,
    "many-fields": "<VOTABLE><RESOURCE><TABLE>" + '<FIELD name="a" datatype="int"/>' * 50_000,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_xml_is_refused_at_once(taking: Service, content: str) -> None:
    began = time.monotonic()
    answer = post(taking, "SELECT * FROM tap_upload.t", {"t": content.encode()})
    assert "upload 't'" in message(answer)
    assert "root:" not in answer.text
    assert time.monotonic() - began < 10


def test_bombs_are_refused(taking: Service) -> None:
    zeros = gzip.compress(b"a\n" + b"0" * (200 << 20))
    assert len(zeros) < 1 << 20
    assert "larger than 4 MB unpacked" in message(post(taking, "SELECT * FROM tap_upload.t", {"t": zeros}))
    long = pa.table({"a": pa.array(["x" * 50_000] * 10_000)})
    out = io.BytesIO()
    parquet.write_table(long, out, compression="zstd")
    assert len(out.getvalue()) < 1 << 20
    assert "upload 't'" in message(post(taking, "SELECT * FROM tap_upload.t", {"t": out.getvalue()}))


def test_an_upload_reads_and_writes_nothing_else(taking: Service) -> None:
    one = written(Table({"a": [1]}))
    for query in (
        "SELECT * FROM jobs.job, tap_upload.t",
        "SELECT * FROM pg_temp.upload_1",
        "SELECT * FROM tap_upload.upload_1",
        "SELECT * FROM tap_upload.t; DROP TABLE survey.target",
        "INSERT INTO tap_upload.t VALUES (1)",
        "SELECT c1 FROM tap_upload.t",
        'SELECT * FROM tap_upload."t"";SELECT"',
    ):
        assert "line 1" in message(post(taking, query, {"t": one}))
    field = "<FIELD name='a&quot;); DROP TABLE survey.target; --' datatype='int'/>"
    quoted = {'"t""; DROP TABLE survey.target; --"': votable(field, "<TR><TD>1</TD></TR>")}
    assert len(table_of(post(taking, 'SELECT * FROM tap_upload."t""; DROP TABLE survey.target; --"', quoted))) == 1
    assert len(table_of(post(taking, TARGET, {"t": one}))) == 19
    archive = taking[0]
    with archive.database.reading() as session:
        left = session.connection().exec_driver_sql("SELECT relname FROM pg_class WHERE relname LIKE 'upload%%'")
        assert left.all() == []
        inherited = session.connection().exec_driver_sql(
            "SELECT count(*) FROM pg_auth_members AS m JOIN pg_roles AS r ON r.oid = m.member"
            " WHERE r.rolname IN ('musevault_uploader', 'musevault_reader')"
        )
        assert inherited.scalar_one() == 0
        granted = session.connection().exec_driver_sql(
            "SELECT count(*) FROM information_schema.role_table_grants WHERE grantee = 'musevault_uploader'"
        )
        assert granted.scalar_one() == 0


class Site:
    """A web site on this machine that answers as it is told."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.pages[self.path](self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(
        self, path: str, content: bytes, *, status: int = 200, location: str = "", length: int | None = None
    ) -> None:
        def send(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(content) if length is None else length))
            if location:
                handler.send_header("Location", location)
            handler.end_headers()
            handler.wfile.write(content)

        self.pages[path] = send


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()


def fetched(service: Service, address: str) -> requests.Response:
    given = {"QUERY": "SELECT * FROM tap_upload.t", "UPLOAD": f"t,{address}"}
    return requests.post(f"{service[1]}/tap/sync", given, timeout=60)


def test_a_table_is_fetched_from_its_address(taking: Service, site: Site) -> None:
    site.put("/t.xml?a=b", written(Table({"a": [1, 2]})))
    site.put("/moved", b"", status=302, location="/t.xml?a=b")
    for path in ("/t.xml?a=b", "/moved"):
        assert list(table_of(fetched(taking, site.url + path))["a"]) == [1, 2]


def test_addresses_that_are_not_public_are_refused(taking: Service, full_service: Service, site: Site) -> None:
    port = site.server.server_port
    site.put("/t.xml", written(Table({"a": [1]})))
    site.put("/away", b"", status=302, location="http://127.0.0.2/x")
    site.put("/metadata", b"", status=307, location="http://169.254.169.254/latest/meta-data")
    site.put("/file", b"", status=302, location="file:///etc/passwd")
    site.put("/round", b"", status=302, location="/round")
    assert "not a public address" in message(fetched(full_service, f"{site.url}/t.xml"))
    hosts = ("127.0.0.2", "localhost", "[::1]", "[::ffff:127.0.0.2]", "0.0.0.0", "2130706434", "10.0.0.1")  # noqa: S104
    for host in hosts:
        assert "not a public address" in message(fetched(taking, f"http://{host}:{port}/t.xml")), host
    assert "not a public address" in message(fetched(taking, f"{site.url}/away"))
    assert "not a public address" in message(fetched(taking, f"{site.url}/metadata"))
    assert "by http or https" in message(fetched(taking, f"{site.url}/file"))
    assert "redirects more than 3" in message(fetched(taking, f"{site.url}/round"))
    for wrong in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "/etc/passwd"):
        assert "UPLOAD takes param:, http: and https:" in message(fetched(taking, wrong))
    assert "password" in message(fetched(taking, f"http://me:secret@127.0.0.1:{port}/t.xml"))


def test_sites_that_fail_send_too_much_or_dawdle_are_left(taking: Service, site: Site) -> None:
    site.put("/gone", b"", status=404)
    site.put("/large", b"a\n" + b"1" * (5 << 20))
    site.put("/short", b"a\n1\n", length=100)
    dawdling = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not dawdling.wait(0.05):
            handler.wfile.write(b"1\n")

    def say_nothing(_handler: BaseHTTPRequestHandler) -> None:
        dawdling.wait(30)

    site.pages.update({"/slow": drip, "/silent": say_nothing})
    assert "status 404" in message(fetched(taking, f"{site.url}/gone"))
    assert "larger than 4 MB" in message(fetched(taking, f"{site.url}/large"))
    try:
        assert "does not answer as it should" in message(fetched(taking, f"{site.url}/short"))
        for path in ("/slow", "/silent"):
            assert "longer than 1 s" in message(fetched(taking, site.url + path))
    finally:
        dawdling.set()
    assert "does not answer" in message(fetched(taking, "http://127.0.0.1:1/"))


@LEAVES_OPEN
def test_jobs_take_tables_too_and_keep_them_until_they_are_run(service: Service) -> None:
    archive, url = service
    tap = pyvo.dal.TAPService(f"{url}/tap")
    mine = Table({"name": ["NGC0628", "NGC0000"], "mark": [1, 2]})
    with query_worker(archive):
        query = "SELECT t.name, m.mark FROM survey.target AS t JOIN tap_upload.mine AS m ON m.name = t.name"
        job = tap.submit_job(query, uploads={"mine": mine})
        kept = uws.folder(archive.settings, job.job_id) / "uploads"
        assert len(list(kept.iterdir())) == 1
        job.run().wait(phases=["COMPLETED", "ERROR", "ABORTED"], timeout=60)
        assert [tuple(row) for row in job.fetch_result().to_table()] == [("NGC0628", 1)]
        assert not kept.exists()
        job.delete()
        wrong = tap.submit_job("SELECT * FROM tap_upload.t", uploads={"t": "http://127.0.0.1:1/x"})
        wrong.run().wait(phases=["COMPLETED", "ERROR", "ABORTED"], timeout=60)
        assert wrong.phase == "ERROR"
        with pytest.raises(pyvo.dal.DALQueryError, match="upload 't': tables are not fetched from '127"):
            wrong.raise_if_error()
    missing = requests.post(f"{url}/tap/async", {"QUERY": TARGET, "UPLOAD": "t,param:x", "PHASE": "RUN"}, timeout=30)
    assert (missing.status_code, "no part 'x'" in missing.text) == (400, True)


@contextmanager
def loaded(archive: Archive, adql: str, uploads: list[Upload]) -> Iterator[tuple[dbapi.Cursor, str]]:
    """The transaction in which a query over uploads would run, and its SQL."""
    readers = Readers(archive)
    connection = readers.take()
    connection.adbc_connection.set_autocommit(False)
    try:
        tables = load(connection, uploads, Limits.of(archive.settings))
        sql = translate(adql, (*catalogue(), *tables)).sql
        ready(connection, tables, sql)
        with connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": "false"})
            yield cursor, sql
    finally:
        connection.close()
        readers.close()


@pytest.mark.parametrize(
    ("position", "condition"),
    [
        ("ra, dec", "DISTANCE(POINT(a.ra, a.dec), POINT(b.ra, b.dec)) < 0.01"),
        ("ra, dec", "1 = CONTAINS(POINT(b.ra, b.dec), CIRCLE(a.ra, a.dec, 0.01))"),
        ("ra, dec", "1 = CONTAINS(POINT(a.ra, a.dec), CIRCLE(b.ra, b.dec, 0.01))"),
        ("place", "1 = CONTAINS(b.place, CIRCLE(a.place, 0.01))"),
    ],
)
def test_joins_on_positions_use_an_index(survey: Archive, tmp_path: Path, position: str, condition: str) -> None:
    rng = np.random.default_rng(1)
    places = np.stack([rng.uniform(0, 360, 20_000), rng.uniform(-90, 90, 20_000)], axis=1)
    columns = {"ra": pa.array(places[:, 0]), "dec": pa.array(places[:, 1])}
    if position == "place":
        lists = pa.FixedSizeListArray.from_arrays(pa.array(places.ravel()), 2)
        schema = pa.schema([pa.field("place", lists.type, metadata={"xtype": "point"})])
        content = bytes_of_arrow(pa.table([lists], schema=schema))
    else:
        content = bytes_of_arrow(pa.table(columns))
    files = [Upload(name, tmp_path / name) for name in ("a", "b")]
    for file in files:
        file.path.write_bytes(content)
    adql = f"SELECT COUNT(*) AS n FROM tap_upload.a AS a JOIN tap_upload.b AS b ON {condition}"
    with loaded(survey, adql, files) as (cursor, sql):
        cursor.execute(f"EXPLAIN {sql}")
        assert "Index Scan" in "\n".join(str(line) for (line,) in cursor.fetchall())


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM pg_temp.upload_1", "permission denied"),
        ("CREATE TEMPORARY TABLE x (a int)", "read-only"),
        ("CREATE TABLE public.x (a int)", "read-only|permission denied"),
        ("SET TRANSACTION READ WRITE", "read-write mode"),
        ("SELECT * FROM jobs.job", "permission denied"),
    ],
)
def test_once_the_tables_are_there_nothing_can_be_written(
    survey: Archive, tmp_path: Path, statement: str, words: str
) -> None:
    file = Upload("t", tmp_path / "t")
    file.path.write_bytes(b"a\n1\n")
    with (
        loaded(survey, "SELECT a FROM tap_upload.t", [file]) as (cursor, _),
        pytest.raises(adbc_driver_manager.Error, match=words),
    ):
        cursor.execute(statement)


def test_files_that_lie_about_their_size_end_their_reader_only(taking: Service) -> None:
    levels = pa.table({"a": pa.array([[0.0] * 30_000_000], pa.list_(pa.float64()))})
    out = io.BytesIO()
    parquet.write_table(levels, out, compression="zstd")
    assert len(out.getvalue()) < 1 << 20
    assert "upload 't'" in message(post(taking, "SELECT * FROM tap_upload.t", {"t": out.getvalue()}))
    broken = bytearray(bytes_of_arrow(pa.table({"a": ["x" * 100] * 100})))
    place = broken.index(b"x" * 100)
    for offset in range(place - 400, place, 4):  # the offsets of the texts point outside of the file
        broken[offset : offset + 4] = b"\xff\xff\xff\x7f"
    assert "no Arrow" in message(post(taking, "SELECT * FROM tap_upload.t", {"t": bytes(broken)}))
    assert len(table_of(post(taking, TARGET, {"t": written(Table({"a": [1]}))}))) == 19
