"""How fast planes are brought to one PSF, against astropy as pymusepipe calls it, and in how much memory a mosaic is.

The plane is a field of 320 x 320 with its variance.  The peer convolves it with the survey's small kernel of 13 x 13
by ``convolve_fft``, data and variance one after the other; ours with one of 93 x 93, whose wings reach as far as the
PSF's.  Ours makes its kernels meanwhile, as it does in a cube, where they serve 40 planes; the peer is given its own.
"""

import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from astropy.convolution import convolve_fft
from astropy.io import fits
from numpy.typing import NDArray

from benchmarks.mosaic import machine_code, write_exposures
from benchmarks.report import report
from processing.cube_file import EXTENSIONS, CubeFile
from processing.exposure_stack import ExposureCube, ExposureStack
from processing.mosaic_file import combined
from processing.science.convolution import Convolver
from processing.science.kernels import Kernels, Recipe
from processing.science.mosaic import SURVEY, Combination, Weighting
from processing.science.psf import NO_AO_BETA, Psf

SHAPE: Final = (320, 320)
WAVELENGTH: Final = 6500.0
PSF: Final = Psf(0.74, NO_AO_BETA)
FWHM: Final = 0.92
ROUNDS: Final = 5
PLANES: Final = 40
LIMIT_MB: Final = 1536
SHORT, LONG = 6, 12

SMALL: Final = Kernels(PSF, FWHM, 0.2, Recipe(regularisation=1e-4, reach=1.3)).at(WAVELENGTH)
"""The peer's kernel."""

Floats = NDArray[np.float32]


def main() -> None:
    """Measure and report."""
    data, variance = planes()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        ours, peer = best(lambda: by_us(data, variance, PLANES)) / PLANES, best(lambda: by_peer(data, variance))
    finally:
        os.sched_setaffinity(0, cores)
    name = "convolution of a plane of 320 x 320 with variance, planes/s of one core, against pymusepipe's"
    report(name, 1 / ours, 1 / peer, 5.0, more_is_better=True)
    one, two = (best(lambda n=n: threaded(data, variance, n)) for n in (1, 2))  # type: ignore[misc]
    report("convolution, planes/s by 2 threads against 1", 2 * PLANES / two, PLANES / one, 1.6, more_is_better=True)
    with tempfile.TemporaryDirectory() as temporary, machine_code(Path(temporary)):
        many, few = (peak_memory(write_exposures(Path(temporary) / str(n), n)) for n in (LONG, SHORT))
    report("homogenised mosaic of 60 exposures, peak MB against the limit", many, LIMIT_MB, 1.0, more_is_better=False)
    name = f"homogenised mosaic of 60 exposures, peak MB of {LONG} planes against {SHORT}"
    report(name, many, few, 1.1, more_is_better=False)


def planes() -> tuple[Floats, Floats]:
    """A field of noise with a rim that is masked, and its variance."""
    rng = np.random.default_rng(1)
    data = rng.normal(100, 10, SHAPE).astype(np.float32)
    data[:8], data[:, -8:] = np.nan, np.nan
    return data, np.where(np.isfinite(data), np.float32(100), np.float32(np.nan))


def best(work: Callable[[], object]) -> float:
    """Return the seconds of the best round."""
    seconds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def by_us(data: Floats, variance: Floats, count: int) -> None:
    """Convolve planes of neighbouring wavelengths."""
    convolver = Convolver(Kernels(PSF, FWHM, 0.2), SHAPE)
    good = np.isfinite(data)
    for number in range(count):
        convolver.convolve(WAVELENGTH + 1.25 * number, data, variance, good)


def by_peer(data: Floats, variance: Floats) -> None:
    """Convolve one plane as pymusepipe's ``cube_convolve`` does: masked values are zero, restored afterwards."""
    for values, own, normalise in ((data, SMALL, True), (variance, SMALL**2, False)):
        bad = ~np.isfinite(values)
        made = convolve_fft(
            np.where(bad, 0.0, values),
            own,
            psf_pad=True,
            fft_pad=True,
            boundary="fill",
            fill_value=np.nan,
            normalize_kernel=normalise,
            preserve_nan=True,
        )
        made[bad] = np.nan


def threaded(data: Floats, variance: Floats, count: int) -> None:
    """Convolve as many planes in each of so many threads, as exposures are."""
    threads = [threading.Thread(target=by_us, args=(data, variance, PLANES)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def make(cubes: Sequence[ExposureCube], folder: Path) -> None:
    """Make a homogenised mosaic."""
    with ExposureStack(cubes) as stack, (folder / "mosaic.fits").open("w+b") as target:
        stack.convolve_by([Convolver(Kernels(PSF, FWHM, 0.2), (one.ny, one.nx)) for one in stack.footprints()])
        combination = Combination(
            stack.footprints(),
            [each.exptime for each in cubes],
            stack.shape[1:],
            depth=stack.depth(),
            weighting=Weighting.EXPOSURE_TIME,
            clipping=SURVEY,
        )
        with CubeFile(target, fits.Header(), dict.fromkeys(EXTENSIONS, stack.axes()), stack.shape) as file:
            for _ in combined(stack, combination, file):
                pass


def peak_memory(cubes: Sequence[ExposureCube]) -> float:
    """Return the peak resident memory in MB of a fresh process that makes the mosaic by machine code that is there."""
    folder = cubes[0].path.parent
    for some in (cubes[:1], cubes):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peak = pool.apply(_peak_of, (some, folder))
    return peak


def _peak_of(cubes: Sequence[ExposureCube], folder: Path) -> float:
    make(cubes, folder)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
