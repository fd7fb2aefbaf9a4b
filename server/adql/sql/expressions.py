"""Values and conditions as SQL, each in its own parentheses."""

from server.adql.semantics import checked
from server.adql.sql.geometries import array, spatial_test
from server.adql.sql.writer import Writer, literal, quoted

__all__ = ["write_value"]


def write_value(value: checked.Value, writer: Writer) -> str:  # noqa: C901, PLR0911  a line for each node
    """Return the SQL of a value; of a geometry, the numbers in degrees that DALI has for it."""
    match value:
        case checked.Column():
            return f"{quoted(value.relation)}.{quoted(value.name)}"
        case checked.Constant():
            return literal(value)
        case checked.Coverage():
            return f"({writer.sphere(value)})::text"
        case checked.Apply():
            return _applied(value, writer)
        case checked.Chain():
            return _chain(value, writer)
        case checked.Logic():
            return "(" + f" {value.operator} ".join(map(writer.value, value.terms)) + ")"
        case checked.SpatialTest() | checked.Near():
            return spatial_test(value, writer)
        case checked.Point() | checked.Circle() | checked.Polygon():
            return array(value, writer)
        case checked.Sphere(shape=shape):
            return writer.sphere(shape)
        case checked.Flag(condition=condition):
            return f"({writer.value(condition)})::integer"
        case checked.Case():
            return _case(value, writer)
        case _:
            return _membership(value, writer)


def _applied(value: checked.Apply, writer: Writer) -> str:
    args = [writer.value(arg) for arg in value.args]
    sql = value.sql
    if isinstance(value, checked.Aggregate) and value.distinct:
        sql = sql.replace("({0}", "(DISTINCT {0}", 1)
    return sql.format(*args, args=", ".join(args))


def _chain(value: checked.Chain, writer: Writer) -> str:
    first, *rest = map(writer.value, value.operands)
    pairs = zip(value.operators, rest, strict=True)
    return "(" + first + "".join(f" {operator} {operand}" for operator, operand in pairs) + ")"


def _case(value: checked.Case, writer: Writer) -> str:
    parts = ["CASE"]
    if value.operand is not None:
        parts.append(writer.value(value.operand))
    parts += [f"WHEN {writer.value(test)} THEN {writer.value(result)}" for test, result in value.whens]
    if value.otherwise is not None:
        parts.append(f"ELSE {writer.value(value.otherwise)}")
    return "(" + " ".join(parts) + " END)"


def _membership(value: checked.Value, writer: Writer) -> str:
    match value:
        case checked.InList(value=inner, items=items, negated=negated):
            listed = ", ".join(map(writer.value, items))
            return f"({writer.value(inner)} {_in(negated=negated)} ({listed}))"
        case checked.InQuery(value=inner, query=query, negated=negated):
            return f"({writer.value(inner)} {_in(negated=negated)} ({writer.query(query)}))"
        case checked.Exists(query=query):
            return f"EXISTS ({writer.query(query)})"
        case checked.Scalar(query=query):
            return f"({writer.query(query)})"
        case _:
            raise TypeError(f"no SQL for {type(value).__name__}")


def _in(*, negated: bool) -> str:
    return "NOT IN" if negated else "IN"
