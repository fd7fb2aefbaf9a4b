"""Settings come from the environment and a file, and what is wrong with them is said in one line."""

from pathlib import Path

import pytest

from archive.errors import ArchiveError
from archive.settings import load


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROOT", "DATABASE_URL", "BASE_URL", "CONFIG", "DATA"):
        monkeypatch.delenv(f"MUSEVAULT_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_any_the_archive_is_in_the_folder_vault(tmp_path: Path) -> None:
    assert load().root == tmp_path / "vault"
    assert load().database_url is None


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "musevault.toml").write_text('query_timeout = 5\nauthority = "eso.example"\n')
    monkeypatch.setenv("MUSEVAULT_QUERY_TIMEOUT", "7")
    assert (load().query_timeout, load().authority) == (7.0, "eso.example")


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSEVAULT_DATABASE_URL", "")
    assert load().database_url is None


def test_a_base_url_that_was_not_set_still_looks_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "base_url" not in load().model_fields_set
    monkeypatch.setenv("MUSEVAULT_BASE_URL", "https://archive.example/muse/")
    assert load().base_url == "https://archive.example/muse"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("query_timeout = -1", "query_timeout"),
        ("colour = 1", "colour"),
        ("= 3", "musevault.toml"),
        ('dask_scheduler = "host"', "tcp://HOST:PORT"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "musevault.toml").write_text(text)
    with pytest.raises(ArchiveError, match=words):
        load()


def test_a_file_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSEVAULT_CONFIG", "/nonexistent.toml")
    with pytest.raises(ArchiveError, match="which is no file"):
        load()
