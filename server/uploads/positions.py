"""What of a table that clients bring is a place on the sky, as expressions that an index can be made of.

They are those of ``adql.sql.geometries``: another expression, however equal in value, would not be found by a query.
"""

from collections.abc import Iterator, Sequence

from schema.published import PublishedColumn

__all__ = ["circle_of", "point_of", "polygon_of", "positions"]


def positions(columns: Sequence[PublishedColumn]) -> Iterator[str]:
    """Yield what can always be indexed: the position of a row, points and circles.  Columns are as they are stored."""
    pair = _position(columns)
    if pair is not None:
        longitude, latitude = pair
        yield f'spoint(radians("{longitude.stored}"),radians("{latitude.stored}"))'
    for column in columns:
        yield from filter(None, (point_of(column), circle_of(column)))


def point_of(column: PublishedColumn) -> str | None:
    """Return the point that a column holds, or None when it holds none."""
    return _centre(column) if _holds(column, "point") else None


def circle_of(column: PublishedColumn) -> str | None:
    """Return the circle that a column holds, or None when it holds none."""
    if not _holds(column, "circle"):
        return None
    radius = f'("{column.stored}")[3]'
    return f"scircle({_centre(column)},radians(CASE WHEN {radius} BETWEEN 0 AND 90 THEN {radius} END))"


def polygon_of(column: PublishedColumn) -> str | None:
    """Return the polygon that a column holds, or None when it holds none; one that is none is an error."""
    if not _holds(column, "polygon"):
        return None
    numbers = f'"{column.stored}"'
    return f"sphere.polygon(CASE WHEN array_position({numbers}, NULL) IS NULL THEN {numbers} END)"


def _holds(column: PublishedColumn, xtype: str) -> bool:
    return column.datatype == "double" and column.arraysize is not None and column.xtype == xtype


def _centre(column: PublishedColumn) -> str:
    return f'spoint(radians(("{column.stored}")[1]),radians(("{column.stored}")[2]))'


def _position(columns: Sequence[PublishedColumn]) -> tuple[PublishedColumn, PublishedColumn] | None:
    """Return the columns of right ascension and declination: by UCD, the main ones first, else by name."""
    scalars = [c for c in columns if c.arraysize is None and c.datatype in {"double", "float"}]
    for rank in ("main", "any", "name"):
        found = [next((c for c in scalars if _is(c, axis, rank)), None) for axis in ("ra", "dec")]
        if found[0] is not None and found[1] is not None:
            return found[0], found[1]
    return None


def _is(column: PublishedColumn, axis: str, rank: str) -> bool:
    words = (column.ucd or "").lower().split(";")
    old = {"ra": "pos_eq_ra_main", "dec": "pos_eq_dec_main"}[axis]
    match rank:
        case "main":
            return (words[0] == f"pos.eq.{axis}" and "meta.main" in words) or words[0] == old
        case "any":
            return words[0] == f"pos.eq.{axis}"
        case _:
            return column.name.lower() in {axis, f"{axis}deg", f"{axis}_deg", f"{axis}_icrs", f"{axis}j2000"}
