"""What a client calls a format, in any spelling, and what its Accept header says it would like."""

from collections.abc import Iterable
from functools import cache
from typing import Final

from werkzeug.http import parse_options_header

from server.encoders.formats import FORMATS, Format

__all__ = ["acceptable", "find"]

TELLING: Final = frozenset({"serialization", "header"})
"""The parameters of a media type that choose a format; others (charset, version) choose nothing."""


def find(name: str | None) -> Format | None:
    """Return the format of that name or media type; the first one when none is named; None when it is unknown."""
    return FORMATS[0] if name is None else _known().get(_normal(name))


def acceptable(wishes: Iterable[tuple[str, float]]) -> Format:
    """Return the format that an Accept header likes best: media types with their qualities, the special ones first.

    The first format when all is welcome or nothing is known: a browser shows no other either.
    """
    for wish, quality in sorted(wishes, key=lambda pair: -pair[1]):
        if quality > 0 and (chosen := FORMATS[0] if wish == "*/*" else find(wish)) is not None:
            return chosen
    return FORMATS[0]


@cache
def _known() -> dict[str, Format]:
    return {_normal(name): format_ for format_ in FORMATS for name in (format_.media_type, *format_.aliases)}


def _normal(name: str) -> str:
    """A + that came unescaped in an address arrives as a blank."""
    spelt = name.strip().lower().replace("votable xml", "votable+xml").replace(" ", "")
    media_type, options = parse_options_header(spelt)
    return ";".join([media_type, *(f"{key}={options[key]}" for key in sorted(options) if key in TELLING)])
