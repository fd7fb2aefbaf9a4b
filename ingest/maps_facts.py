"""What a file of maps says of itself, in its headers and by the name that a release gave it, as fields of a product."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from archive.errors import Refused
from archive.maps_file import MUST_HAVE, open_maps
from ingest.headers import EXPOSURE, Keyword, measured, number, programme_of, read, text
from schema.products import NamingRule

__all__ = ["facts", "is_maps", "named"]

INSTRUMENT: Final = "MUSE"
KIND: Final = "maps"
FIELDS: Final = {r"\{target\}": r"(?P<target>[^_]+)", r"\{psf\}": r"(?P<psf>\d+\.\d+)"}


def is_maps(extensions: Iterable[str]) -> bool:
    """Tell by the names of the extensions whether a file is one of maps."""
    return frozenset(MUST_HAVE) <= frozenset(extensions)


def facts(path: Path, header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the product; ``header`` is the primary one.

    Raises
    ------
    Refused
        It is not of MUSE, or its maps do not belong together.
    """
    instrument = text(header.get("INSTRUME", ""))
    if instrument != INSTRUMENT:
        raise Refused(f"INSTRUME is {instrument!r}: only maps of {INSTRUMENT} are taken")
    with open_maps(path) as maps:
        place = maps.place()
    name = text(header.get("ESO OBS TARG NAME", header.get("OBJECT", "")))
    run_id = read(header, EXPOSURE["run_id"]) or text(header.get("PROG_ID", ""))
    return {
        **place,
        "kind": KIND,
        "title": f"{name or 'unnamed target'}, maps of stellar kinematics and emission lines",
        "prodcatg": text(header.get("PRODCATG", "")),
        "target_name": name,
        "calib_level": 4,
        "mjd_start": number(header.get("MJD-OBS", "")),
        "mjd_end": number(header.get("MJD-END", "")),
        "exptime": number(header.get("EXPTIME", "")),
        "facility": text(header.get("TELESCOP", "")),
        "instrument": instrument,
        "ins_mode": read(header, EXPOSURE["ins_mode"]),
        "run_id": run_id,
        "programme_id": programme_of(run_id),
        "spatial_resolution": read(header, Keyword("SKY_RES", measured)),
    }


def named(name: str, rules: Iterable[NamingRule]) -> dict[str, Any]:
    """Return what the name of a file tells where a release has a rule for it: release, resolution, target and PSF."""
    for rule in rules:
        pattern = re.escape(rule.pattern)
        for field, form in FIELDS.items():
            pattern = pattern.replace(field, form)
        found = re.fullmatch(pattern, name) if rule.kind == KIND else None
        if found is not None:
            told: dict[str, Any] = {"release_id": rule.release_id, "resolution": rule.resolution}
            if psf := found.groupdict().get("psf"):
                told["spatial_resolution"] = float(psf)
            return {**told, "target_name": found["target"]}
    return {}
