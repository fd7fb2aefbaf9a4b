"""How many spaxels' emission lines are fitted in a second, against scipy's least squares on the same model.

Both have one core and begin at the same place; 27 unknowns over 1760 pixels.  The reference is the loop that anyone
would write: numpy's model, scipy's own derivatives.  A quarter of the spaxels has bright lines, the others have faint
ones, down to none, as a galaxy's outskirts have.
"""

import os
import time
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from benchmarks.report import report
from processing.science.emission import Tile, fit_tile
from tests.support.line_spectra import FREE, gas, simulate

Array = NDArray[np.float64]

PEAKS: Final = (30.0, 8.0, 3.0, 0.5)
OURS: Final = 400
REFERENCE: Final = 2
ORDER: Final = 8


def main() -> None:
    """Measure and report."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        fit_tile(simulate(1, seed=0, peak=10)[0])  # compiles
        ours = rate(OURS, fit_tile)
        reference = rate(REFERENCE, by_scipy)
    finally:
        os.sched_setaffinity(0, cores)
    report(
        "emission lines, spaxels/s of one core against scipy least_squares", ours, reference, 100, more_is_better=True
    )


def rate(count: int, work: Callable[[Tile], object]) -> float:
    """Return spaxels a second over tiles of all peaks, the best of three runs each."""
    seconds = 0.0
    for peak in PEAKS:
        tile, _ = simulate(count, seed=1, peak=peak)
        runs = []
        for _ in range(3):
            begin = time.perf_counter()
            work(tile)
            runs.append(time.perf_counter() - begin)
        seconds += min(runs)
    return count * len(PEAKS) / seconds


def by_scipy(tile: Tile) -> list[Array]:
    """Fit a tile one spectrum after the other."""
    steps = np.linspace(-1, 1, tile.wavelength.size)
    legendre: Array = np.polynomial.legendre.legvander(steps, ORDER).T.astype(np.float64)
    rows = [field.name for field in fields(Tile) if field.name not in {"wavelength", "systemic_velocity"}]
    return [
        _one_by_scipy(replace(tile, **{name: getattr(tile, name)[[row]] for name in rows}), legendre)
        for row in range(len(tile.flux))
    ]


def _one_by_scipy(tile: Tile, legendre: Array) -> Array:
    start = np.zeros(ORDER + 1 + len(FREE) + 6)
    start[0] = 1
    start[ORDER + 1 : -6] = 100
    start[-6:-3], start[-3:] = tile.velocity[0], tile.sigma[0]
    low, high = np.full(start.size, -np.inf), np.full(start.size, np.inf)
    low[ORDER + 1 : -6] = 0
    low[-6:-3], high[-6:-3] = start[-6:-3] - 500, start[-6:-3] + 500
    low[-3:], high[-3:] = 0, 500
    error = np.sqrt(tile.variance[0])

    def residuals(unknowns: Array) -> Array:
        fluxes, kinematics = unknowns[np.newaxis, ORDER + 1 : -6], unknowns[np.newaxis, -6:]
        lines = gas(tile.wavelength, fluxes, kinematics[:, :3], kinematics[:, 3:])[0]
        left: Array = (tile.flux[0] - tile.continuum[0] * (unknowns[: ORDER + 1] @ legendre) - lines) / error
        return left

    found: Array = least_squares(residuals, start, bounds=(low, high), x_scale="jac").x
    return found
