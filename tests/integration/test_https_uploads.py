"""Tables fetched by https, from a site whose certificate an authority of the test's own has signed."""

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from archive.archive import Archive
from archive.errors import ArchiveError
from archive.settings import load
from tests.integration.test_uploads import fetched, message
from tests.support import archives
from tests.support.workers import query_worker

Service = tuple[Archive, str]
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
MINE = b"galaxy,mark\nNGC0628,1\n"
JOINED = "SELECT t.name, m.mark FROM survey.target AS t JOIN tap_upload.mine AS m ON m.galaxy = t.name"


def openssl(folder: Path, *words: str) -> None:
    done = subprocess.run(["openssl", "req", "-x509", *KEY, *words], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority (``ca.pem``) and what it signed: for this machine and for another."""
    folder = tmp_path_factory.mktemp("certificates")
    openssl(
        folder, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=An authority of one's own",
        "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip
    for name, address in (("here", "127.0.0.1"), ("elsewhere", "192.0.2.1")):
        openssl(
            folder, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", f"{name}.key", "-out", f"{name}.pem",
            "-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{address}",
            "-addext", "basicConstraints=critical,CA:FALSE",
        )  # fmt: skip
    return folder


class Page(BaseHTTPRequestHandler):
    """Whatever is asked, the table."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(MINE)))
        self.end_headers()
        self.wfile.write(MINE)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture(params=["here"])
def site(request: pytest.FixtureRequest, certificates: Path) -> Iterator[str]:
    """A site by https with a certificate of the authority: its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{request.param}.pem", certificates / f"{request.param}.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}/mine.csv"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def trusting(server: str, survey_template: str, tmp_path: Path, certificates: Path) -> Iterator[Service]:
    """A service that fetches from this machine and trusts the authority."""
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.served(url, tmp_path, upload_hosts=("127.0.0.1",), upload_ca=certificates / "ca.pem") as served,
    ):
        yield served


@pytest.fixture
def wary(server: str, survey_template: str, tmp_path: Path) -> Iterator[Service]:
    """A service that fetches from this machine and trusts whom the system trusts."""
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.served(url, tmp_path, upload_hosts=("127.0.0.1",)) as served,
    ):
        yield served


def test_a_table_is_fetched_by_https_at_once_and_by_a_job(trusting: Service, site: str) -> None:
    archive, url = trusting
    given = {"QUERY": JOINED, "UPLOAD": f"mine,{site}", "RESPONSEFORMAT": "csv", "PHASE": "RUN"}
    at_once = requests.post(f"{url}/tap/sync", given, timeout=60)
    assert at_once.text.split() == ["name,mark", '"NGC0628",1']
    with query_worker(archive):
        job = requests.post(f"{url}/tap/async", given, timeout=60).url
        for phase in ("QUEUED", "EXECUTING"):
            requests.get(job, {"WAIT": "20", "PHASE": phase}, timeout=60)
        assert requests.get(f"{job}/results/result", timeout=60).text == at_once.text


def test_an_authority_that_nobody_trusts_vouches_for_nothing(wary: Service, site: str) -> None:
    assert "the certificate of 127.0.0.1 is not trusted" in message(fetched(wary, site))


@pytest.mark.parametrize("site", ["elsewhere"], indirect=True)
def test_the_certificate_of_another_host_is_refused(trusting: Service, site: str) -> None:
    assert "the certificate of 127.0.0.1 is not trusted: IP address mismatch" in message(fetched(trusting, site))


def test_a_site_without_https_is_told_as_such(trusting: Service) -> None:
    plain = trusting[1].replace("http:", "https:")
    assert "127.0.0.1 does not answer as it should" in message(fetched(trusting, f"{plain}/tap/availability"))


@pytest.mark.parametrize(("content", "words"), [(None, "does not point to a file"), (b"no key", "no file of certif")])
def test_a_file_that_holds_no_certificates_is_told_at_the_start(
    content: bytes | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("MUSEVAULT_UPLOAD_CA", str(path))
    with pytest.raises(ArchiveError, match=words):
        load()
