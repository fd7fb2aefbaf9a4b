"""``musevault serve``: the portal and the services of the Virtual Observatory, under gunicorn."""

import click

from archive.archive import open_archive
from archive.errors import ArchiveError
from archive.log import configure
from archive.settings import Settings, load

__all__ = ["serve"]


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.option("--workers", default=2, show_default=True, help="Processes.")
def serve(*, host: str, port: int, workers: int) -> None:
    """Serve the archive until stopped."""
    from server.gateway import Gateway

    configure()
    settings = _addressed(load(), host, port)
    with open_archive(settings) as archive:
        click.echo(f"serving {settings.root} at {settings.base_url}", err=True)
        Gateway(archive, bind=f"{_bracketed(host)}:{port}", workers=workers).run()


def _addressed(settings: Settings, host: str, port: int) -> Settings:
    """An operator who names no base URL means the address that the service listens on."""
    if "base_url" in settings.model_fields_set:
        return settings
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104  the address of all interfaces is no address for a client
        raise ArchiveError(f"{host!r} is every address of this host: set MUSEVAULT_BASE_URL to the one for clients")
    return settings.model_copy(update={"base_url": f"http://{_bracketed(host)}:{port}"})


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
