"""What is said of a job on its page and in lists.  Pure.

The pages are for everyone: of a file they tell the name, not the folder of the operator's disk that it is in.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from schema.jobs import Job
from server.portal import formats
from server.portal.facts import Fact, text

__all__ = ["Piece", "about", "facts", "names", "parameters", "without_folders"]

FOLDERS: Final = re.compile(r"""(?<![\w./~-])~?/(?:[^\s/'",;:()\[\]]+/)*(?=[^\s/'",;:()\[\]])""")
"""The folders in front of a file's name; not those in an address of the web."""

QUOTED: Final = re.compile(r"""(['"])~?/[^'"]*/([^'"/]*)\1""")
"""A path in quotes, which may have blanks."""

UNREACHED: Final = re.compile(
    r"(?:(?:the database|\w+): )?(?:connection to server|connection failed|couldn't get a connection"
    r"|(?:could not|failed to) (?:translate host name|resolve host)|no pg_hba\.conf entry"
    r"|(?:FATAL:  ?)?(?:password authentication failed|role \"|database \"))[^;]*"
)
"""What the database's library says up to the next semicolon when it gets no connection: host, port, user, and more."""

NO_DATABASE: Final = "the database could not be reached"

ADDRESS: Final = re.compile(r""" ?\b(?:tcp|tls|ucx|wss?|inproc|postgres(?:ql)?(?:\+\w+)?)://[^\s,;'")]+""")
"""Where the operator's servers are."""

SHOWN: Final = 3
LONGEST: Final = 60


@dataclass(frozen=True)
class Piece:
    """A name that a job is about, and whether it is a product of the archive."""

    name: str
    is_product: bool


def without_folders(words: str | None) -> str:
    """Return words in which every path is its last part, and no server has an address."""
    words = ADDRESS.sub("", UNREACHED.sub(NO_DATABASE, words or ""))
    return FOLDERS.sub("", QUOTED.sub(r"\1\2\1", words))


def names(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts among parameters: they may be names of products."""
    for value in parameters.values():
        yield from (item for item in _items(value) if isinstance(item, str))


def about(parameters: Mapping[str, Any], products: Collection[str]) -> list[Piece]:
    """Return what a job is about in few words: the products among its parameters, or what else they name."""
    found = list(dict.fromkeys(names(parameters)))
    chosen = [name for name in found if name in products] or found
    pieces = [Piece(_short(name) if name not in products else name, name in products) for name in chosen[:SHOWN]]
    if len(chosen) > SHOWN:
        pieces.append(Piece(f"and {len(chosen) - SHOWN} more", is_product=False))
    return pieces


def parameters(given: Mapping[str, Any], products: Collection[str]) -> dict[str, list[Piece]]:
    """Return all parameters, each as its values."""
    return {name: [_piece(item, products) for item in _items(value)] for name, value in given.items()}


def facts(job: Job) -> list[Fact]:
    """Return what is known of a job beside phase, progress and parameters."""
    return [
        *_moment("Submitted", job.created),
        *_moment("Begun", job.started),
        *_moment("Ended", job.ended),
        *_took(job),
        *text("Worker", job.worker),
        Fact("Queue", f"{job.queue}, priority {job.priority}"),
        Fact("Needs", _needs(job)),
        *([Fact("Begun so often", str(job.attempts))] if job.attempts > 1 else []),
        *([Fact("Postponed so often", str(job.faults))] if job.faults else []),
    ]


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _piece(item: Any, products: Collection[str]) -> Piece:
    if isinstance(item, str) and item in products:
        return Piece(item, is_product=True)
    return Piece(without_folders(str(item)), is_product=False)


def _took(job: Job) -> Iterator[Fact]:
    if job.started is not None and job.ended is not None:
        yield Fact("Took", f"{(job.ended - job.started).total_seconds():,.1f}", "s")


def _needs(job: Job) -> str:
    parts = [f"{job.cores} core{'s' if job.cores != 1 else ''}"]
    if job.memory:
        parts.append(f"{formats.size(job.memory)} of memory")
    if job.timeout is not None:
        parts.append(f"at most {job.timeout:,g} s")
    return ", ".join(parts)


def _moment(label: str, when: datetime | None) -> Iterator[Fact]:
    if when is not None:
        yield Fact(label, formats.moment(when), "UTC")


def _short(name: str) -> str:
    name = without_folders(name)
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
