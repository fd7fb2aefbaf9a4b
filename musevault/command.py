"""The one command ``musevault``: finds what the packages hang under it, and imports none of them until asked."""

import sys
from importlib.metadata import EntryPoint, entry_points

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


@click.command(cls=Commands)
@click.version_option(__version__, prog_name="musevault")
def main() -> None:
    """Musevault: the archive of an integral-field survey."""


if __name__ == "__main__":
    sys.exit(main())
