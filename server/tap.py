"""The Table Access Protocol (TAP 1.1), its synchronous part: ``/tap/sync`` and the documents that describe it."""

from flask import Blueprint, Response

from archive.archive import Archive
from server import dali, vosi
from server.query import Queries

__all__ = ["blueprint"]

LANGUAGES = ("ADQL", "ADQL-2.0", "ADQL-2.1")


def blueprint(archive: Archive, queries: Queries) -> Blueprint:
    """Return the routes below ``/tap``."""
    routes = Blueprint("tap", __name__, url_prefix="/tap")

    @routes.route("/sync", methods=["GET", "POST"])
    @dali.errors_as_votable
    def sync() -> Response:
        given = dali.parameters()
        if given.get("REQUEST", "doQuery") != "doQuery":
            raise dali.UsageError(f"REQUEST must be doQuery, not {given['REQUEST']!r}")
        if given.get("LANG", "ADQL") not in LANGUAGES:
            raise dali.UsageError(f"LANG must be one of {', '.join(LANGUAGES)}, not {given['LANG']!r}")
        if "UPLOAD" in given:
            raise dali.UsageError("UPLOAD: this service takes no tables yet")
        query = given.get("QUERY", "")
        if not query.strip():
            raise dali.UsageError("QUERY is missing")
        chosen = dali.chosen_format(given.get("RESPONSEFORMAT") or given.get("FORMAT"))
        return dali.answer(queries.run(query, maxrec=dali.maxrec(given)), chosen)

    @routes.get("/capabilities")
    def capabilities() -> Response:
        return vosi.document(vosi.tap_capabilities(archive.settings))

    @routes.get("/availability")
    def availability() -> Response:
        return vosi.document(vosi.availability(archive.database))

    @routes.get("/tables")
    def tables() -> Response:
        return vosi.tables()

    @routes.get("/tables/<name>")
    def table(name: str) -> Response:
        return vosi.table(name)

    return routes
