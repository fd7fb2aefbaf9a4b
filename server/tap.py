"""The Table Access Protocol (TAP 1.1), its synchronous part: ``/tap/sync`` and the documents that describe it."""

from flask import Blueprint, Response

from archive.archive import Archive
from archive.user_tables import visible_to
from server import dali, examples, vosi
from server.asked import Asked
from server.caller import caller
from server.query import Queries
from server.request_uploads import RequestUploads
from server.uploads.limits import Limits

__all__ = ["blueprint"]


def blueprint(archive: Archive, queries: Queries) -> Blueprint:
    """Return the routes below ``/tap``."""
    routes = Blueprint("tap", __name__, url_prefix="/tap")
    uploads = RequestUploads(Limits.of(archive.settings))

    @routes.route("/sync", methods=["GET", "POST"])
    @dali.errors_as_votable
    def sync() -> Response:
        asked = Asked.read(uploads.parameters())
        chosen = dali.chosen_format(asked.format_name)
        with uploads.files(asked.uploads) as files:
            result = queries.run(asked.query, maxrec=asked.maxrec, uploads=files, account=caller().account)
        return dali.answer(result, chosen)

    _documents(routes, archive)
    return routes


def _documents(routes: Blueprint, archive: Archive) -> None:
    """Add what the service says of itself."""

    @routes.get("/capabilities")
    def capabilities() -> Response:
        return vosi.document(vosi.tap_capabilities(archive.settings))

    @routes.get("/availability")
    def availability() -> Response:
        return vosi.document(vosi.availability(archive.database))

    @routes.get("/examples")
    def examples_page() -> Response:
        return Response(examples.page(examples.examples(archive.database)), content_type=examples.MEDIA_TYPE)

    @routes.get("/tables")
    def tables() -> Response:
        return vosi.tables(visible_to(archive.database, caller().account))

    @routes.get("/tables/<name>")
    def table(name: str) -> Response:
        return vosi.table(name, visible_to(archive.database, caller().account))
