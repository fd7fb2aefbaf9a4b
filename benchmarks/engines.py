"""How many spectra's stars and lines are fitted in a second, against pPXF's fits of the same spectra.

In a process of its own with one core and one thread, as libraries of linear algebra count cores when they are loaded.
Stars have the survey's 32 templates, masks and polynomials; lines the stars of their bin.  pPXF stops where it would
by its own choice, which is earlier than where it is our reference.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Final

from benchmarks.report import report

STARS: Final = (200, 20)
"""Spectra that we fit, and that pPXF does."""

LINES: Final = (400, 8)
PEAKS: Final = (30.0, 8.0, 3.0, 0.5)
PPXF_TOLERANCE: Final = 1e-4


def main() -> None:
    """Measure and report."""
    told = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    before = os.environ.copy()
    os.environ.update(told)
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=stay) as pool:
            stars, lines = pool.submit(star_rates).result(), pool.submit(line_rates).result()
    finally:
        os.environ.clear()
        os.environ.update(before)
    report("stellar kinematics, spectra/s of one core against pPXF", *stars, 4, more_is_better=True)
    report("emission lines, spaxels/s of one core against pPXF", *lines, 100, more_is_better=True)


def stay() -> None:
    """Keep this process on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def star_rates() -> tuple[float, float]:
    """Return the spectra a second that we fit, and pPXF."""
    from processing.science.reference_engine import fit_stars_by_ppxf
    from processing.science.stars import fit_stars
    from tests.support.star_spectra import library, simulate

    known, (many, _), (few, _) = library(), simulate(STARS[0], seed=1), simulate(STARS[1], seed=1)
    fit_stars(few, known)  # compiles
    ours = seconds(partial(fit_stars, many, known))
    reference = seconds(partial(fit_stars_by_ppxf, few, known, tolerance=PPXF_TOLERANCE))
    return STARS[0] / ours, STARS[1] / reference


def line_rates() -> tuple[float, float]:
    """Return the same of lines: bright in a quarter of the spaxels, faint in the others, down to none."""
    from processing.science.missed_lines import fit_lines
    from processing.science.reference_engine import fit_lines_by_ppxf
    from tests.support.line_spectra import simulate

    fit_lines(simulate(1, seed=0, peak=10)[0])  # compiles
    ours = reference = 0.0
    for peak in PEAKS:
        (many, _), (few, _) = (simulate(count, seed=1, peak=peak) for count in LINES)
        ours += seconds(partial(fit_lines, many))
        reference += seconds(partial(fit_lines_by_ppxf, few, tolerance=PPXF_TOLERANCE))
    return LINES[0] * len(PEAKS) / ours, LINES[1] * len(PEAKS) / reference


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes, the best of three."""
    runs = []
    for _ in range(3):
        begin = time.perf_counter()
        work()
        runs.append(time.perf_counter() - begin)
    return min(runs)
