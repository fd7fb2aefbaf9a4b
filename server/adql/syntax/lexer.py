"""Text into tokens, by one regular expression.  What it does not know is an error, never skipped."""

import re
from typing import Final, NamedTuple

from schema.adql_words import RESERVED
from server.adql.errors import Fault

__all__ = ["MAX_BYTES", "Token", "tokens"]

MAX_BYTES: Final = 100_000

_PATTERN: Final = re.compile(
    r"""
      (?P<space>   \s+ | --[^\r\n]* )
    | (?P<word>    [A-Za-z][A-Za-z0-9_]* )
    | (?P<hex>     0[xX][0-9A-Fa-f]+ )
    | (?P<number>  (?: [0-9]+ (?:\.[0-9]*)? | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? )
    | (?P<string>  '(?:[^']|'')*' )
    | (?P<quoted>  "(?:[^"]|"")+" )
    | (?P<symbol>  <> | != | <= | >= | \|\| | [-+*/=<>(),.;~&|^] )
    """,
    re.VERBOSE,
)
_RUNS_ON: Final = re.compile(r"[A-Za-z0-9_]")


class Token(NamedTuple):
    """One token.

    ``key`` is the upper-case reserved word or the symbol, and empty for all else; ``text`` is what the token stands
    for: a name, a number as written, a string without its quotes.
    """

    kind: str
    key: str
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """Return the tokens of ``text``, the last one of kind ``end``.  String literals side by side are one."""
    _check_size(text)
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _PATTERN.match(text, position)
        if match is None:
            raise Fault(_complaint(text[position]), position)
        kind = match.lastgroup
        if kind != "space":
            _append(found, _token(str(kind), match.group(), position))
        if kind in {"number", "hex"} and _RUNS_ON.match(text, match.end()):
            raise Fault("a number runs into a name", match.end())
        position = match.end()
    found.append(Token("end", "", "", len(text)))
    return found


def _check_size(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise Fault("this character is not valid Unicode", error.start) from error
    if size > MAX_BYTES:
        raise Fault(f"the query is longer than {MAX_BYTES} bytes", 0)
    if "\0" in text:
        raise Fault("a query cannot hold the character NUL", text.index("\0"))


def _token(kind: str, source: str, at: int) -> Token:
    match kind:
        case "word":
            upper = source.upper()
            return Token("keyword", upper, source, at) if upper in RESERVED else Token("name", "", source, at)
        case "string":
            return Token("string", "", source[1:-1].replace("''", "'"), at)
        case "quoted":
            return Token("quoted", "", source[1:-1].replace('""', '"'), at)
        case "symbol":
            return Token("symbol", "<>" if source == "!=" else source, source, at)
        case _:
            return Token(kind, "", source, at)


def _append(found: list[Token], token: Token) -> None:
    """Add a token; a string goes onto the string before it, as SQL has it."""
    if token.kind == "string" and found and found[-1].kind == "string":
        found[-1] = found[-1]._replace(text=found[-1].text + token.text)
    else:
        found.append(token)


def _complaint(character: str) -> str:
    match character:
        case "'":
            return "this string is not closed"
        case '"':
            return "this quoted name is not closed or empty"
        case _:
            return f"unexpected character {character!r}"
