"""The nodes of the checked tree: names resolved, types known, nothing left to ask.

Values compare by what they compute, not by where they stand: that is how a grouped expression is recognised.
``Apply.sql`` is always a template out of our own tables; what a user wrote is in ``Constant`` only.
"""

from dataclasses import dataclass, field

from server.adql.semantics.meaning import CONDITION, Meaning

__all__ = [
    "Aggregate", "Apply", "Case", "Chain", "Circle", "Column", "Constant", "Coverage", "CteSource", "Exists", "Flag",
    "InList", "InQuery", "Joined", "Logic", "Near", "Output", "Point", "Polygon", "Query", "Scalar", "Select",
    "SetOperation", "SortKey", "Source", "SpatialTest", "Sphere", "Statement", "SubquerySource", "TableSource", "Value",
    "condition",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Any value or condition."""

    meaning: Meaning = field(compare=False)
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Column(Value):
    """A column of a relation of FROM; ``geometry`` is the column that stands for it in spatial predicates."""

    relation: str
    name: str
    geometry: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Constant(Value):
    """A literal; ``sql_type`` is the PostgreSQL type that it is written as."""

    value: float | str | bool | None
    sql_type: str


@dataclass(frozen=True, slots=True)
class Apply(Value):
    """A function or operator, as a format string over its arguments; ``{args}`` stands for all of them."""

    sql: str
    args: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Aggregate(Apply):
    """A function over the rows of a group."""

    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Coverage(Apply):
    """A MOC, as a format string for pgSphere's type ``smoc``."""


@dataclass(frozen=True, slots=True)
class Chain(Value):
    """Operands joined from the left by operators of one precedence."""

    operators: tuple[str, ...]
    operands: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Logic(Value):
    """Conditions joined by AND or by OR."""

    operator: str
    terms: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Flag(Value):
    """A condition as ADQL has it where it expects a number: 1 or 0."""

    condition: Value


@dataclass(frozen=True, slots=True)
class Case(Value):
    """CASE with or without operand."""

    operand: Value | None
    whens: tuple[tuple[Value, Value], ...]
    otherwise: Value | None


@dataclass(frozen=True, slots=True)
class InList(Value):
    """IN, or NOT IN, over values that are written out."""

    value: Value
    items: tuple[Value, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class InQuery(Value):
    """IN, or NOT IN, over the one column of a query."""

    value: Value
    query: "Query"
    negated: bool


@dataclass(frozen=True, slots=True)
class Exists(Value):
    """EXISTS over a query."""

    query: "Query"


@dataclass(frozen=True, slots=True)
class Scalar(Value):
    """A query of one column that stands for a value."""

    query: "Query"


@dataclass(frozen=True, slots=True)
class Point(Value):
    """A position, degrees."""

    longitude: Value
    latitude: Value


@dataclass(frozen=True, slots=True)
class Circle(Value):
    """A circle: a point, and a radius in degrees."""

    centre: Value
    radius: Value


@dataclass(frozen=True, slots=True)
class Polygon(Value):
    """A polygon with points as vertices."""

    vertices: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Sphere(Value):
    """A geometry as pgSphere sees it, not as DALI writes it."""

    shape: Value


@dataclass(frozen=True, slots=True)
class SpatialTest(Value):
    """Whether ``left`` is within ``right`` (operator ``<@``) or has points in common with it (``&&``)."""

    operator: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Near(Value):
    """Whether two points are closer than a constant: ``circle`` for the index, ``exact`` for the answer."""

    circle: SpatialTest
    exact: Value


@dataclass(frozen=True, slots=True)
class Output:
    """An output column of a query.

    ``sql_name`` is its name in SQL; ``geometry`` the name of a second column with the same geometry for pgSphere,
    or None where there is none.
    """

    value: Value
    name: str
    sql_name: str
    geometry: str | None = None

    @property
    def meaning(self) -> Meaning:
        """What the column means."""
        return self.value.meaning


@dataclass(frozen=True, slots=True)
class TableSource:
    """A published table under a name of ours; with ``argument`` a function that gives its rows."""

    schema: str
    name: str
    alias: str
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class SubquerySource:
    """A derived table under a name of ours."""

    query: "Query"
    alias: str


@dataclass(frozen=True, slots=True)
class CteSource:
    """A query of WITH under a name of ours."""

    name: str
    alias: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Two sources joined; ``kind`` is INNER, LEFT, RIGHT or FULL."""

    kind: str
    left: "Source"
    right: "Source"
    on: Value


Source = TableSource | SubquerySource | CteSource | Joined


@dataclass(frozen=True, slots=True)
class SortKey:
    """An output column by its place from 1, or a value."""

    key: int | Value
    descending: bool


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT with all of its clauses."""

    outputs: tuple[Output, ...]
    sources: tuple[Source, ...]
    distinct: bool = False
    where: Value | None = None
    groups: tuple[Value, ...] = ()
    having: Value | None = None
    order: tuple[SortKey, ...] = ()
    limit: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class SetOperation:
    """UNION, EXCEPT or INTERSECT of two queries; ``outputs`` describes the result."""

    operator: str
    left: "Query"
    right: "Query"
    outputs: tuple[Output, ...]
    order: tuple[SortKey, ...] = ()
    limit: int | None = None
    offset: int | None = None


Query = Select | SetOperation


@dataclass(frozen=True, slots=True)
class Statement:
    """A whole query: the queries of WITH under names of ours, then the query itself."""

    query: Query
    ctes: tuple[tuple[str, Query], ...] = ()


def condition(sql: str, args: tuple[Value, ...], at: int) -> Apply:
    """Return a condition made by a template."""
    return Apply(sql, args, meaning=CONDITION, at=at)
