"""AND, OR, NOT, comparisons and the other predicates."""

from typing import Final

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.checked import condition
from server.adql.semantics.frame import Frame
from server.adql.semantics.kinds import comparable, constant_number, require
from server.adql.semantics.meaning import CONDITION, Kind
from server.adql.semantics.near import near
from server.adql.semantics.sets import retyped
from server.adql.syntax import tree

__all__ = ["between", "comparison", "exists", "in_list", "in_query", "is_null", "like", "logic", "negation"]

_MIRRORED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}


def logic(node: tree.Logic, frame: Frame) -> checked.Value:
    """Resolve a chain of AND or OR; chains of the same word inside it become part of it."""
    terms: list[checked.Value] = []
    for one in node.terms:
        term = frame.condition(one)
        if isinstance(term, checked.Logic) and term.operator == node.operator:
            terms.extend(term.terms)
        else:
            terms.append(term)
    return checked.Logic(node.operator, tuple(terms), meaning=CONDITION, at=node.at)


def negation(node: tree.Not, frame: Frame) -> checked.Value:
    """Resolve NOT."""
    return condition("(NOT {0})", (frame.condition(node.term),), node.at)


def comparison(node: tree.Comparison, frame: Frame) -> checked.Value:
    """Resolve a comparison; those of CONTAINS and its like with 1 or 0 become the bare condition or its contrary."""
    left, right = frame.value(node.left), frame.value(node.right)
    plain = _flag_test(left, node.operator, right) or _flag_test(right, _MIRRORED[node.operator], left)
    if plain is not None:
        return plain
    left, right = comparable([left, right], at=node.at)
    exact = condition(f"({{0}} {node.operator} {{1}})", (left, right), node.at)
    return near(left, node.operator, right, exact) or near(right, _MIRRORED[node.operator], left, exact) or exact


def _flag_test(left: checked.Value, operator: str, right: checked.Value) -> checked.Value | None:
    wanted = constant_number(right)
    if not isinstance(left, checked.Flag) or wanted not in {0, 1} or operator not in {"=", "<>"}:
        return None
    if (wanted == 1) == (operator == "="):
        return left.condition
    return condition("(NOT {0})", (left.condition,), left.at)


def between(node: tree.Between, frame: Frame) -> checked.Value:
    """Resolve BETWEEN."""
    values = comparable([frame.value(one) for one in (node.value, node.low, node.high)], at=node.at)
    return condition(f"({{0}} {_not(node.negated)}BETWEEN {{1}} AND {{2}})", values, node.at)


def in_list(node: tree.InList, frame: Frame) -> checked.Value:
    """Resolve IN over values written out."""
    value, *items = comparable([frame.value(one) for one in (node.value, *node.items)], at=node.at)
    return checked.InList(value, tuple(items), node.negated, meaning=CONDITION, at=node.at)


def in_query(node: tree.InQuery, frame: Frame) -> checked.Value:
    """Resolve IN over a query of one column."""
    value, query = frame.value(node.value), frame.subquery(node.query)
    if len(query.outputs) != 1:
        raise Fault(f"a query after IN has one column, not {len(query.outputs)}", node.at)
    value, _ = comparable([value, query.outputs[0].value], at=node.at)
    if query.outputs[0].meaning.kind is Kind.NULL:
        query = retyped(query, [value.meaning])
    return checked.InQuery(value, query, node.negated, meaning=CONDITION, at=node.at)


def exists(node: tree.Exists, frame: Frame) -> checked.Value:
    """Resolve EXISTS."""
    return checked.Exists(frame.subquery(node.query), meaning=CONDITION, at=node.at)


def like(node: tree.Like, frame: Frame) -> checked.Value:
    """Resolve LIKE or ILIKE.  ADQL has no escape character, so a backslash is a character like any other."""
    value = require(frame.value(node.value), Kind.TEXT, what=node.operator)
    pattern = require(frame.value(node.pattern), Kind.TEXT, what=node.operator)
    return condition(f"({{0}} {_not(node.negated)}{node.operator} {{1}} ESCAPE '')", (value, pattern), node.at)


def is_null(node: tree.IsNull, frame: Frame) -> checked.Value:
    """Resolve IS NULL."""
    return condition(f"({{0}} IS {_not(node.negated)}NULL)", (frame.value(node.value),), node.at)


def _not(negated: bool) -> str:  # noqa: FBT001  the flag of the node, handed on
    return "NOT " if negated else ""
