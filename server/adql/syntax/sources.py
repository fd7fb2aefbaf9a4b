"""The grammar of FROM: tables, derived tables and joins.  A join says how: ON, USING or NATURAL; none is refused."""

from typing import Final

from server.adql.errors import Fault
from server.adql.syntax import tree
from server.adql.syntax.cursor import Cursor

__all__ = ["sources"]

_MOST_JOINS: Final = 60
_JOIN_WORDS: Final = frozenset({"NATURAL", "INNER", "LEFT", "RIGHT", "FULL", "JOIN"})


def sources(cursor: Cursor) -> tuple[tree.Source, ...]:
    """Read everything between FROM and the next clause."""
    found = [_joined(cursor)]
    while cursor.accept(","):
        found.append(_joined(cursor))
    if len(found) > _MOST_JOINS:
        raise Fault(f"more than {_MOST_JOINS} tables in one FROM", found[0].at)
    return tuple(found)


def _joined(cursor: Cursor) -> tree.Source:
    left = _single(cursor)
    joins = 0
    while cursor.token.key in _JOIN_WORDS:
        left = _join(cursor, left)
        joins += 1
        if joins > _MOST_JOINS:
            raise Fault(f"more than {_MOST_JOINS} joins in one FROM", left.at)
    if cursor.token.key == "CROSS":
        raise Fault("ADQL has no CROSS JOIN; write the tables with a comma between them", cursor.token.at)
    return left


def _join(cursor: Cursor, left: tree.Source) -> tree.Join:
    at = cursor.token.at
    natural = cursor.accept("NATURAL")
    kind = _kind(cursor)
    cursor.expect("JOIN")
    right = _single(cursor)
    if natural:
        return tree.Join(at, kind, left, right, natural=True)
    if cursor.accept("ON"):
        return tree.Join(at, kind, left, right, on=cursor.expression())
    if cursor.accept("USING"):
        return tree.Join(at, kind, left, right, using=_using(cursor))
    raise cursor.unexpected("ON or USING after JOIN")


def _kind(cursor: Cursor) -> str:
    for kind in ("LEFT", "RIGHT", "FULL"):
        if cursor.accept(kind):
            cursor.accept("OUTER")
            return kind
    cursor.accept("INNER")
    return "INNER"


def _using(cursor: Cursor) -> tuple[tree.Name, ...]:
    cursor.expect("(")
    names = [cursor.name("a column")]
    while cursor.accept(","):
        names.append(cursor.name("a column"))
    cursor.expect(")")
    return tuple(names)


def _single(cursor: Cursor) -> tree.Source:
    at = cursor.token.at
    if cursor.token.key != "(":
        return _table(cursor)
    if cursor.opens_query():
        cursor.advance()
        query = cursor.query()
        cursor.expect(")")
        return tree.Derived(at, query, _derived_alias(cursor))
    cursor.advance()
    inner = cursor.deeper(_joined)
    cursor.expect(")")
    if not isinstance(inner, tree.Join):
        raise Fault("parentheses in FROM hold a join or a query", at)
    return inner


def _derived_alias(cursor: Cursor) -> tree.Name:
    cursor.accept("AS")
    return cursor.name("a name for the subquery in FROM")


def _table(cursor: Cursor) -> tree.TableName:
    at = cursor.token.at
    parts = [cursor.name("a table")]
    while cursor.accept("."):
        parts.append(cursor.name("a name after '.'"))
    if cursor.accept("AS"):
        return tree.TableName(at, tuple(parts), cursor.name("a name after AS"))
    alias = cursor.name("a name") if cursor.token.kind in {"name", "quoted"} else None
    return tree.TableName(at, tuple(parts), alias)
