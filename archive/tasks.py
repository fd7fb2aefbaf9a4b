"""What the workers of this installation can do: the entry points ``musevault.tasks``, each loaded when asked for."""

from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoints, entry_points
from typing import Final

from archive.execution import Run

__all__ = ["installed"]

GROUP: Final = "musevault.tasks"


class Installed(Mapping[str, Run]):
    """Tasks by name."""

    def __init__(self, entries: EntryPoints) -> None:
        self._entries: Final = entries

    def __getitem__(self, name: str) -> Run:
        """Load a task."""
        run: Run = self._entries[name].load()
        return run

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a task, without loading it."""
        return name in self._entries.names

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._entries.names)

    def __len__(self) -> int:
        """Count them."""
        return len(self._entries)


def installed() -> Mapping[str, Run]:
    """Return the tasks."""
    return Installed(entry_points(group=GROUP))
