"""How much may be uploaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:  # the process that reads has no settings, and no time to import what they need
    from archive.settings import Settings

__all__ = ["Limits"]

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What an upload may not exceed; ``bytes`` holds for a table as sent, unpacked, and as it is read.

    ``hosts`` are fetched from though not public; the certificates in ``trusted`` count beside the system's.
    """

    rows: int
    bytes: int
    seconds: float
    columns: int = 1000
    hosts: frozenset[str] = frozenset()
    trusted: Path | None = None

    @classmethod
    def of(cls, settings: "Settings") -> Self:
        """Return the operator's limits."""
        return cls(
            rows=settings.upload_rows,
            bytes=settings.upload_bytes,
            seconds=settings.upload_seconds,
            hosts=frozenset(host.lower() for host in settings.upload_hosts),
            trusted=settings.upload_ca,
        )

    @property
    def size(self) -> str:
        """The limit of bytes in words."""
        return f"{self.bytes / MEGABYTE:g} MB"
