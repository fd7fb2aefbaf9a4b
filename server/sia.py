"""Simple Image Access 2.0: parameters become ADQL over ``ivoa.obscore`` and go the way of every query."""

from flask import Blueprint, Response

from archive.archive import Archive
from server import dali, vosi
from server.query import Queries
from server.sia_query import to_adql

__all__ = ["blueprint"]


def blueprint(archive: Archive, queries: Queries) -> Blueprint:
    """Return the routes below ``/sia2``."""
    routes = Blueprint("sia2", __name__, url_prefix="/sia2")

    @routes.route("/query", methods=["GET", "POST"])
    @dali.errors_as_votable
    def query() -> Response:
        given = dali.parameters()
        chosen = dali.chosen_format(given.get("RESPONSEFORMAT"))  # FORMAT is about the files, not the answer
        return dali.answer(queries.run(to_adql(given), maxrec=dali.maxrec(given)), chosen)

    @routes.get("/capabilities")
    def capabilities() -> Response:
        return vosi.document(vosi.sia_capabilities(archive.settings))

    @routes.get("/availability")
    def availability() -> Response:
        return vosi.document(vosi.availability(archive.database))

    return routes
