"""What is asked of ESO's archive: ADQL made from checked identifiers only.  Pure.

Columns come and go there, so all are asked for, and ``eso_rows`` takes those that it knows.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Final

from archive.errors import Refused

__all__ = ["BEGINNING", "Listing", "belongs", "check_identifier", "check_programme", "page"]

PROGRAMME: Final = re.compile(r"\d{2,4}\.(?:[A-Z]-\d{4}|[0-9A-Z]{4,5})")
IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}")
BETWEEN_RUNS: Final = re.compile(r"[^0-9A-Z.()-]+")

BEGINNING: Final = datetime(1970, 1, 1)  # noqa: DTZ001  the archive's times are UTC without a zone


class Listing(StrEnum):
    """The two listings of a programme."""

    RAW = "raw"
    PRODUCTS = "products"


def check_programme(text: str) -> str:
    """Return a programme number.

    Raises
    ------
    Refused
        It is none: 1100.B-0651 and 106.20Y7 are, a run such as 1100.B-0651(A) is not.
    """
    if PROGRAMME.fullmatch(text) is None:
        raise Refused(f"{text!r} is no programme; give its number without a run, such as 1100.B-0651 or 106.20Y7")
    return text


def check_identifier(text: str) -> str:
    """Return an identifier of ESO's, which may stand in an address or name a file.

    Raises
    ------
    Refused
        It has characters that no such identifier has.
    """
    if IDENTIFIER.fullmatch(text) is None:
        raise Refused(f"{text!r} is no identifier of ESO's")
    return text


def page(listing: Listing, programme: str, *, since: datetime, rows: int) -> str:
    """Return the query for the next rows of a listing, in the order in which ESO changed them.

    Parameters
    ----------
    programme
        As ``check_programme`` lets it pass.
    since
        Latest modification so far, UTC.  Rows of that very moment come again: more of them may have been added.  It
        is cut to milliseconds, since ESO's database knows no shorter time.
    rows
        How many at most.
    """
    programme = check_programme(programme)
    match listing:
        case Listing.RAW:
            table, theirs = "ist.muse", f"(prog_id = '{programme}' or prog_id like '{programme}{_run(programme)}%')"
        case Listing.PRODUCTS:
            table, theirs = "ivoa.ObsCore", f"instrument_name = 'MUSE' and proposal_id like '%{programme}%'"
    moment = since.isoformat(timespec="milliseconds")
    return (
        f"select top {rows} * from {table} where {theirs} and last_mod_date >= '{moment}' order by last_mod_date, dp_id"
    )


def belongs(proposal_id: str | None, programme: str) -> bool:
    """Tell whether a product's runs, one or several in a list, are of the programme."""
    runs = BETWEEN_RUNS.split(proposal_id or "")
    return any(run == programme or run.startswith(programme + _run(programme)) for run in runs)


def _run(programme: str) -> str:
    """What stands between programme and run: 1100.B-0651(A), 106.20Y7.001."""
    return "(" if "-" in programme else "."
