"""Fixtures that more than one folder of tests uses."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from archive.archive import Archive
from archive.cluster import Cluster
from tests.support import archives

# How long an example takes is the machine's affair: a busy one must fail no test.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    """Keep the machine code of these very sources from one run to the next: it takes longer to make than to test."""
    sources = sorted(Path("processing/science").glob("*.py"))
    version = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    if getattr(config, "cache", None) is not None:  # it may be switched off
        os.environ.setdefault("NUMBA_CACHE_DIR", str(config.cache.mkdir("machine-code") / version))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL server for this test process."""
    with archives.short_folder() as folder, Cluster(folder).running() as url:
        yield url


@pytest.fixture(scope="session")
def empty_template(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A prepared database to copy; nobody stays connected to it."""
    with archives.fresh_database(server) as url:
        with archives.opened(url, tmp_path_factory.mktemp("template")):
            pass
        yield archives.database_name(url)


@pytest.fixture(scope="session")
def survey_template(server: str, empty_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with the survey's log to copy."""
    with archives.fresh_database(server, template=empty_template) as url:
        with archives.opened(url, tmp_path_factory.mktemp("survey")) as archive:
            archives.take_in_the_survey(archive)
        yield archives.database_name(url)


@pytest.fixture
def archive(server: str, empty_template: str, tmp_path: Path) -> Iterator[Archive]:
    """An empty archive."""
    with archives.fresh_database(server, template=empty_template) as url, archives.opened(url, tmp_path) as opened:
        yield opened


@pytest.fixture
def survey(server: str, survey_template: str, tmp_path: Path) -> Iterator[Archive]:
    """An archive with the survey's log."""
    with archives.fresh_database(server, template=survey_template) as url, archives.opened(url, tmp_path) as opened:
        yield opened


@pytest.fixture
def service(server: str, survey_template: str, tmp_path: Path) -> Iterator[tuple[Archive, str]]:
    """An archive with the survey's log and its services on a free port."""
    with archives.fresh_database(server, template=survey_template) as url, archives.served(url, tmp_path) as served:
        yield served


@pytest.fixture(scope="session")
def full_service(
    server: str, survey_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Archive, str]]:
    """The services over the survey's log and the real cube with its images; to be read only."""
    root = tmp_path_factory.mktemp("full")
    with archives.fresh_database(server, template=survey_template) as url, archives.served(url, root) as served:
        archives.take_in_the_cube(served[0])
        yield served
