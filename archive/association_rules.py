"""Which calibrations the MUSE pipeline needs for which frame: the cascade's rules as one table.  Pure: no database.

One row a master calibration (ESO PRO CATG), as the workflow of the pipeline has them.  How the rules are applied is in
``association``, where the calibrations are looked for in ``calibration_search``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Flag, StrEnum, auto
from functools import cache
from types import MappingProxyType
from typing import Final

__all__ = ["FRAMES", "REACH_DAYS", "RULES", "SCIENCE", "Match", "Mode", "Only", "Rule", "rules"]


class Mode(StrEnum):
    """The two questions that ESO's service answers too."""

    RAW = "Raw2Raw"
    MASTER = "Raw2Master"


class Match(Flag):
    """What a calibration must have in common with the frame.

    What is not known, of either, matches nothing: nobody can certify it.
    """

    NONE = 0
    MODE = auto()
    READ = auto()
    FIELD = auto()
    TEMPLATE = auto()


class Only(StrEnum):
    """Frames that a rule is restricted to."""

    AO = "ao"
    VIGNETTED = "vignetted"


@dataclass(frozen=True)
class Rule:
    """One row of the table.

    ``made_from`` is the raw tag of the frames that become it; none for what comes as a file, with the pipeline or from
    ESO.  ``days`` is how far it may be from the frame, either way; None is as far as it likes.  ``minimum`` is 0 for
    what improves the reduction and 1 for what it cannot do without.  ``needed_by`` are raw tags.  ``raw`` tells that
    raw frames are looked for, not masters.
    """

    tag: str
    made_from: str | None
    match: Match
    days: float | None
    minimum: int
    needed_by: tuple[str, ...]
    only: Only | None = None
    raw: bool = False

    @property
    def is_static(self) -> bool:
        """Whether it holds from its date on, until there is a newer one, rather than around its date."""
        return self.days is None and self.made_from is None

    @property
    def frames(self) -> int:
        """Least number of frames that a group of it must have."""
        return FRAMES.get(self.tag, 1) if self.raw else 1


SCIENCE: Final = ("OBJECT", "SKY", "STD", "ASTROMETRY")
"""Raw tags of the frames that look at the sky through the whole instrument; their associations are kept as rows."""

WITH_TWILIGHT: Final = ("SKYFLAT", *SCIENCE)
AFTER_WAVECAL: Final = ("ARC_LSF", "MASK", *WITH_TWILIGHT)
AFTER_FLAT: Final = ("ARC", *AFTER_WAVECAL)
AFTER_DARK: Final = ("FLAT", *AFTER_FLAT)
AFTER_BIAS: Final = ("DARK", *AFTER_DARK)
DETECTORS: Final = ("BIAS", "DARK", "FLAT")

MODE, READ, FIELD, SAME, ANY = Match.MODE, Match.READ, Match.FIELD, Match.TEMPLATE, Match.NONE

RULES: Final = (
    #    calibration             made from  must match   days minimum  needed by
    Rule("MASTER_BIAS",          "BIAS",    READ,        3,    1, AFTER_BIAS),
    Rule("MASTER_DARK",          "DARK",    READ,        5,    0, AFTER_DARK),
    Rule("MASTER_FLAT",          "FLAT",    MODE | READ, 3,    1, AFTER_FLAT),
    Rule("TRACE_TABLE",          "FLAT",    MODE | READ, 3,    1, AFTER_FLAT),
    Rule("WAVECAL_TABLE",        "ARC",     MODE | READ, 3,    1, AFTER_WAVECAL),
    Rule("TWILIGHT_CUBE",        "SKYFLAT", MODE | READ, 30,   0, SCIENCE),
    Rule("ILLUM",                "ILLUM",   READ,        1,    0, ("OBJECT",)),
    Rule("ILLUM",                "ILLUM",   READ,        0.5,  0, ("SKYFLAT", "SKY", "STD", "ASTROMETRY")),
    Rule("STD_RESPONSE",         "STD",     MODE,        None, 1, ("OBJECT", "SKY")),
    Rule("STD_TELLURIC",         "STD",     MODE,        1,    0, ("OBJECT", "SKY")),
    Rule("SKY",                  "SKY",     SAME,        None, 0, ("OBJECT",)),
    Rule("LSF_PROFILE",          None,      MODE | READ, None, 1, ("OBJECT", "SKY")),
    Rule("GEOMETRY_TABLE",       None,      ANY,         None, 1, WITH_TWILIGHT),
    Rule("ASTROMETRY_WCS",       None,      FIELD,       None, 1, ("OBJECT",)),
    Rule("SKY_LINES",            None,      ANY,         None, 1, ("OBJECT", "SKY")),
    Rule("EXTINCT_TABLE",        None,      ANY,         None, 1, ("OBJECT", "SKY", "STD")),
    Rule("STD_FLUX_TABLE",       None,      ANY,         None, 0, ("OBJECT",)),
    Rule("STD_FLUX_TABLE",       None,      ANY,         None, 1, ("STD",)),
    Rule("TELLURIC_REGIONS",     None,      ANY,         None, 0, ("STD",)),
    Rule("ASTROMETRY_REFERENCE", None,      ANY,         None, 0, ("OBJECT",)),
    Rule("ASTROMETRY_REFERENCE", None,      ANY,         None, 1, ("ASTROMETRY",)),
    Rule("FILTER_LIST",          None,      ANY,         None, 0, ("OBJECT", "STD")),
    Rule("LINE_CATALOG",         None,      ANY,         None, 1, ("ARC", "ARC_LSF")),
    Rule("BADPIX_TABLE",         None,      ANY,         None, 0, DETECTORS),
    Rule("NONLINEARITY_GAIN",    None,      ANY,         None, 0, DETECTORS),
    Rule("RAMAN_LINES",          None,      ANY,         None, 0, ("OBJECT",), Only.AO),
    Rule("VIGNETTING_MASK",      None,      ANY,         None, 0, WITH_TWILIGHT, Only.VIGNETTED),
)  # fmt: skip
"""ILLUM and SKY have no master: they are raw frames in both modes, the nearest lamp flat taken at night and the sky
exposures of the frame's own template.  Where a tag stands twice, different frames ask it differently."""

FRAMES: Final[Mapping[str, int]] = MappingProxyType({"BIAS": 3, "DARK": 3, "FLAT": 3, "SKYFLAT": 3, "ARC": 9})
"""Least number of raw frames of one template that make a master; one is enough of what is not listed."""

REACH_DAYS: Final = 45.0
"""Through the whole cascade a calibration reaches no further within the windows: twilight, arc, flat, dark and bias.

Standard stars reach further, having no window.
"""


@cache
def rules(mode: Mode, needed_by: str) -> tuple[Rule, ...]:
    """Return the rules that frames of a tag have in a mode, in the order of the table.

    In Raw2Raw the raw frames stand for their masters, each once.  What comes as a file is given there too, as ESO does,
    but none is asked for: the pipeline brings its own.
    """
    asked = [rule for rule in RULES if needed_by in rule.needed_by]
    if mode is Mode.MASTER:
        return tuple(replace(rule, raw=rule.tag == rule.made_from) for rule in asked)
    found: dict[str, Rule] = {}
    for rule in asked:
        if rule.made_from is None:
            found.setdefault(rule.tag, replace(rule, minimum=0))
        else:
            found.setdefault(rule.made_from, replace(rule, tag=rule.made_from, raw=True))
    return tuple(found.values())
