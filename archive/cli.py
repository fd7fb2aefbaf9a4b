"""Commands of the archive itself: init, database, verify."""

import click

from archive.archive import open_archive
from archive.cluster import Cluster
from archive.errors import ArchiveError
from archive.log import configure
from archive.settings import Settings, load

__all__ = ["database", "init", "verify", "withdraw"]


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
@click.option("--sweep", "sweeps", is_flag=True, help="First remove files that no product has had for a day.")
def verify(*, sweeps: bool) -> None:
    """Read every stored file and compare it with the catalogue, where lost files are marked.

    Exit status 1 when something is missing or damaged.
    """
    from archive.unreferenced import sweep
    from archive.verify import faults

    configure()
    bad = 0
    with open_archive(load()) as archive:
        for sha256 in sweep(archive) if sweeps else ():
            click.echo(f"removed  {sha256}")
        for fault in faults(archive):
            bad += fault.kind.is_bad
            since = "" if fault.lost is None else f"  lost since {fault.lost:%Y-%m-%dT%H:%M:%S}"
            click.echo(f"{fault.kind}  {fault.sha256}  {fault.artifact_id or ''}{since}".rstrip())
    if bad:
        raise SystemExit(1)
    click.echo("every file is whole")


@click.command()
@click.argument("product_ids", nargs=-1, required=True, metavar="PRODUCT...")
def withdraw(product_ids: tuple[str, ...]) -> None:
    """Take products away with their rows; ``verify --sweep`` removes their files a day later."""
    from archive import products

    configure()
    with open_archive(load()) as archive:
        for product_id in product_ids:
            products.withdraw(archive, product_id)
            click.echo(f"withdrawn  {product_id}")


def _embedded(settings: Settings) -> Cluster:
    if settings.database_url is not None:
        raise ArchiveError("MUSEVAULT_DATABASE_URL is set: that server is not ours to start or stop")
    return Cluster(settings.root)
