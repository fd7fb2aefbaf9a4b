"""What docs/querying.md tells people to type does what it says."""

import gc
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pyvo
from astropy.table import Table

from archive import accounts
from archive.archive import Archive
from tests.support.stilts import stilts
from tests.support.workers import query_worker

Service = tuple[Archive, str]
EVERYWHERE = "http://127.0.0.1:8000"
TEXT = Path("docs/querying.md").read_text()

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyvo reads no answer to its end


@pytest.fixture(autouse=True)
def left_sockets() -> Iterator[None]:
    """Let what pyvo leaves open go here, not in another test."""
    yield
    gc.collect()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_every_query_runs(full_service: Service) -> None:
    tap = pyvo.dal.TAPService(f"{full_service[1]}/tap")
    assert len(blocks("sql")) >= 3
    assert all(tap.search(query).fieldnames for query in blocks("sql"))


ACCOUNT = "AuthSession"
"""In the programs that need an account."""


@pytest.mark.parametrize(
    "text", [text for text in blocks("python") if "astroquery" not in text and ACCOUNT not in text]
)
def test_every_program_runs(full_service: Service, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    given: dict[str, Any] = {
        "service": pyvo.dal.TAPService(f"{full_service[1]}/tap"),
        "table": Table({"name": ["NGC0628"], "ra": [24.17], "dec": [15.78]}),
    }
    exec(text.replace(EVERYWHERE, full_service[1]), given)  # noqa: S102  our own
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:unclosed file <_io.BufferedReader:ResourceWarning")  # as short programs do
@pytest.mark.parametrize("text", [text for text in blocks("python") if ACCOUNT in text])
def test_every_program_of_an_account_runs(
    service: Service, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    accounts.create(service[0].database, "alice", "correct horse 5")
    stars = Table({"source_id": [1, 2], "ra": [24.17, 10.0], "dec": [15.78, 10.0]})
    stars.write("stars.vot", format="votable")
    Path("more.csv").write_text("source_id,ra,dec\n3,24.18,15.79\n")
    given: dict[str, Any] = {"password": "correct horse 5"}
    with query_worker(service[0]):
        exec(text.replace(EVERYWHERE, service[1]), given)  # noqa: S102  our own
    gc.collect()
    with pytest.raises(pyvo.dal.DALQueryError):  # its last line removes the table
        given["tap"].run_sync("SELECT * FROM alice.stars")


@pytest.mark.parametrize("text", blocks("sh"), ids=lambda text: text.split()[1])
def test_every_command_runs(service: Service, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("galaxy,mark\nNGC0628,1\n")
    program, *words = shlex.split(text.replace("\\\n", " ").replace(EVERYWHERE, service[1]))
    assert program == "stilts"
    with query_worker(service[0]):
        assert "NGC0628" in stilts(*words)
