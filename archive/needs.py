"""What a job takes of the machine that does it."""

from dataclasses import dataclass

__all__ = ["Needs"]


@dataclass(frozen=True)
class Needs:
    """Processors kept busy, bytes of memory (0: too few to count), and seconds after which it is ended (None: never).

    A worker begins a job when its machine has that much left, and ends one that takes more memory or time than it said.
    """

    cores: int = 1
    memory: int = 0
    timeout: float | None = None
