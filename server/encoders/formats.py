"""The formats that are written, and what clients call them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from server.encoders import arrow, binary, csv, fits, json, parquet, tabledata, tsv
from server.query import Result

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True)
class Format:
    """An output format: its media type, what else clients call it, what writes it, and how its files end."""

    media_type: str
    aliases: tuple[str, ...]
    encode: Callable[[Result], Iterator[bytes]]
    suffix: str
    packed: bool = False
    """Whether it is compressed already."""
    standard: str | None = None
    """Its name in TAPRegExt, if it has one there."""


VOTABLE: Final = "application/x-votable+xml"


def _votable(serialization: str) -> str:
    return f"{VOTABLE};serialization={serialization}"


FORMATS: Final = (
    Format(VOTABLE, ("votable", "text/xml", "application/xml"), tabledata.encode, "vot", standard="votable-td"),
    Format(_votable("TABLEDATA"), ("votable/td",), tabledata.encode, "vot", standard="votable-td"),
    Format(_votable("BINARY2"), ("votable/b2",), binary.encode_binary2, "vot", standard="votable-binary2"),
    Format(_votable("BINARY"), ("votable/b",), binary.encode_binary, "vot", standard="votable-binary"),
    Format("text/csv;header=present", ("csv", "text/csv"), csv.encode, "csv"),
    Format("text/tab-separated-values", ("tsv",), tsv.encode, "tsv"),
    Format("application/json", ("json",), json.encode, "json"),
    Format("application/fits", ("fits", "image/fits"), fits.encode, "fits"),
    Format(
        "application/vnd.apache.parquet",
        ("parquet", "application/x-parquet"),
        parquet.encode,
        "parquet",
        packed=True,
    ),
    Format("application/vnd.apache.arrow.stream", ("arrow",), arrow.encode, "arrows"),
)
"""The first one is what a client gets that does not care.

It is TABLEDATA: the datatypes of its fields are those that TAP_SCHEMA declares, whatever letters the texts hold, and
anyone can read it; astropy parses BINARY2 no faster.  BINARY2 is there for those who ask.
"""
