"""ADQL 2.1 to PostgreSQL with pgSphere: text -> tree -> checked tree -> SQL.  Runs nothing, reads no database.

The grammar is the security boundary: what it has no node for cannot be said, names are written from metadata and
literals anew.  ``syntax`` makes the tree, ``semantics`` checks it, ``sql`` writes it; ``translation`` is the whole way.
"""

from server.adql.errors import AdqlError
from server.adql.translation import OutputColumn, Translation, translate

__all__ = ["AdqlError", "OutputColumn", "Translation", "translate"]
