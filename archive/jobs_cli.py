"""The command ``musevault jobs``: what is done and waits, how one job goes, its end before its time, who works."""

import json
from typing import Final

import click

from archive.archive import Archive, open_archive
from archive.attendance import Attendant
from archive.log import configure
from archive.settings import load
from schema.base import Base
from schema.intake import Run
from schema.jobs import ACTIVE, Job, Phase

__all__ = ["jobs"]

LISTED: Final = 50
RUNS_LISTED: Final = 10


@click.group(invoke_without_command=True)
@click.option("--runs", "only_runs", is_flag=True, help="List the latest runs of ingests only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a job, or with --runs a run.")
@click.pass_context
def jobs(ctx: click.Context, *, only_runs: bool, as_json: bool) -> None:
    """List the youngest jobs, and the latest runs of ingests; show or cancel a job."""
    from archive import jobs as work
    from archive import run_listing
    from archive.runs import bury

    configure()
    if ctx.invoked_subcommand is not None:
        return
    with open_archive(load()) as archive:
        bury(archive.database)
        if not only_runs:
            for job in work.latest(archive.database, limit=LISTED):
                _show(job, _job_line(job), as_json=as_json)
        if only_runs or not as_json:
            for run in run_listing.latest(archive.database, most=LISTED if only_runs else RUNS_LISTED):
                _show(run, _run_line(run), as_json=as_json)


@jobs.command()
@click.argument("job")
@click.option("--follow", is_flag=True, help="Go on until the job has ended; exit status 1 when it did not complete.")
@click.option("--json", "as_json", is_flag=True, help="Print the job, and what happened to it, as one JSON object.")
def show(job: str, *, follow: bool, as_json: bool) -> None:
    """Show a job, by the beginning of its identifier, and what happened to it."""
    from archive.jobs import named

    with open_archive(load()) as archive:
        found = named(archive.database, job)
        if follow:
            found = _follow(archive, found)
        _tell(archive, found, as_json=as_json)
    if follow and found.phase != Phase.COMPLETED:
        raise SystemExit(1)


@jobs.command()
@click.argument("job")
@click.option("--reason", help="Why, for those who look at the job later.")
def cancel(job: str, reason: str | None) -> None:
    """Cancel a job, by the beginning of its identifier; what it does is ended with all that it started."""
    from archive import jobs as work
    from archive.uws import end_backends

    with open_archive(load()) as archive:
        found = work.named(archive.database, job)
        work.cancel(archive.database, found.job_id, reason=reason)
        end_backends(archive.database, found.job_id)  # of a query
        click.echo(f"{found.job_id}  {Phase.ABORTED}")


@jobs.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a worker.")
def workers(*, as_json: bool) -> None:
    """List the workers: who is alive, how many jobs each does, and from which queues it takes them."""
    from archive.attendance import present

    with open_archive(load()) as archive:
        timeout = archive.settings.worker_timeout
        for worker in present(archive.database):
            if as_json:
                known = {**worker._asdict(), "alive": worker.is_alive(timeout)}
                click.echo(json.dumps(known, default=str))
            else:
                click.echo(_worker_line(worker, timeout))


def _follow(archive: Archive, job: Job) -> Job:
    """Print every change of a job until it ends."""
    from archive.jobs import find
    from archive.phases import PhaseWatch

    watch = PhaseWatch(archive.database, most=1)
    told = ""
    try:
        while True:
            line = f"{job.phase:<9}  {job.progress:4.0%}  {job.progress_text or ''}".rstrip()
            if line != told:
                click.echo(line, err=True)
                told = line
            if Phase(job.phase) not in ACTIVE:
                return job
            watch.change(job.job_id, seconds=5.0)
            job = find(archive.database, job.job_id) or job
    finally:
        watch.close()


def _tell(archive: Archive, job: Job, *, as_json: bool) -> None:
    from archive.jobs import story

    events = story(archive.database, job.job_id)
    if as_json:
        click.echo(json.dumps({**_row(job), "events": [_row(event) for event in events]}, default=str))
        return
    for name, value in _row(job).items():
        if value is not None and name not in {"work_key", "queue_id"}:
            click.echo(f"{name.replace('_', ' '):<14} {value}")
    for event in events:
        words = f"  {event.words}" if event.words else ""
        click.echo(f"{event.at:%Y-%m-%dT%H:%M:%S}  {event.what:<11}  {event.worker or ''}{words}")


def _row(row: Base) -> dict[str, object]:
    return {c.name: getattr(row, c.name) for c in row.__table__.columns}


def _show(row: Base, line: str, *, as_json: bool) -> None:
    click.echo(json.dumps(_row(row), default=str) if as_json else line)


def _job_line(job: Job) -> str:
    words = job.error or job.progress_text or ""
    return f"{job.created:%Y-%m-%dT%H:%M:%S}  {job.job_id}  {job.phase:<9}  {job.task}  {words}".rstrip()


def _worker_line(worker: Attendant, timeout: float) -> str:
    state = "alive" if worker.is_alive(timeout) else f"silent for {worker.silent:.0f} s"
    means = f"{worker.cores} cores" + (f", {worker.memory >> 20} MB" if worker.memory is not None else "")
    queues = ", ".join(worker.queues) if worker.queues is not None else "all queues"
    since = f"since {worker.started:%Y-%m-%dT%H:%M:%S}"
    return f"{worker.host}:{worker.pid}  {state}, does {worker.doing}  {means}  {queues}  {since}"


def _run_line(run: Run) -> str:
    took = "at work" if run.seconds is None else f"{run.seconds:.1f} s"
    told = {"new": run.new, "changed": run.changed, "refused": run.refused, "postponed": run.postponed}
    counts = ", ".join(f"{number} {what}" for what, number in told.items() if number) or "nothing new"
    line = f"{run.started:%Y-%m-%dT%H:%M:%S}  {run.kind:<9}  {run.seen} seen: {counts}"
    return f"{line}; {run.error}" if run.error else f"{line}; {took}"
