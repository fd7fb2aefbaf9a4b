"""The grammar of what operators work on: literals, columns, calls, CASE, CAST and whatever stands in parentheses.

A function is read as a name with arguments, whichever it is: ``semantics`` knows the functions.
"""

import math
from typing import Final

from schema.adql_words import FUNCTION_WORDS
from server.adql.errors import Fault
from server.adql.syntax import tree
from server.adql.syntax.cursor import Cursor

__all__ = ["primary"]

_CAST_TARGETS: Final = frozenset(
    {"BIGINT", "CHAR", "CIRCLE", "DOUBLE", "INTEGER", "POINT", "POLYGON", "REAL", "SMALLINT", "TIMESTAMP", "VARCHAR"}
)
_MOST_CHARACTERS: Final = 1_000_000
_MOST_DIGITS: Final = 4000


def primary(cursor: Cursor) -> tree.Expression:
    """Read one operand."""
    token = cursor.token
    match token.kind:
        case "number":
            cursor.advance()
            return tree.Number(token.at, _number(token.text, token.at))
        case "hex":
            cursor.advance()
            return tree.Number(token.at, _hexadecimal(token.text, token.at))
        case "string":
            cursor.advance()
            return tree.String(token.at, token.text)
        case "name" | "quoted":
            return _column_or_call(cursor)
        case "symbol" if token.key == "(":
            return _parenthesised(cursor)
        case "keyword":
            return _keyword(cursor)
        case _:
            raise cursor.unexpected("a value")


def _number(text: str, at: int) -> int | float:
    if text.isdigit():
        # Beyond 64 bits PostgreSQL would reckon in decimals; beyond 4300 digits Python refuses.
        whole = int(text) if len(text) <= _MOST_DIGITS else 2**63
        if whole < 2**63:
            return whole
    value = float(text)
    if math.isinf(value):
        raise Fault("this number is out of range", at)
    return value


def _hexadecimal(text: str, at: int) -> int:
    value = int(text, 16)
    if value >= 2**64:
        raise Fault("this number is out of range", at)
    return value


def _column_or_call(cursor: Cursor) -> tree.Expression:
    at = cursor.token.at
    if cursor.token.kind == "name" and cursor.following().key == "(":
        return _call(cursor)
    parts = [cursor.name("a column")]
    while cursor.accept("."):
        parts.append(cursor.name("a name after '.'"))
    return tree.Column(at, tuple(parts))


def _parenthesised(cursor: Cursor) -> tree.Expression:
    holds_query = cursor.opens_query()
    at = cursor.expect("(").at
    inner = tree.Scalar(at, cursor.query()) if holds_query else cursor.expression()
    cursor.expect(")")
    return inner


def _keyword(cursor: Cursor) -> tree.Expression:
    token = cursor.token
    match token.key:
        case "NULL":
            cursor.advance()
            return tree.Null(token.at)
        case "TRUE" | "FALSE":
            cursor.advance()
            return tree.Truth(token.at, token.key == "TRUE")
        case "CASE":
            return _case(cursor)
        case "CAST":
            return _cast(cursor)
        case key if key in FUNCTION_WORDS and cursor.following().key == "(":
            return _call(cursor)
        case _:
            return _misplaced(cursor)


def _misplaced(cursor: Cursor) -> tree.Expression:
    """Tell a reserved word that was meant as a name from one that is simply too early."""
    if cursor.following().key in {"FROM", ",", ")", "=", "<", ">", "<=", ">=", "<>", "."} or (
        cursor.following().kind == "end"
    ):
        cursor.name("a value")
    raise cursor.unexpected("a value")


def _call(cursor: Cursor) -> tree.Expression:
    token = cursor.advance()
    name = token.text.upper()
    cursor.expect("(")
    if name == "COUNT" and cursor.accept("*"):
        cursor.expect(")")
        return tree.CountRows(token.at)
    if cursor.accept(")"):
        return tree.Call(token.at, name, ())
    distinct = cursor.choose("DISTINCT", "ALL")
    args = [cursor.expression()]
    while cursor.accept(","):
        args.append(cursor.expression())
    cursor.expect(")")
    return tree.Call(token.at, name, tuple(args), distinct)


def _case(cursor: Cursor) -> tree.Expression:
    at = cursor.expect("CASE").at
    operand = None if cursor.token.key == "WHEN" else cursor.expression()
    whens = []
    while cursor.accept("WHEN"):
        test = cursor.expression()
        cursor.expect("THEN")
        whens.append((test, cursor.expression()))
    if not whens:
        raise cursor.unexpected("WHEN")
    otherwise = cursor.expression() if cursor.accept("ELSE") else None
    cursor.expect("END")
    return tree.Case(at, operand, tuple(whens), otherwise)


def _cast(cursor: Cursor) -> tree.Expression:
    at = cursor.expect("CAST").at
    cursor.expect("(")
    value = cursor.expression()
    cursor.expect("AS")
    target = cursor.token
    if target.key not in _CAST_TARGETS:
        raise cursor.unexpected("a type of ADQL")
    cursor.advance()
    if target.key == "DOUBLE":
        cursor.expect("PRECISION")
    length = _length(cursor) if target.key in {"CHAR", "VARCHAR"} else None
    cursor.expect(")")
    return tree.Cast(at, value, target.key, length)


def _length(cursor: Cursor) -> int | None:
    if not cursor.accept("("):
        return None
    at = cursor.token.at
    length = cursor.unsigned("a length")
    if not 1 <= length <= _MOST_CHARACTERS:
        raise Fault(f"a length is between 1 and {_MOST_CHARACTERS}", at)
    cursor.expect(")")
    return length
