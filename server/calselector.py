"""Calibrations of frames as ESO's calSelector gives them: ``/calselector/v1/associations``.

``dp_id``, once or often, and ``mode``, Raw2Raw or Raw2Master.  One frame is answered with its association as XML,
several with one part each; ``responseformat=votable`` gives the recorded calibrations as rows.
"""

import uuid
from collections.abc import Iterator, Sequence
from typing import Final

from flask import Blueprint, Response

from archive.archive import Archive
from archive.association import Association, Frame
from archive.association_rules import Mode
from archive.association_xml import file_name, to_xml
from archive.calibrations import associations
from server import dali
from server.query import Queries

__all__ = ["blueprint"]

MOST_FRAMES: Final = 1000
BATCH: Final = 25
"""Frames of which the associations are in memory at once."""

XML: Final = "application/xml; content=calselector"
ROWS: Final = "SELECT dp_id, tag, file_id, delta_mjd, within_rules FROM survey.association_member WHERE mode = '{mode}'"


def blueprint(archive: Archive, queries: Queries) -> Blueprint:
    """Return the routes below ``/calselector``."""
    routes = Blueprint("calselector", __name__, url_prefix="/calselector")

    @routes.route("/v1/associations", methods=["GET", "POST"])
    @dali.errors_as_votable
    def rows_or_documents() -> Response:
        try:
            dp_ids, mode, wanted = _asked()
        except dali.UsageError as error:
            return _plain(str(error), 400)
        if wanted == "votable":
            return dali.answer(queries.run(_adql(dp_ids, mode), maxrec=None), dali.chosen_format("votable"))
        if len(dp_ids) == 1:
            return _one(archive, dp_ids[0], mode)
        return _several(archive, dp_ids, mode)

    return routes


def _asked() -> tuple[list[str], Mode, str]:
    """Read the parameters: identifiers, mode, and xml or votable."""
    given = dali.parameters()
    dp_ids = list(dict.fromkeys(each.strip() for each in given.getlist("DP_ID") if each.strip()))
    if not dp_ids:
        raise dali.UsageError("dp_id is missing")
    if len(dp_ids) > MOST_FRAMES:
        raise dali.UsageError(f"dp_id: {len(dp_ids)} frames are more than the {MOST_FRAMES} that one request may name")
    named = given.get("MODE", Mode.RAW)
    mode = next((mode for mode in Mode if mode.lower() == named.strip().lower()), None)
    if mode is None:
        raise dali.UsageError(f"mode must be {' or '.join(Mode)}, not {named[:40]!r}")
    wanted = given.get("RESPONSEFORMAT", "xml").strip().lower()
    if wanted not in {"xml", "votable"}:
        raise dali.UsageError(f"responseformat must be xml or votable, not {wanted[:40]!r}")
    return dp_ids, mode, wanted


def _one(archive: Archive, dp_id: str, mode: Mode) -> Response:
    found = associations(archive.database, [dp_id], mode)
    if not found:
        return _plain(f"there is no frame {dp_id}", 404)
    response = Response(to_xml(found[0], mode), content_type=XML)
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name(dp_id, mode)}"'
    return response


def _several(archive: Archive, dp_ids: Sequence[str], mode: Mode) -> Response:
    boundary = uuid.uuid4().hex
    parts = _parts(archive, dp_ids, mode, boundary)
    return Response(parts, content_type=f"multipart/form-data; boundary={boundary}")


def _parts(archive: Archive, dp_ids: Sequence[str], mode: Mode, boundary: str) -> Iterator[bytes]:
    yield b"\r\n"  # clients put the content type in front as the only header: the parts begin after an empty line
    for start in range(0, len(dp_ids), BATCH):
        batch = dp_ids[start : start + BATCH]
        found = {each.files[0].dp_id: each for each in associations(archive.database, batch, mode)}
        for dp_id in batch:
            document = to_xml(found.get(dp_id) or _unknown(dp_id), mode)
            head = (
                f"--{boundary}",
                f'Content-Disposition: attachment; filename="{file_name(dp_id, mode)}"',
                f"Content-Type: {XML}",
                f"Content-Length: {len(document)}",
            )
            yield "\r\n".join(head).encode() + b"\r\n\r\n" + document + b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _unknown(dp_id: str) -> Association:
    """Among several, a frame that the archive does not know gets an association that says so."""
    words = ("the archive has no such frame",)
    return Association("UNKNOWN", (Frame(dp_id, None, None),), within_rules=True, complete=False, faults=words)


def _adql(dp_ids: Sequence[str], mode: Mode) -> str:
    named = ", ".join("'" + dp_id.replace("'", "''") + "'" for dp_id in dp_ids)
    return f"{ROWS.format(mode=mode)} AND dp_id IN ({named}) ORDER BY dp_id, tag, file_id"


def _plain(words: str, status: int) -> Response:
    return Response(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")
