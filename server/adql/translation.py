"""The whole way of a query: text, tree, checked tree, SQL; and what the caller gets to know of its result."""

from collections.abc import Sequence
from dataclasses import dataclass

from schema.published import PublishedTable
from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.queries import Resolver
from server.adql.sql.queries import write_statement
from server.adql.syntax.queries import parse

__all__ = ["OutputColumn", "Translation", "translate"]


@dataclass(frozen=True)
class OutputColumn:
    """One column of a result as VOTable describes it.

    ``name`` is as the query spells it and may repeat; ``sql_name`` is the name of the column in the SQL, and unique.
    """

    name: str
    datatype: str
    arraysize: str | None
    xtype: str | None
    unit: str | None
    ucd: str | None
    utype: str | None
    description: str | None
    sql_name: str


@dataclass(frozen=True)
class Translation:
    """A query ready to run.

    ``sql`` can stand as a derived table; ``tables`` are the published tables that it reads, as ``schema.name``;
    ``top`` is the TOP of the outermost SELECT.
    """

    sql: str
    columns: tuple[OutputColumn, ...]
    tables: frozenset[str]
    top: int | None


def translate(text: str, tables: Sequence[PublishedTable]) -> Translation:
    """Translate a query in ADQL to SQL for PostgreSQL with pgSphere.

    Parameters
    ----------
    text
        The query, ADQL 2.0 or 2.1.
    tables
        All tables that it may read.

    Raises
    ------
    AdqlError
        The query is not ADQL, uses what is not published, or makes no sense.
    """
    try:
        return _translation(text, tables)
    except Fault as fault:
        raise fault.located(text) from None
    except RecursionError:
        raise Fault("the query is nested too deeply", 0).located(text) from None


def _translation(text: str, tables: Sequence[PublishedTable]) -> Translation:
    resolver = Resolver(tables)
    statement = resolver.statement(parse(text))
    return Translation(
        sql=write_statement(statement),
        columns=tuple(_column(output) for output in statement.query.outputs),
        tables=resolver.tables,
        top=statement.query.limit,
    )


def _column(output: checked.Output) -> OutputColumn:
    meaning = output.meaning
    return OutputColumn(
        name=output.name,
        datatype=meaning.datatype,
        arraysize=meaning.arraysize,
        xtype=meaning.xtype,
        unit=meaning.unit,
        ucd=meaning.ucd,
        utype=meaning.utype,
        description=meaning.description,
        sql_name=output.sql_name,
    )
