"""The area that two shapes share, which pgSphere does not know: reckoned on the cells of the sky (HEALPix) instead.

A shape becomes the cells that it touches, so fine that its outline is about four thousand of them long.  The cells of
both are a little too many; never are they more than the smaller shape.  Shapes of like size are right to a percent.
"""

from typing import Final

from server.adql.semantics import checked
from server.adql.semantics.meaning import Meaning

__all__ = ["overlap"]

ORDER: Final = "least(29, greatest(0, ceil(log(2, (4096 / nullif(circum({0}), 0))::numeric))))::integer"
"""The order of HEALPix whose cells are so small: those of order 0 are about a radian wide."""

CELLS: Final = "area(smoc_intersection(smoc({0}, {{0}}), smoc({1}, {{1}}))) * power(degrees(1), 2)"
SHARED: Final = CELLS.format(ORDER, ORDER.replace("{0}", "{1}"))


def overlap(spheres: tuple[checked.Value, ...], areas: tuple[checked.Value, ...], meaning: Meaning) -> checked.Value:
    """Return the shared area of two circles or polygons, given as pgSphere has them and with their own areas.

    A polygon that is not convex is an error of the query, which PostgreSQL tells.
    """
    sql = f"(CASE WHEN {{0}} && {{1}} THEN least({{2}}, {{3}}, {SHARED}) ELSE 0 END)"
    return checked.Apply(sql, (*spheres, *areas), meaning=meaning, at=spheres[0].at)
