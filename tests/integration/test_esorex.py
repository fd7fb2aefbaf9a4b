"""The real pipeline, driven: what it makes of tiny exposures, and what is said when it fails, hangs, crashes or fills.

Programs that hang or crash are real programs of the name esorex, found before the real one.
"""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from archive import faults
from archive.errors import Refused
from processing.esorex.frame import Frame
from processing.esorex.grid import cutout
from processing.esorex.recipe import Limits, Recipe
from processing.esorex.run import Outcome, run
from processing.esorex.scipost import Exposure, cube_on_grid, field_cube
from processing.simulate.geometry import plane
from processing.simulate.pixel_table import write_tables
from tests.support.disks import small_disk
from tests.support.pixel_tables import Exposed, changed, split, with_card, write_exposed, write_offsets
from tests.support.simulations import GALAXY

Array = np.ndarray[Any, np.dtype[np.float64]]
SCIPOST = Recipe("muse_scipost", {"DATACUBE_FINAL": 1}, {"skymethod": "subtract-model", "lambdaref": -1.0})
CENTRE = (GALAXY.ra, GALAXY.dec)
CUBE = "DATACUBE_FINAL"


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Exposed:
    return write_exposed(tmp_path_factory.mktemp("exposed"))


def exposure_of(exposed: Exposed, *tables: Path) -> Exposure:
    return Exposure(tables or exposed.tables[:1], exposed.sky, exposed.calibrations)


def on_grid(exposed: Exposed, folder: Path, *, exposure: Exposure | None = None, **columns: Any) -> Outcome:
    """The cube of the first exposure, moved to where it looked."""
    exposure, true = exposure or exposure_of(exposed), exposed.exposures[0]
    headers = [fits.getheader(table) for table in exposure.tables]
    part = cutout(headers, CENTRE, (true.ra_offset, true.dec_offset), 0.0)
    offsets = write_offsets(folder / "offsets.fits", exposed.exposures, **columns)
    return cube_on_grid(exposure, folder / "cube", part=part, offsets=offsets)


def image(outcome: Outcome) -> tuple[Array, WCS]:
    """Mean over the planes that are there, NaN outside of the field."""
    with fits.open(outcome.one(CUBE)) as hdus:
        data, wcs = hdus["DATA"].data.astype(np.float64), WCS(hdus["DATA"].header).celestial
    planes = np.flatnonzero(np.isfinite(data).any(axis=(1, 2)))[2:-2]
    good = np.isfinite(data[planes]).all(axis=0)
    mean = np.full(good.shape, np.nan)
    mean[good] = data[planes][:, good].mean(axis=0)
    return mean, wcs


def truth(exposed: Exposed, mean: Array, wcs: WCS) -> Array:
    """What the scene without noise is at the places of an image."""
    y, x = np.nonzero(np.isfinite(mean))
    ra, dec = wcs.all_pix2world(x, y, 0)
    east, north = plane(ra, dec, *CENTRE)
    wavelengths = np.arange(6563.0, 6587.0, 1.25)
    wanted = np.full(mean.shape, np.nan)
    wanted[y, x] = exposed.simulation.lights["NGC1385-P01"](east, north, wavelengths).mean(axis=1)
    return wanted


def test_a_run_tells_all_that_an_activity_records(exposed: Exposed, tmp_path: Path) -> None:
    outcome = run(SCIPOST, exposed.frames, tmp_path / "run")
    assert sorted(outcome.products) == [CUBE, "IMAGE_FOV"]
    assert outcome.one(CUBE).parent == tmp_path / "run"
    assert outcome.parameters == {"muse_scipost.skymethod": "subtract-model", "muse_scipost.lambdaref": -1.0}
    assert set(outcome.versions) == {"esorex", "cpl", "muse"}
    assert outcome.products[CUBE][0].header["ESO PRO REC1 PIPE ID"] == f"muse/{outcome.versions['muse']}"
    assert "Loading pixel table" in outcome.log
    assert outcome.warnings == ()
    assert 0 < outcome.seconds < 60
    assert str(tmp_path) not in " ".join(outcome.command)


def test_settings_of_the_user_change_nothing(exposed: Exposed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".esorex").mkdir()
    (tmp_path / ".esorex/muse_scipost.rc").write_text("muse.muse_scipost.resample=nearest\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ESOREX_LOG_LEVEL", "off")
    outcome = run(SCIPOST, exposed.frames, tmp_path / "run")
    assert 'using method "drizzle"' in outcome.log


def test_a_folder_that_is_there_is_not_used_again(exposed: Exposed, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(Refused, match="is there already: every run has a folder of its own"):
        run(SCIPOST, exposed.frames, tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []


def test_the_field_lies_where_its_header_says_and_the_sky_is_gone(exposed: Exposed, tmp_path: Path) -> None:
    outcome = field_cube(exposure_of(exposed), tmp_path / "run", wavelengths=(6565.0, 6585.0))
    header = fits.getheader(outcome.one(CUBE), "DATA")
    assert 14 <= header["NAXIS3"] <= 18
    bare = [frame for frame in exposed.frames if frame.tag in {"PIXTABLE_OBJECT", "ASTROMETRY_WCS"}]
    no_sky = Recipe("muse_scipost", {CUBE: 1}, {"skymethod": "none", "lambdaref": -1.0})
    with_sky = run(no_sky, bare, tmp_path / "sky")
    difference = np.nanmedian(image(with_sky)[0]) - np.nanmedian(image(outcome)[0])
    assert difference == pytest.approx(38, rel=0.15)


def test_a_cube_on_the_grid_is_the_scene_moved_and_scaled(exposed: Exposed, tmp_path: Path) -> None:
    outcome = on_grid(exposed, tmp_path)
    mean, wcs = image(outcome)
    wanted = truth(exposed, mean, wcs)
    assert np.nansum(mean) == pytest.approx(np.nansum(wanted), rel=0.005)
    header = fits.getheader(outcome.one(CUBE))
    assert header["ESO DRS MUSE OFFSET1 DRA"] == pytest.approx(exposed.exposures[0].ra_offset)
    x, y = map(float, wcs.all_world2pix(*CENTRE, 0))
    assert (x, y) == pytest.approx((round(x), round(y)), abs=1e-6)
    # A pixel off would be seen: the scene fits its own place better than its neighbours'.
    scatter = {(dy, dx): np.nanstd(np.roll(mean, (dy, dx), (0, 1)) - wanted) for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
    assert min(scatter, key=lambda shift: scatter[shift]) == (0, 0)


def test_the_flux_scale_of_the_list_is_applied(exposed: Exposed, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    once = image(on_grid(exposed, tmp_path / "one", FLUX_SCALE=[1.0, 1.0]))[0]
    twice = image(on_grid(exposed, tmp_path / "two", FLUX_SCALE=[2.0, 1.0]))[0]
    assert np.nanmedian(twice / once) == pytest.approx(2.0, rel=1e-4)


def test_astrometry_that_is_turned_turns_the_field_as_the_derotator_would(exposed: Exposed, tmp_path: Path) -> None:
    rotation = 20.0
    angle = float(fits.getheader(exposed.tables[0])["ESO INS DROT POSANG"])
    by_header = with_card(exposed.tables[0], tmp_path / "turned.fits", "ESO INS DROT POSANG", angle + rotation)
    cosine, sine = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))

    def turn(hdus: fits.HDUList) -> None:
        header = hdus[0].header
        matrix = [[cosine, sine], [-sine, cosine]] @ np.array(
            [[header["CD1_1"], header["CD1_2"]], [header["CD2_1"], header["CD2_2"]]]
        )
        for (row, column), value in np.ndenumerate(matrix):
            header[f"CD{row + 1}_{column + 1}"] = float(value)

    astrometry = changed(exposed.calibrations[0].path, tmp_path / "astrometry.fits", turn)
    first = run(SCIPOST, [Frame(by_header, "PIXTABLE_OBJECT"), *exposed.without("PIXTABLE_OBJECT")], tmp_path / "one")
    second = run(SCIPOST, [*exposed.without("ASTROMETRY_WCS"), Frame(astrometry, "ASTROMETRY_WCS")], tmp_path / "two")
    np.testing.assert_allclose(image(first)[0], image(second)[0], rtol=1e-3)


def test_tables_of_single_ifus_make_the_cube_of_the_whole(exposed: Exposed, tmp_path: Path) -> None:
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = image(on_grid(exposed, tmp_path / "whole"))[0]
    exposure = exposure_of(exposed, *split(exposed.tables[0], tmp_path))
    parts = image(on_grid(exposed, tmp_path / "parts", exposure=exposure))[0]
    np.testing.assert_allclose(parts, whole, rtol=1e-4)


def test_a_table_that_is_dropped_in_silence_is_noticed(exposed: Exposed, tmp_path: Path) -> None:
    # With a whole number for the lamp the pipeline reads the first IFU's table and no other.
    paths = split(exposed.tables[0], tmp_path)
    frames = [Frame(path, "PIXTABLE_OBJECT") for path in paths]
    whole = [with_card(p, p, "ESO DRS MUSE FLAT FLUX LAMP", 1) for p in paths]
    with pytest.raises(Refused, match="the other IFUs would be left out"):
        run(SCIPOST, [*frames, *exposed.without("PIXTABLE_OBJECT")], tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert whole == paths


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("ESO INS MODE", "NFM-AO-N", "mode NFM-AO-N is none of WFM-NOAO-N"),
        ("ESO INS MODE", None, "mode None is none of"),
        ("SIMULATE", None, "has 2 of 24 IFUs"),
    ],
)
def test_an_exposure_that_is_none_of_the_surveys_is_refused(
    exposed: Exposed, tmp_path: Path, keyword: str, value: str | None, reason: str
) -> None:
    table = with_card(exposed.tables[0], tmp_path / "table.fits", keyword, value)
    with pytest.raises(Refused, match=reason):
        field_cube(exposure_of(exposed, table), tmp_path / "run", wavelengths=(6565.0, 6585.0))


def test_an_exposure_must_have_a_table_that_can_be_read(exposed: Exposed, tmp_path: Path) -> None:
    (tmp_path / "table.fits").write_text("nothing")
    with pytest.raises(Refused, match="table.fits"):
        field_cube(exposure_of(exposed, tmp_path / "table.fits"), tmp_path / "run", wavelengths=(6565.0, 6585.0))
    with pytest.raises(Refused, match="without pixel tables"):
        field_cube(Exposure([], exposed.sky, exposed.calibrations), tmp_path / "run", wavelengths=(6565.0, 6585.0))


def test_a_galaxy_across_right_ascension_0_is_refused(exposed: Exposed, tmp_path: Path) -> None:
    table = with_card(exposed.tables[0], tmp_path / "table.fits", "RA", 359.9999)
    part = cutout([fits.getheader(table)], (0.0001, GALAXY.dec), (0.0, 0.0), 0.0)
    offsets = write_offsets(tmp_path / "offsets.fits", exposed.exposures)
    with pytest.raises(Refused, match="both sides of right ascension 0"):
        cube_on_grid(exposure_of(exposed, table), tmp_path / "cube", part=part, offsets=offsets)


def test_a_grid_that_is_too_small_is_noticed(exposed: Exposed, tmp_path: Path) -> None:
    true = exposed.exposures[0]
    part = cutout([fits.getheader(exposed.tables[0])], CENTRE, (true.ra_offset, true.dec_offset), 0.0)
    cut = type(part)(part.ra, part.dec, part.x + 20, part.y, (part.shape[0], part.shape[1], 30), part.first)
    offsets = write_offsets(tmp_path / "offsets.fits", exposed.exposures)
    with pytest.raises(Refused, match="reaches beyond the grid that was asked for"):
        cube_on_grid(exposure_of(exposed), tmp_path / "cube", part=cut, offsets=offsets)


def test_a_grid_elsewhere_gives_an_empty_cube_which_is_noticed(exposed: Exposed, tmp_path: Path) -> None:
    part = cutout([fits.getheader(exposed.tables[0])], (GALAXY.ra + 0.1, GALAXY.dec), (0.1, 0.0), 0.0)
    offsets = write_offsets(tmp_path / "offsets.fits", exposed.exposures)
    moved = type(part)(part.ra, part.dec, 5000, part.y, part.shape, part.first)
    with pytest.raises(Refused, match="0 of .* voxels have a value, and the pipeline said nothing"):
        cube_on_grid(exposure_of(exposed), tmp_path / "cube", part=moved, offsets=offsets)


def test_reduced_tables_are_combined(exposed: Exposed, tmp_path: Path) -> None:
    frames = []
    for number, exposure in enumerate(exposed.exposures):
        write_tables(exposed.simulation.observation(exposure), None, tmp_path / f"reduced{number}.fits")
        frames.append(Frame(tmp_path / f"reduced{number}.fits", "PIXTABLE_REDUCED"))
    offsets = Frame(write_offsets(tmp_path / "offsets.fits", exposed.exposures), "OFFSET_LIST")
    outcome = run(Recipe("muse_exp_combine", {CUBE: 1, "IMAGE_FOV": 1}), [*frames, offsets], tmp_path / "run")
    assert outcome.products[CUBE][0].header["ESO PRO DATANCOM"] == 2
    mean, wcs = image(outcome)
    assert np.nansum(mean) == pytest.approx(np.nansum(truth(exposed, mean, wcs)), rel=0.01)


def test_a_recipe_that_fails_says_why(exposed: Exposed, tmp_path: Path) -> None:
    table = changed(exposed.tables[0], tmp_path / "bias.fits", lambda hdus: hdus[0].header.remove("EXPTIME"))
    with pytest.raises(Refused, match=r"muse_bias failed with status 255: .*\(\d+\) at \w+:\w+\.c:\d+"):
        run(Recipe("muse_bias", {"MASTER_BIAS": 1}, {"nifu": 1}), [Frame(table, "BIAS")], tmp_path / "run")
    with pytest.raises(Refused, match="failed with status 255: Command line parameter '--nosuch=3' not recognized"):
        run(Recipe("muse_scipost", {CUBE: 1}, {"nosuch": 3, "skymethod": "none"}), exposed.frames, tmp_path / "other")


def test_without_esorex_the_packages_are_named(
    exposed: Exposed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="esorex is not installed: the packages are esorex and cpl-plugin-muse"):
        run(SCIPOST, exposed.frames, tmp_path / "run")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a program of the name esorex before the real one."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    def write(text: str) -> None:
        path = tmp_path / "bin/esorex"
        path.parent.mkdir()
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    return write


def has_ended(pid: int) -> bool:
    """Whether a process runs no more, be it that nobody has asked how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def wait_for(condition: Callable[[], bool]) -> None:
    patience = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < patience
        time.sleep(0.02)


def test_a_program_that_hangs_is_ended_with_all_it_started(
    exposed: Exposed, tmp_path: Path, program: Callable[[str], None]
) -> None:
    program(f"trap '' TERM\nsleep 600 &\necho $! $$ > {tmp_path}/pids\nwait")
    with pytest.raises(Refused, match=r"muse_scipost was ended after 0\.5 s: it hung"):
        run(SCIPOST, exposed.frames, tmp_path / "run", Limits(seconds=0.5))
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        wait_for(partial(has_ended, pid))


@pytest.mark.parametrize("number", ["SEGV", "KILL", "ABRT"])
def test_a_program_that_crashes_is_told_by_its_signal(
    exposed: Exposed, tmp_path: Path, program: Callable[[str], None], number: str
) -> None:
    program(f"ulimit -c 0\nkill -{number} $$")
    with pytest.raises(Refused, match=f"muse_scipost crashed: SIG{number}"):
        run(SCIPOST, exposed.frames, tmp_path / "run")


def test_a_program_that_fails_without_a_word_is_told(
    exposed: Exposed, tmp_path: Path, program: Callable[[str], None]
) -> None:
    program("exit 61")
    with pytest.raises(Refused, match="failed with status 61: it said nothing"):
        run(SCIPOST, exposed.frames, tmp_path / "run")


def test_a_program_that_does_nothing_did_not_succeed(
    exposed: Exposed, tmp_path: Path, program: Callable[[str], None]
) -> None:
    program("exit 0")
    with pytest.raises(Refused, match="left no list of its products"):
        run(SCIPOST, exposed.frames, tmp_path / "run")


DRIVER = """
import sys
from pathlib import Path
from processing.esorex.frame import Frame
from processing.esorex.recipe import Recipe
from processing.esorex.run import run
run(Recipe("muse_bias", {{}}), [Frame(Path("{frame}"), "BIAS")], Path("{folder}"))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_job_that_is_stopped_takes_the_program_along(
    exposed: Exposed, tmp_path: Path, program: Callable[[str], None], number: signal.Signals
) -> None:
    program(f"echo $$ > {tmp_path}/pid.part\nmv {tmp_path}/pid.part {tmp_path}/pid\nexec sleep 600")
    script = DRIVER.format(frame=exposed.tables[0], folder=tmp_path / "run")
    with subprocess.Popen([sys.executable, "-c", script], start_new_session=True) as job:
        wait_for((tmp_path / "pid").exists)
        pid = int((tmp_path / "pid").read_text())
        assert os.getpgid(pid) == job.pid  # by which a worker counts its memory
        job.send_signal(number)
        wait_for(partial(has_ended, pid))


def room_for(disk: Path, kilobytes: int) -> None:
    """Fill a disk but for some room."""
    free = shutil.disk_usage(disk).free
    (disk / "fill").write_bytes(bytes(free - kilobytes * 1024))


def test_a_disk_that_is_too_small_is_no_fault_of_the_job(exposed: Exposed, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=2) as disk:
        room_for(disk, 900)
        with pytest.raises(OSError, match="0 MB are needed, 0 are left") as caught:
            run(SCIPOST, exposed.frames, disk / "run")
    assert caught.value.errno == errno.ENOSPC
    assert faults.is_passing(caught.value)


def test_a_disk_that_fills_up_while_the_pipeline_runs_is_noticed(
    exposed: Exposed, tmp_path: Path, program: Callable[[str], None]
) -> None:
    # Something else fills the disk; the pipeline then writes half a cube and ends with status 0.
    real = shutil.which("esorex", path=os.environ["PATH"].partition(":")[2])
    with small_disk(tmp_path / "disk", megabytes=3) as disk:
        program(f'head -c 2900000 /dev/zero > {disk}/fill\nexec {real} "$@"')
        with pytest.raises(OSError, match="muse_scipost: No space left on device") as caught:
            run(SCIPOST, exposed.frames, disk / "run")
        assert (disk / "run/DATACUBE_FINAL.fits").stat().st_size < 230_000
    assert isinstance(caught.value.__cause__, Refused)
    assert faults.is_passing(caught.value)
