"""FROM: tables and subqueries found and named, joins with their conditions, USING and NATURAL worked out."""

from collections.abc import Callable, Iterator, Sequence

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.kinds import comparable, merged
from server.adql.semantics.meaning import CONDITION
from server.adql.semantics.scope import Catalogue, Entry, JoinedRow, Relation, Row, Scope
from server.adql.syntax import tree

__all__ = ["Sources"]

Condition = Callable[[tree.Expression, Scope], checked.Value]


class Sources:
    """Reads FROM clauses; the names that it gives to relations are unique in the whole query."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        query: Callable[[tree.Query, Scope | None], checked.Query],
        condition: Condition,
    ) -> None:
        self._catalogue = catalogue
        self._query = query
        self._condition = condition
        self._count = 0
        self.used: set[str] = set()

    def resolve(self, nodes: Sequence[tree.Source], outer: Scope | None) -> tuple[tuple[checked.Source, ...], Row]:
        """Return the checked sources of a FROM clause and the columns that they give."""
        found = [self._source(node, outer) for node in nodes]
        row = found[0][1]
        for _, further in found[1:]:
            row = JoinedRow(row, further)
        _check_names(row, nodes[0].at)
        return tuple(source for source, _ in found), row

    def _source(self, node: tree.Source, outer: Scope | None) -> tuple[checked.Source, Row]:
        match node:
            case tree.TableName():
                return self._table(node)
            case tree.Derived():
                return self._derived(node, outer)
            case tree.Join():
                return self._join(node, outer)

    def _alias(self) -> str:
        self._count += 1
        return f"t{self._count}"

    def _table(self, node: tree.TableName) -> tuple[checked.Source, Row]:
        alias = self._alias()
        cte = self._catalogue.cte(node.parts)
        if cte is not None:
            name, sql_name, query = cte
            name = node.alias.text if node.alias else name
            return checked.CteSource(sql_name, alias), Relation(alias, (name,), query.outputs)
        table = self._catalogue.get(node.parts)
        self.used.add(table.qualified)
        called = (node.alias.text,) if node.alias else (table.schema, table.name)
        schema, stored = table.stored or (table.schema, table.name)
        return checked.TableSource(schema, stored, alias, table.argument), Relation(alias, called, table.columns)

    def wrapped(self, query: checked.Query) -> tuple[checked.Source, Relation]:
        """Return a query as a source of its own, which no name reaches."""
        alias = self._alias()
        return checked.SubquerySource(query, alias), Relation(alias, (), query.outputs)

    def _derived(self, node: tree.Derived, outer: Scope | None) -> tuple[checked.Source, Row]:
        query = self._query(node.query, outer)
        alias = self._alias()
        return checked.SubquerySource(query, alias), Relation(alias, (node.alias.text,), query.outputs)

    def _join(self, node: tree.Join, outer: Scope | None) -> tuple[checked.Source, Row]:
        left, left_row = self._source(node.left, outer)
        right, right_row = self._source(node.right, outer)
        if node.on is not None:
            row = JoinedRow(left_row, right_row)
            on = self._condition(node.on, Scope(row, outer))
            return checked.Joined(node.kind, left, right, on), row
        names = node.using or tuple(_common(left_row, right_row, node.at))
        pairs = [_pair(name, left_row, right_row) for name in names]
        on, entries = _equal(pairs, node)
        return checked.Joined(node.kind, left, right, on), JoinedRow(left_row, right_row, entries)


def _common(left: Row, right: Row, at: int) -> Iterator[tree.Name]:
    """Yield the column names that two rows share, in the order of the left one."""
    others = {name.lower() for name, _ in right.entries(at)}
    for name, _ in left.entries(at):
        if name.lower() in others:
            yield tree.Name(name, exact=False, at=at)


Pair = tuple[str, checked.Value, checked.Value]


def _pair(name: tree.Name, left: Row, right: Row) -> Pair:
    return name.text, _single(name, left, "left"), _single(name, right, "right")


def _single(name: tree.Name, row: Row, side: str) -> checked.Value:
    found = row.find(name)
    if len(found) != 1:
        count = "no column" if not found else "more than one column"
        raise Fault(f"{count} '{name.text}' on the {side} of the join", name.at)
    return found[0]


def _equal(pairs: Sequence[Pair], node: tree.Join) -> tuple[checked.Value, list[Entry]]:
    """Return the condition that the pairs are equal, and the column that each pair becomes."""
    tests: list[checked.Value] = []
    entries: list[Entry] = []
    for name, left, right in pairs:
        both = comparable([left, right], at=node.at)
        tests.append(checked.condition("({0} = {1})", both, node.at))
        entries.append((name, _merged_column(left, right, node)))
    if not tests:  # NATURAL over rows without a common column: every row meets every other
        tests = [checked.Constant(value=True, sql_type="boolean", meaning=CONDITION, at=node.at)]
    on = tests[0] if len(tests) == 1 else checked.Logic("AND", tuple(tests), meaning=CONDITION, at=node.at)
    return on, entries


def _merged_column(left: checked.Value, right: checked.Value, node: tree.Join) -> checked.Value:
    if node.kind != "FULL":
        return right if node.kind == "RIGHT" else left
    values, meaning = merged([left, right], at=node.at, what="join")
    return checked.Apply("COALESCE({args})", values, meaning=meaning, at=node.at)


def _check_names(row: Row, at: int) -> None:
    """Refuse two relations of the same name: every qualified column would be ambiguous."""
    seen: set[tuple[str, ...]] = set()
    for relation in row.relations():
        key = tuple(name.lower() for name in relation.names)
        if key in seen:
            raise Fault(f"'{'.'.join(relation.names)}' is twice in FROM; give each its own name with AS", at)
        seen.add(key)
