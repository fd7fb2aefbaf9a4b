"""Calls of functions: found by name, arguments counted and checked.  ``functions`` has the table itself."""

from collections.abc import Sequence
from typing import Final

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.frame import Frame, Handler
from server.adql.semantics.functions import AGGREGATES, FLAGS, FUNCTIONS, SHORTER, WHOLE, Function
from server.adql.semantics.geometries import GEOMETRY_FUNCTIONS
from server.adql.semantics.histogram import histogram
from server.adql.semantics.kinds import merged, require, same_kind
from server.adql.semantics.meaning import INTEGERS, Kind, computed, number
from server.adql.semantics.scope import did_you_mean
from server.adql.semantics.spectral import convert_spectral
from server.adql.semantics.units import UnitsDoNotConvert, UnknownUnit, factor
from server.adql.semantics.walk import columns_in
from server.adql.syntax import tree

__all__ = ["KNOWN", "call", "count_rows"]


def call(node: tree.Call, frame: Frame) -> checked.Value:
    """Resolve the call of any function."""
    if node.name in AGGREGATES:
        return _aggregate(node, frame)
    if node.name == "IVO_HISTOGRAM":
        return _histogram(node, frame)
    if node.distinct:
        raise Fault(f"DISTINCT is for aggregate functions, not for {node.name}", node.at)
    if node.name in GEOMETRY_FUNCTIONS:
        return _geometry(node, frame)
    if node.name in _SPECIAL:
        return _SPECIAL[node.name](node, frame)
    if node.name in FLAGS:
        return _flag(node, frame)
    if node.name not in FUNCTIONS:
        raise Fault(f"unknown function '{node.name}'{did_you_mean(node.name, KNOWN)}", node.at)
    return _plain(node, frame)


def _geometry(node: tree.Call, frame: Frame) -> checked.Value:
    frame.limits.enter_shape(node.at)
    found = GEOMETRY_FUNCTIONS[node.name](node, frame)
    frame.limits.leave_shape()
    return found


def _plain(node: tree.Call, frame: Frame) -> checked.Value:
    function = FUNCTIONS[node.name]
    args = _arguments(node, function, frame)
    result = function.result(args)
    sql = SHORTER.get(node.name, function.sql) if len(args) < len(function.args) else function.sql
    if node.name in WHOLE and all(arg.meaning.datatype in INTEGERS for arg in args):
        result = number(_wider(args), unit=result.unit, ucd=result.ucd)
        sql = WHOLE[node.name]
    if node.name in {"ROUND", "TRUNCATE"} and len(args) == 2:
        _places(args[1], node.name)
    return checked.Apply(sql, args, meaning=result, at=node.at)


def _wider(args: Sequence[checked.Value]) -> str:
    return max((arg.meaning.datatype for arg in args), key=["unsignedByte", "short", "int", "long"].index)


def _places(value: checked.Value, name: str) -> None:
    if value.meaning.datatype not in INTEGERS:
        raise Fault(f"{name} needs a whole number of places", value.at)


def _arguments(node: tree.Call, function: Function, frame: Frame) -> tuple[checked.Value, ...]:
    most = len(function.args)
    least = most - function.optional
    if not least <= len(node.args) <= most:
        expected = str(most) if least == most else f"{least} to {most}"
        plural = "" if expected == "1" else "s"
        raise Fault(f"{node.name} takes {expected} argument{plural}, not {len(node.args)}", node.at)
    pairs = zip(node.args, function.args, strict=False)
    return tuple(require(frame.value(arg), *kinds, what=node.name) for arg, kinds in pairs)


def _flag(node: tree.Call, frame: Frame) -> checked.Value:
    function = FLAGS[node.name]
    test = checked.condition(function.sql, _arguments(node, function, frame), node.at)
    return checked.Flag(test, meaning=number("int"), at=node.at)


def _aggregate(node: tree.Call, frame: Frame) -> checked.Value:
    _allow_aggregate(node.name, node.at, frame)
    function = AGGREGATES[node.name]
    args = _arguments(node, function, frame.within("an aggregate function"))
    _own_columns(node, args, frame)
    sql = function.sql
    if node.name == "SUM" and args[0].meaning.datatype not in INTEGERS:
        sql = "sum({0}::float8)"
    elif node.name == "SUM" and args[0].meaning.datatype == "long":
        sql = "sum({0})::bigint"
    return checked.Aggregate(sql, args, node.distinct, meaning=function.result(args), at=node.at)


def _histogram(node: tree.Call, frame: Frame) -> checked.Value:
    _allow_aggregate(node.name, node.at, frame)
    found = histogram(node, frame.within("an aggregate function"))
    _own_columns(node, (found,), frame)
    return found


def _own_columns(node: tree.Call, args: Sequence[checked.Value], frame: Frame) -> None:
    """Refuse an aggregate over columns of an outer query only: SQL would reckon it there, which nobody expects."""
    used = {column.relation for arg in args for column in columns_in(arg)}
    if used and used.isdisjoint(relation.alias for relation in frame.scope.relations()):
        raise Fault(f"{node.name} needs a column of its own query", node.at)


def count_rows(node: tree.CountRows, frame: Frame) -> checked.Value:
    """Resolve ``COUNT(*)``."""
    _allow_aggregate("COUNT", node.at, frame)
    return checked.Aggregate("count(*)", (), meaning=number("long", ucd="meta.number"), at=node.at)


def _allow_aggregate(name: str, at: int, frame: Frame) -> None:
    if not frame.aggregates:
        raise Fault(f"the aggregate function {name} cannot stand in {frame.clause}", at)


def _coalesce(node: tree.Call, frame: Frame) -> checked.Value:
    if not node.args:
        raise Fault("COALESCE takes one argument or more", node.at)
    args, meaning = merged([frame.value(arg) for arg in node.args], at=node.at, what="mix")
    return checked.Apply("COALESCE({args})", args, meaning=meaning, at=node.at)


def _nullif(node: tree.Call, frame: Frame) -> checked.Value:
    if len(node.args) != 2:
        raise Fault(f"NULLIF takes 2 arguments, not {len(node.args)}", node.at)
    args = same_kind([frame.value(arg) for arg in node.args], at=node.at, what="compare")
    meaning = computed(args[0].meaning)
    return checked.Apply("NULLIF({0}, {1})", args, meaning=meaning, at=node.at)


def _in_unit(node: tree.Call, frame: Frame) -> checked.Value:
    """Resolve IN_UNIT: the factor is reckoned here, so that nothing but a product is left for the database."""
    if len(node.args) != 2:
        raise Fault(f"IN_UNIT takes 2 arguments, not {len(node.args)}", node.at)
    value = require(frame.value(node.args[0]), Kind.NUMBER, what="IN_UNIT")
    target = node.args[1]
    if not isinstance(target, tree.String):
        raise Fault("the second argument of IN_UNIT is a string literal", target.at)
    if value.meaning.unit is None:
        raise Fault("the unit of the first argument of IN_UNIT is not known", value.at)
    try:
        scale = factor(value.meaning.unit, target.value)
    except (UnknownUnit, UnitsDoNotConvert) as error:
        raise Fault(str(error), target.at) from error
    by = checked.Constant(scale, "float8", meaning=number("double"), at=target.at)
    meaning = number("double", unit=target.value, ucd=computed(value.meaning).ucd)
    return checked.Apply("({0} * {1})", (value, by), meaning=meaning, at=node.at)


_SPECIAL: Final[dict[str, Handler]] = {
    "COALESCE": _coalesce,
    "NULLIF": _nullif,
    "IN_UNIT": _in_unit,
    "GAVO_SPECCONV": convert_spectral,
}

KNOWN: Final = (*FUNCTIONS, *FLAGS, *AGGREGATES, *_SPECIAL, *GEOMETRY_FUNCTIONS, "IVO_HISTOGRAM")
"""The names of all functions."""
