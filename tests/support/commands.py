"""What an operator types after ``musevault ingest``, or another command, within the test's own process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
import pytest
import structlog
from click.testing import CliRunner, Result

from archive.archive import Archive
from ingest.cli import ingest

Types = Callable[..., Result]


@contextmanager
def typing(archive: Archive, monkeypatch: pytest.MonkeyPatch, command: click.Command = ingest) -> Iterator[Types]:
    """Yield what runs a command on this archive; what it logs is on ``stderr`` of the result."""
    monkeypatch.setenv("MUSEVAULT_ROOT", str(archive.settings.root))
    monkeypatch.setenv("MUSEVAULT_DATABASE_URL", archive.database.url)
    yield lambda *words: CliRunner().invoke(command, [str(word) for word in words])
    structlog.reset_defaults()  # commands point it at their own stderr
