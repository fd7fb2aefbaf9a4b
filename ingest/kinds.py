"""What a file in a watched folder is to be taken for: by its name and its first bytes.  Pure."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from archive.errors import Refused
from ingest import ambient
from ingest.headers import ENDINGS
from ingest.nightlog_text import decode, looks_like_a_report
from ingest.raw_kinds import MASTER_TAGS

__all__ = ["WATCHED", "Kind", "is_whole_beginning", "kind_of"]

CARD: Final = 80
END: Final = b"END".ljust(CARD)
REPORTS: Final = (".nl.txt", ".nl")
TEXTS: Final = (".txt",)
TABLES: Final = (".csv",)
WATCHED: Final = (*ENDINGS, *REPORTS, *TEXTS, *TABLES)
"""How the names of the files end that are looked at, in small letters."""

LONGEST: Final = 1 << 20
"""Bytes after which a beginning tells no more: no header of MUSE is so long."""

PIPELINE: Final = ("ESO PRO CATG", "PRODCATG", "ESO PRO REC1 ID")
"""Keywords that only the pipeline writes, and not the telescope."""


class Kind(StrEnum):
    """The ingests that files go to."""

    EXPOSURES = "exposures"
    PRODUCTS = "products"
    NIGHTLOG = "nightlog"
    AMBIENT = "ambient"


def kind_of(name: str, beginning: bytes) -> Kind | None:
    """Return what a file is to be offered as; None for one that is nobody's, such as a text that is no report.

    A file that by its name is FITS is always somebody's: one that cannot be understood is offered as an exposure, to
    be refused with the reason.

    Parameters
    ----------
    beginning
        The primary header, or as much of the text as ``is_whole_beginning`` asks for, unpacked.
    """
    name = name.lower()
    if name.endswith(ENDINGS):
        return _fits_kind(beginning)
    if name.endswith(REPORTS):
        return Kind.NIGHTLOG
    if name.endswith(TEXTS):
        return Kind.NIGHTLOG if looks_like_a_report(decode(beginning)) else None
    if name.endswith(TABLES):
        return Kind.AMBIENT if _has_readings(decode(beginning)) else None
    return None


def is_whole_beginning(name: str, beginning: bytes) -> bool:
    """Tell whether these bytes are enough to say of what kind a file is."""
    if len(beginning) >= LONGEST:
        return True
    if not name.lower().endswith(ENDINGS):
        return len(beginning) >= LONGEST // 16
    place = beginning.find(END)
    while place >= 0 and place % CARD:
        place = beginning.find(END, place + 1)
    return place >= 0 or not (b"SIMPLE  =".startswith(beginning[:9]))


def _fits_kind(header: bytes) -> Kind:
    """A master calibration is taken with the raw frames; what else the pipeline made is a product."""
    cards = {keyword: value for keyword, value in _cards(header) if keyword in PIPELINE}
    if cards.get("ESO PRO CATG") in MASTER_TAGS or not cards:
        return Kind.EXPOSURES
    return Kind.PRODUCTS


def _cards(header: bytes) -> Iterator[tuple[str, str]]:
    """Yield keywords and texts, however badly the rest of the header is written."""
    for place in range(0, len(header), CARD):
        card = header[place : place + CARD].decode("latin-1")
        if card.rstrip() == "END":
            return
        keyword, equals, rest = card.partition("=")
        if equals:
            yield keyword.removeprefix("HIERARCH ").strip(), rest.strip().strip("'").partition("'")[0].strip()


def _has_readings(text: str) -> bool:
    try:
        ambient.read(text.splitlines())
    except Refused:
        return False
    return True
