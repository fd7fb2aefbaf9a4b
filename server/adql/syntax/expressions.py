"""The grammar of values and conditions: operators from the loosest, OR, to the tightest, the sign.

Conditions and values share one grammar; which of the two is wanted where is for ``semantics`` to check.
Bitwise operators bind looser than arithmetic and, among themselves, as in C: ``&`` before ``^`` before ``|``.
"""

from typing import Final

from server.adql.errors import Fault
from server.adql.syntax import tree
from server.adql.syntax.cursor import Cursor
from server.adql.syntax.primaries import primary

__all__ = ["condition"]

_LEVELS: Final = {"|": 0, "^": 1, "&": 2, "||": 3, "+": 4, "-": 4, "*": 5, "/": 5}
_MOST_OPERANDS: Final = 1000  # the stack of PostgreSQL's parser holds about 2500
_WORDS: Final = frozenset({"NOT", "BETWEEN", "LIKE", "ILIKE", "IN"})
_COMPARISONS: Final = frozenset({"=", "<>", "<", ">", "<=", ">="})


def condition(cursor: Cursor) -> tree.Expression:
    """Read a whole expression."""
    at = cursor.token.at
    terms = [_conjunction(cursor)]
    while cursor.accept("OR"):
        terms.append(_conjunction(cursor))
    return terms[0] if len(terms) == 1 else tree.Logic(at, "OR", tuple(terms))


def _conjunction(cursor: Cursor) -> tree.Expression:
    at = cursor.token.at
    terms = [_negation(cursor)]
    while cursor.accept("AND"):
        terms.append(_negation(cursor))
    return terms[0] if len(terms) == 1 else tree.Logic(at, "AND", tuple(terms))


def _negation(cursor: Cursor) -> tree.Expression:
    at = cursor.token.at
    if not cursor.accept("NOT"):
        return _predicate(cursor)
    if cursor.token.key == "NOT":
        raise cursor.unexpected("a condition after NOT")
    return tree.Not(at, _predicate(cursor))


def _predicate(cursor: Cursor) -> tree.Expression:
    at = cursor.token.at
    if cursor.accept("EXISTS"):
        return tree.Exists(at, _subquery(cursor))
    left = _operation(cursor)
    if cursor.token.key in _COMPARISONS:
        operator = cursor.advance()
        return tree.Comparison(operator.at, operator.key, left, _operation(cursor))
    if cursor.token.key == "IS":
        return _null_test(cursor, left)
    return _worded_predicate(cursor, left) if cursor.token.key in _WORDS else left


def _null_test(cursor: Cursor, value: tree.Expression) -> tree.Expression:
    at = cursor.expect("IS").at
    negated = cursor.accept("NOT")
    cursor.expect("NULL")
    return tree.IsNull(at, value, negated)


def _worded_predicate(cursor: Cursor, left: tree.Expression) -> tree.Expression:
    at = cursor.token.at
    negated = cursor.accept("NOT")
    match cursor.token.key:
        case "BETWEEN":
            cursor.advance()
            low = _operation(cursor)
            cursor.expect("AND")
            return tree.Between(at, left, low, _operation(cursor), negated)
        case "LIKE" | "ILIKE" as operator:
            cursor.advance()
            return tree.Like(at, operator, left, _operation(cursor), negated)
        case "IN":
            return _membership(cursor, left, negated=negated)
        case _:
            raise cursor.unexpected("BETWEEN, LIKE, ILIKE or IN after NOT")


def _membership(cursor: Cursor, value: tree.Expression, *, negated: bool) -> tree.Expression:
    at = cursor.expect("IN").at
    if cursor.token.key != "(":
        raise cursor.unexpected("'(' after IN")
    if cursor.opens_query():
        return tree.InQuery(at, value, _subquery(cursor), negated)
    cursor.expect("(")
    items = [cursor.expression()]
    while cursor.accept(","):
        items.append(cursor.expression())
    cursor.expect(")")
    return tree.InList(at, value, tuple(items), negated)


def _subquery(cursor: Cursor) -> tree.Query:
    cursor.expect("(")
    query = cursor.query()
    cursor.expect(")")
    return query


def _operation(cursor: Cursor, loosest: int = 0) -> tree.Expression:
    """Read operands joined by operators that bind as tightly as ``loosest`` or more."""
    left = _signed(cursor)
    while (level := _LEVELS.get(cursor.token.key, -1)) >= loosest:
        left = _chain(cursor, left, level)
    return left


def _chain(cursor: Cursor, first: tree.Expression, level: int) -> tree.Expression:
    at = cursor.token.at
    operators, operands = [], [first]
    while _LEVELS.get(cursor.token.key) == level:
        operators.append(cursor.advance().key)
        operands.append(_operation(cursor, level + 1))
    if len(operands) > _MOST_OPERANDS:
        raise Fault(f"more than {_MOST_OPERANDS} operands in a row", at)
    return tree.Chain(at, tuple(operators), tuple(operands))


def _signed(cursor: Cursor) -> tree.Expression:
    token = cursor.token
    if token.key not in {"+", "-", "~"}:
        return primary(cursor)
    cursor.advance()
    if cursor.token.key in {"+", "-"}:
        raise Fault("two signs in a row; use parentheses", cursor.token.at)
    if cursor.token.key == "~" and token.key == "~":
        raise Fault("two ~ in a row; use parentheses", cursor.token.at)
    return tree.Unary(token.at, token.key, _signed(cursor))
