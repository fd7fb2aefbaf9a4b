"""How files are taken in, as an operator asks for it."""

from dataclasses import dataclass

__all__ = ["Manner"]


@dataclass(frozen=True)
class Manner:
    """How files are taken.

    Parameters
    ----------
    link
        Let raw frames stay where they are, and keep links to them.
    settle
        What is not whole and was changed less than so many seconds ago is left for the next run.
    collection
        Data collection that products belong to.
    """

    link: bool = False
    settle: float = 0.0
    collection: str = "MUSE"
