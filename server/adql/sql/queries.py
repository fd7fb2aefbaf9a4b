"""Whole queries as SQL: plain SELECTs with columns c1, c2 ... that can stand as a derived table."""

from typing import Final

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.meaning import SQL_TYPES, Kind
from server.adql.sql.expressions import write_value
from server.adql.sql.geometries import write_sphere
from server.adql.sql.writer import Writer, quoted, string

__all__ = ["write_statement"]

_MOST_VALUES: Final = 250_000


def write_statement(statement: checked.Statement) -> str:
    """Return the SQL of a whole statement."""
    count = 0

    def write(value: checked.Value) -> str:
        nonlocal count
        count += 1
        if count > _MOST_VALUES:
            raise Fault("the query is too complex", value.at)
        return write_value(value, writer)

    writer = Writer(
        value=write,
        sphere=lambda shape: write_sphere(shape, writer),
        query=lambda query: _query(query, writer),
    )
    query = writer.query(statement.query)
    if not statement.ctes:
        return query
    named = ", ".join(f"{quoted(name)} AS ({writer.query(cte)})" for name, cte in statement.ctes)
    return f"WITH {named} {query}"


def _query(query: checked.Query, writer: Writer) -> str:
    body = _select(query, writer) if isinstance(query, checked.Select) else _set_operation(query, writer)
    return body + _order(query, writer) + _cut(query)


def _set_operation(query: checked.SetOperation, writer: Writer) -> str:
    return f"({writer.query(query.left)}) {query.operator} ({writer.query(query.right)})"


def _select(query: checked.Select, writer: Writer) -> str:
    parts = ["SELECT DISTINCT" if query.distinct else "SELECT"]
    parts.append(", ".join(column for output in query.outputs for column in _output(output, writer)))
    parts.append("FROM " + ", ".join(_source(source, writer) for source in query.sources))
    if query.where is not None:
        parts.append(f"WHERE {writer.value(query.where)}")
    if query.groups:
        parts.append("GROUP BY " + ", ".join(_key(group, writer) for group in query.groups))
    if query.having is not None:
        parts.append(f"HAVING {writer.value(query.having)}")
    return " ".join(parts)


def _output(output: checked.Output, writer: Writer) -> list[str]:
    columns = [f"{_typed(output.value, writer)} AS {quoted(output.sql_name)}"]
    if output.geometry is not None:
        columns.append(f"{writer.sphere(output.value)} AS {quoted(output.geometry)}")
    return columns


def _typed(value: checked.Value, writer: Writer) -> str:
    """Return a value in exactly the type that its description promises: encoders rely on it."""
    sql = writer.value(value)
    if isinstance(value, checked.Column):
        return sql
    if value.meaning.kind is Kind.NUMBER:
        return f"({sql})::{SQL_TYPES[value.meaning.datatype]}"
    return f"{sql}::text" if value.meaning.kind is Kind.NULL else sql


def _source(source: checked.Source, writer: Writer) -> str:
    match source:
        case checked.TableSource():
            called = "" if source.argument is None else f"({string(source.argument)})"
            return f"{quoted(source.schema)}.{quoted(source.name)}{called} AS {quoted(source.alias)}"
        case checked.SubquerySource():
            return f"({writer.query(source.query)}) AS {quoted(source.alias)}"
        case checked.CteSource():
            return f"{quoted(source.name)} AS {quoted(source.alias)}"
        case checked.Joined():
            left, right = _source(source.left, writer), _source(source.right, writer)
            return f"({left} {source.kind} JOIN {right} ON {writer.value(source.on)})"


def _order(query: checked.Query, writer: Writer) -> str:
    if not query.order:
        return ""
    keys = ", ".join(
        (str(key.key) if isinstance(key.key, int) else _key(key.key, writer)) + (" DESC" if key.descending else "")
        for key in query.order
    )
    return f" ORDER BY {keys}"


def _key(value: checked.Value, writer: Writer) -> str:
    """Return what to group or sort by; a bare number would be read as the place of a column."""
    return _typed(value, writer) if isinstance(value, checked.Constant) else writer.value(value)


def _cut(query: checked.Query) -> str:
    limit = "" if query.limit is None else f" LIMIT {query.limit}"
    return limit + ("" if query.offset is None else f" OFFSET {query.offset}")
