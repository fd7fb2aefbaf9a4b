"""UNION, EXCEPT and INTERSECT: as many columns on both sides, of the same kinds, and brought to one type."""

from collections.abc import Sequence
from dataclasses import replace

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.kinds import cast_to, same_kind
from server.adql.semantics.meaning import Kind, Meaning, shared

__all__ = ["retyped", "set_operation"]


def set_operation(operator: str, left: checked.Query, right: checked.Query, *, at: int) -> checked.SetOperation:
    """Return the set operation; its columns are called as those of the left side."""
    if len(left.outputs) != len(right.outputs):
        counts = f"{len(left.outputs)} and {len(right.outputs)}"
        raise Fault(f"both sides need the same number of columns, not {counts}", at)
    meanings = [_agreed(one.value, other.value, at) for one, other in zip(left.outputs, right.outputs, strict=True)]
    outputs = tuple(
        checked.Output(
            checked.Column("", output.sql_name, meaning=meaning, at=output.value.at), output.name, output.sql_name
        )
        for output, meaning in zip(left.outputs, meanings, strict=True)
    )
    return checked.SetOperation(operator, retyped(left, meanings), retyped(right, meanings), outputs)


def _agreed(left: checked.Value, right: checked.Value, at: int) -> Meaning:
    pair = same_kind([left, right], at=at, what="combine")
    known = [value.meaning for value in pair if value.meaning.kind is not Kind.NULL]
    return shared(known) if known else left.meaning


def retyped(query: checked.Query, meanings: Sequence[Meaning]) -> checked.Query:
    """Return a query with its columns cast where their type is not yet the one agreed on."""
    changed = [_differs(output.meaning, meaning) for output, meaning in zip(query.outputs, meanings, strict=True)]
    if not any(changed):
        return query
    if isinstance(query, checked.SetOperation):
        outputs = tuple(
            replace(output, value=replace(output.value, meaning=meaning))
            for output, meaning in zip(query.outputs, meanings, strict=True)
        )
        left, right = retyped(query.left, meanings), retyped(query.right, meanings)
        return replace(query, left=left, right=right, outputs=outputs)
    columns = zip(query.outputs, meanings, changed, strict=True)
    outputs = tuple(
        replace(output, value=cast_to(output.value, meaning)) if change else output
        for output, meaning, change in columns
    )
    return replace(query, outputs=outputs)


def _differs(own: Meaning, agreed: Meaning) -> bool:
    if own.kind is not agreed.kind:
        return True
    return own.kind is Kind.NUMBER and own.datatype != agreed.datatype
