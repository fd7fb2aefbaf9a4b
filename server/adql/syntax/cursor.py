"""A place in the list of tokens, how deep the text is nested there, and what was expected when it is not there."""

from collections.abc import Callable
from typing import Final, TypeVar

from server.adql.errors import Fault
from server.adql.syntax.lexer import Token
from server.adql.syntax.tree import Expression, Name, Query

__all__ = ["MAX_DEPTH", "Cursor"]

T = TypeVar("T")

MAX_DEPTH: Final = 60

_GOES_ON: Final = frozenset({"UNION", "EXCEPT", "INTERSECT", "ORDER", "OFFSET", ")"})
"""What may follow a query in parentheses that is part of a larger query."""


class Cursor:
    """The tokens still to be read.

    ``expression`` and ``query`` are the two entries of the grammar that need each other.
    """

    def __init__(
        self,
        tokens: list[Token],
        *,
        expression: Callable[["Cursor"], Expression],
        query: Callable[["Cursor"], Query],
    ) -> None:
        self._tokens = tokens
        self._index = 0
        self._depth = 0
        self._expression = expression
        self._query = query
        self.token = tokens[0]

    def expression(self) -> Expression:
        """Read an expression one level deeper."""
        return self.deeper(self._expression)

    def query(self) -> Query:
        """Read a query one level deeper."""
        return self.deeper(self._query)

    def advance(self) -> Token:
        """Return the current token and go to the next."""
        token = self.token
        self._index += 1
        self.token = self._tokens[min(self._index, len(self._tokens) - 1)]
        return token

    def following(self, steps: int = 1) -> Token:
        """Return a token further on without going there."""
        return self._tokens[min(self._index + steps, len(self._tokens) - 1)]

    def accept(self, key: str) -> bool:
        """Go over ``key`` when it is here."""
        if self.token.key != key:
            return False
        self.advance()
        return True

    def choose(self, word: str, default: str) -> bool:
        """Go over ``word`` or over ``default``, if any is here; return whether it was ``word``."""
        if self.accept(word):
            return True
        self.accept(default)
        return False

    def opens_query(self) -> bool:
        """Whether the parenthesis here holds a query: a SELECT, or an operand of UNION and its like in parentheses."""
        steps = 1
        while self.following(steps).key == "(" and steps <= MAX_DEPTH:
            steps += 1
        if self.token.key != "(" or self.following(steps).key != "SELECT":
            return False
        return steps == 1 or self.following(self._closing(1) + 1).key in _GOES_ON

    def _closing(self, steps: int) -> int:
        """Return how far away the parenthesis is closed that opens ``steps`` away."""
        depth = 0
        while True:
            token = self.following(steps)
            depth += (token.key == "(") - (token.key == ")")
            if depth == 0 or token.kind == "end":
                return steps
            steps += 1

    def expect(self, key: str) -> Token:
        """Go over ``key``, which must be here."""
        if self.token.key != key:
            raise self.unexpected(f"{key!r}" if not key.isalpha() else key)
        return self.advance()

    def name(self, what: str) -> Name:
        """Read a name; ``what`` says for what."""
        token = self.token
        if token.kind == "keyword":
            raise Fault(f"{token.text} is a reserved word; quote it to use it as a name", token.at)
        if token.kind not in {"name", "quoted"}:
            raise self.unexpected(what)
        self.advance()
        return Name(token.text, token.kind == "quoted", token.at)

    def unsigned(self, what: str) -> int:
        """Read a number of digits only."""
        token = self.token
        if token.kind != "number" or not token.text.isdigit():
            raise self.unexpected(f"a whole number for {what}")
        if len(token.text) > 18:
            raise Fault(f"this number is too large for {what}", token.at)
        self.advance()
        return int(token.text)

    def unexpected(self, expected: str) -> Fault:
        """Return the fault that something else than ``expected`` is here."""
        token = self.token
        found = {"end": "the end of the query", "string": "a string"}.get(token.kind, f"'{token.text}'")
        return Fault(f"expected {expected}, found {found}", token.at)

    def deeper(self, read: Callable[["Cursor"], T]) -> T:
        """Read something one level deeper, and refuse one level too many."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Fault(f"nested deeper than {MAX_DEPTH} levels", self.token.at)
        found = read(self)
        self._depth -= 1
        return found
