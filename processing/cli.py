"""Commands that make products: ``musevault process`` and ``musevault worker``."""

from collections.abc import Sequence

import click

from archive.archive import Archive, open_archive
from archive.log import configure
from archive.queues import PROCESSING, WORK
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
            _drain(archive, [PROCESSING])
            _report([job.job_id for job in submitted], archive)


@click.command()
@click.option("--drain", "drains", is_flag=True, help="Stop when no work is left.")
@click.option("--queue", "queues", multiple=True, help="Queue to take jobs from; repeat for more (default: all work).")
def worker(*, drains: bool, queues: tuple[str, ...]) -> None:
    """Do jobs until stopped; any number of workers may run, on any host that reaches database and store."""
    from archive.staying import stay

    configure()
    settings = load()
    if drains:
        with open_archive(settings) as archive:
            _drain(archive, queues or WORK)
    else:
        stay(settings, queues=queues or WORK)


def _drain(archive: Archive, queues: Sequence[str]) -> None:
    from archive.tasks import installed
    from archive.worker import drain

    drain(archive, installed, queues=queues)


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
