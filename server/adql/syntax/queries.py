"""The grammar of queries: SELECT and its clauses, set operations and their precedence, WITH.  Read ``sources`` next."""

from typing import Final

from server.adql.errors import Fault
from server.adql.syntax import tree
from server.adql.syntax.cursor import Cursor
from server.adql.syntax.expressions import condition
from server.adql.syntax.lexer import tokens
from server.adql.syntax.sources import sources

__all__ = ["parse"]

_MOST_QUERIES: Final = 100


def parse(text: str) -> tree.Statement:
    """Return the tree of a whole query; one ``;`` may end it."""
    cursor = Cursor(tokens(text), expression=condition, query=_query)
    ctes = _with_queries(cursor)
    query = cursor.query()
    cursor.accept(";")
    if cursor.token.kind != "end":
        raise cursor.unexpected("the end of the query")
    return tree.Statement(query, ctes)


def _with_queries(cursor: Cursor) -> tuple[tree.WithQuery, ...]:
    if not cursor.accept("WITH"):
        return ()
    found = [_with_query(cursor)]
    while cursor.accept(","):
        found.append(_with_query(cursor))
    if len(found) > _MOST_QUERIES:
        raise Fault(f"more than {_MOST_QUERIES} queries in WITH", found[-1].name.at)
    return tuple(found)


def _with_query(cursor: Cursor) -> tree.WithQuery:
    name = cursor.name("a name for the query")
    cursor.expect("AS")
    cursor.expect("(")
    query = cursor.query()
    cursor.expect(")")
    return tree.WithQuery(name, query)


def _query(cursor: Cursor) -> tree.Query:
    at = cursor.token.at
    body = _set_expression(cursor)
    order = _order(cursor)
    offset = cursor.unsigned("OFFSET") if cursor.accept("OFFSET") else None
    return tree.Query(body, order, offset, at)


def _set_expression(cursor: Cursor) -> tree.QueryBody:
    return _set_chain(cursor, ("UNION", "EXCEPT"))


def _set_chain(cursor: Cursor, words: tuple[str, ...]) -> tree.QueryBody:
    """Read operands joined by ``words``, from the left; INTERSECT binds tighter than the others."""
    left = _set_operand(cursor, words)
    count = 1
    while cursor.token.key in words:
        operator = cursor.advance()
        keeps_duplicates = cursor.accept("ALL")
        left = tree.SetOperation(operator.key, keeps_duplicates, left, _set_operand(cursor, words), operator.at)
        count += 1
        if count > _MOST_QUERIES:
            raise Fault(f"more than {_MOST_QUERIES} queries in one set operation", operator.at)
    return left


def _set_operand(cursor: Cursor, words: tuple[str, ...]) -> tree.QueryBody:
    if words != ("INTERSECT",):
        return _set_chain(cursor, ("INTERSECT",))
    if cursor.accept("("):
        inner = cursor.query()
        cursor.expect(")")
        return inner
    return _select(cursor)


def _select(cursor: Cursor) -> tree.Select:
    if cursor.token.key != "SELECT":
        raise cursor.unexpected("SELECT")
    at = cursor.advance().at
    distinct = cursor.choose("DISTINCT", "ALL")
    top = cursor.unsigned("TOP") if cursor.accept("TOP") else None
    items = _items(cursor)
    cursor.expect("FROM")
    return tree.Select(
        distinct=distinct,
        top=top,
        items=items,
        sources=sources(cursor),
        where=cursor.expression() if cursor.accept("WHERE") else None,
        groups=_groups(cursor),
        having=cursor.expression() if cursor.accept("HAVING") else None,
        at=at,
    )


def _items(cursor: Cursor) -> tuple[tree.Item | tree.Star, ...]:
    at = cursor.token.at
    if cursor.accept("*"):
        if cursor.token.key == ",":
            raise Fault("'*' stands alone; write it with a table before it to add columns", at)
        return (tree.Star((), at),)
    items = [_item(cursor)]
    while cursor.accept(","):
        items.append(_item(cursor))
    return tuple(items)


def _item(cursor: Cursor) -> tree.Item | tree.Star:
    if _is_qualified_star(cursor):
        return _qualified_star(cursor)
    value = cursor.expression()
    if cursor.accept("AS"):
        return tree.Item(value, cursor.name("a column name after AS"))
    return tree.Item(value, cursor.name("a name") if cursor.token.kind in {"name", "quoted"} else None)


def _is_qualified_star(cursor: Cursor) -> bool:
    steps = 0
    while cursor.following(steps).kind in {"name", "quoted"} and cursor.following(steps + 1).key == ".":
        steps += 2
    return steps > 0 and cursor.following(steps).key == "*"


def _qualified_star(cursor: Cursor) -> tree.Star:
    at = cursor.token.at
    parts = []
    while not cursor.accept("*"):
        parts.append(cursor.name("a table"))
        cursor.expect(".")
    return tree.Star(tuple(parts), at)


def _groups(cursor: Cursor) -> tuple[tree.Expression, ...]:
    if not cursor.accept("GROUP"):
        return ()
    cursor.expect("BY")
    groups = [cursor.expression()]
    while cursor.accept(","):
        groups.append(cursor.expression())
    return tuple(groups)


def _order(cursor: Cursor) -> tuple[tree.OrderTerm, ...]:
    if not cursor.accept("ORDER"):
        return ()
    cursor.expect("BY")
    terms = [_order_term(cursor)]
    while cursor.accept(","):
        terms.append(_order_term(cursor))
    return tuple(terms)


def _order_term(cursor: Cursor) -> tree.OrderTerm:
    value = cursor.expression()
    descending = cursor.choose("DESC", "ASC")
    return tree.OrderTerm(value, descending)
