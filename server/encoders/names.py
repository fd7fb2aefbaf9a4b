"""Names for formats that cannot have two columns of one name."""

from collections.abc import Iterable

__all__ = ["unique"]


def unique(names: Iterable[str]) -> list[str]:
    """Return the names, the later ones of equal names (in any case) with ``_2``, ``_3`` ... appended."""
    taken: set[str] = set()
    found = []
    for name in names:
        candidate, count = name, 1
        while candidate.lower() in taken:
            count += 1
            candidate = f"{name}_{count}"
        taken.add(candidate.lower())
        found.append(candidate)
    return found
