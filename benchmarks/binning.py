"""How long 100,000 spaxels of a disk take to be put into bins of S/N 35, with the noise that neighbours share."""

from time import perf_counter
from typing import Final

import numpy as np

from benchmarks.report import report
from processing.science.bins import Binning, bin_spaxels
from processing.science.shared_noise import SumNoise

LIMIT: Final = 40.0
"""Seconds."""

SIDE: Final = 317
CENTRE: Final = 60.0
"""Signal to noise of a spaxel in the middle, which falls to a tenth at the edge."""


SEVERAL: Final = 5
"""Spaxels of a bin: fewer are S/N 35 or not as it happens."""


def main() -> None:
    """Measure and report."""
    y, x = np.indices((SIDE, SIDE), dtype=np.float64)
    radius = np.hypot(x - SIDE / 2, y - SIDE / 2) / (SIDE / 2)
    signal = CENTRE * 10**-radius * (1 + 0.1 * np.random.default_rng(1).normal(size=radius.shape))
    begin = perf_counter()
    bins = bin_spaxels(signal, np.ones_like(signal), Binning(35.0), SumNoise.of_drops(0.8))
    seconds = perf_counter() - begin
    report(f"binning of {SIDE**2:,} spaxels to S/N 35, s against the limit", seconds, LIMIT, 1, more_is_better=False)
    several = bins.spaxels >= SEVERAL
    scatter = float(np.std(bins.signal_to_noise[several]) / np.mean(bins.signal_to_noise[several]))
    name = "scatter of S/N among bins of several spaxels, percent against 7"
    report(name, 100 * scatter, 7.0, 1, more_is_better=False)
