"""One stream of column batches, many formats: ``find`` leads from what a client asked for to its encoder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from server.encoders import csv, votable
from server.query import Result

__all__ = ["FORMATS", "Format", "find"]


@dataclass(frozen=True)
class Format:
    """An output format: its media type, what else clients call it, and what writes it."""

    media_type: str
    aliases: tuple[str, ...]
    encode: Callable[[Result], Iterator[bytes]]


FORMATS: Final = (
    Format("application/x-votable+xml", ("votable", "application/x-votable+xml;serialization=tabledata", "text/xml",
                                         "application/xml", "votable/td"), votable.encode),
    Format("text/csv;header=present", ("csv", "text/csv"), csv.encode),
)  # fmt: skip


def find(name: str | None) -> Format | None:
    """Return the format of that name or media type; the first one when none is named; None when it is unknown."""
    if name is None:
        return FORMATS[0]
    wanted = name.strip().lower().replace(" ", "")
    return next((f for f in FORMATS if wanted == f.media_type or wanted in f.aliases), None)
