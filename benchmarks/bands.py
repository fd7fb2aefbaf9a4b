"""How fast and in how much memory a cube becomes band images, against numpy's own mean over the same file.

The reference reads DATA and STAT and takes the ``nanmean`` of each, the least that an image with variance needs;
ours makes two bands, each with its weights, variance and mask.  A cube that is not in memory is held against ``dd``.
"""

import multiprocessing
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits

from archive.cube import Cube
from archive.fits_structure import read_structure
from benchmarks.report import report
from processing.science.bands import BandImages, Filter, plane_weights, white
from processing.science.gap import AO_GAPS

SIDE: Final = 300
SMALL, LARGE = 84, 834  # planes: 60 MB and 600 MB of DATA and STAT
HUGE: Final = 5600
"""Planes of 4 GB."""

COLD_ROUNDS: Final = 3
RED: Final = Filter("red", np.array([4800.0, 5200.0, 5700.0]), np.array([0.0, 1.0, 0.0]))


def main() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = (write_cube(Path(folder) / f"{planes}.fits", planes) for planes in (SMALL, LARGE))
        ours, reference = (LARGE / best_time(work, large) for work in (band_images, numpy_mean))
        report("band images, planes/s against numpy nanmean", ours, reference, 1.0, more_is_better=True)
        ours, reference = peak_memory(large), peak_memory(small)
        report("band images, peak MB of a 600 MB cube against 60 MB", ours, reference, 1.2, more_is_better=False)
        huge = write_cube(Path(folder) / f"{HUGE}.fits", HUGE)
        size = huge.stat().st_size / 1e6
        ours, reference = (size / best_cold_time(work, huge) for work in (band_images, dd))
        report("band images, MB/s of a 4 GB cube off the disk against dd", ours, reference, 0.5, more_is_better=True)


def write_cube(path: Path, planes: int) -> Path:
    """Write noise with a rim of NaN as mosaics have it, plane after plane."""
    axes = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CTYPE3": "AWAV", "CUNIT3": "Angstrom", "CRVAL1": 185.0}
    axes |= {"CRVAL2": 15.0, "CRVAL3": 4750.0, "CRPIX3": 1.0, "CD1_1": -5.6e-5, "CD2_2": 5.6e-5, "CD3_3": 1.25}
    noise = np.random.default_rng(1).normal(100, 10, (SIDE, SIDE)).astype(">f4")
    noise[:15] = np.nan
    with path.open("wb") as file:
        file.write(fits.PrimaryHDU().header.tostring().encode())
        for name in ("DATA", "STAT"):
            shape = {"NAXIS": 3, "NAXIS1": SIDE, "NAXIS2": SIDE, "NAXIS3": planes, "PCOUNT": 0, "GCOUNT": 1}
            header = fits.Header({"XTENSION": "IMAGE", "BITPIX": -32, **shape, "EXTNAME": name, **axes})
            file.write(header.tostring().encode())
            for _ in range(planes):
                file.write(noise.tobytes())
            file.write(bytes(-file.tell() % 2880))
        file.flush()
        os.fsync(file.fileno())  # or it is written while we measure
    return path


def band_images(path: Path) -> None:
    """Make white light and one filter, with variance, in one pass."""
    with Cube(path) as cube:
        weights = {"white": white(cube.wavelengths), "red": plane_weights(RED, cube.wavelengths)}
        images = BandImages(weights, cube.wavelengths, cube.shape[1:], gap=AO_GAPS["WFM-AO-N"])
        for slab in cube.slabs():
            images.add(slab.start, slab.data, slab.variance, slab.mask)
        images.images()


def numpy_mean(path: Path) -> None:
    """Read all and average it as anyone would; the rim is dropped, or numpy would warn of its empty means."""
    for hdu in read_structure(path)[1:]:
        data = np.fromfile(path, ">f4", hdu.data_size // 4, offset=hdu.data_offset).reshape(hdu.shape)
        np.nanmean(data[:, 15:], axis=0)


def best_time(work: Callable[[Path], None], path: Path) -> float:
    """Return the shortest of six runs in seconds, so that the file is in the page cache for both sides."""
    seconds = []
    for _ in range(6):
        begin = time.perf_counter()
        work(path)
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def best_cold_time(work: Callable[[Path], None], path: Path) -> float:
    """Return the shortest of some runs in seconds, before each of which the file is put out of the page cache."""
    seconds = []
    for _ in range(COLD_ROUNDS):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        begin = time.perf_counter()
        work(path)
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def dd(path: Path) -> None:
    """Read the file and do nothing with it."""
    subprocess.run(["dd", f"if={path}", "of=/dev/null", "bs=4M"], check=True, stderr=subprocess.DEVNULL)


def peak_memory(path: Path) -> float:
    """Return the peak resident memory in MB of a fresh process that makes the images."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak_of, (path,))


def _peak_of(path: Path) -> float:
    band_images(path)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
