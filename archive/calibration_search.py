"""Find the calibrations around frames in the database: few index look-ups a need, however many exposures there are.

On each side of a frame the nearest group that fits is looked for: the nearest frame, then its whole template, then the
next template if that one is not what the rule wants.  The needs of many frames go in one statement, and the needs of
what was found in the next, down the cascade.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from archive.association import Candidates, Frame, Group, Need, choose, needs
from archive.association_rules import Match, Mode

__all__ = ["SEARCH_DAYS", "find_frames", "search"]

SEARCH_DAYS: Final = 100.0
"""Where the rules have a window, what is further from the frame than this counts as not there."""

MOST_HOPS: Final = 12
"""So many templates in a row that cannot be taken, and the search on that side ends."""

FRAME: Final = """e.dp_id, e.raw_tag, e.mjd_obs, e.ins_mode, e.ins_field, e.detector_read_name, e.tpl_start,
    e.ifu_temperature"""
MASTER: Final = """m.dp_id, m.tag, m.mjd_obs, m.ins_mode, m.ins_field, m.detector_read_name,
    CAST(NULL AS timestamp), CAST(NULL AS double precision)"""

ASKED: Final = """
    unnest(CAST(:tag AS text[]), CAST(:ins_mode AS text[]), CAST(:read_out AS text[]), CAST(:ins_field AS text[]),
        CAST(:low AS double precision[]), CAST(:high AS double precision[]), CAST(:before AS boolean[]))
    WITH ORDINALITY AS a(tag, ins_mode, read_out, ins_field, low, high, before, number)
"""
"""What is asked, a row each; what does not matter is NULL, times lie from ``low`` to below ``high``."""

FITS: Final = """
    AND (a.ins_mode IS NULL OR {0}.ins_mode = a.ins_mode)
    AND (a.read_out IS NULL OR {0}.detector_read_name = a.read_out)
    AND (a.ins_field IS NULL OR {0}.ins_field = a.ins_field)
"""

RAW: Final = text(f"""
SELECT a.number, hit.*
FROM {ASKED}
CROSS JOIN LATERAL (
    (SELECT {FRAME} FROM survey.exposure AS e
     WHERE a.before AND e.raw_tag = a.tag AND e.mjd_obs >= a.low AND e.mjd_obs < a.high {FITS.format("e")}
     ORDER BY e.mjd_obs DESC, e.dp_id LIMIT 1)
    UNION ALL
    (SELECT {FRAME} FROM survey.exposure AS e
     WHERE NOT a.before AND e.raw_tag = a.tag AND e.mjd_obs >= a.low AND e.mjd_obs < a.high {FITS.format("e")}
     ORDER BY e.mjd_obs, e.dp_id LIMIT 1)
) AS hit
""")

MASTERS: Final = text(f"""
SELECT a.number, hit.*
FROM {ASKED}
CROSS JOIN LATERAL (
    (SELECT {MASTER} FROM survey.master_calibration AS m
     WHERE a.before AND m.tag = a.tag AND m.mjd_obs >= a.low AND m.mjd_obs < a.high {FITS.format("m")}
     ORDER BY m.mjd_obs DESC, m.dp_id LIMIT 1)
    UNION ALL
    (SELECT {MASTER} FROM survey.master_calibration AS m
     WHERE NOT a.before AND m.tag = a.tag AND m.mjd_obs >= a.low AND m.mjd_obs < a.high {FITS.format("m")}
     ORDER BY m.mjd_obs, m.dp_id LIMIT 1)
    UNION ALL
    (SELECT {MASTER} FROM survey.master_calibration AS m
     WHERE a.before AND m.tag = a.tag AND m.mjd_obs IS NULL {FITS.format("m")}
     ORDER BY m.dp_id LIMIT 1)
) AS hit
""")

TEMPLATES: Final = text(f"""
SELECT {FRAME}
FROM unnest(CAST(:tag AS text[]), CAST(:tpl_start AS timestamp[])) AS a(tag, tpl_start)
JOIN survey.exposure AS e ON e.tpl_start = a.tpl_start AND e.raw_tag = a.tag
ORDER BY e.mjd_obs, e.dp_id
""")

NAMED: Final = text(f"""
SELECT {FRAME} FROM survey.exposure AS e WHERE e.dp_id = ANY(CAST(:dp_ids AS text[])) ORDER BY e.dp_id
""")


@dataclass(frozen=True)
class Probe:
    """A look to one side of a frame: for the last group before ``high``, or for the first one from ``low`` on."""

    need: Need
    low: float
    high: float
    before: bool


def find_frames(session: Session, dp_ids: Sequence[str]) -> list[Frame]:
    """Return the raw frames of these identifiers that the archive knows, in the order of their identifiers."""
    return [Frame(*row) for row in session.execute(NAMED, {"dp_ids": [i for i in dp_ids if i.isprintable()]})]


def search(session: Session, frames: Iterable[Frame], mode: Mode) -> Candidates:
    """Return what gives the groups to choose from for all that the frames need, and that their calibrations need."""
    found = Found(session)
    asking, masters = list(frames), dict[tuple[str, str], Need]()
    while asking:
        asked = {need.key: need for frame in asking for need in needs(mode, frame) if need.key not in found.groups}
        found.groups.update({key: [] for key in asked})
        masters.update({key: need for key, need in asked.items() if not need.rule.raw})
        raw = [need for need in asked.values() if need.rule.raw]
        found.look_for_raw(raw)
        chosen = (choose(need, found.groups[need.key]) for need in raw if Match.TEMPLATE not in need.rule.match)
        asking = list({group[0].dp_id: group[0] for group in chosen if group is not None}.values())
    found.look_for_masters(list(masters.values()))
    return lambda need: found.groups[need.key]


class Found:
    """What a search has found so far: groups by need, and the templates met, which many needs share."""

    def __init__(self, session: Session) -> None:
        self._session: Final = session
        self.groups: Final[dict[tuple[str, str], list[Group]]] = {}
        self._templates: Final[dict[tuple[str | None, datetime | None], Group]] = {}

    def look_for_raw(self, asked: Sequence[Need]) -> None:
        """Find the groups of raw frames around the frames in need, and those of their own templates."""
        known = [need for need in asked if need.is_known]
        same = [need for need in known if Match.TEMPLATE in need.rule.match]
        self._read_templates((need.rule.tag, need.frame.tpl_start) for need in same)
        for need in same:
            self.groups[need.key] += filter(None, [self._templates.get((need.rule.tag, need.frame.tpl_start))])
        probes = [probe for need in known if Match.TEMPLATE not in need.rule.match for probe in _sides(need)]
        hops = 0
        while probes and hops < MOST_HOPS:
            probes = self._hop(probes)
            hops += 1

    def look_for_masters(self, asked: Sequence[Need]) -> None:
        """Find the masters around the frames in need."""
        probes = [probe for need in asked if need.is_known for probe in _sides(need)]
        if not probes:
            return
        for number, *facts in self._session.execute(MASTERS, _asked(probes)):
            self.groups[probes[number - 1].need.key].append((Frame(*facts),))

    def _hop(self, probes: Sequence[Probe]) -> list[Probe]:
        """Look once for each probe; returns those that must look further because what they met cannot be taken."""
        hits = [(probes[number - 1], Frame(*f)) for number, *f in self._session.execute(RAW, _asked(probes))]
        self._read_templates((hit.tag, hit.tpl_start) for _, hit in hits if hit.tpl_start is not None)
        further = []
        for probe, hit in hits:
            group = self._templates.get((hit.tag, hit.tpl_start), (hit,))
            self.groups[probe.need.key].append(group)
            further += _further(probe, hit, group)
        return further

    def _read_templates(self, wanted: Iterable[tuple[str | None, datetime | None]]) -> None:
        new = list(set(wanted) - self._templates.keys())
        if not new:
            return
        asked = {"tag": [tag for tag, _ in new], "tpl_start": [start for _, start in new]}
        frames = [Frame(*row) for row in self._session.execute(TEMPLATES, asked)]
        for key, group in groupby(sorted(frames, key=_template), key=_template):
            self._templates[key] = tuple(group)


def _template(frame: Frame) -> tuple[str, datetime]:
    return frame.tag or "", frame.tpl_start or datetime.min  # noqa: DTZ901  as the database has it


def _sides(need: Need) -> tuple[Probe, Probe]:
    own = need.frame.mjd or 0.0
    far = math.inf if need.rule.days is None else SEARCH_DAYS
    return Probe(need, own - far, own, before=True), Probe(need, own, own + far, before=False)


def _further(probe: Probe, hit: Frame, group: Group) -> list[Probe]:
    """Return where to look next on that side, if what was met does not do.

    A group that began before the frame does not end the search after it.
    """
    met, first, last = (frame.mjd or 0.0 for frame in (hit, group[0], group[-1]))
    fits = probe.need.fits(group)
    if probe.before:
        return [] if fits else [replace(probe, high=min(first, met))]
    return [] if fits and first >= probe.low else [replace(probe, low=math.nextafter(max(last, met), math.inf))]


def _asked(probes: Sequence[Probe]) -> dict[str, list[Any]]:
    wanted = [probe.need.wanted for probe in probes]
    return {
        "tag": [probe.need.rule.tag for probe in probes],
        **{name: [each.get(name) for each in wanted] for name in ("ins_mode", "read_out", "ins_field")},
        "low": [probe.low for probe in probes],
        "high": [probe.high for probe in probes],
        "before": [probe.before for probe in probes],
    }
