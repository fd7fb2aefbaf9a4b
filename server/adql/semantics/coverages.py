"""MOCs, coverage maps of the sky in cells of HEALPix: written out, made of a shape, joined and cut.

A shape becomes the cells that it touches.  pgSphere takes some too many, nearly a cell away: the MOC is made four
orders finer and then coarser again, so that they are a sixteenth of a cell away at most.  Beside a MOC any other shape
is made one, so fine that its outline is about four thousand cells long.  pgSphere makes a MOC in one go that no time
limit ends, so its size is limited here.
"""

import re
from typing import Final

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.frame import Frame, Handler
from server.adql.semantics.healpix import MAX_ORDER, cells
from server.adql.semantics.kinds import require
from server.adql.semantics.meaning import TEXT, Kind, geometry
from server.adql.semantics.shapes import constant_circle_radius, sphere
from server.adql.syntax import tree

__all__ = ["MOC_FUNCTIONS", "as_coverage"]

_SURFACES: Final = (Kind.CIRCLE, Kind.POLYGON, Kind.REGION)
_MOC: Final = geometry(Kind.MOC)
_RANGE: Final = re.compile(r"(?:(\d{1,2})/)?(?:(\d{1,19})(?:-(\d{1,19}))?)?", re.ASCII)
_FITTING: Final = "least(29, greatest(0, ceil(log(2, (4096 / greatest(circum({0}), 1e-9))::numeric))))::integer"
_FINER: Final = 4
_MOST_CELLS: Final = 2**19
# Not to be reckoned before the length is known to be too great, hence the length in the text.
_CHECKED: Final = (
    "CASE WHEN circum({{0}}) * 2 ^ {order} <= {most} OR circum({{0}}) IS NULL THEN {order}"
    " ELSE ('too many cells: lower the order of the MOC; outline in radians: ' || circum({{0}}))::integer END"
)


def as_coverage(shape: checked.Value) -> checked.Value:
    """Return a shape as a MOC; a point, which has no area, and a MOC as they are."""
    if shape.meaning.kind in {Kind.POINT, Kind.MOC}:
        return shape
    return checked.Coverage(f"smoc({_FITTING}, {{0}})", (sphere(shape),), meaning=_MOC, at=shape.at)


def _moc(node: tree.Call, frame: Frame) -> checked.Value:
    args = [frame.value(arg) for arg in node.args]
    if len(args) == 1:
        return _written(args[0], node.at)
    if len(args) != 2:
        raise Fault("MOC takes a string literal, or an order and a shape", node.at)
    order = args[0].value if isinstance(args[0], checked.Constant) else None
    if not isinstance(order, int) or not 0 <= order <= MAX_ORDER:
        raise Fault(f"the order of a MOC is a whole number from 0 to {MAX_ORDER}, written out", args[0].at)
    shape = require(args[1], Kind.POINT, *_SURFACES, what=node.name)
    if (constant_circle_radius(shape) or 0) > 90:
        raise Fault("a MOC cannot be made of a circle over 90 degrees", shape.at)
    sql = f"smoc({order}, {{0}})"
    if shape.meaning.kind is not Kind.POINT:
        fine = _CHECKED.format(order=min(order + _FINER, MAX_ORDER), most=_MOST_CELLS)
        sql = f"smoc_degrade({order}, smoc({fine}, {{0}}))"
    return checked.Coverage(sql, (sphere(shape),), meaning=_MOC, at=node.at)


def _written(value: checked.Value, at: int) -> checked.Value:
    """Return the MOC that a string literal spells: ``4/30-33 38 7/324-934``."""
    if not isinstance(value, checked.Constant) or value.meaning.kind is not Kind.TEXT:
        raise Fault("MOC needs a string literal, or an order and a shape", value.at)
    order, spelt = None, []
    for word in str(value.value or "").replace(",", " ").split():
        found = _RANGE.fullmatch(word)
        if found is None or (order is None and found[1] is None):
            raise Fault(f"'{word}' is no part of a MOC; write it like 4/30-33 38 7/324", value.at)
        order = int(found[1]) if found[1] is not None else order
        _check_cells(order, found, value.at)
        spelt.append(word)
    constant = checked.Constant(" ".join(spelt), "smoc", meaning=TEXT, at=value.at)
    return checked.Coverage("{0}", (constant,), meaning=_MOC, at=at)


def _check_cells(order: int | None, found: re.Match[str], at: int) -> None:
    if order is None or order > MAX_ORDER:
        raise Fault(f"an order of HEALPix is between 0 and {MAX_ORDER}", at)
    first, last = int(found[2] or 0), int(found[3] or found[2] or 0)
    if not first <= last < cells(order):
        raise Fault(f"'{found[0]}' is no range of cells of order {order}", at)


def _joined(operator: str) -> Handler:
    def handler(node: tree.Call, frame: Frame) -> checked.Value:
        if len(node.args) != 2:
            raise Fault(f"{node.name} takes 2 arguments, not {len(node.args)}", node.at)
        mocs = [require(frame.value(arg), Kind.MOC, what=node.name) for arg in node.args]
        return checked.Coverage(f"({{0}} {operator} {{1}})", tuple(map(sphere, mocs)), meaning=_MOC, at=node.at)

    return handler


MOC_FUNCTIONS: Final[dict[str, Handler]] = {
    "MOC": _moc,
    "GAVO_MOCUNION": _joined("|"),
    "GAVO_MOCINTERSECT": _joined("&"),
}
