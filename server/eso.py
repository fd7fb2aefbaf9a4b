"""Files, headers and reports at the addresses that ESO's archive has for them, so that scripts written for it work.

``/dataPortal/file/<dp_id>`` is a raw frame, a calibration or a product, or any file by its own name; with ``.NL``
behind it is the report of the frame's night.  ``/hdr?DpId=`` is a primary header.  The tables are in ``schema.eso``.
"""

from typing import Final

from flask import Blueprint, Response, abort, request
from markupsafe import escape

from archive import products, reports
from archive.archive import Archive
from schema.products import Artifact, Role
from server import files

__all__ = ["blueprint"]

CARD: Final = 80
REPORT: Final = ".NL"


def blueprint(archive: Archive) -> Blueprint:
    """Return the routes, which stand at the root."""
    routes = Blueprint("eso", __name__)

    @routes.get("/dataPortal/file/<dp_id>")
    @routes.get("/dataportal_new/file/<dp_id>")
    def file(dp_id: str) -> Response:
        if dp_id.endswith(REPORT):
            return _report(archive, dp_id.removesuffix(REPORT))
        artifact = _own_file(archive, dp_id) or products.find_artifact(archive, _named(dp_id))
        if artifact is None:
            abort(404, description=f"there is no file {dp_id}")
        return files.send(archive, artifact, as_attachment=True)

    @routes.get("/hdr")
    def header() -> Response:
        dp_id = request.args.get("DpId", "")
        cards = _primary_header(archive, dp_id)
        if cards is None:
            abort(404, description=f"there is no header of {dp_id}")
        if request.accept_mimetypes.best_match(["text/html", "text/plain"]) == "text/plain":
            return Response(cards, content_type="text/plain;charset=UTF-8")
        return Response(_page(dp_id, cards), content_type="text/html;charset=UTF-8")

    return routes


def _named(identifier: str) -> str:
    """Return an identifier that can be looked for: the database takes no NUL, and nothing is called so."""
    if "\0" in identifier:
        abort(404, description="there is nothing of that name")
    return identifier


def _own_file(archive: Archive, dp_id: str) -> Artifact | None:
    product = products.find(archive, _named(dp_id))
    return next((a for a in product.artifacts if a.role == Role.THIS), None) if product else None


def _primary_header(archive: Archive, dp_id: str) -> str | None:
    """Return the cards as the file has them, 80 columns each, one a line, to the END."""
    artifact = _own_file(archive, dp_id)
    headers = products.headers(archive, artifact.artifact_id) if artifact else []
    if not headers or headers[0].extension != 0:
        return None
    cards = headers[0].cards.splitlines()
    ended = cards if cards and cards[-1] == "END" else [*cards, "END"]
    return "".join(f"{card:{CARD}}\n" for card in ended)


def _page(dp_id: str, cards: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(dp_id)}</title></head>\n'
        f"<body><h1>{escape(dp_id)}</h1>\n<pre>\n{escape(cards)}</pre></body></html>\n"
    )


def _report(archive: Archive, dp_id: str) -> Response:
    text = reports.find_text(archive.database, _named(dp_id))
    if text is None:
        abort(404, description=f"there is no report on {dp_id}")
    response = Response(text, content_type="text/plain;charset=UTF-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"{dp_id}{REPORT}.txt")
    return response
