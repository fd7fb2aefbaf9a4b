"""What the handlers of single nodes are given: the names in reach, the clause they are in, and how to go on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.limits import Limits
from server.adql.semantics.meaning import Kind
from server.adql.semantics.scope import Scope
from server.adql.syntax import tree

__all__ = ["Frame", "Handler"]


@dataclass(frozen=True)
class Frame:
    """Where an expression stands.

    ``clause`` names the place for errors; ``handlers`` has a function for each class of node; ``aggregates`` says
    whether aggregate functions may stand here.
    """

    scope: Scope
    clause: str
    handlers: "Mapping[type[tree.Expression], Handler]"
    query: Callable[[tree.Query, Scope], checked.Query]
    limits: Limits
    aggregates: bool = False

    def resolve(self, node: tree.Expression) -> checked.Value:
        """Return the checked form of any expression."""
        return self.handlers[type(node)](node, self)

    def value(self, node: tree.Expression) -> checked.Value:
        """Return the checked form of an expression that must be a value."""
        found = self.resolve(node)
        if found.meaning.kind is Kind.CONDITION:
            raise Fault("a value is needed here, not a condition", node.at)
        return found

    def condition(self, node: tree.Expression) -> checked.Value:
        """Return the checked form of an expression that must be true or false."""
        found = self.resolve(node)
        if isinstance(found, checked.Flag):
            raise Fault("a condition is needed here: compare the function with 1", node.at)
        if found.meaning.kind is Kind.BOOLEAN:
            raise Fault("a condition is needed here: compare the value with TRUE", node.at)
        if found.meaning.kind is not Kind.CONDITION:
            raise Fault(f"a condition is needed here, not {found.meaning.kind.value}", node.at)
        return found

    def subquery(self, node: tree.Query) -> checked.Query:
        """Return the checked form of a query that may use the names in reach here."""
        return self.query(node, self.scope)

    def within(self, clause: str) -> "Frame":
        """Return the same place inside something where no aggregate may stand."""
        return replace(self, clause=clause, aggregates=False)


Handler = Callable[[Any, Frame], checked.Value]
