"""Units: factors between them for IN_UNIT, and the units of products."""

from collections.abc import Sequence
from functools import cache
from typing import Any

__all__ = ["UnitsDoNotConvert", "UnknownUnit", "factor", "product_unit"]


class UnknownUnit(ValueError):
    """The text is no unit of VOUnit."""


class UnitsDoNotConvert(ValueError):
    """One unit is no multiple of the other."""


@cache
def factor(source: str, target: str) -> float:
    """Return the number that values in ``source`` are multiplied by to be in ``target``."""
    from astropy.units import UnitConversionError, UnitTypeError

    try:
        return float(_parsed(source).to(_parsed(target)))
    except (UnitConversionError, UnitTypeError) as error:
        raise UnitsDoNotConvert(f"'{source}' cannot be converted to '{target}'") from error


def _parsed(text: str) -> Any:
    import warnings

    from astropy.units import Unit

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecated units are units all the same
            return Unit(text, format="vounit", parse_strict="raise")
    except (ValueError, TypeError) as error:
        raise UnknownUnit(f"'{text}' is not a unit that VOUnit knows") from error


def product_unit(factors: Sequence[tuple[str, str | None]]) -> str | None:
    """Return the unit of a product of ``(* or /, unit)``, or None where one of the units is not known."""
    if not factors or any(unit is None for _, unit in factors):
        return None
    above = [str(unit) for sign, unit in factors if sign == "*"]
    below = [str(unit) for sign, unit in factors if sign == "/"]
    for unit in tuple(below):
        if unit in above:
            above.remove(unit)
            below.remove(unit)
    if len(above) == 1 and not below:
        return above[0]
    if not above:
        return ".".join(f"({unit})**-1" for unit in below) or None
    return ".".join(map(_grouped, above)) + "".join(f"/{_grouped(unit)}" for unit in below)


def _grouped(unit: str) -> str:
    """Put parentheses round what would read wrongly inside a product."""
    return f"({unit})" if "/" in unit or "." in unit else unit
