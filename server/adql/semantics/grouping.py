"""What may stand beside aggregate functions: the grouped values, constants, and nothing else."""

from collections.abc import Iterable

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.walk import children, columns_of

__all__ = ["check_grouping"]


def check_grouping(values: Iterable[checked.Value], groups: Iterable[checked.Value], relations: frozenset[str]) -> None:
    """Raise a fault for the first column of ``relations`` that is neither grouped nor aggregated."""
    grouped = frozenset(groups)
    for value in values:
        _check(value, grouped, relations)


def _check(value: checked.Value, grouped: frozenset[checked.Value], relations: frozenset[str]) -> None:
    if isinstance(value, checked.Aggregate) or (grouped and value in grouped):
        return
    if isinstance(value, checked.Column) and value.relation in relations:
        raise Fault("this column must be in GROUP BY or inside an aggregate function", value.at)
    for child in children(value):
        _check(child, grouped, relations)
    if isinstance(value, checked.Scalar | checked.Exists | checked.InQuery):
        for column in columns_of(value.query):
            _check(column, grouped, relations)
