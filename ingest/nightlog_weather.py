"""The weather in a night-log report: the ranges of the night, and what observers noted of the sky.

Pure.  Both readers keep what they can read and add to ``odd`` what they cannot.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from ingest.nightlog_blocks import NOTHING, Oddity
from ingest.nightlog_text import LABEL, Block, Span, cells, span

__all__ = ["WeatherNote", "ranges", "weather"]

RANGES: Final = ("seeing", "humidity", "wind", "temperature")
TIME: Final = re.compile(r"\s*(\d{1,2}:\d\d)(?::\d\d)?(?: *\t| +|$)(.*)")
NOON: Final = 12


@dataclass(frozen=True)
class WeatherNote:
    """What an observer saw of the sky; time in UTC."""

    observed: datetime
    conditions: str
    comment: str | None = None


def ranges(found: Iterable[Block], odd: list[Oddity]) -> tuple[dict[str, Span], str | None]:
    """Read the night's weather in general: a range of each quantity, and the comment."""
    read: dict[str, Span] = {}
    comment: list[str] = []
    for line in (line for block in found for line in block.lines):
        match = LABEL.match(line)
        label = match[1].lower() if match is not None and not comment else ""
        words = match[2] if match is not None else ""
        if label in RANGES:
            limits = span(words)
            if limits is not None:
                read.setdefault(label, limits)
            elif words.lower() not in NOTHING:
                odd.append(Oddity("range", f"{label}: {words!r} is no range"))
        elif label == "overall comment":
            comment.append(words)
        elif comment:
            comment.append(line.strip())
        elif line.strip():
            odd.append(Oddity("conditions", f"{line.strip()!r} is not understood"))
    return read, "\n".join(comment).strip() or None


def weather(found: Iterable[Block], night: str | None, odd: list[Oddity]) -> tuple[WeatherNote, ...]:
    """Read what observers noted of the sky; HH:MM before noon is of the morning after the night's date.

    A line that does not begin with a time goes on with the comment before it.
    """
    lines = [line for block in found for line in block.lines if line.strip()]
    lines = [line for line in lines if cells(line)[0].lower() != "time"]
    if lines and night is None:
        odd.append(Oddity("weather", "the weather cannot be dated: nothing tells the night"))
    if night is None:
        return ()
    notes: dict[datetime, WeatherNote] = {}
    for when, words in _entries(lines, odd):
        observed = _moment(night, when)
        if observed is None:
            odd.append(Oddity("weather", f"{when} is no time of the day"))
            continue
        note = _note(observed, words)
        if observed in notes:
            odd.append(Oddity("weather", f"{when} is there twice: the last conditions are taken"))
            note = replace(note, comment="\n".join(filter(None, (notes[observed].comment, note.comment))) or None)
        notes[observed] = note
    return tuple(notes[moment] for moment in sorted(notes))


def _entries(lines: Sequence[str], odd: list[Oddity]) -> list[tuple[str, list[str]]]:
    """Time and lines of each note; in a table with tabs, a line without one begins no note."""
    tabbed = any("\t" in line for line in lines)
    entries: list[tuple[str, list[str]]] = []
    for line in lines:
        match = TIME.match(line) if "\t" in line or not tabbed else None
        if match is not None:
            entries.append((match[1], [match[2]]))
        elif entries:
            entries[-1][1].append(line.strip())
        else:
            odd.append(Oddity("weather", f"{line.strip()!r} comes before the first time"))
    return entries


def _note(observed: datetime, words: Sequence[str]) -> WeatherNote:
    conditions, *comment = cells(words[0])
    lines = [" ".join(filter(None, comment)), *words[1:]]
    return WeatherNote(observed, conditions or "n/a", "\n".join(filter(None, lines)) or None)


def _moment(night: str, when: str) -> datetime | None:
    hour, minute = when.split(":")[:2]
    try:
        moment = datetime.combine(date.fromisoformat(night), time(int(hour), int(minute)))
    except ValueError:
        return None
    return moment if moment.hour >= NOON else moment + timedelta(days=1)
