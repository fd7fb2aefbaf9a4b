"""astroquery.eso, unmodified, fetches frames with the calibrations that belong to them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from astroquery.eso.core import EsoClass

from tests.support import archives
from tests.support.calibrations import MASTERS, SCIENCE, add, add_masters, frames, publish_file
from tests.support.eso_client import pointed_at

SECOND = "MUSE.2018-06-05T01:18:59.418"


@pytest.fixture(scope="module")
def url(server: str, empty_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A night of which the archive holds every frame, and the masters; to be read only."""
    root = tmp_path_factory.mktemp("night")
    with archives.fresh_database(server, template=empty_template) as made, archives.served(made, root) as served:
        archive, address = served
        add(archive.database, *frames())
        for frame in frames():
            publish_file(archive, frame.dp_id, f"{frame.dp_id}.fits", kind="exposure")
        add_masters(archive)
        yield address


@pytest.fixture
def eso(url: str, tmp_path: Path) -> Iterator[EsoClass]:
    with pointed_at(url, tmp_path) as client:
        yield client


@pytest.mark.parametrize("datasets", [[SCIENCE], [SCIENCE, SECOND]], ids=["one frame", "two frames"])
def test_raw_calibrations_come_with_the_frames(eso: EsoClass, datasets: list[str], tmp_path: Path) -> None:
    got = [Path(file) for file in eso.retrieve_data(datasets, with_calib="raw", destination=str(tmp_path))]
    wanted = {f"{frame.dp_id}.fits" for frame in frames() if frame.raw_tag in {"BIAS", "FLAT", "ARC", "STD"}}
    assert wanted <= {file.name for file in got}
    assert [file.stem for file in got[: len(datasets)]] == datasets
    assert all(file.read_text() == f"{file.stem} {file.name}" for file in got if file.name in wanted)


def test_masters_come_with_the_frame(eso: EsoClass, tmp_path: Path) -> None:
    got = {Path(file).name for file in eso.retrieve_data([SCIENCE], with_calib="processed", destination=str(tmp_path))}
    assert {f"{tag}.fits" for tag in MASTERS} <= got


def test_the_tree_of_a_frame_is_saved(eso: EsoClass, tmp_path: Path) -> None:
    found = eso.get_associated_files([SCIENCE], mode="raw", savexml=True, destination=str(tmp_path))
    assert SCIENCE not in found
    assert [file.name for file in tmp_path.glob("*.xml")] == [f"{SCIENCE}_raw2raw.xml"]
