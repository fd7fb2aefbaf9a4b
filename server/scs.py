"""Simple Cone Search 1.03 over single tables: a position and a radius become ADQL and go the way of every query.

The standard knows no statuses: what was wrong with a search stands in the document, where its clients look.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps

import structlog
from flask import Blueprint, Response, abort
from werkzeug.datastructures import MultiDict

from archive.archive import Archive
from server import dali, vosi
from server.encoders.votable import cone_error_document
from server.query import Queries, QueryFailed, Result, ServiceBusy
from server.scs_query import MEANINGS, Searchable, searchable, to_adql, wants_no_rows

__all__ = ["blueprint"]

log = structlog.get_logger()


def blueprint(archive: Archive, queries: Queries) -> Blueprint:
    """Return the routes below ``/scs``: one for each table that can be searched."""
    routes = Blueprint("scs", __name__, url_prefix="/scs")
    tables = searchable()

    def found(name: str) -> Searchable:
        return tables.get(name.lower()) or abort(404, f"there is no cone search over {name}: try {', '.join(tables)}")

    @routes.route("/<table>", methods=["GET", "POST"])
    @dali.errors_as_votable
    @_errors_as_cone_search_has_them
    def query(table: str) -> Response:
        given = dali.parameters()
        chosen = dali.chosen_format(given.get("RESPONSEFORMAT"))
        return dali.answer(_result(queries, found(table), given), chosen)

    @routes.get("/<table>/capabilities")
    def capabilities(table: str) -> Response:
        return vosi.document(vosi.scs_capabilities(archive.settings, found(table).table.qualified))

    @routes.get("/<table>/availability")
    def availability(table: str) -> Response:
        found(table)
        return vosi.document(vosi.availability(archive.database))

    return routes


def _result(queries: Queries, searched: Searchable, given: MultiDict[str, str]) -> Result:
    """Run a search; name and position of the rows are marked as clients of cone searches know them."""
    adql = to_adql(searched, given)
    is_empty = wants_no_rows(given)
    result = queries.run(adql, maxrec=0 if is_empty else dali.maxrec(given))
    if is_empty:
        result.overflow = False  # all that was asked for is there
    meanings = dict(zip(searched.required, MEANINGS, strict=True))
    result.columns = tuple(replace(c, ucd=meanings.get(c.name, c.ucd)) for c in result.columns)
    return result


def _errors_as_cone_search_has_them(view: Callable[..., Response]) -> Callable[..., Response]:
    @wraps(view)
    def guarded(table: str) -> Response:
        try:
            return view(table)
        except ServiceBusy:
            raise
        except dali.UsageError as problem:
            words = str(problem)
        except QueryFailed as problem:
            log.warning("query failed", reason=str(problem))
            words = str(problem)
        return Response(cone_error_document(words), content_type=dali.VOTABLE)

    return guarded
