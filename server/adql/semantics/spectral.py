"""``gavo_specconv``: wavelengths, frequencies and energies of light in each other's units, as in vacuum."""

import re
from typing import Final

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.frame import Frame
from server.adql.semantics.kinds import require
from server.adql.semantics.meaning import Kind, number
from server.adql.semantics.units import UnitsDoNotConvert, UnknownUnit, spectral
from server.adql.syntax import tree

__all__ = ["convert_spectral"]

_SWAPPED: Final = {"stat.min": "stat.max", "stat.max": "stat.min"}


def convert_spectral(node: tree.Call, frame: Frame) -> checked.Value:
    """Resolve ``gavo_specconv(value, unit)`` and ``gavo_specconv(value, unit of the value, unit)``."""
    if len(node.args) not in {2, 3}:
        raise Fault(f"{node.name} takes 2 to 3 arguments, not {len(node.args)}", node.at)
    value = require(frame.value(node.args[0]), Kind.NUMBER, what=node.name)
    units = [_unit(arg, node.name) for arg in node.args[1:]]
    if len(units) == 1 and value.meaning.unit is None:
        raise Fault(f"the unit of the first argument of {node.name} is not known; give it as the second", value.at)
    target = units[-1]
    try:
        found = spectral(units[0] if len(units) == 2 else str(value.meaning.unit), target)
    except (UnknownUnit, UnitsDoNotConvert) as error:
        raise Fault(str(error), node.args[-1].at) from error
    by = checked.Constant(found.factor, "float8", meaning=number("double"), at=node.at)
    sql = "({1} / NULLIF({0}, 0))" if found.inverse else "({0} * {1})"
    meaning = number("double", unit=target, ucd=_ucd(found.ucd, value.meaning.ucd, inverse=found.inverse))
    return checked.Apply(sql, (value, by), meaning=meaning, at=node.at)


def _unit(node: tree.Expression, name: str) -> str:
    if not isinstance(node, tree.String):
        raise Fault(f"the units in {name} are string literals", node.at)
    return node.value


def _ucd(quantity: str, source: str | None, *, inverse: bool) -> str:
    """Return the UCD of the result: the shortest wavelength is the highest frequency."""
    words = re.findall(r"stat\.(?:min|max)", source or "")
    return ";".join([quantity, *(_SWAPPED[word] if inverse else word for word in words)])
