"""Commands that make products: ``musevault process`` and ``musevault worker``."""

from collections.abc import Sequence
from importlib.metadata import entry_points

import click

from archive.archive import Archive, open_archive
from archive.jobs import DEFAULT_QUEUE
from archive.log import configure
from archive.settings import load

__all__ = ["process", "worker"]


@click.command()
@click.argument("names", nargs=-1)
@click.option("--now", is_flag=True, help="Do the work here instead of leaving it to the workers.")
def process(names: tuple[str, ...], *, now: bool) -> None:
    """Submit what is missing for products or galaxies (default: all); submits nothing twice."""
    from processing.plan import submit_missing

    configure()
    with open_archive(load()) as archive:
        submitted = submit_missing(archive, names)
        for job in submitted:
            click.echo(f"{job.job_id}  {job.task}  {job.parameters['product']}")
        if not submitted:
            click.echo("nothing is missing")
        if now:
            _work(archive, drain=True, queues=[DEFAULT_QUEUE])  # the queries of clients are not ours to wait for
            _report([job.job_id for job in submitted], archive)


@click.command()
@click.option("--drain", is_flag=True, help="Stop when no work is left.")
def worker(*, drain: bool) -> None:
    """Do jobs until stopped."""
    configure()
    with open_archive(load()) as archive:
        _work(archive, drain=drain)


def _work(archive: Archive, *, drain: bool, queues: Sequence[str] | None = None) -> None:
    from archive.worker import work
    from processing.cascade import TASKS

    others = {entry.name: entry.load() for entry in entry_points(group="musevault.tasks")}
    work(archive, {**others, **{task.name: task.run for task in TASKS}}, drain=drain, queues=queues)


def _report(job_ids: list[str], archive: Archive) -> None:
    from archive import jobs
    from schema.jobs import Phase

    failed = 0
    for job_id in job_ids:
        job = jobs.find(archive.database, job_id)
        if job is not None and job.phase != Phase.COMPLETED:
            failed += 1
            click.echo(f"{job.job_id}  {job.phase}  {job.error or ''}", err=True)
    if failed:
        raise SystemExit(1)
