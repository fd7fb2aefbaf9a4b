"""Every function that can be called, in one table, except those on geometries: see ``geometries`` for them.

A new function that is a plain PostgreSQL expression is one more line in ``FUNCTIONS``.  ``{0}`` in its SQL stands for
the first argument; arguments come fully parenthesised.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from server.adql.semantics.checked import Value
from server.adql.semantics.meaning import (
    DOUBLE,
    INTEGERS,
    TEXT,
    TIMESTAMP,
    Kind,
    Meaning,
    computed,
    number,
    with_statistic,
)

__all__ = ["AGGREGATES", "FLAGS", "FUNCTIONS", "Function"]

N: Final = (Kind.NUMBER,)
T: Final = (Kind.TEXT,)
WHEN: Final = (Kind.TIME,)
ORDERED: Final = (Kind.NUMBER, Kind.TEXT, Kind.TIME)
ANY: Final = (*ORDERED, Kind.BOOLEAN)

Result = Callable[[Sequence[Value]], Meaning]
"""What the result of a call means, given the arguments."""


@dataclass(frozen=True)
class Function:
    """One function: the kinds of its arguments, how many of the last may be left out, its SQL and its result."""

    args: tuple[tuple[Kind, ...], ...]
    sql: str
    result: Result
    optional: int = 0


def _plain(_: Sequence[Value]) -> Meaning:
    return DOUBLE


def _in(unit: str) -> Result:
    return lambda _: number("double", unit=unit)


def _same(args: Sequence[Value]) -> Meaning:
    """The type, unit and UCD of the first argument."""
    return computed(args[0].meaning)


def _same_double(args: Sequence[Value]) -> Meaning:
    """The unit and UCD of the first argument."""
    known = computed(args[0].meaning)
    return number("double", unit=known.unit, ucd=known.ucd)


def _text(args: Sequence[Value]) -> Meaning:
    return replace(TEXT, datatype="unicodeChar") if args[0].meaning.datatype == "unicodeChar" else TEXT


def _moment(_: Sequence[Value]) -> Meaning:
    return TIMESTAMP


def _count(_: Sequence[Value]) -> Meaning:
    return number("long", ucd="meta.number")


def _sum(args: Sequence[Value]) -> Meaning:
    known = computed(args[0].meaning)
    return number("long" if known.datatype in INTEGERS else "double", unit=known.unit, ucd=known.ucd)


def _mean(args: Sequence[Value]) -> Meaning:
    return with_statistic(number("double", unit=args[0].meaning.unit, ucd=args[0].meaning.ucd), "stat.mean")


def _extreme(word: str) -> Result:
    return lambda args: with_statistic(args[0].meaning, word)


def _epoch(_: Sequence[Value]) -> Meaning:
    return number("double", unit="d", ucd="time.epoch")


_TO_MJD: Final = Function((WHEN,), "(date_part('epoch', {0}) / 86400 + 40587)", _epoch)
_TO_JD: Final = Function((WHEN,), "(date_part('epoch', {0}) / 86400 + 2440587.5::float8)", _epoch)

FUNCTIONS: Final = {
    "ABS": Function((N,), "abs({0})", _same),
    "ACOS": Function((N,), "acos({0})", _in("rad")),
    "ASIN": Function((N,), "asin({0})", _in("rad")),
    "ATAN": Function((N,), "atan({0})", _in("rad")),
    "ATAN2": Function((N, N), "atan2({0}, {1})", _in("rad")),
    "CEILING": Function((N,), "ceil({0}::float8)", _same_double),
    "COS": Function((N,), "cos({0})", _plain),
    "COT": Function((N,), "cot({0})", _plain),
    "DEGREES": Function((N,), "degrees({0})", _in("deg")),
    "EXP": Function((N,), "exp({0}::float8)", _plain),
    "FLOOR": Function((N,), "floor({0}::float8)", _same_double),
    "LOG": Function((N,), "ln({0}::float8)", _plain),
    "LOG10": Function((N,), "log({0}::float8)", _plain),
    "MOD": Function((N, N), "mod({0}::numeric, {1}::numeric)::float8", _same_double),
    "PI": Function((), "pi()", _plain),
    "POWER": Function((N, N), "power({0}::float8, {1}::float8)", _plain),
    "RADIANS": Function((N,), "radians({0})", _in("rad")),
    "RAND": Function((N,), "random()", _plain, optional=1),
    # PostgreSQL rounds to places in decimals only; the first argument alone goes the same way, so that 2.5 is 3 in both
    "ROUND": Function((N, N), "round({0}::numeric, {1}::integer)::float8", _same_double, optional=1),
    "SIN": Function((N,), "sin({0})", _plain),
    "SQRT": Function((N,), "sqrt({0}::float8)", _plain),
    "TAN": Function((N,), "tan({0})", _plain),
    "TRUNCATE": Function((N, N), "trunc({0}::numeric, {1}::integer)::float8", _same_double, optional=1),
    "LOWER": Function((T,), "lower({0})", _text),
    "UPPER": Function((T,), "upper({0})", _text),
    "IVO_TO_MJD": _TO_MJD,
    "IVO_TO_JD": _TO_JD,
    "GAVO_TO_MJD": _TO_MJD,
    "GAVO_TO_JD": _TO_JD,
    "MV_HEADER": Function((T, T), "survey.header_value({0}, {1})", _text),
    "GETDATE": Function((), "(now() AT TIME ZONE 'UTC')", _moment),
    "ESO_DATEADD_SEC": Function((N, WHEN), "({1} + make_interval(secs => ({0})::float8))", _moment),
    "ESO_SUBSTRING": Function((T, N, N), "substr({0}, ({1})::integer, greatest(({2})::integer, 0))", _text),
}

SHORTER: Final = {
    "ROUND": "round({0}::numeric)::float8",
    "TRUNCATE": "trunc({0}::numeric)::float8",
}
"""The SQL of those functions that have another one when the optional argument is left out."""

WHOLE: Final = {"MOD": "mod({0}, {1})"}
"""The SQL of those functions that stay whole when all arguments are."""

FLAGS: Final = {
    "IVO_NOCASEMATCH": Function((T, T), "({0} ILIKE {1} ESCAPE '')", _plain),
    "IVO_HASWORD": Function((T, T), "(to_tsvector('english', {0}) @@ plainto_tsquery('english', {1}))", _plain),
    "IVO_HASHLIST_HAS": Function((T, T), "(lower({1}) = ANY (string_to_array(lower({0}), '#')))", _plain),
    "IVO_INTERVAL_OVERLAPS": Function((N, N, N, N), "(({2} <= {1}) AND ({0} <= {3}))", _plain),
}
"""Functions that are conditions in PostgreSQL, and 1 or 0 in ADQL."""

AGGREGATES: Final = {
    "AVG": Function((N,), "avg({0}::float8)", _mean),
    "COUNT": Function(((*ANY, *Kind),), "count({0})", _count),
    "MAX": Function((ORDERED,), "max({0})", _extreme("stat.max")),
    "MIN": Function((ORDERED,), "min({0})", _extreme("stat.min")),
    "SUM": Function((N,), "sum({0})", _sum),
    "IVO_STRING_AGG": Function((T, T), "string_agg({0}, {1})", _text),
}
