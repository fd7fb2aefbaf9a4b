"""What may be wrong with a fitted line, and which of its values then do not hold."""

from dataclasses import dataclass
from enum import IntFlag
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.measured import Measured
from processing.science.spaxel_loop import Found, Spectra
from processing.science.variable_projection import Problem

__all__ = ["FLUX_LOST", "KINEMATICS_LOST", "SIGMA_LOST", "FitFlag", "Flagged", "flags_of"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Flags = NDArray[np.uint16]

LEAST_COVERAGE: Final = 0.5
WHOLE_COVERAGE: Final = 0.95
SETTLED: Final = 1e-4
"""How far chi2 may still fall by a group's next step: a hundredth of an error."""


class FitFlag(IntFlag):
    """Reasons for caution, as bits; a line has those of its spectrum and of its group as well."""

    NO_DATA = 1
    """Too few good pixels, in the spectrum or under the line."""
    NO_START = 2
    """No finite velocity and dispersion to start from."""
    ZERO_VARIANCE = 4
    """Pixels called good have no variance above zero; they were left out."""
    MASKED_WINGS = 8
    """More than a twentieth of the line falls on pixels that are not used."""
    LOW_AN = 16
    """The line's peak stands less than the limit above the noise; of a group: all its lines'."""
    NOT_CONVERGED = 32
    """The fit ended before chi2 stopped falling."""
    VELOCITY_AT_BOUND = 64
    """The velocity ran to the end of the range allowed."""
    SIGMA_AT_ZERO = 128
    """The line is no wider than the instrument makes it: there is a flux but no dispersion."""
    SIGMA_AT_BOUND = 256
    """The dispersion ran to the largest allowed."""
    FLUX_AT_ZERO = 512
    """The flux would be negative; its error remains, as the measure of an upper limit."""
    UNCONSTRAINED = 1024
    """The error of the velocity exceeds the line's width, so that no error can be given by propagation."""
    OTHER_STARS = 2048
    """The spaxel is in no bin whose stars are known; it was given those of the nearest such bin, or a level."""


_NEVER: Final = FitFlag.NO_DATA | FitFlag.NO_START | FitFlag.NOT_CONVERGED | FitFlag.VELOCITY_AT_BOUND

FLUX_LOST: Final = _NEVER | FitFlag.SIGMA_AT_BOUND | FitFlag.FLUX_AT_ZERO
"""A line with any of these has no flux."""

KINEMATICS_LOST: Final = _NEVER | FitFlag.SIGMA_AT_BOUND | FitFlag.UNCONSTRAINED
"""A group with any of these has neither velocity nor dispersion."""

SIGMA_LOST: Final = KINEMATICS_LOST | FitFlag.SIGMA_AT_ZERO
"""A group with any of these has no dispersion."""


@dataclass(frozen=True)
class Flagged:
    """``FitFlag`` of groups, shape (n, groups), and of lines, (n, lines)."""

    groups: Flags
    lines: Flags


def flags_of(problem: Problem, spectra: Spectra, found: Found, measured: Measured, lowest_an: float) -> Flagged:
    """Judge the fits of a tile."""
    of_spectra = _of_spectra(problem, spectra, found)
    own = _of_lines(problem, found, measured, lowest_an)
    groups = of_spectra | _of_groups(problem, spectra, found, measured)
    for group in range(problem.sizes.groups):
        members = own[:, problem.lines.group == group]
        for shared in (FitFlag.NO_DATA, FitFlag.LOW_AN):
            groups[:, group] |= np.where((members & shared != 0).all(axis=1), shared, 0).astype(np.uint16)
    inherited = groups[:, problem.lines.group] & ~np.uint16(FitFlag.LOW_AN)
    return Flagged(groups, own | inherited)


def _of_spectra(problem: Problem, spectra: Spectra, found: Found) -> Flags:
    """Return the flags that concern a spectrum as a whole, shape (n, 1)."""
    return _marked(
        {
            FitFlag.NO_DATA: found.pixels <= problem.sizes.total,
            FitFlag.NO_START: ~np.isfinite(spectra.start.sum(axis=1)),
            FitFlag.ZERO_VARIANCE: found.zero_variance > 0,
        }
    )[:, np.newaxis]


def _of_groups(problem: Problem, spectra: Spectra, found: Found, measured: Measured) -> Flags:
    groups = problem.sizes.groups
    kinematics = found.unknowns[:, problem.sizes.linear :]
    at_low, at_high = kinematics <= spectra.low, kinematics >= spectra.high
    at_end = at_low[:, :groups] | at_high[:, :groups]
    width = np.full(measured.velocity.shape, np.inf)
    for line, group in enumerate(problem.lines.group):
        width[:, group] = np.minimum(width[:, group], measured.observed_sigma[:, line])
    error = measured.velocity_error
    return _marked(
        {
            FitFlag.NOT_CONVERGED: found.decrement > SETTLED,
            FitFlag.VELOCITY_AT_BOUND: at_end,
            FitFlag.SIGMA_AT_ZERO: at_low[:, groups:],
            FitFlag.SIGMA_AT_BOUND: at_high[:, groups:],
            FitFlag.UNCONSTRAINED: ~at_end & ((error == 0) | (error > width)),
        }
    )


def _of_lines(problem: Problem, found: Found, measured: Measured, lowest_an: float) -> Flags:
    """Return the flags that a line has of its own; lines with one free flux between them share its data."""
    lines, first = problem.lines, problem.sizes.polynomial
    together = (lines.amplitude[:, np.newaxis] == lines.amplitude) * lines.ratio
    coverage = found.coverage @ together.T / together.sum(axis=1)
    active = found.active[:, first : problem.sizes.linear][:, lines.amplitude]
    undetermined = measured.flux_error == 0
    was_fitted = np.isfinite(found.chi2)[:, np.newaxis]
    no_data = (coverage < LEAST_COVERAGE) | undetermined
    return _marked(
        {
            FitFlag.NO_DATA: no_data,
            FitFlag.MASKED_WINGS: (coverage < WHOLE_COVERAGE) & was_fitted,
            FitFlag.LOW_AN: ~(np.abs(measured.amplitude_to_noise) >= lowest_an) & was_fitted,
            FitFlag.FLUX_AT_ZERO: ~active & ~no_data & was_fitted,
        }
    )


def _marked(reasons: dict[FitFlag, Mask]) -> Flags:
    """Combine masks of one shape into flags."""
    flags = np.zeros(next(iter(reasons.values())).shape, dtype=np.uint16)
    for flag, mask in reasons.items():
        flags[mask] |= np.uint16(flag)
    return flags
