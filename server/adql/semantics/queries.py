"""Queries: SELECT clause by clause, in the order in which SQL gives names a meaning.  Next: ``frame``, ``scope``."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from schema.published import PublishedTable
from server.adql.semantics import calls, checked, conditions, values
from server.adql.semantics.frame import Frame, Handler
from server.adql.semantics.grouping import check_grouping
from server.adql.semantics.limits import Limits
from server.adql.semantics.ordering import group_values, set_order, sort_keys
from server.adql.semantics.outputs import select_outputs, with_geometries
from server.adql.semantics.planning import planned
from server.adql.semantics.scope import Catalogue, Relation, Scope
from server.adql.semantics.sets import set_operation
from server.adql.semantics.sources import Sources
from server.adql.semantics.walk import has_aggregate
from server.adql.syntax import tree

__all__ = ["Resolver"]

HANDLERS: Final[Mapping[type[tree.Expression], Handler]] = {
    tree.Between: conditions.between,
    tree.Call: calls.call,
    tree.Case: values.case,
    tree.Cast: values.cast,
    tree.Chain: values.chain,
    tree.Column: values.column,
    tree.Comparison: conditions.comparison,
    tree.CountRows: calls.count_rows,
    tree.Exists: conditions.exists,
    tree.InList: conditions.in_list,
    tree.InQuery: conditions.in_query,
    tree.IsNull: conditions.is_null,
    tree.Like: conditions.like,
    tree.Logic: conditions.logic,
    tree.Not: conditions.negation,
    tree.Null: values.null,
    tree.Number: values.number,
    tree.Scalar: values.scalar,
    tree.String: values.string,
    tree.Truth: values.truth,
    tree.Unary: values.unary,
}


class Resolver:
    """Resolves one statement against the published tables."""

    def __init__(self, tables: Sequence[PublishedTable]) -> None:
        self._catalogue = Catalogue(tables)
        self._sources = Sources(self._catalogue, query=self._derived, condition=self._join_condition)
        self._limits = Limits()

    @property
    def tables(self) -> frozenset[str]:
        """The published tables that were used so far."""
        return frozenset(self._sources.used)

    def statement(self, node: tree.Statement) -> checked.Statement:
        """Return the checked form of the whole text."""
        ctes = []
        for cte in node.ctes:
            query = self._derived(cte.query, None)
            ctes.append((self._catalogue.add_cte(cte.name, query), query))
        return checked.Statement(self._query(node.query, None), tuple(ctes))

    def _derived(self, node: tree.Query, outer: Scope | None) -> checked.Query:
        return with_geometries(self._query(node, outer))

    def _join_condition(self, node: tree.Expression, scope: Scope) -> checked.Value:
        return self._frame(scope, "ON").condition(node)

    def _frame(self, scope: Scope, clause: str) -> Frame:
        return Frame(scope, clause, HANDLERS, self._query, self._limits)

    def _query(self, node: tree.Query, outer: Scope | None) -> checked.Query:
        match node.body:
            case tree.Select():
                return self._select(node.body, node, outer)
            case tree.SetOperation():
                whole = self._set_operation(node.body, outer)
                return replace(whole, order=set_order(node.order, whole.outputs), offset=node.offset)
            case tree.Query():
                inner = self._query(node.body, outer)
                return self._reordered(inner, node) if node.order or node.offset is not None else inner

    def _set_operation(self, node: tree.SetOperation, outer: Scope | None) -> checked.SetOperation:
        operator = f"{node.operator} ALL" if node.keeps_duplicates else node.operator
        return set_operation(operator, self._operand(node.left, outer), self._operand(node.right, outer), at=node.at)

    def _operand(self, node: tree.QueryBody, outer: Scope | None) -> checked.Query:
        match node:
            case tree.Query():
                return self._query(node, outer)
            case tree.Select():
                return self._query(tree.Query(node, (), None, node.at), outer)
            case tree.SetOperation():
                return self._set_operation(node, outer)

    def _reordered(self, inner: checked.Query, node: tree.Query) -> checked.Query:
        """Return a query in parentheses ordered or cut once more from outside."""
        source, relation = self._sources.wrapped(inner)
        names = [output.name for output in inner.outputs]
        outputs = tuple(
            checked.Output(value, name, f"c{place}")
            for place, (name, (_, value)) in enumerate(zip(names, relation.entries(node.at), strict=True), start=1)
        )
        return checked.Select(outputs, (source,), order=set_order(node.order, outputs), offset=node.offset)

    def _select(self, node: tree.Select, query: tree.Query, outer: Scope | None) -> checked.Select:
        sources, row = self._sources.resolve(node.sources, outer)
        scope = Scope(row, outer)
        frame = replace(self._frame(scope, "SELECT"), aggregates=True)
        outputs = select_outputs(node.items, frame)
        self._limits.add_columns(len(outputs), node.at)
        select = checked.Select(
            outputs=outputs,
            sources=sources,
            distinct=node.distinct,
            where=None if node.where is None else self._frame(scope, "WHERE").condition(node.where),
            groups=group_values(node.groups, outputs, frame.within("GROUP BY")),
            having=None if node.having is None else frame.condition(node.having),
            order=sort_keys(query.order, outputs, frame, distinct=node.distinct),
            limit=node.top,
            offset=query.offset,
        )
        _check_groups(select, row.relations())
        return planned(select)


def _check_groups(select: checked.Select, relations: Sequence[Relation]) -> None:
    """Raise a fault where a grouped query shows what is not grouped."""
    keys = [key.key for key in select.order if not isinstance(key.key, int)]
    values = [*(output.value for output in select.outputs), *keys]
    values += [select.having] if select.having is not None else []
    if select.groups or select.having is not None or any(has_aggregate(value) for value in values):
        check_grouping(values, select.groups, frozenset(relation.alias for relation in relations))
