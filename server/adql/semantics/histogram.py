"""``ivo_histogram``: the counts of a value in equal bins, as one array for each group."""

from typing import Final

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.frame import Frame
from server.adql.semantics.kinds import constant_number, require
from server.adql.semantics.meaning import Kind, Meaning
from server.adql.semantics.walk import columns_in
from server.adql.syntax import tree

__all__ = ["histogram"]

MOST_BINS: Final = 10_000

# NaN is in no bin.  The places are gathered as integers of four bytes and counted once for each group.
_SQL: Final = (
    "(SELECT array_agg(coalesce(counted.n, 0) ORDER BY place)"
    " FROM generate_series(0, {bins} + 1) AS place LEFT JOIN (SELECT bin, count(*) AS n FROM unnest(array_agg("
    "width_bucket(NULLIF(({{0}})::float8, 'NaN'), {{1}}, {{2}}, {bins}))) AS bin GROUP BY bin) AS counted"
    " ON counted.bin = place)"
)


def histogram(node: tree.Call, frame: Frame) -> checked.Value:
    """Resolve ``ivo_histogram(value, lower, upper, bins)``: below lower, the bins, from upper on."""
    if len(node.args) != 4:
        raise Fault(f"{node.name} takes 4 arguments, not {len(node.args)}", node.at)
    if node.distinct:
        raise Fault(f"DISTINCT is not for {node.name}", node.at)
    value, lower, upper, bins = (frame.value(arg) for arg in node.args)
    value = require(value, Kind.NUMBER, what=node.name)
    if not any(columns_in(value)):
        raise Fault(f"{node.name} needs a column", value.at)
    low, high, count = (constant_number(one) for one in (lower, upper, bins))
    if low is None or high is None or not low < high:
        raise Fault(f"the limits of {node.name} are numbers, written out, the lower one first", lower.at)
    if count is None or not count.is_integer() or not 1 <= count <= MOST_BINS:
        raise Fault(f"the bins of {node.name} are a number from 1 to {MOST_BINS}, written out", bins.at)
    limits = tuple(checked.Constant(one, "float8", meaning=lower.meaning, at=node.at) for one in (low, high))
    meaning = Meaning(Kind.ARRAY, "long", str(int(count) + 2), ucd="meta.number")
    return checked.Aggregate(_SQL.format(bins=int(count)), (value, *limits), meaning=meaning, at=node.at)
