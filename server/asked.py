"""What a client of the table service asks for, read off its parameters: by sync and by async the same way."""

from dataclasses import dataclass
from typing import Final, Self

from werkzeug.datastructures import MultiDict

from server import dali
from server.uploads.errors import UploadError
from server.uploads.sources import Source, parse

__all__ = ["LANGUAGES", "Asked"]

LANGUAGES: Final = ("ADQL", "ADQL-2.0", "ADQL-2.1")


@dataclass(frozen=True)
class Asked:
    """A query, how many rows of its answer are wanted, in which format (None where the client does not say), and the
    tables that come with it.
    """

    query: str
    maxrec: int | None
    format_name: str | None
    uploads: tuple[Source, ...]

    @classmethod
    def read(cls, given: MultiDict[str, str]) -> Self:
        """Read parameters, their names in capitals.

        Raises
        ------
        UsageError
            One is missing or cannot be understood.
        """
        if given.get("REQUEST", "doQuery") != "doQuery":
            raise dali.UsageError(f"REQUEST must be doQuery, not {given['REQUEST']!r}")
        if given.get("LANG", "ADQL") not in LANGUAGES:
            raise dali.UsageError(f"LANG must be one of {', '.join(LANGUAGES)}, not {given['LANG']!r}")
        query = given.get("QUERY", "")
        if not query.strip():
            raise dali.UsageError("QUERY is missing")
        try:
            uploads = parse(given.getlist("UPLOAD"))
        except UploadError as error:
            raise dali.UsageError(str(error)) from error
        format_name = given.get("RESPONSEFORMAT") or given.get("FORMAT") or None
        return cls(query, dali.maxrec(given), format_name, uploads)
