"""What may be wrong with the stellar kinematics of a spectrum, and which of its values then do not hold."""

from enum import IntFlag
from typing import Final

__all__ = ["SIGMA_LOST", "STARS_LOST", "StarFlag"]


class StarFlag(IntFlag):
    """Reasons for caution, as bits."""

    NO_DATA = 1
    """Too few good pixels."""
    LOW_SN = 2
    """Signal to noise per pixel below the limit, or not to be measured."""
    ZERO_VARIANCE = 4
    """Pixels called good have no variance above zero; they were left out."""
    NO_STARS = 8
    """The polynomial alone fits as well as any templates with it."""
    NOT_CONVERGED = 16
    """The fit ended before chi2 stopped falling."""
    VELOCITY_AT_BOUND = 32
    """The velocity ran to the end of the range allowed."""
    SIGMA_AT_ZERO = 64
    """The spectrum is no broader than the instrument makes it: there is a velocity but no dispersion."""
    SIGMA_AT_BOUND = 128
    """The dispersion ran to the largest allowed."""
    UNCONSTRAINED = 256
    """The error of the velocity exceeds the lines' width, so that no error can be given by propagation."""
    TEMPLATES_BROADER = 512
    """Some pixels were fitted where the templates are broader than the LSF; there they were taken as they are."""


STARS_LOST: Final = (
    StarFlag.NO_DATA
    | StarFlag.NO_STARS
    | StarFlag.NOT_CONVERGED
    | StarFlag.VELOCITY_AT_BOUND
    | StarFlag.SIGMA_AT_BOUND
    | StarFlag.UNCONSTRAINED
)
"""A spectrum with any of these has no stellar kinematics and no continuum."""

SIGMA_LOST: Final = STARS_LOST | StarFlag.SIGMA_AT_ZERO
"""A spectrum with any of these has no dispersion."""
