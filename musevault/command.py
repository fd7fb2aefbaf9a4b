"""The one command ``musevault``: finds what the packages hang under it, and imports none of them until asked."""

import signal
import sys
from importlib.metadata import EntryPoint, entry_points
from types import FrameType
from typing import NoReturn

import click

from musevault import __version__

GROUP = "musevault.commands"


class Commands(click.Group):
    """Sub-commands are entry points: loaded when called, so that ``--help`` of one does not import all."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names that the installed packages registered."""
        del ctx
        return sorted(entry_points(group=GROUP).names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command, or return None when nobody registered it."""
        del ctx
        found: list[EntryPoint] = list(entry_points(group=GROUP, name=cmd_name))
        if not found:
            return None
        command = found[0].load()
        if not isinstance(command, click.Command):
            raise TypeError(f"entry point {cmd_name} of {GROUP} is no command")
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command so that whatever ends it, its clean-up is done and one clear line is said."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _leave)
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from error


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave by an exception, so that what was opened is closed."""
    raise SystemExit(128 + number)


@click.command(cls=Commands)
@click.version_option(__version__, prog_name="musevault")
def main() -> None:
    """Musevault: the archive of an integral-field survey."""


if __name__ == "__main__":
    sys.exit(main())
