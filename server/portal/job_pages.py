"""The pages of jobs: what is being done, waits and was done, who works; live where the browser runs scripts.

The script asks for the same page again, every few seconds, and only while somebody looks at it: no request waits here
for something to happen, so viewers take no threads from others.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, abort, make_response, render_template, request

from archive import attendance, job_listing
from archive.archive import Archive
from archive.job_listing import After, JobLine, Wanted
from schema.jobs import ACTIVE, Phase
from server import policy
from server.portal import job_facts

__all__ = ["JobPages", "register"]

BAD_REQUEST: Final = 400
SOON_SECONDS: Final = 2
LATER_SECONDS: Final = 10
"""How long the script waits before it looks again: where something is being done, and elsewhere."""

NUL: Final = "\0"
"""What PostgreSQL takes in no text."""

NAMES_LOOKED_UP: Final = 500


def register(portal: Blueprint, archive: Archive) -> None:
    """Add the routes to the portal's."""
    pages = JobPages(archive)
    portal.add_url_rule("/jobs", "jobs", pages.jobs)
    portal.add_url_rule("/jobs/<job_id>", "job", pages.job)


@dataclass(frozen=True)
class JobPages:
    """The routes over one archive."""

    archive: Archive

    def jobs(self) -> Response:
        """The list of jobs, and of those who do them."""
        database = self.archive.database
        wanted, after = _wanted(), _after()
        found = job_listing.listing(database, wanted, after=after)
        return _live(
            "jobs.html",
            found=found,
            wanted=wanted,
            after=after,
            phases=tuple(Phase),
            tasks=job_listing.tasks(database),
            subjects=self._subjects([*found.active, *found.ended]),
            workers=attendance.present(database),
            timeout=self.archive.settings.worker_timeout,
            live=SOON_SECONDS if found.active else LATER_SECONDS,
        )

    def job(self, job_id: str) -> Response:
        """One job."""
        database = self.archive.database
        record = None if NUL in job_id else job_listing.find(database, job_id)
        if record is None:
            abort(404, f"There is no job {job_id} in this archive.")
        job = record.job
        known = job_listing.known_products(database, list(job_facts.names(job.parameters))[:NAMES_LOOKED_UP])
        return _live(
            "job.html",
            record=record,
            about=job_facts.about(job.parameters, known),
            facts=job_facts.facts(job),
            parameters=job_facts.parameters(job.parameters, known),
            live=SOON_SECONDS if job.phase in ACTIVE else None,
        )

    def _subjects(self, lines: list[JobLine]) -> dict[str, list[job_facts.Piece]]:
        names = {name for line in lines for name in list(job_facts.names(line.parameters))[:NAMES_LOOKED_UP]}
        known = job_listing.known_products(self.archive.database, names) if names else set()
        return {line.job_id: job_facts.about(line.parameters, known) for line in lines}


def _live(template: str, **values: Any) -> Response:
    """Make a page that a script may bring up to date; the same page twice is sent once."""
    response = make_response(render_template(template, **values))
    response.headers["Content-Security-Policy"] = policy.LIVE_PAGE
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def _wanted() -> Wanted:
    phase = request.args.get("phase") or None
    if phase is not None and phase not in set(Phase):
        abort(BAD_REQUEST, f"A phase is one of {', '.join(Phase)}, and not {phase[:40]}.")
    if NUL in request.args.get("task", ""):
        abort(BAD_REQUEST, "No task has such a name.")
    return Wanted(Phase(phase) if phase else None, request.args.get("task") or None)


def _after() -> After | None:
    """Return where the page begins: the time and the identifier of a job, with a blank between."""
    given = request.args.get("after")
    if not given:
        return None
    if NUL in given:
        abort(BAD_REQUEST, "No page of jobs begins with that.")
    moment, _, job_id = given.partition(" ")
    try:
        return After(datetime.fromisoformat(moment).replace(tzinfo=None), job_id)
    except ValueError:
        abort(BAD_REQUEST, f"No page of jobs begins with {given[:60]}.")
