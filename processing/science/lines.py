"""The emission lines of the survey's gas: wavelengths in air, kinematic groups, and the ratios that atoms fix.

The literal table behind the release's Table 4 and the lines that are fitted beside them; how they are fitted is the
business of ``emission``.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["LINES", "EmissionLine", "Group"]


class Group(StrEnum):
    """Lines that share one velocity and one intrinsic dispersion, in the order of the fit's results."""

    HYDROGEN = "hydrogen"
    LOW = "low ionisation"
    HIGH = "high ionisation"


@dataclass(frozen=True)
class EmissionLine:
    """One line.

    ``wavelength`` is in air, in Angstrom.  The flux of a line with ``tied_to`` is ``ratio`` times that of the line of
    that name, always; ``published`` lines are in the release, the others are fitted so that they disturb no neighbour.
    """

    name: str
    wavelength: float
    group: Group
    tied_to: str | None = None
    ratio: float = 1.0
    published: bool = False


LINES: Final = (
    EmissionLine("HB4861", 4861.35, Group.HYDROGEN, published=True),
    EmissionLine("OIII4958", 4958.91, Group.HIGH, tied_to="OIII5006", ratio=0.35, published=True),
    EmissionLine("OIII5006", 5006.84, Group.HIGH, published=True),
    EmissionLine("NI5197", 5197.90, Group.LOW),
    EmissionLine("NI5200", 5200.26, Group.LOW),
    EmissionLine("NII5754", 5754.59, Group.LOW),
    EmissionLine("HEI5875", 5875.62, Group.HIGH),
    EmissionLine("OI6300", 6300.30, Group.LOW),
    EmissionLine("SIII6312", 6312.06, Group.HIGH),
    EmissionLine("OI6363", 6363.78, Group.LOW, tied_to="OI6300", ratio=0.333),
    EmissionLine("NII6548", 6548.05, Group.LOW, tied_to="NII6583", ratio=0.34, published=True),
    EmissionLine("HA6562", 6562.79, Group.HYDROGEN, published=True),
    EmissionLine("NII6583", 6583.45, Group.LOW, published=True),
    EmissionLine("SII6716", 6716.44, Group.LOW, published=True),
    EmissionLine("SII6730", 6730.82, Group.LOW, published=True),
)
"""By wavelength.  The ratios are those of the release, [O I] that of its pipeline's peers."""
