"""Answers on their way, from the service as operators run it: packed, and broken off in the middle."""

import os
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest

from musevault.selfcheck import await_health
from server.encoders import FORMATS
from server.gateway import SILENCE_SECONDS, THREADS
from server.query import MOST_AT_ONCE
from tests.integration.test_formats import FAILS_LATE
from tests.support import archives

STATUS = "{http://www.ivoa.net/xml/VOTable/v1.3}INFO"
QUERY = "SELECT a.pointing_id, a.ra, b.dec FROM survey.pointing AS a, survey.pointing AS b"
OTHERS = tuple(f.aliases[0] for f in FORMATS if not f.aliases[0].startswith("votable"))
BROKEN = [*((name, None) for name in OTHERS), ("csv", "gzip"), ("csv", "zstd"), ("fits", "zstd"), ("arrow", "gzip")]
"""Formats that cannot say in their own words that they failed, as they are and packed."""


@dataclass(frozen=True)
class Seen:
    """What came: the body as far as it came, how it is packed, and whether it came to its end."""

    body: bytes
    packing: str | None
    whole: bool

    def unpacked(self) -> bytes:
        match self.packing:
            case "gzip":
                return zlib.decompressobj(31).decompress(self.body)
            case "zstd":
                return bytes(pa.CompressedInputStream(pa.BufferReader(self.body), "zstd").read())
        return self.body


@pytest.fixture(scope="module")
def gateway(server: str, survey_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of ``musevault serve`` over the survey's log."""
    root, port = tmp_path_factory.mktemp("gateway"), free_port()
    others = {name: value for name, value in os.environ.items() if not name.startswith("MUSEVAULT_")}
    with archives.fresh_database(server, template=survey_template) as url:
        environment = {**others, "MUSEVAULT_ROOT": str(root), "MUSEVAULT_DATABASE_URL": url}
        command = [str(Path(sys.executable).with_name("musevault")), "serve", "--port", str(port), "--workers", "1"]
        process = subprocess.Popen(command, env=environment, cwd=root, stderr=subprocess.DEVNULL)
        try:
            await_health(f"http://127.0.0.1:{port}", process)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def asked(gateway: str, query: str, name: str, packing: str | None) -> Iterator[HTTPResponse]:
    with closing(HTTPConnection(gateway, timeout=60)) as connection:
        form = urlencode({"QUERY": query, "RESPONSEFORMAT": name})
        connection.request("GET", f"/tap/sync?{form}", headers={"Accept-Encoding": packing or "identity"})
        with connection.getresponse() as answer:
            assert answer.status == 200
            assert answer.getheader("Transfer-Encoding") == "chunked"
            yield answer


def seen(gateway: str, query: str, name: str, packing: str | None) -> Seen:
    with asked(gateway, query, name, packing) as answer:
        try:
            body, whole = answer.read(), True
        except IncompleteRead as cut:
            body, whole = cut.partial, False
        return Seen(body, answer.getheader("Content-Encoding"), whole)


@pytest.mark.parametrize("name", ["votable", "csv", "arrow"])
def test_a_packed_answer_says_the_same(gateway: str, name: str) -> None:
    plain = seen(gateway, QUERY, name, None)
    assert (plain.packing, plain.whole) == (None, True)
    for packing in ("gzip", "zstd"):
        packed = seen(gateway, QUERY, name, packing)
        assert (packed.packing, packed.whole) == (packing, True)
        assert packed.unpacked() == plain.body
        assert len(packed.body) < len(plain.body) / 3


def test_what_is_packed_already_is_not_packed_again(gateway: str) -> None:
    assert seen(gateway, QUERY, "parquet", "zstd, gzip").packing is None


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_the_first_block_can_be_read_while_the_rest_is_to_come(gateway: str, packing: str) -> None:
    begin = b""
    with asked(gateway, QUERY, "csv", packing) as answer:
        while len(begin) < 100:
            begin += answer.read1(100 - len(begin))
    if packing == "gzip":
        text = zlib.decompressobj(31).decompress(begin)
    else:
        text = pa.CompressedInputStream(pa.BufferReader(begin), "zstd").read(len(b"pointing"))
    assert text.startswith(b"pointing")


@pytest.mark.parametrize("packing", [None, "gzip", "zstd"])
@pytest.mark.parametrize("name", ["votable", "votable/b2"])
def test_a_votable_that_fails_ends_well_formed_and_says_so(gateway: str, name: str, packing: str | None) -> None:
    answer = seen(gateway, FAILS_LATE, name, packing)
    assert answer.whole
    document = answer.unpacked()
    assert document.endswith(b"</VOTABLE>\n")
    assert [e.get("value") for e in ET.fromstring(document).iter(STATUS)] == ["OK", "ERROR"]  # noqa: S314  our own


@pytest.mark.parametrize(("name", "packing"), BROKEN)
def test_any_other_format_that_fails_is_broken_off(gateway: str, name: str, packing: str | None) -> None:
    answer = seen(gateway, FAILS_LATE, name, packing)
    assert answer.packing == packing
    assert not answer.whole
    assert answer.body


def test_the_service_answers_on_after_answers_that_broke_off(gateway: str) -> None:
    for _ in range(MOST_AT_ONCE + 1):
        assert not seen(gateway, FAILS_LATE, "arrow", None).whole
    assert seen(gateway, "SELECT COUNT(*) AS n FROM survey.pointing", "csv", None).body == b"n\r\n168\r\n"


@pytest.mark.slow
def test_clients_that_fall_silent_in_the_middle_of_a_request_are_left(gateway: str) -> None:
    host, port = gateway.split(":")
    begun = b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
    begun += b"Content-Type: application/x-www-form-urlencoded\r\n"
    with ExitStack() as silent:
        for number in range(THREADS + 2):
            client = silent.enter_context(socket.create_connection((host, int(port))))
            client.sendall(begun + (b"\r\nQUERY=SEL" if number % 2 else b""))
        time.sleep(1)
        with closing(HTTPConnection(gateway, timeout=3 * SILENCE_SECONDS)) as patient:
            patient.request("GET", "/healthz")
            assert patient.getresponse().status == 200
