"""The whole story: a log and a cube go in by command, and come out by query, by image search, by file and by page.

Every step is what an operator or an astronomer would do; nothing here reaches into the archive.
"""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import pyvo
import requests

from tests.support.archives import REAL_CUBE, SURVEY, short_folder

MUSEVAULT = str(Path(sys.executable).with_name("musevault"))


class Operator:
    """Somebody at a terminal, with an archive in a folder."""

    def __init__(self, root: Path) -> None:
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("MUSEVAULT_")}
        self.environment |= {"MUSEVAULT_ROOT": str(root), "MUSEVAULT_DATA": str(Path("data").absolute())}

    def types(self, *words: str | Path, status: int = 0) -> str:
        done = subprocess.run(
            [MUSEVAULT, *map(str, words)],
            capture_output=True,
            text=True,
            env=self.environment,
            check=False,
            timeout=300,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + (done.stderr if status else "")

    @contextmanager
    def serves(self) -> Iterator[str]:
        port = free_port()
        command = [MUSEVAULT, "serve", "--port", str(port)]
        server = subprocess.Popen(command, env=self.environment, stderr=subprocess.DEVNULL)
        try:
            yield await_service(f"http://127.0.0.1:{port}", server)
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=60) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_service(url: str, server: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        assert server.poll() is None
        try:
            if requests.get(f"{url}/healthz", timeout=5).ok:
                return url
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("the service does not come up")


@pytest.fixture
def operator() -> Iterator[Operator]:
    with short_folder() as root:
        yield Operator(root)


def test_from_the_log_and_a_cube_to_a_query_an_image_a_file_and_a_page(operator: Operator, tmp_path: Path) -> None:
    # The operator makes the archive and loads the survey's log.
    assert "archive ready" in operator.types("init")
    report = json.loads(operator.types("ingest", "release", SURVEY, "--json"))
    assert (report["targets"], report["pointings"], report["exposures"]) == (19, 168, 676)
    assert len(report["corrections"]) == 3

    # A night's files arrive: one real cube, and one that broke on the way.
    broken = tmp_path / "broken.fits"
    broken.write_bytes(REAL_CUBE.read_bytes()[:1_000_000])
    said = operator.types("ingest", "products", REAL_CUBE, broken, status=1)
    assert "minicube-d7be532d" in said
    assert "truncated" in said
    assert "broken.fits: truncated" in operator.types("ingest", "refused")

    # Its images and its maps are made by jobs; a second call finds nothing to do.
    assert "band_images" in operator.types("process", "--now")
    assert "nothing to do" in operator.types("process", "--now")
    jobs = [json.loads(line) for line in operator.types("jobs", "--json").splitlines()]
    assert [job["phase"] for job in jobs] == ["COMPLETED"] * 3
    assert "every file is whole" in operator.types("verify")

    with operator.serves() as url:
        # An astronomer counts the survey and finds the cube by position.
        tap = pyvo.dal.TAPService(f"{url}/tap")
        assert tap.search("SELECT COUNT(*) AS n FROM survey.observing_block")["n"][0] == 190
        (cube,) = tap.search(
            "SELECT * FROM ivoa.obscore WHERE dataproduct_type = 'cube'"
            " AND 1 = CONTAINS(POINT(s_ra, s_dec), CIRCLE(63.355, 10.465, 0.01))"
        )
        assert cube["em_min"] == pytest.approx(4.75e-7, rel=1e-4)

        # Another one searches for images and gets the same file.
        images = pyvo.dal.SIA2Service(f"{url}/sia2").search(pos=(63.355, 10.465, 0.01))
        assert len(images) == 6  # the cube, white light, g, r and i, and the maps
        assert cube["access_url"] in {image["access_url"] for image in images}
        content = requests.get(cube["access_url"], timeout=60).content
        assert hashlib.sha256(content).digest() == hashlib.sha256(REAL_CUBE.read_bytes()).digest()
        part = requests.get(cube["access_url"], headers={"Range": "bytes=2880-5759"}, timeout=60)
        assert (part.status_code, part.content) == (206, content[2880:5760])

        # Stars and gas of the brightest galaxy of Abell 478 are as other fits of this cube have found them.
        (bins,) = tap.search("SELECT COUNT(*) AS n, AVG(v_stars) AS v, AVG(sigma_stars) AS sigma FROM maps.bin")
        assert bins["n"] > 30
        assert abs(bins["v"]) < 60  # of the velocity that was found in the spectrum itself
        assert bins["sigma"] == pytest.approx(305, abs=30)
        (gas,) = tap.search("SELECT AVG(nii6583_flux / ha6562_flux) AS ratio FROM maps.spaxel WHERE ha6562_an > 10")
        assert gas["ratio"] == pytest.approx(1.08, abs=0.05)

        # Which raw frame is behind the r image?  One query along the provenance tells.
        history = tap.search(
            "SELECT DISTINCT u.entity, u.role FROM provenance.was_generated_by AS g"
            " JOIN provenance.was_informed_by AS i ON i.activity_id = g.activity_id"
            " JOIN provenance.was_informed_by AS j ON j.activity_id = i.informant_id"
            " JOIN provenance.used AS u ON u.activity_id = j.informant_id"
            f" WHERE g.product_id = '{cube['dp_id']}' AND u.role = 'OBJECT'"
        )
        assert [row["entity"] for row in history] == ["MUSE.2014-12-08T02:48:56.798"]

        # A third one looks at the pages.
        page = requests.get(f"{url}/products/{cube['dp_id']}", timeout=30).text
        preview = re.search(r'src="(/files/[^"]+\.png)"', page)
        assert preview is not None
        assert requests.get(url + preview[1], timeout=30).content.startswith(b"\x89PNG")
        assert "NGC0628" in requests.get(url, timeout=30).text


def test_the_demo_shows_everything_and_does_so_again(operator: Operator) -> None:
    for _ in range(2):
        said = operator.types(
            "demo", "--quick", "--survey", SURVEY, "--cube", REAL_CUBE, "--port", str(free_port()), "--exit"
        )
        for words in ("168 pointings", "ready after", "pyvo", "curl", "TOPCAT", "ok  download", "ok  pages"):
            assert words in said
    assert operator.types("database", "status", status=3).strip() == "down"


def test_clients_that_stop_reading_do_not_stop_the_service(operator: Operator) -> None:
    operator.types("ingest", "release", SURVEY)
    query = "SELECT a.*, b.ra AS b_ra FROM survey.pointing AS a, survey.pointing AS b, survey.target AS c"
    with operator.serves() as url, ExitStack() as open_answers:
        seen = []
        for _ in range(35):
            answer = requests.get(f"{url}/tap/sync", {"QUERY": query}, stream=True, timeout=60)
            open_answers.callback(answer.close)
            seen.append(answer.status_code)
        assert set(seen) <= {200, 503}
        assert seen.count(200) >= 16
        assert requests.get(f"{url}/healthz", timeout=5).ok
        assert "NGC0628" in requests.get(url, timeout=10).text


def test_a_service_on_all_addresses_wants_to_know_its_own(operator: Operator) -> None:
    assert "MUSEVAULT_BASE_URL" in operator.types("serve", "--host", "0.0.0.0", status=1)  # noqa: S104  refused


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=SLOW), pytest.param(signal.SIGHUP, marks=SLOW)]
)
def test_ctrl_c_and_its_like_stop_the_demo_in_order(operator: Operator, number: signal.Signals) -> None:
    command = [
        MUSEVAULT,
        "demo",
        "--quick",
        "--survey",
        str(SURVEY),
        "--cube",
        str(REAL_CUBE),
        "--port",
        str(free_port()),
    ]
    demo = subprocess.Popen(
        command, env=operator.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "Ctrl-C stops it" in line:
                break
        demo.send_signal(number)
        rest, _ = demo.communicate(timeout=60)
    finally:
        demo.kill()
        demo.wait()
    assert rest.strip().endswith("stopped")
    assert demo.returncode == 0
    assert operator.types("database", "status", status=3).strip() == "down"
