"""What a request asks of a job: its parameters become calls of ``archive.uws``, its mistakes become words."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, Final

from flask import Response
from vo_models.uws.types import ExecutionPhase
from werkzeug.datastructures import MultiDict

from archive import uws
from archive.archive import Archive
from archive.phases import PhaseWatch
from archive.queues import QUERY_FAST, QUERY_SLOW
from schema.jobs import ACTIVE, Phase
from schema.uws import UwsJob
from server import dali
from server.adql import AdqlError
from server.asked import Asked
from server.caller import caller, remembered
from server.query import Queries, ServiceBusy
from server.request_uploads import RequestUploads
from server.tasks import TASK, UPLOADS
from server.uploads.errors import UploadError
from server.uploads.limits import Limits
from server.uploads.sources import parse

__all__ = ["JobControl", "errors_as_text"]

LONGEST_WAIT_SECONDS: Final = 50.0
"""Proxies close connections on which nothing has come for a minute."""

CONTROL: Final = frozenset({"PHASE", "RUNID", "EXECUTIONDURATION", "DESTRUCTION", "ACTION", "WAIT"})
"""Parameters that say how to run a job, not what it does."""

RETRY_SECONDS: Final = "30"

Values = MultiDict[str, str]


class UnknownJob(LookupError):
    """There is no such job, or it is somebody else's."""


class JobControl:
    """The jobs of one service as requests handle them."""

    def __init__(self, archive: Archive, queries: Queries, watch: PhaseWatch) -> None:
        self._archive: Final = archive
        self._queries: Final = queries
        self._watch: Final = watch
        self._uploads: Final = RequestUploads(Limits.of(archive.settings))

    def parameters(self) -> Values:
        """Return the request's parameters; tables may be with them."""
        given = self._uploads.parameters()
        dali.check_letters(given)
        return given

    def create(self, given: Values) -> str:
        """Make a job, run it if ``PHASE=RUN`` is among the parameters, and return its identifier."""
        phase = given.get("PHASE", "").upper()
        if phase not in {"", "RUN"}:
            raise dali.UsageError(f"PHASE of a new job can be RUN, not {phase!r}")
        job = uws.create(
            self._archive, TASK, _task_parameters(given), caller=remembered(), run_id=given.get("RUNID") or None
        )
        try:
            self._keep_uploads(job.job_id, given)
            self._apply(job.job_id, MultiDict([(k, v) for k, v in given.items(multi=True) if k in CONTROL]))
        except Exception:
            uws.destroy(self._archive, job.job_id)
            raise
        return job.job_id

    def get(self, job_id: str) -> UwsJob:
        """Return a job.

        Raises
        ------
        UnknownJob
            There is none of that identifier for the caller.
        """
        job = uws.find(self._archive.database, job_id) if re.fullmatch("[0-9a-f]{32}", job_id) else None
        if job is None or not uws.visible(job, caller()):
            raise UnknownJob(f"there is no job {job_id}")
        return job

    def listed(self, given: Values) -> list[UwsJob]:
        """Return the caller's own jobs, as ``PHASE``, ``AFTER`` and ``LAST`` choose them."""
        last = given.get("LAST", "").strip()
        if last and re.fullmatch("[1-9][0-9]{0,8}", last) is None:
            raise dali.UsageError(f"LAST must be a number of jobs, not {last[:40]!r}")
        return uws.listed(
            self._archive.database,
            caller(),
            phases=_phases(given.getlist("PHASE")),
            after=_moment("AFTER", given["AFTER"]) if given.get("AFTER") else None,
            last=int(last) if last else None,
        )

    def awaited(self, job_id: str, given: Values) -> UwsJob:
        """Return a job, at once or, with ``WAIT``, when its phase changes or the time is over."""
        job = self.get(job_id)
        if "WAIT" not in given:
            return job
        wait = given["WAIT"].strip()
        if re.fullmatch("-1|[0-9]{1,9}", wait) is None:
            raise dali.UsageError(f"WAIT must be a number of seconds, or -1 for as long as can be, not {wait[:40]!r}")
        phase = Phase(job.job.phase)
        asked = given.get("PHASE", phase).upper()
        if phase not in ACTIVE or asked != phase:
            return job
        seconds = LONGEST_WAIT_SECONDS if wait == "-1" else min(float(wait), LONGEST_WAIT_SECONDS)
        self._watch.wait(job_id, phase, seconds=seconds)
        return self.get(job_id)

    def change(self, job_id: str, given: Values) -> None:
        """Change what a request says: parameters, limits, phase."""
        self.get(job_id)
        if parameters := _task_parameters(given):
            uws.change(self._archive.database, job_id, parameters=parameters)
            self._keep_uploads(job_id, given)
        self._apply(job_id, given)

    def destroy(self, job_id: str) -> None:
        """Remove a job."""
        self.get(job_id)
        uws.destroy(self._archive, job_id)

    def _keep_uploads(self, job_id: str, given: Values) -> None:
        """Save the tables that are parts of the request; the others are fetched when the job is run."""
        try:
            sources = parse(given.getlist("UPLOAD"))
            if any(source.part is not None for source in sources):
                folder = uws.folder(self._archive.settings, job_id) / UPLOADS
                folder.mkdir(parents=True, exist_ok=True)
                self._uploads.keep(sources, folder)
        except UploadError as error:
            raise dali.UsageError(str(error)) from error

    def _apply(self, job_id: str, given: Values) -> None:
        database, settings = self._archive.database, self._archive.settings
        if given.get("RUNID"):
            uws.change(database, job_id, run_id=given["RUNID"][:200])
        if "EXECUTIONDURATION" in given:
            duration = _seconds(given["EXECUTIONDURATION"]) or settings.async_duration_limit
            uws.change(database, job_id, execution_duration=min(duration, settings.async_duration_limit))
        if "DESTRUCTION" in given:
            latest = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=settings.async_retention_limit)
            uws.change(database, job_id, destruction=min(_moment("DESTRUCTION", given["DESTRUCTION"]), latest))
        match given.get("PHASE", "").upper():
            case "":
                pass
            case "RUN":
                self._start(job_id)
            case "ABORT":
                uws.abort(database, job_id)
            case other:
                raise dali.UsageError(f"PHASE must be RUN or ABORT, not {other!r}")

    def _start(self, job_id: str) -> None:
        settings = self._archive.settings
        job = self.get(job_id)
        cost = self._cost(job)
        unknown = "QUERY" in job.parameters and "UPLOAD" not in job.parameters  # a wrong query; not an index to make
        is_fast = unknown if cost is None else cost <= settings.async_fast_cost
        queue = QUERY_FAST if is_fast else QUERY_SLOW
        uws.start(self._archive.database, job_id, uws.Start(queue, cost), most=settings.async_active_limit)

    def _cost(self, job: UwsJob) -> float | None:
        """Ask the planner; a query that is wrong costs nothing, and its job says why."""
        try:
            asked = Asked.read(MultiDict(job.parameters))
            return self._queries.cost(asked.query, maxrec=asked.maxrec, account=job.owner)
        except (dali.UsageError, AdqlError, ServiceBusy):
            return None


def errors_as_text(view: Callable[..., Response]) -> Callable[..., Response]:
    """Let a view's failures become a line of text with a status that fits."""

    @wraps(view)
    def guarded(*arguments: Any, **keywords: Any) -> Response:
        try:
            return view(*arguments, **keywords)
        except UnknownJob as problem:
            return _said(str(problem), 404)
        except dali.UsageError as problem:
            return _said(str(problem), 400)
        except uws.NotNow as problem:
            return _said(problem.message, 400)
        except uws.QuotaExceeded as problem:
            response = _said(problem.message, 429)
            response.headers["Retry-After"] = RETRY_SECONDS
            return response

    return guarded


def _said(words: str, status: int) -> Response:
    return Response(f"{words}\n", status=status, content_type="text/plain;charset=UTF-8")


def _task_parameters(given: Values) -> dict[str, list[str]]:
    return {name: given.getlist(name) for name in given if name not in CONTROL}


def _phases(names: list[str]) -> list[Phase] | None:
    """Return the phases among those that UWS knows; some are never those of a job here."""
    try:
        asked = [ExecutionPhase(name.upper()) for name in names]
    except ValueError as error:
        raise dali.UsageError(f"PHASE must be one of {', '.join(ExecutionPhase)}") from error
    return [phase for phase in Phase if phase in {other.value for other in asked}] if asked else None


def _seconds(value: str) -> int:
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]*)?", value.strip()) is None:
        raise dali.UsageError(f"EXECUTIONDURATION must be a number of seconds, not {value[:40]!r}")
    return int(float(value))


def _moment(name: str, value: str) -> datetime:
    """Return a time in UTC; one without a zone is so."""
    try:
        moment = datetime.fromisoformat(value.strip())
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise dali.UsageError(f"{name} must be a time such as 2030-01-31T12:00:00Z, not {value[:40]!r}") from error
