"""HEASARC's fitsverify, run as a program where it is installed: what it says of a file against the FITS standard."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archive.errors import Refused

__all__ = ["Verified", "is_installed", "verify"]

PROGRAM: Final = "fitsverify"
TIMEOUT_SECONDS: Final = 3600.0
TOTALS: Final = re.compile(r"found (\d+) warning\(s\) and (\d+) error\(s\)")
SAID: Final = re.compile(r"^\*\*\* (?:Error|Warning):\s*(.*)")
ABORTED: Final = "Abort Verification"


@dataclass(frozen=True)
class Verified:
    """What it counts in a file, and what it complains of."""

    warnings: int
    errors: int
    messages: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Whether it has nothing to say."""
        return not self.warnings and not self.errors


def is_installed() -> bool:
    """Tell whether the program is there."""
    return shutil.which(PROGRAM) is not None


def verify(path: Path) -> Verified:
    """Run it on a file.

    Raises
    ------
    Refused
        It is not installed, does not end, or says nothing that can be understood.
    """
    if not is_installed():
        raise Refused(f"{PROGRAM} is not installed")
    try:
        done = subprocess.run(
            [PROGRAM, str(path.absolute())],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Refused(f"{PROGRAM} did not end within {TIMEOUT_SECONDS:g} s on {path.name}") from error
    said = done.stdout + done.stderr
    totals = TOTALS.findall(said)
    messages = tuple(found[1].strip() for line in said.splitlines() if (found := SAID.match(line)))
    if ABORTED in said:
        return Verified(0, 1, messages)
    if not totals:
        raise Refused(f"{PROGRAM} cannot read {path.name}: {' '.join(said.split())[:200]}")
    warnings, errors = (int(count) for count in totals[-1])
    return Verified(warnings, errors, messages)
