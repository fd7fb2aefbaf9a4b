"""Asynchronous TAP (UWS 1.1): jobs as resources below ``/tap/async``.

What jobs are and do is in ``archive.uws``; what requests ask of them is read in ``job_control``.
"""

from base64 import b64encode

from flask import Blueprint, Response, make_response, redirect, request, send_file

from archive import uws
from archive.archive import Archive
from archive.phases import PhaseWatch
from schema.jobs import Phase
from schema.uws import UwsJob
from server import dali, vosi
from server.caller import give_cookie
from server.encoders.votable import error_document
from server.job_control import JobControl, errors_as_text
from server.query import Queries
from server.uws_documents import job_document, job_list, parameters_document, results_document, written

__all__ = ["blueprint"]


def blueprint(archive: Archive, queries: Queries, watch: PhaseWatch) -> Blueprint:
    """Return the routes below ``/tap/async``."""
    routes = Blueprint("uws", __name__, url_prefix="/tap/async")
    routes.after_request(give_cookie)
    control = JobControl(archive, queries, watch)
    base = f"{archive.settings.base_url}/tap/async"
    _route_jobs(routes, control, base)
    _route_parts(routes, control, base)

    @routes.get("/<job_id>/results/result")
    @errors_as_text
    def result(job_id: str) -> Response:
        return _result(archive, control.get(job_id))

    return routes


def _route_jobs(routes: Blueprint, control: JobControl, base: str) -> None:
    @routes.get("")
    @errors_as_text
    def jobs() -> Response:
        return vosi.document(job_list(control.listed(dali.parameters()), base))

    @routes.post("")
    @errors_as_text
    def create() -> Response:
        return _see(f"{base}/{control.create(control.parameters())}")

    @routes.get("/<job_id>")
    @errors_as_text
    def job(job_id: str) -> Response:
        found = control.awaited(job_id, dali.parameters())
        return vosi.document(job_document(found, f"{base}/{job_id}"), skip_empty=False)

    @routes.route("/<job_id>", methods=["POST", "DELETE"])
    @errors_as_text
    def act(job_id: str) -> Response:
        given = control.parameters()
        if request.method == "DELETE" or given.get("ACTION", "").upper() == "DELETE":
            control.destroy(job_id)
            return _see(base)
        control.change(job_id, given)
        return _see(f"{base}/{job_id}")


def _route_parts(routes: Blueprint, control: JobControl, base: str) -> None:
    @routes.post("/<job_id>/<any(phase,executionduration,destruction,parameters):_part>")
    @errors_as_text
    def change(job_id: str, _part: str) -> Response:
        control.change(job_id, control.parameters())
        return _see(f"{base}/{job_id}")

    @routes.get("/<job_id>/<any(phase,executionduration,destruction,quote,owner):part>")
    @errors_as_text
    def part(job_id: str, part: str) -> Response:
        return _text(_part_of(control.get(job_id), part))

    @routes.get("/<job_id>/parameters")
    @errors_as_text
    def parameters(job_id: str) -> Response:
        return vosi.document(parameters_document(control.get(job_id)))

    @routes.get("/<job_id>/results")
    @errors_as_text
    def results(job_id: str) -> Response:
        return vosi.document(results_document(control.get(job_id), f"{base}/{job_id}"))

    @routes.get("/<job_id>/error")
    @errors_as_text
    def error(job_id: str) -> Response:
        return _error(control.get(job_id))


def _see(url: str) -> Response:
    return make_response(redirect(url, 303))


def _part_of(job: UwsJob, part: str) -> str:
    match part:
        case "phase":
            return job.job.phase
        case "executionduration":
            return str(job.execution_duration)
        case "destruction":
            return written(job.destruction)
        case "quote":
            return written(job.quote)
        case _:
            return job.owner or ""


def _text(words: str) -> Response:
    return Response(words, content_type="text/plain;charset=UTF-8")


def _error(job: UwsJob) -> Response:
    if job.job.error is None or job.job.phase not in {Phase.ERROR, Phase.ABORTED}:
        return _text("")
    return Response(error_document(job.job.error), content_type=dali.VOTABLE)


def _result(archive: Archive, job: UwsJob) -> Response:
    """Return the result, or the part of it that the request's Range asks for."""
    if job.job.phase != Phase.COMPLETED or job.result_file is None or job.result_sha256 is None:
        why = f": {job.job.error}" if job.job.error else ""
        return make_response(_text(f"the job is {job.job.phase}; it has no result{why}\n"), 404)
    path = uws.folder(archive.settings, job.job_id) / job.result_file
    if not path.is_file():
        return make_response(_text("the result is lost\n"), 410)
    response = send_file(
        path,
        mimetype=job.result_type,
        download_name=job.result_file,
        conditional=True,
        etag=job.result_sha256,
        last_modified=job.job.ended,
        max_age=0,
    )
    response.headers["Content-Type"] = job.result_type or "application/octet-stream"  # Flask added a charset
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Repr-Digest"] = f"sha-256=:{b64encode(bytes.fromhex(job.result_sha256)).decode()}:"
    return response
