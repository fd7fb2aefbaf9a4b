from pathlib import Path

import pytest

from tests.support.pixel_tables import Exposed, write_exposed


@pytest.fixture(scope="session")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Exposed:
    folder: Path = tmp_path_factory.mktemp("exposed")
    return write_exposed(folder)
