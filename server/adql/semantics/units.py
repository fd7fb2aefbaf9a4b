"""Units: factors between them for IN_UNIT, quantities of light in each other's, and the units of products."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

__all__ = ["Conversion", "UnitsDoNotConvert", "UnknownUnit", "factor", "product_unit", "spectral"]

_REMEMBERED: Final = 1000  # the texts come from outside
_QUANTITIES: Final = {"length": "em.wl", "frequency": "em.freq", "energy": "em.energy", "wavenumber": "em.wavenumber"}


class UnknownUnit(ValueError):
    """The text is no unit of VOUnit."""


class UnitsDoNotConvert(ValueError):
    """One unit is no multiple of the other."""


@dataclass(frozen=True)
class Conversion:
    """How a quantity of light becomes another: ``factor * value``, or ``factor / value``; ``ucd`` says what it is."""

    factor: float
    inverse: bool
    ucd: str


@lru_cache(_REMEMBERED)
def factor(source: str, target: str) -> float:
    """Return the number that values in ``source`` are multiplied by to be in ``target``."""
    from astropy.units import UnitConversionError, UnitTypeError

    try:
        return float(_parsed(source).to(_parsed(target)))
    except (UnitConversionError, UnitTypeError) as error:
        raise UnitsDoNotConvert(f"'{source}' cannot be converted to '{target}'") from error


@lru_cache(_REMEMBERED)
def spectral(source: str, target: str) -> Conversion:
    """Return how a wavelength, frequency or energy in ``source`` is expressed in ``target``, in vacuum."""
    from astropy import units

    here, there = _parsed(source), _parsed(target)
    quantity = next((ucd for kind, ucd in _QUANTITIES.items() if kind in there.physical_type), None)
    try:
        at_one, at_two = (float((value * here).to_value(there, units.spectral())) for value in (1.0, 2.0))
    except (units.UnitConversionError, units.UnitTypeError):
        quantity = None
    if quantity is None:
        raise UnitsDoNotConvert(f"'{source}' cannot be converted to '{target}'")
    return Conversion(at_one, inverse=at_two < at_one, ucd=quantity)


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
    known = tuple((sign, unit) for sign, unit in factors if unit is not None)
    if not known or len(known) < len(factors):
        return None
    return known[0][1] if len(known) == 1 and known[0][0] == "*" else _product(known)


@lru_cache(_REMEMBERED)
def _product(factors: tuple[tuple[str, str], ...]) -> str | None:
    from astropy.units import dimensionless_unscaled

    product = dimensionless_unscaled
    try:
        for sign, text in factors:
            product = product * _parsed(text) if sign == "*" else product / _parsed(text)
        return str(product.to_string("vounit")) or None
    except (UnknownUnit, ValueError):  # a unit of ours or of an upload that VOUnit does not know, or an odd factor
        return None
