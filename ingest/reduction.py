"""What the files between raw frames and cubes say of themselves: pixel tables and sky spectra.  Pure.

They are of one exposure, and are called by it: the archive holds one of each, as it holds one of each raw frame.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from archive.errors import Refused
from ingest import headers
from ingest.headers import EXPOSURE, number, programme_of, read, text
from ingest.raw_sky import footprint

__all__ = ["Between", "between"]

KINDS: Final[Mapping[str, str]] = {
    "PIXTABLE_OBJECT": "pixtable",
    "SKY_CONTINUUM": "sky_continuum",
    "SKY_LINES": "sky_lines",
}
"""PRO CATG -> kind of product."""

TABLES: Final[Mapping[str, frozenset[str]]] = {
    "PIXTABLE_OBJECT": frozenset({"XPOS", "YPOS", "LAMBDA", "DATA", "DQ", "STAT", "ORIGIN"}),
    "SKY_CONTINUUM": frozenset({"CONTINUUM"}),
    "SKY_LINES": frozenset({"LINES"}),
}
"""Extensions without which it is not what it says."""

INSTRUMENT: Final = "MUSE"
SECONDS_A_DAY: Final = 86400.0
ANGSTROM: Final = 1e-10
CHANNEL: Final = "CHAN"


@dataclass(frozen=True)
class Between:
    """A file between raw frames and cubes, as a product."""

    product_id: str
    facts: dict[str, Any]


def between(header: Mapping[str, Any], extensions: frozenset[str]) -> Between | None:
    """Return what a file is that is neither raw nor a cube; None for any other.

    Parameters
    ----------
    header
        The primary header.
    extensions
        Names of the extensions, in capitals.

    Raises
    ------
    Refused
        It is one, but lacks what it needs.
    """
    tag = text(header.get("ESO PRO CATG", ""))
    if tag is None or tag not in KINDS:
        return None
    if lacking := sorted(TABLES[tag] - extensions):
        raise Refused(f"a {tag} without extension {', '.join(lacking)}")
    dp_id = headers.dp_id(header)
    if dp_id is None:
        raise Refused(f"a {tag} without ARCFILE: of which exposure it is cannot be known")
    if text(header.get("INSTRUME", "")) != INSTRUMENT:
        raise Refused(f"INSTRUME is {header.get('INSTRUME')!r}: only files of {INSTRUMENT} are taken")
    return Between(f"{dp_id}_{tag}{_channel(header)}", _facts(header, tag))


def _channel(header: Mapping[str, Any]) -> str:
    """Return the suffix of a table of one IFU; one that has them all is named by the exposure alone."""
    name = str(header.get("EXTNAME", ""))
    return f"-{name.removeprefix(CHANNEL):0>2}" if name.startswith(CHANNEL) else ""


def _facts(header: Mapping[str, Any], tag: str) -> dict[str, Any]:
    known = headers.fields(header)
    start, exptime = known["mjd_obs"], known["exptime"]
    name = known["ob_target"] or known["object"]
    low, high = (number(header.get(f"ESO DRS MUSE PIXTABLE LIMITS LAMBDA {end}", "")) for end in ("LOW", "HIGH"))
    return {
        "kind": KINDS[tag],
        "title": f"{name or 'unnamed target'}, MUSE {tag.replace('_', ' ').lower()} of {headers.dp_id(header)}",
        "prodcatg": tag,
        "target_name": name,
        "calib_level": 1,
        "ra": known["ra"],
        "dec": known["dec"],
        "footprint": footprint("OBJECT", known) if tag == "PIXTABLE_OBJECT" else None,
        "mjd_start": start,
        "mjd_end": None if start is None or exptime is None else start + exptime / SECONDS_A_DAY,
        "exptime": exptime,
        "n_exposures": 1,
        "wavelength_min": None if low is None else low * ANGSTROM,
        "wavelength_max": None if high is None else high * ANGSTROM,
        "wavelength_kind": "AWAV",
        "facility": text(header.get("TELESCOP", "")),
        "instrument": INSTRUMENT,
        "ins_mode": known["ins_mode"],
        "run_id": known["run_id"],
        "programme_id": programme_of(known["run_id"]),
        "eso_ob_id": known["eso_ob_id"],
        "tpl_start": read(header, EXPOSURE["tpl_start"]),
    }
