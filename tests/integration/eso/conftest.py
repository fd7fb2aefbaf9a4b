"""Two archives: one plays ESO's, behind a network that may misbehave; the settings of the other lead to it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from archive.archive import Archive
from tests.support import archives
from tests.support.network import Eso, Network, served

FILLED = "survey.exposure, survey.eso_product, survey.product, survey.programme, survey.finding, archive.sync"


@pytest.fixture(scope="module")
def far_side(server: str, empty_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Eso]:
    network = Network()
    with (
        archives.fresh_database(server, template=empty_template) as url,
        served(url, tmp_path_factory.mktemp("eso"), network) as (archive, address),
    ):
        yield Eso(archive, address, network)


@pytest.fixture
def eso(far_side: Eso) -> Iterator[Eso]:
    with emptied(far_side.archive):
        vars(far_side.network).update(vars(Network(app=far_side.network.app)))
        yield far_side


@pytest.fixture(scope="module")
def near_side(server: str, empty_template: str) -> Iterator[str]:
    with archives.fresh_database(server, template=empty_template) as url:
        yield url


@pytest.fixture
def here(near_side: str, eso: Eso, tmp_path: Path) -> Iterator[Archive]:
    with archives.opened(near_side, tmp_path / "here", **eso.addresses()) as archive, emptied(archive):
        yield archive


@contextmanager
def emptied(archive: Archive) -> Iterator[None]:
    """Leave nothing behind: quicker than a new database."""
    yield
    with archive.database.transaction() as session:
        session.execute(text(f"TRUNCATE {FILLED}, archive.intake, survey.ingest_run CASCADE"))
    shutil.rmtree(archive.settings.root / "incoming", ignore_errors=True)
