"""The nodes that the grammar builds: what was written, with the offset where it was written, and nothing more."""

from dataclasses import dataclass, field

__all__ = [
    "Between", "Call", "Case", "Cast", "Chain", "Column", "Comparison", "CountRows", "Derived", "Exists", "Expression",
    "InList", "InQuery", "IsNull", "Item", "Join", "Like", "Logic", "Name", "Named", "Not", "Null", "Number",
    "OrderTerm", "Query", "QueryBody", "Scalar", "Select", "SetOperation", "Source", "Star", "Statement", "String",
    "TableName", "Truth", "Unary", "WithQuery",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """A name as written; ``exact`` when it was in double quotes, so that case counts."""

    text: str
    exact: bool
    at: int

    def matches(self, name: str) -> bool:
        """Whether this is a way to write ``name``."""
        return self.text == name if self.exact else self.text.lower() == name.lower()


@dataclass(frozen=True, slots=True)
class Expression:
    """Anything that has a value or is true or false."""

    at: int


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A number, whole when it is written so."""

    value: int | float


@dataclass(frozen=True, slots=True)
class String(Expression):
    """A string, without its quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class Truth(Expression):
    """``TRUE`` or ``FALSE``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Null(Expression):
    """``NULL``."""


@dataclass(frozen=True, slots=True)
class Column(Expression):
    """A column, with up to two qualifiers before it: ``schema.table.column``."""

    parts: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function by its upper-case name."""

    name: str
    args: tuple[Expression, ...]
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class CountRows(Expression):
    """``COUNT(*)``."""


@dataclass(frozen=True, slots=True)
class Cast(Expression):
    """``CAST(value AS target(length))``."""

    value: Expression
    target: str
    length: int | None


@dataclass(frozen=True, slots=True)
class Case(Expression):
    """``CASE``; with an ``operand`` the first of each pair is a value, without one it is a condition."""

    operand: Expression | None
    whens: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    """``+x``, ``-x`` or ``~x``."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Chain(Expression):
    """Operators of one precedence, read from the left: one more operand than operators."""

    operators: tuple[str, ...]
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Logic(Expression):
    """Any number of conditions joined by one word, ``AND`` or ``OR``."""

    operator: str
    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not(Expression):
    """``NOT`` before a condition."""

    term: Expression


@dataclass(frozen=True, slots=True)
class Comparison(Expression):
    """Two values and one of ``= <> < > <= >=``."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Between(Expression):
    """``value BETWEEN low AND high``."""

    value: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class InList(Expression):
    """``IN`` over values written out."""

    value: Expression
    items: tuple[Expression, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class InQuery(Expression):
    """``IN`` over the rows of a query."""

    value: Expression
    query: "Query"
    negated: bool


@dataclass(frozen=True, slots=True)
class Like(Expression):
    """``LIKE`` or ``ILIKE``."""

    operator: str
    value: Expression
    pattern: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class IsNull(Expression):
    """``IS NULL`` or ``IS NOT NULL``."""

    value: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class Exists(Expression):
    """``EXISTS`` over a query."""

    query: "Query"


@dataclass(frozen=True, slots=True)
class Scalar(Expression):
    """A subquery that stands for one value."""

    query: "Query"


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the select list."""

    value: Expression
    alias: Name | None


@dataclass(frozen=True, slots=True)
class Star:
    """``*`` or ``qualifier.*``."""

    qualifier: tuple[Name, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Named:
    """What has a place in FROM."""

    at: int


@dataclass(frozen=True, slots=True)
class TableName(Named):
    """A table by name."""

    parts: tuple[Name, ...]
    alias: Name | None


@dataclass(frozen=True, slots=True)
class Derived(Named):
    """A query in FROM; it must have a name."""

    query: "Query"
    alias: Name


@dataclass(frozen=True, slots=True)
class Join(Named):
    """Two sources joined; ``kind`` is INNER, LEFT, RIGHT or FULL; one of ``natural``, ``on`` and ``using`` is set."""

    kind: str
    left: "Source"
    right: "Source"
    natural: bool = False
    on: Expression | None = None
    using: tuple[Name, ...] = ()


Source = TableName | Derived | Join


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT, without what orders and cuts its result."""

    distinct: bool
    top: int | None
    items: tuple[Item | Star, ...]
    sources: tuple[Source, ...]
    where: Expression | None
    groups: tuple[Expression, ...]
    having: Expression | None
    at: int


@dataclass(frozen=True, slots=True)
class SetOperation:
    """``operator`` is UNION, EXCEPT or INTERSECT."""

    operator: str
    keeps_duplicates: bool
    left: "QueryBody"
    right: "QueryBody"
    at: int


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One entry of ORDER BY."""

    value: Expression
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT or a set of them, with what orders and cuts the whole."""

    body: "QueryBody"
    order: tuple[OrderTerm, ...]
    offset: int | None
    at: int


QueryBody = Select | SetOperation | Query


@dataclass(frozen=True, slots=True)
class WithQuery:
    """One query of WITH."""

    name: Name
    query: Query


@dataclass(frozen=True, slots=True)
class Statement:
    """The whole text."""

    query: Query
    ctes: tuple[WithQuery, ...] = field(default=())
