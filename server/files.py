"""Files: ``/files/<artifact>``, whole or in part, with the checksum as entity tag."""

from typing import Final

from flask import Blueprint, Response, abort, send_file

from archive import products
from archive.archive import Archive
from archive.errors import StoreError
from schema.products import Artifact
from server import policy

__all__ = ["blueprint", "send"]

HTML: Final = "text/html"


def blueprint(archive: Archive) -> Blueprint:
    """Return the routes below ``/files``."""
    routes = Blueprint("files", __name__, url_prefix="/files")

    @routes.get("/<artifact_id>")
    def file(artifact_id: str) -> Response:
        artifact = None if "\0" in artifact_id else products.find_artifact(archive, artifact_id)
        if artifact is None:
            abort(404, description=f"there is no file {artifact_id}")
        is_seen = artifact.media_type == HTML or artifact.media_type.startswith("image/")
        response = send(archive, artifact, as_attachment=not is_seen)
        if artifact.media_type == HTML:
            response.headers["Content-Security-Policy"] = policy.REPORT
        return response

    return routes


def send(archive: Archive, artifact: Artifact, *, as_attachment: bool) -> Response:
    """Return a file, or the part of it that the request's Range asks for, under the name that it came with.

    Raises
    ------
    HTTPException
        503 when the store does not have it.
    """
    try:
        path = archive.store.get(artifact.sha256, artifact.location)
    except StoreError as error:
        abort(503, description=error.message)
    response = send_file(
        path,
        mimetype=artifact.media_type,
        as_attachment=as_attachment,
        download_name=artifact.file_name,
        conditional=True,
        etag=artifact.sha256,
        last_modified=artifact.stored,
        max_age=0,
    )
    response.headers["Accept-Ranges"] = "bytes"
    return response
