"""Commands of the archive itself: init, database, jobs, verify."""

import json

import click

from archive.archive import open_archive
from archive.cluster import Cluster
from archive.errors import ArchiveError
from archive.log import configure
from archive.settings import Settings, load
from schema.base import Base
from schema.intake import Run
from schema.jobs import Job

__all__ = ["database", "init", "jobs", "verify"]


@click.command()
def init() -> None:
    """Make the archive, or bring it up to date; safe to repeat."""
    configure()
    with open_archive(load()) as archive:
        click.echo(f"archive ready in {archive.settings.root}")


@click.group()
def database() -> None:
    """Start, stop and look after the embedded PostgreSQL."""
    configure()


@database.command()
def start() -> None:
    """Start the server and keep it up when nobody uses it."""
    cluster = _embedded(load())
    cluster.keep(up=True)
    cluster.start()
    click.echo(f"up: {cluster.url}")


@database.command()
def stop() -> None:
    """Stop the server, whoever uses it."""
    cluster = _embedded(load())
    cluster.keep(up=False)
    cluster.stop()
    click.echo("down")


@database.command()
def status() -> None:
    """Tell whether the server answers; exit status 3 when it does not."""
    cluster = _embedded(load())
    if not cluster.is_healthy():
        click.echo("down")
        raise SystemExit(3)
    click.echo(f"up: {cluster.url}")


@click.command()
@click.option("--runs", "only_runs", is_flag=True, help="List the latest runs of ingests only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a job, or with --runs a run.")
def jobs(*, only_runs: bool, as_json: bool) -> None:
    """List the youngest jobs, and the latest runs of ingests."""
    from archive import run_listing
    from archive.jobs import latest
    from archive.runs import bury

    configure()
    with open_archive(load()) as archive:
        bury(archive.database)
        if not only_runs:
            for job in latest(archive.database):
                _show(job, _job_line(job), as_json=as_json)
        if only_runs or not as_json:
            for run in run_listing.latest(archive.database, most=50 if only_runs else 10):
                _show(run, _run_line(run), as_json=as_json)


@click.command()
def verify() -> None:
    """Read every stored file and compare it with the catalogue, where lost files are marked.

    Exit status 1 when something is missing or damaged.
    """
    from archive.verify import faults

    configure()
    bad = 0
    with open_archive(load()) as archive:
        for fault in faults(archive):
            bad += fault.kind.is_bad
            since = "" if fault.lost is None else f"  lost since {fault.lost:%Y-%m-%dT%H:%M:%S}"
            click.echo(f"{fault.kind}  {fault.sha256}  {fault.artifact_id or ''}{since}".rstrip())
    if bad:
        raise SystemExit(1)
    click.echo("every file is whole")


def _show(row: Base, line: str, *, as_json: bool) -> None:
    if as_json:
        line = json.dumps({c.name: getattr(row, c.name) for c in row.__table__.columns}, default=str)
    click.echo(line)


def _job_line(job: Job) -> str:
    words = job.error or job.progress_text or ""
    return f"{job.created:%Y-%m-%dT%H:%M:%S}  {job.job_id}  {job.phase:<9}  {job.task}  {words}".rstrip()


def _run_line(run: Run) -> str:
    took = "at work" if run.seconds is None else f"{run.seconds:.1f} s"
    told = {"new": run.new, "changed": run.changed, "refused": run.refused, "postponed": run.postponed}
    counts = ", ".join(f"{number} {what}" for what, number in told.items() if number) or "nothing new"
    line = f"{run.started:%Y-%m-%dT%H:%M:%S}  {run.kind:<9}  {run.seen} seen: {counts}"
    return f"{line}; {run.error}" if run.error else f"{line}; {took}"


def _embedded(settings: Settings) -> Cluster:
    if settings.database_url is not None:
        raise ArchiveError("MUSEVAULT_DATABASE_URL is set: that server is not ours to start or stop")
    return Cluster(settings.root)
