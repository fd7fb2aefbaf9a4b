"""Units of fluxes as ESO's data interface writes them.  Pure text."""

import re
from typing import Final

from archive.errors import Refused

__all__ = ["FLUX", "SECONDS", "VARIANCE", "flux_unit", "is_flux", "is_variance"]

FLUX: Final = "10**(-20)erg.s**(-1).cm**(-2).angstrom**(-1)"
VARIANCE: Final = "10**(-40)erg**2.s**(-2).cm**(-4).angstrom**(-2)"
SECONDS: Final = "s"

NUMBER: Final = r"(?:10\*\*\(-(?P<power>\d+)\)|1e-(?P<exponent>\d+))"
SAME: Final = re.compile(
    rf"{NUMBER}[*.]?(?:erg/s/cm\*?\*?\^?2/angstrom|erg\.s\*\*\(-1\)\.cm\*\*\(-2\)\.angstrom\*\*\(-1\)"
    r"|erg(?:s\^?-1|/s)(?:cm\^?-2|/cm\^?2)(?:angstrom\^?-1|a\^?-1|/angstrom|/a))"
)
FLUX_FORM: Final = re.compile(r"(10\*\*\(-\d+\))?erg\.s\*\*\(-1\)\.cm\*\*\(-2\)\.angstrom\*\*\(-1\)")
VARIANCE_FORM: Final = re.compile(r"(10\*\*\(-\d+\))?erg\*\*2\.s\*\*\(-2\)\.cm\*\*\(-4\)\.angstrom\*\*\(-2\)")


def flux_unit(written: str) -> str:
    """Return the unit of a cube in ESO's syntax, however it was written; its values stay as they are.

    Raises
    ------
    Refused
        It is no flux density in 1e-20 erg/s/cm2/Angstrom.
    """
    bare = written.replace(" ", "").lower()
    found = SAME.fullmatch(bare)
    if found is None or (found["power"] or found["exponent"]) != "20":
        raise Refused(f"the unit {written!r} is not 1e-20 erg/s/cm2/Angstrom")
    return FLUX


def is_flux(unit: str) -> bool:
    """Tell whether a unit is a flux density in ESO's syntax."""
    return FLUX_FORM.fullmatch(unit) is not None


def is_variance(unit: str) -> bool:
    """Tell whether a unit is the square of a flux density in ESO's syntax."""
    return VARIANCE_FORM.fullmatch(unit) is not None
