"""What esorex wrote into its log: messages by level, what is known to mean nothing, the error that ended it.  Pure."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

__all__ = ["Message", "error_of", "grave_of", "loaded_tables", "messages", "warnings_of"]

LINE: Final = re.compile(r"^\d\d:\d\d:\d\d \[ *(DEBUG|INFO|WARNING|ERROR) *\] (?:[\w:]*:? )?(?:\[tid=\d+\] ?)?(.*)$")
NOISE: Final = (
    "Unable to open directory /usr/lib/cpl/plugins",  # Debian keeps the plugins elsewhere, where they are found
    "Channel for IFU",  # counted by us: which are there is known from the frames
    "Computed airmass",  # compared with the header only, never used from there
    "No sources found for FWHM measurement",  # of a number that nobody reads,
    "Property ESO QC SCIPOST FWHM",  # and that it is left out
)
GRAVE: Final = (
    re.compile(r"No sky lines found in input frameset"),
    re.compile(r"Using default MUSE \w+ astrometry"),
    re.compile(r"proceeding without offset"),
    re.compile(r"could not be read from OFFSET_LIST"),
    re.compile(r"No valid headers for OUTPUT_WCS"),
    re.compile(r"Unexpected type for keyword (RA|DEC|EXPTIME)\b"),
    re.compile(r"This seems to be lab data"),
)
"""Warnings after which the pipeline goes on without what it was given, and ends with status 0."""

NO_PROFILE: Final = re.compile(r"No LSF_PROFILE .*for IFU +(\d+)")
LOADED: Final = re.compile(r'Loading pixel table "(.+)"')
MOST: Final = 6


@dataclass(frozen=True)
class Message:
    """One line of the log."""

    level: str
    text: str


def messages(log: str) -> Iterator[Message]:
    """Yield what was said; lines of another form go on with the message before and are left out."""
    for line in log.splitlines():
        if match := LINE.match(line):
            yield Message(match[1], match[2].strip())


def warnings_of(log: str) -> tuple[str, ...]:
    """Return the warnings that mean something, each once."""
    said = (m.text for m in messages(log) if m.level == "WARNING" and not any(noise in m.text for noise in NOISE))
    return tuple(dict.fromkeys(said))


def grave_of(log: str, ifus: Collection[int]) -> str | None:
    """Return the first warning that makes the products worthless, None if there is none.

    Parameters
    ----------
    ifus
        Those that pixel tables were given of: what is said of others is no loss.
    """
    for words in warnings_of(log):
        if any(pattern.search(words) for pattern in GRAVE):
            return words
        if (match := NO_PROFILE.search(words)) and int(match[1]) in ifus:
            return words
    return None


def loaded_tables(log: str) -> frozenset[str]:
    """Return the names of the pixel tables' files that were read."""
    found = (LOADED.search(m.text) for m in messages(log))
    return frozenset(PurePath(match[1]).name for match in found if match)


def error_of(log: str) -> str:
    """Return what went wrong as the pipeline says it: its errors, the first first."""
    said = dict.fromkeys(m.text for m in messages(log) if m.level == "ERROR" and m.text)
    return "; ".join(list(said)[:MOST])
