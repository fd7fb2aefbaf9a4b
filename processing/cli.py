"""Commands that make products: ``musevault plan``, ``musevault process`` and ``musevault worker``."""

from collections.abc import Sequence

import click

from archive.archive import Archive, open_archive
from archive.log import configure
from archive.queues import PROCESSING, WORK
from archive.settings import load

__all__ = ["plan", "process", "worker"]


FWHM = click.option("--fwhm", type=float, help="Mosaics of this resolution, too: FWHM of a point source, arcsec.")
PHYSICAL = click.option("--physical", help="The same as a length at the galaxy that is named, such as 150pc.")
SET = click.option(
    "--set",
    "written",
    multiple=True,
    metavar="TASK.PARAMETER=VALUE",
    help="Make it with another value, such as maps.model=true; it stays with the products. Repeat for more.",
)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, in seconds and bytes.")
@FWHM
@PHYSICAL
@SET
def plan(
    names: tuple[str, ...], *, as_json: bool, fwhm: float | None, physical: str | None, written: tuple[str, ...]
) -> None:
    """Show what is missing or out of date for products or galaxies (default: all), why, and what it would cost."""
    from processing.chosen import choose
    from processing.plan import make_plan
    from processing.plan_text import to_json, to_table
    from processing.resolution import tasks_for

    configure()
    with open_archive(load()) as archive:
        tasks = choose(tasks_for(archive, names, fwhm=fwhm, physical=physical), written, names)
        made = make_plan(archive, names, tasks=tasks)
    click.echo(to_json(made) if as_json else to_table(made))


@click.command()
@click.argument("names", nargs=-1)
@click.option("--now", is_flag=True, help="Do the work here instead of leaving it to the workers.")
@click.option("--priority", type=int, help="Jobs of a higher number are taken first (default: 0).")
@FWHM
@PHYSICAL
@SET
def process(
    names: tuple[str, ...],
    *,
    now: bool,
    priority: int | None,
    fwhm: float | None,
    physical: str | None,
    written: tuple[str, ...],
) -> None:
    """Submit what ``plan`` shows for products or galaxies (default: all); submits nothing twice."""
    from processing.chosen import choose
    from processing.resolution import tasks_for
    from processing.submission import submit

    configure()
    with open_archive(load()) as archive:
        tasks = choose(tasks_for(archive, names, fwhm=fwhm, physical=physical), written, names)
        submitted = submit(archive, names, tasks=tasks, priority=priority)
        for one in submitted:
            known = "" if one.is_new else f"  {one.job.phase} already"
            click.echo(f"{one.job.job_id}  {one.job.task}  {' '.join(one.job.parameters['outputs'])}{known}")
        if not submitted:
            click.echo("nothing to do")
        if now:
            _drain(archive, [PROCESSING])
            _report([one.job.job_id for one in submitted], archive)


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
