"""Which versions a run had, as its log says: of esorex, of ESO's library below it, of the pipeline.  Pure."""

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["versions_of"]

SAID: Final = {
    "esorex": re.compile(r"This is EsoRex, version (\S+)"),
    "cpl": re.compile(r"\bCPL = ([^\s,]+)"),
    "muse": re.compile(r"MUSE Instrument Pipeline v?(\S+)"),
}


def versions_of(log: str) -> Mapping[str, str]:
    """Return the versions by name; what the log does not tell is left out."""
    found = {name: pattern.search(log) for name, pattern in SAID.items()}
    return {name: match[1] for name, match in found.items() if match}
