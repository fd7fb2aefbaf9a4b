"""The cells of HEALPix, nested: which one a position is in, and where its centre is."""

from typing import Final

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.frame import Frame, Handler
from server.adql.semantics.kinds import require
from server.adql.semantics.meaning import INTEGERS, Kind, number
from server.adql.semantics.shapes import point, sphere
from server.adql.syntax import tree

__all__ = ["HEALPIX_FUNCTIONS", "MAX_ORDER", "cells", "whole"]

MAX_ORDER: Final = 29


def cells(order: int) -> int:
    """Return the number of cells on the sphere."""
    return 12 << 2 * order


def whole(value: checked.Value, what: str) -> checked.Value:
    """Return a value that must be a whole number."""
    value = require(value, Kind.NUMBER, what=what)
    if value.meaning.datatype not in INTEGERS:
        raise Fault(f"{what} needs a whole number", value.at)
    return value


def _order(value: checked.Value, what: str) -> checked.Value:
    value = whole(value, what)
    written = value.value if isinstance(value, checked.Constant) else None
    if isinstance(written, int) and not 0 <= written <= MAX_ORDER:
        raise Fault(f"an order of HEALPix is between 0 and {MAX_ORDER}", value.at)
    return value


def _index(node: tree.Call, frame: Frame) -> checked.Value:
    args = [frame.value(arg) for arg in node.args]
    if len(args) == 3:
        longitude, latitude = (require(arg, Kind.NUMBER, what=node.name) for arg in args[1:])
        args = [args[0], point(longitude, latitude, at=longitude.at)]
    if len(args) != 2:
        raise Fault(f"{node.name} takes an order and a point or two coordinates", node.at)
    where = require(args[1], Kind.POINT, what=node.name)
    sql = "healpix_nest(({0})::integer, {1})"
    return checked.Apply(sql, (_order(args[0], node.name), sphere(where)), meaning=_INDEX, at=node.at)


def _centre(node: tree.Call, frame: Frame) -> checked.Value:
    if len(node.args) != 2:
        raise Fault(f"{node.name} takes an order and an index", node.at)
    order, index = (frame.value(arg) for arg in node.args)
    order, index = _order(order, node.name), whole(index, node.name)
    _check_index(order, index)
    centre = "centre_of_healpix_nest(({0})::integer, ({1})::bigint)"
    longitude, latitude = (
        checked.Apply(f"degrees({axis}({centre}))", (order, index), meaning=number("double", unit="deg"), at=node.at)
        for axis in ("long", "lat")
    )
    return point(longitude, latitude, at=node.at)


def _check_index(order: checked.Value, index: checked.Value) -> None:
    match order, index:
        case checked.Constant(value=int(level)), checked.Constant(value=int(cell)) if not 0 <= cell < cells(level):
            raise Fault(f"an index of order {level} is between 0 and {cells(level) - 1}", index.at)


_INDEX: Final = number("long", ucd="pos.healpix")

HEALPIX_FUNCTIONS: Final[dict[str, Handler]] = {"IVO_HEALPIX_INDEX": _index, "IVO_HEALPIX_CENTER": _centre}
