"""What a rule of the check is.  The rules themselves are in the modules ``rules_of_...``, ``checker`` has them all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from processing.phase3.profiles import PROFILES, Profile
from processing.phase3.submitted import Batch, SubmittedFile

__all__ = [
    "ANCILLARY",
    "ANY",
    "CHK",
    "CUBES",
    "EXPMAPS",
    "OWN",
    "S8",
    "WHITES",
    "BatchRule",
    "Kind",
    "Rule",
    "Severity",
]

CHK: Final = "ESO, list of Phase 3 checks, 2025-03-27"
S8: Final = "ESO-044286 version 8"
OWN: Final = "Musevault"
ALL: Final = frozenset(PROFILES)


class Severity(StrEnum):
    """Whether ESO would refuse the file."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Kind:
    """Files that a rule is about."""

    name: str
    holds: Callable[[SubmittedFile], bool]


ANY: Final = Kind("any", lambda _file: True)
CUBES: Final = Kind("cube", lambda file: file.is_cube)
ANCILLARY: Final = Kind("ancillary", lambda file: file.is_ancillary)
WHITES: Final = Kind("white-light image", lambda file: file.is_white)
EXPMAPS: Final = Kind("exposure map", lambda file: file.is_expmap)

Finds = Callable[[SubmittedFile, Profile], Iterator[str]]
"""From a file that can be read, what is wrong with it, a message each."""

FindsInBatch = Callable[[Batch, Profile], Iterator[tuple[str, str]]]
"""From all files together, names of files with what is wrong with each."""


@dataclass(frozen=True)
class Rule:
    """One thing that is asked of a file.

    Parameters
    ----------
    rule_id
        By which it is spoken of.
    asks
        What, in a sentence.
    source
        Who asks for it.
    kind
        Of which files.
    finds
        What is wrong.
    severity
        Whether ESO would refuse the file.
    profiles
        Names of the profiles that ask for it.
    reads_pixels
        Whether the file has to be read through.
    """

    rule_id: str
    asks: str
    source: str
    kind: Kind
    finds: Finds
    severity: Severity = Severity.ERROR
    profiles: frozenset[str] = ALL
    reads_pixels: bool = False


@dataclass(frozen=True)
class BatchRule:
    """One thing that is asked of files that are submitted together; else as ``Rule``."""

    rule_id: str
    asks: str
    source: str
    finds: FindsInBatch
    severity: Severity = Severity.ERROR
    profiles: frozenset[str] = ALL
    reads_pixels: bool = False
