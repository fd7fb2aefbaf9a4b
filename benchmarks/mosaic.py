"""How fast and in how much memory exposures become a mosaic, against mpdaf as the survey called it, and plain numpy.

The mosaic is the survey's largest: 60 exposures of 320 x 320 spaxels on 915 x 1480.  Ours reads, combines and writes
with checksums; what the peer makes of the same files must be the same.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive.cube import Cube
from benchmarks import mpdaf
from benchmarks.report import report
from processing.cube_file import EXTENSIONS, CubeFile
from processing.exposure_stack import ExposureCube, ExposureStack
from processing.mosaic_file import combined
from processing.science.mosaic import SURVEY, Combination, Footprint, Weighting

SHAPE: Final = (915, 1480)
SIDE: Final = 320
POINTINGS: Final = (3, 5)
EXPOSURES: Final = 4
RIM: Final = 8
MANY: Final = 12
ROUNDS: Final = 3
MOSAIC: Final = "mosaic.fits"
LIMIT_MB: Final = 2048
SECONDS: Final = 650.0

Floats = NDArray[np.float32]


def main() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as temporary, machine_code(Path(temporary)):
        folder = Path(temporary)
        one, many = (write_exposures(folder / str(planes), planes) for planes in (1, MANY))
        make(one, folder)  # in which the loops are compiled
        peer = mpdaf.install(folder / "peer")
        if peer is None:
            print("mosaic of 60 exposures against mpdaf | not measured: mpdaf is not there", flush=True)
        for planes, cubes in ((1, one), (MANY, many)):
            if peer is not None:
                ours, theirs = race(peer, cubes, folder)
                name = f"mosaic of 60 exposures, planes/s, {planes} at once, against mpdaf's pycombine"
                report(name, planes / ours, planes / theirs, 10.0, more_is_better=True)
        ours, plainly = min(make(one, folder) for _ in range(ROUNDS)), seconds_of_numpy(one)
        name = "mosaic of 60 exposures, planes/s, 1 at once, against plain numpy"
        report(name, 1 / ours, 1 / plainly, 10.0, more_is_better=True)
        few = write_exposures(folder / "few", MANY // 2)
        large, small = peak_memory(many), peak_memory(few)
        report("mosaic of 60 exposures, peak MB against the limit", large, LIMIT_MB, 1.0, more_is_better=False)
        name = f"mosaic of 60 exposures, peak MB of {MANY} planes against {MANY // 2}"
        report(name, large, small, 1.1, more_is_better=False)


def race(peer: mpdaf.Peer, cubes: Sequence[ExposureCube], folder: Path) -> tuple[float, float]:
    """Return how long ours takes and how long the peer, each in its best round: they take turns, as others disturb."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours += [make(cubes, folder), make(cubes, folder)]
        mosaic = folder / MOSAIC
        made = peer.combine([each.path for each in cubes], mosaic)
        theirs.append(made.seconds)
        assert_equal(mosaic, made)
    return min(ours), min(theirs)


@contextmanager
def machine_code(folder: Path) -> Iterator[None]:
    """Keep the machine code for the processes whose memory is measured: a compiler takes some itself."""
    before = os.environ.get("NUMBA_CACHE_DIR")
    os.environ["NUMBA_CACHE_DIR"] = str(folder / "compiled")
    try:
        yield
    finally:
        if before is None:
            del os.environ["NUMBA_CACHE_DIR"]
        else:
            os.environ["NUMBA_CACHE_DIR"] = before


def write_exposures(folder: Path, planes: int) -> list[ExposureCube]:
    """Write exposures of noise with a rim of NaN, four on each of 15 pointings that overlap."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    noise = rng.normal(100, 10, (planes + 60, SIDE, SIDE)).astype(np.float32)
    noise[:, :RIM], noise[:, :, -RIM:] = np.nan, np.nan
    axes = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CTYPE3": "AWAV", "CUNIT1": "deg", "CUNIT2": "deg",
            "CUNIT3": "Angstrom", "CRVAL1": 185.0, "CRVAL2": 15.0, "CRVAL3": 4750.0, "CRPIX3": 1.0, "CD3_3": 1.25,
            "CD1_1": -0.2 / 3600, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.2 / 3600}  # fmt: skip
    cubes: list[ExposureCube] = []
    for corner in footprints():
        number = len(cubes)
        data = noise[number : number + planes]
        header = fits.Header({**axes, "CRPIX1": 700.0 - corner.x, "CRPIX2": 450.0 - corner.y})
        variance = np.where(np.isfinite(data), np.float32(100), np.float32(np.nan))
        path = folder / f"{number:02d}.fits"
        hdus = [fits.PrimaryHDU(), fits.ImageHDU(data, header, "DATA"), fits.ImageHDU(variance, header, "STAT")]
        fits.HDUList(hdus).writeto(path)
        cubes.append(ExposureCube(path.stem, path, SECONDS))
    return cubes


def footprints() -> Iterator[Footprint]:
    """Yield where the exposures lie."""
    rows, columns = POINTINGS
    for y in np.linspace(0, SHAPE[0] - SIDE, rows).astype(int):
        for x in np.linspace(0, SHAPE[1] - SIDE, columns).astype(int):
            yield from [Footprint(int(x), int(y), SIDE, SIDE)] * EXPOSURES


def make(cubes: Sequence[ExposureCube], folder: Path) -> float:
    """Make the mosaic as the peer does, clipped as the survey did and not weighted; returns the seconds it took.

    As with the peer, exposures are open already; unlike there, the mosaic is written.
    """
    with ExposureStack(cubes) as stack, (folder / MOSAIC).open("w+b") as target:
        begin = time.perf_counter()
        combination = Combination(
            stack.footprints(),
            [each.exptime for each in cubes],
            stack.shape[1:],
            depth=stack.depth(),
            weighting=Weighting.NONE,
            clipping=SURVEY,
        )
        with CubeFile(target, fits.Header(), dict.fromkeys(EXTENSIONS, stack.axes()), stack.shape) as file:
            for _ in combined(stack, combination, file):
                pass
        return time.perf_counter() - begin


def seconds_of_numpy(cubes: Sequence[ExposureCube]) -> float:
    """Return how long plain numpy takes for the first plane."""
    begin = time.perf_counter()
    numpy_mosaic(cubes)
    return time.perf_counter() - begin


def assert_equal(mosaic: Path, made: mpdaf.Combined) -> None:
    """Make sure that both sides did the same work."""
    with Cube(mosaic) as cube:
        slab = cube.slab(0, cube.shape[0])
    assert slab.variance is not None
    for ours, theirs in ((slab.data, made.data), (slab.variance, made.variance)):
        assert (np.isfinite(ours) == np.isfinite(theirs)).all()
        assert np.allclose(ours, theirs, rtol=1e-5, equal_nan=True)


def numpy_mosaic(cubes: Sequence[ExposureCube]) -> tuple[Floats, Floats]:
    """Combine one plane as anyone would: a stack of what overlaps some rows, clipped by masks."""
    data, variance = np.full(SHAPE, np.nan, np.float32), np.full(SHAPE, np.nan, np.float32)
    planes = [tuple(fits.getdata(each.path, name)[0] for name in ("DATA", "STAT")) for each in cubes]
    places = list(footprints())
    for y in range(0, SHAPE[0], 64):
        strip = Footprint(0, y, SHAPE[1], min(64, SHAPE[0] - y))
        near = [number for number, place in enumerate(places) if place.shared_with(strip)]
        stack = np.full((2, len(near), strip.ny, strip.nx), np.nan, np.float32)
        for layer, number in enumerate(near):
            place = places[number]
            shared = place.shared_with(strip)
            assert shared is not None
            for which in (0, 1):
                stack[which, layer][strip.window(shared)] = planes[number][which][place.window(shared)]
        rows = slice(y, y + strip.ny)
        data[rows], variance[rows] = numpy_clipped(*stack)
    return data, variance


def numpy_clipped(values: Floats, variances: Floats) -> tuple[Floats, Floats]:
    """Return the clipped mean over the first axis and its variance."""
    kept = np.isfinite(values)
    for _ in range(SURVEY.rounds):
        rest = np.ma.masked_array(values, ~kept)
        middle = np.ma.median(rest, axis=0)  # type: ignore[no-untyped-call]
        spread = 1.4826 * np.ma.median(abs(rest - middle), axis=0)  # type: ignore[no-untyped-call]
        near = kept & (abs(values - middle) < SURVEY.limit * spread).filled(fill_value=False)
        enough = near.sum(axis=0) >= SURVEY.least
        kept = np.where(enough, near, kept)
    count = kept.sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.where(kept, values, 0).sum(axis=0) / count, np.where(kept, variances, 0).sum(axis=0) / count**2


def peak_memory(cubes: Sequence[ExposureCube]) -> float:
    """Return the peak resident memory in MB of a fresh process that makes the mosaic by machine code that is there."""
    folder = cubes[0].path.parent
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(make, (cubes[:1], folder))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak_of, (cubes, folder))


def _peak_of(cubes: Sequence[ExposureCube], folder: Path) -> float:
    make(cubes, folder)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
