"""What keeps a short text from becoming a huge statement: columns are counted, geometry functions nest a little only.

A geometry is written several times where it is used (four corners of a box, centre and radius of a circle), so that
each level of nesting multiplies; a ``*`` stands for many columns.
"""

from typing import Final

from server.adql.errors import Fault

__all__ = ["Limits"]

_MOST_COLUMNS: Final = 20_000
_MOST_SHAPES: Final = 5


class Limits:
    """The counts of one statement."""

    def __init__(self) -> None:
        self._columns = 0
        self._shapes = 0

    def add_columns(self, count: int, at: int) -> None:
        """Count the output columns of one query among those of all queries in the statement."""
        self._columns += count
        if self._columns > _MOST_COLUMNS:
            raise Fault(f"more than {_MOST_COLUMNS} columns in all subqueries together", at)

    def enter_shape(self, at: int) -> None:
        """Go into the arguments of a geometry function."""
        self._shapes += 1
        if self._shapes > _MOST_SHAPES:
            raise Fault(f"geometry functions nested deeper than {_MOST_SHAPES} levels", at)

    def leave_shape(self) -> None:
        """Come out of the arguments of a geometry function."""
        self._shapes -= 1
