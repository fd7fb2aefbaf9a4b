"""Tie calibrations to frames by the rules of ``association_rules``.  Pure: frames in, a tree out.

Of the calibrations that match, the nearest in time is taken, and each calibration gets its own in turn.  Night labels
play no part: calibrations of the next day serve a night as well as those of the day before.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Final

from archive.association_rules import Match, Mode, Only, Rule, rules

__all__ = ["Association", "Candidates", "Cascade", "Frame", "Group", "Need", "choose", "needs"]

VIGNETTED_BEFORE: Final = 57823.0
"""MJD before which a corner of the field was in the shade."""

ILLUM_STEP: Final = 1 / 96
"""Days, a quarter of an hour: ILLUM frames are as near as each other within it, and the temperature decides."""

FIELDS: Final[Mapping[Match, str]] = MappingProxyType(
    {Match.MODE: "ins_mode", Match.READ: "read_out", Match.FIELD: "ins_field", Match.TEMPLATE: "tpl_start"}
)
WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"ins_mode": "mode", "read_out": "read-out", "ins_field": "field", "tpl_start": "template"}
)


@dataclass(frozen=True)
class Frame:
    """What association looks at of a raw frame or of a master calibration; times in days, temperature in Celsius."""

    dp_id: str
    tag: str | None
    mjd: float | None
    ins_mode: str | None = None
    ins_field: str | None = None
    read_out: str | None = None
    tpl_start: datetime | None = None
    temperature: float | None = None


Group = tuple[Frame, ...]
"""The raw frames of one template in the order of time, or one master."""


@dataclass(frozen=True)
class Need:
    """A rule as it concerns one frame."""

    rule: Rule
    frame: Frame

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the other needs of one mode."""
        return self.frame.dp_id, self.rule.tag

    @cached_property
    def wanted(self) -> dict[str, str | datetime | None]:
        """What a calibration must have, by field of ``Frame``."""
        return {name: getattr(self.frame, name) for part, name in FIELDS.items() if part in self.rule.match}

    @property
    def is_known(self) -> bool:
        """Whether the frame tells enough to look for calibrations."""
        return self.frame.mjd is not None and None not in self.wanted.values()

    def fits(self, group: Group) -> bool:
        """Tell whether a group may be taken, whatever its time: enough frames, all as the rule wants them."""
        wanted = self.wanted.items()
        return (
            self.is_known
            and len(group) >= self.rule.frames
            and all(f.tag == self.rule.tag and all(getattr(f, name) == v for name, v in wanted) for f in group)
        )

    def distance(self, group: Group) -> float | None:
        """Return how far the start of a group is from the start of the frame, in days; None where one is not known."""
        start = group[0].mjd
        return None if start is None or self.frame.mjd is None else abs(start - self.frame.mjd)

    def is_within(self, group: Group) -> bool:
        """Tell whether a group lies within the time that the rule allows."""
        distance = self.distance(group)
        return self.rule.days is None or (distance is not None and distance <= self.rule.days)


Candidates = Callable[[Need], Sequence[Group]]
"""Gives the groups among which the best for a need is; others may be among them."""


@dataclass(frozen=True)
class Association:
    """A frame, or calibrations that were chosen, with the calibrations that belong to it.

    ``complete``: everything that is needed is there, down to the last calibration.  ``faults`` says what is missing, or
    further off than the rules allow; ``left_out`` what could be done without and was not good enough to be given.
    """

    tag: str
    files: Group
    within_rules: bool
    complete: bool
    faults: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    members: tuple["Association", ...] = ()

    @property
    def certified(self) -> bool:
        """Whether everything that is needed is there and within the time that the rules allow."""
        return not self.faults

    @property
    def lacking(self) -> tuple[str, ...]:
        """Everything that is missing, too far off or left out, in words."""
        return self.faults + self.left_out

    @cached_property
    def calibrations(self) -> dict[tuple[str, str], tuple[Frame, bool]]:
        """The files below, each once, by tag and identifier; whether each lies within the rules wherever it is used."""
        found: dict[tuple[str, str], tuple[Frame, bool]] = {}
        for member in self.members:
            for file in member.files:
                _, within = found.get((member.tag, file.dp_id), (file, True))
                found[member.tag, file.dp_id] = (file, within and member.within_rules)
            for key, (file, within) in member.calibrations.items():
                known = found.setdefault(key, (file, within))
                if known[1] and not within:
                    found[key] = (file, False)
        return found


def needs(mode: Mode, frame: Frame) -> list[Need]:
    """Return what a frame needs."""
    if frame.tag is None:
        return []
    return [Need(rule, frame) for rule in rules(mode, frame.tag) if _concerns(rule, frame)]


def choose(need: Need, groups: Sequence[Group]) -> Group | None:
    """Return the best of the groups that fit, or None.

    The nearest; of what is static the newest that is not younger than the frame, or else the nearest; what has no date
    comes last.
    """
    fitting = [group for group in groups if need.fits(group)]
    return min(fitting, key=lambda group: (*_preference(need, group), group[0].dp_id), default=None)


class Cascade:
    """The rules of one mode over one supply of calibrations; what several frames share is worked out once."""

    def __init__(self, mode: Mode, candidates: Candidates) -> None:
        self.mode: Final = mode
        self._candidates: Final = candidates
        self._made: Final[dict[tuple[str, ...], Association]] = {}

    def associate(self, frame: Frame) -> Association:
        """Return a frame with its calibrations."""
        if frame.tag is None:
            words = ("it is not known what sort of frame it is",)
            return Association("UNKNOWN", (frame,), within_rules=True, complete=False, faults=words)
        return self._association(frame.tag, (frame,), within=True)

    def _association(self, tag: str, files: Group, *, within: bool) -> Association:
        key = (tag, str(within), *(file.dp_id for file in files))
        if key not in self._made:
            self._made[key] = self._made_for(tag, files, within=within)
        return self._made[key]

    def _made_for(self, tag: str, files: Group, *, within: bool) -> Association:
        members: list[Association] = []
        faults: list[str] = []
        left_out: list[str] = []
        complete = True
        for need in needs(self.mode, files[0]):
            member = self._member(need)
            words = _faults(need, member)
            if need.rule.minimum:
                complete = complete and member is not None and member.complete
                faults += words
            elif member is not None:
                left_out += words
            if member is not None and (need.rule.minimum or not words):
                members.append(member)
        return Association(
            tag,
            files,
            within,
            complete,
            faults=_shortened(faults),
            left_out=_shortened(left_out),
            members=tuple(members),
        )

    def _member(self, need: Need) -> Association | None:
        chosen = choose(need, self._candidates(need))
        if chosen is None:
            return None
        within = need.is_within(chosen)
        if Match.TEMPLATE in need.rule.match:  # taken with the frame, they share its own calibrations
            return Association(need.rule.tag, chosen, within, complete=True)
        return self._association(need.rule.tag, chosen, within=within)


def _concerns(rule: Rule, frame: Frame) -> bool:
    match rule.only:
        case None:
            return True
        case Only.AO:
            return "AO" in (frame.ins_mode or "").split("-")
        case Only.VIGNETTED:
            return frame.mjd is not None and frame.mjd < VIGNETTED_BEFORE


def _preference(need: Need, group: Group) -> tuple[float, ...]:
    start, distance, own = group[0].mjd, need.distance(group), need.frame.mjd
    if start is None or distance is None or own is None:
        return (math.inf,)
    if need.rule.is_static:
        return (start > own, distance)
    if need.rule.tag == "ILLUM":
        return (round(distance / ILLUM_STEP), _apart(need.frame.temperature, group[0].temperature), distance, start)
    return (distance, start)


def _apart(one: float | None, other: float | None) -> float:
    return math.inf if one is None or other is None else abs(one - other)


def _faults(need: Need, member: Association | None) -> list[str]:
    """Say what keeps a calibration from being certified, nothing when it is."""
    tag = need.rule.tag
    if member is None:
        return [f"{tag}: {_absence(need)}"]
    words = [f"{tag} > {fault}" for fault in member.faults]
    if member.within_rules:
        return words
    distance = need.distance(member.files)
    far = "its date is not known" if distance is None else f"nearest is {distance:.1f} d away"
    return [f"{tag}: {far}, the rules allow {need.rule.days:g}", *words]


def _absence(need: Need) -> str:
    if need.frame.mjd is None:
        return "the time of the frame is not known"
    unknown = [WORDS[name] for name, value in need.wanted.items() if value is None]
    if unknown:
        return f"the frame's {' and '.join(unknown)} is not known"
    wanted = " and ".join(f"{WORDS[name]} {value}" for name, value in need.wanted.items())
    least = f"none of {need.rule.frames} frames or more" if need.rule.frames > 1 else "none"
    return f"{least} with {wanted}" if wanted else least


def _shortened(words: Sequence[str]) -> tuple[str, ...]:
    """Say each thing once, where it stands highest in the cascade."""
    said: dict[str, str] = {}
    for each in sorted(words, key=lambda each: each.count(" > ")):
        said.setdefault(each.rpartition(" > ")[2], each)
    return tuple(each for each in dict.fromkeys(words) if each in said.values())
