"""What became of one file that was offered."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

__all__ = ["Became", "Outcome"]


class Became(StrEnum):
    """The five things that can become of a file; a conflict is a refusal."""

    NEW = "new"
    KNOWN = "known"
    CHANGED = "changed"
    REFUSED = "refused"
    POSTPONED = "postponed"


@dataclass(frozen=True)
class Outcome:
    """What became of one file: ``key`` names what it became, ``reason`` says why it was refused or postponed."""

    path: Path
    became: Became
    key: str | None = None
    reason: str | None = None
