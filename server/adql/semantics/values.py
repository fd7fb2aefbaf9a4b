"""Literals, columns, arithmetic, CASE, CAST and scalar subqueries."""

from dataclasses import replace
from typing import Final

from server.adql.errors import Fault
from server.adql.semantics import checked, meaning
from server.adql.semantics.frame import Frame
from server.adql.semantics.kinds import comparable, constant_number, merged, require
from server.adql.semantics.meaning import INTEGERS, Kind, Meaning, computed
from server.adql.semantics.regions import dali_shape
from server.adql.semantics.units import product_unit
from server.adql.syntax import tree

__all__ = ["case", "cast", "chain", "column", "null", "number", "scalar", "string", "truth", "unary"]

_CASTS: Final = {
    "SMALLINT": ("smallint", meaning.number("short")),
    "INTEGER": ("integer", meaning.number("int")),
    "BIGINT": ("bigint", meaning.number("long")),
    "REAL": ("real", meaning.number("float")),
    "DOUBLE": ("double precision", meaning.DOUBLE),
    "TIMESTAMP": ("timestamp", meaning.TIMESTAMP),
    "CHAR": ("text", meaning.TEXT),
    "VARCHAR": ("text", meaning.TEXT),
}
_CAST_FROM: Final = {
    Kind.NUMBER: (Kind.NUMBER, Kind.TEXT, Kind.BOOLEAN),
    Kind.TIME: (Kind.TIME, Kind.TEXT),
    Kind.TEXT: (Kind.TEXT, Kind.NUMBER, Kind.TIME, Kind.BOOLEAN),
}
_BITS: Final = {"&": "&", "|": "|", "^": "#"}  # in PostgreSQL ^ is power


def number(node: tree.Number, _: Frame) -> checked.Value:
    """Resolve a literal number: the narrowest whole type that holds it, else double."""
    return _number(node.value, node.at)


def _number(value: float, at: int) -> checked.Constant:
    if isinstance(value, int) and -(2**31) <= value < 2**31:
        return checked.Constant(value, "integer", meaning=meaning.number("int"), at=at)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return checked.Constant(value, "bigint", meaning=meaning.number("long"), at=at)
    return checked.Constant(float(value), "float8", meaning=meaning.DOUBLE, at=at)


def string(node: tree.String, _: Frame) -> checked.Value:
    """Resolve a literal string."""
    known = meaning.TEXT if node.value.isascii() else replace(meaning.TEXT, datatype="unicodeChar")
    return checked.Constant(node.value, "text", meaning=known, at=node.at)


def truth(node: tree.Truth, _: Frame) -> checked.Value:
    """Resolve TRUE or FALSE."""
    return checked.Constant(node.value, "boolean", meaning=meaning.BOOLEAN, at=node.at)


def null(node: tree.Null, _: Frame) -> checked.Value:
    """Resolve NULL."""
    return checked.Constant(None, "", meaning=meaning.NULL, at=node.at)


def column(node: tree.Column, frame: Frame) -> checked.Value:
    """Resolve the name of a column."""
    return frame.scope.get(node)


def unary(node: tree.Unary, frame: Frame) -> checked.Value:
    """Resolve a sign or ``~``; the sign of a literal becomes part of it."""
    operand = require(frame.value(node.operand), Kind.NUMBER, what=f"'{node.operator}'")
    if node.operator == "~":
        return checked.Apply("(~{0})", (_whole(operand, "~"),), meaning=_bare(operand.meaning), at=node.at)
    if node.operator == "+":
        return operand
    value = operand.value if isinstance(operand, checked.Constant) else None
    if isinstance(value, int | float):
        return _number(-value, node.at)
    return checked.Apply("(-{0})", (operand,), meaning=computed(operand.meaning), at=node.at)


def chain(node: tree.Chain, frame: Frame) -> checked.Value:
    """Resolve a chain of ``+ -``, ``* /``, ``||`` or one bitwise operator."""
    operands = tuple(frame.value(one) for one in node.operands)
    operator = node.operators[0]
    if operator == "||":
        return _joined_text(operands, node.at)
    operands = tuple(require(operand, Kind.NUMBER, what=f"'{operator}'") for operand in operands)
    if operator in _BITS:
        whole = tuple(_whole(operand, operator) for operand in operands)
        operators = tuple(_BITS[one] for one in node.operators)
        return checked.Chain(operators, whole, meaning=_result(whole), at=node.at)
    result = _sum(operands) if operator in "+-" else _product(node.operators, operands)
    return checked.Chain(node.operators, operands, meaning=result, at=node.at)


def _joined_text(operands: tuple[checked.Value, ...], at: int) -> checked.Value:
    operands = tuple(require(one, Kind.TEXT, Kind.NUMBER, Kind.TIME, what="'||'") for one in operands)
    texts = tuple(
        one if one.meaning.kind is Kind.TEXT else checked.Apply("({0})::text", (one,), meaning=meaning.TEXT, at=one.at)
        for one in operands
    )
    wide = any(one.meaning.datatype == "unicodeChar" for one in operands)
    result = replace(meaning.TEXT, datatype="unicodeChar") if wide else meaning.TEXT
    return checked.Chain(("||",) * (len(texts) - 1), texts, meaning=result, at=at)


def _whole(value: checked.Value, operator: str) -> checked.Value:
    if value.meaning.kind is Kind.NUMBER and value.meaning.datatype not in INTEGERS:
        raise Fault(f"'{operator}' needs whole numbers; CAST to INTEGER or BIGINT", value.at)
    return value


def _result(operands: tuple[checked.Value, ...]) -> Meaning:
    known = [one.meaning.datatype for one in operands if one.meaning.kind is Kind.NUMBER]
    return meaning.number(meaning.promoted(known) if known else "int")


def _bare(known: Meaning) -> Meaning:
    return meaning.number(known.datatype if known.kind is Kind.NUMBER else "int")


def _sum(operands: tuple[checked.Value, ...]) -> Meaning:
    """Return what a sum means: terms of one unit keep it, constants follow the others."""
    telling = [computed(one.meaning) for one in operands if constant_number(one) is None]
    result = _result(operands)
    if not telling or any(one.unit != telling[0].unit for one in telling):
        return result
    same_ucd = all(one.ucd == telling[0].ucd for one in telling)
    return replace(result, unit=telling[0].unit, ucd=telling[0].ucd if same_ucd else None)


def _product(operators: tuple[str, ...], operands: tuple[checked.Value, ...]) -> Meaning:
    """Return what a product means: its unit, where it can be told; its UCD, where only constants scale it."""
    factors = list(zip(("*", *operators), operands, strict=True))
    telling = [(sign, one.meaning) for sign, one in factors if constant_number(one) is None]
    result = replace(_result(operands), unit=product_unit([(sign, one.unit) for sign, one in telling]))
    if len(telling) == 1 and telling[0][0] == "*":
        return replace(result, ucd=computed(telling[0][1]).ucd)
    return result


def case(node: tree.Case, frame: Frame) -> checked.Value:
    """Resolve CASE; all results are of one kind, and so are operand and values."""
    operand = None if node.operand is None else frame.value(node.operand)
    tests = _tests(node, operand, frame)
    if operand is not None:
        operand, *tests = comparable([operand, *tests], at=node.at)
    alternatives = [frame.value(result) for _, result in node.whens]
    alternatives += [frame.value(node.otherwise)] if node.otherwise is not None else []
    results, result = merged(alternatives, at=node.at, what="mix")
    whens = tuple(zip(tests, results, strict=False))
    otherwise = results[-1] if node.otherwise is not None else None
    return checked.Case(operand, whens, otherwise, meaning=result, at=node.at)


def _tests(node: tree.Case, operand: checked.Value | None, frame: Frame) -> list[checked.Value]:
    read = frame.condition if operand is None else frame.value
    return [read(test) for test, _ in node.whens]


def cast(node: tree.Cast, frame: Frame) -> checked.Value:
    """Resolve CAST; a string literal in DALI's form can become a geometry."""
    value = frame.value(node.value)
    if node.target in {"POINT", "CIRCLE", "POLYGON"}:
        return dali_shape(value, Kind[node.target], at=node.at)
    sql_type, target = _CASTS[node.target]
    require(value, *_CAST_FROM[target.kind], what=f"CAST AS {node.target}")
    if value.meaning.kind is Kind.BOOLEAN and target.kind is Kind.NUMBER:
        sql_type = f"integer::{sql_type}"  # PostgreSQL has no other way out of boolean
    if node.length is not None:
        sql_type, target = f"varchar({node.length})", replace(target, arraysize=f"{node.length}*")
    kept = replace(target, unit=value.meaning.unit, ucd=value.meaning.ucd)
    return checked.Apply(f"({{0}})::{sql_type}", (value,), meaning=kept, at=node.at)


def scalar(node: tree.Scalar, frame: Frame) -> checked.Value:
    """Resolve a query that stands for a value."""
    query = frame.subquery(node.query)
    if len(query.outputs) != 1:
        raise Fault(f"a query used as a value has one column, not {len(query.outputs)}", node.at)
    return checked.Scalar(query, meaning=query.outputs[0].meaning, at=node.at)
