"""The one list from FITS keyword to field of the catalogue, and how a value is read.

Modelled on what ESO publishes of MUSE raw frames.  Keywords that are not in every file read as None; so do the
values that ESO writes when it has none.
"""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from astropy.io import fits

__all__ = ["ENDINGS", "EXPOSURE", "Keyword", "dp_id", "fields", "programme_of", "read", "readable"]

SENTINELS: Final = frozenset({"", "UNKNOWN", "Tel name not set"})
MISSING_NUMBERS: Final = frozenset({-1, -999})
ENDINGS: Final = (".fits", ".fits.fz", ".fits.gz", ".fits.z")
"""How the names of FITS files end, in small letters."""

COMMENTARY: Final = frozenset({"", "COMMENT", "HISTORY"})


class Keyword(NamedTuple):
    """A keyword of the primary header and how its value becomes a field."""

    name: str
    read: Callable[[Any], Any]


def text(value: object) -> str | None:
    """Read a string; nothing, and ESO's words for nothing, become None."""
    if value is None:
        return None
    stripped = str(value).strip()
    return None if stripped in SENTINELS else stripped


def number(value: object) -> float | None:
    """Read a number that may stand for anything but a missing one; what is not finite is none."""
    try:
        found = float(str(value))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def measured(value: object) -> float | None:
    """Read a number of which ESO writes -1 or -999 when it has none."""
    found = number(value)
    return None if found in MISSING_NUMBERS else found


def whole(value: object) -> int | None:
    """Read a whole number; ESO writes -999 when it has none."""
    found = measured(value)
    return None if found is None or found != int(found) else int(found)


def moment(value: object) -> datetime | None:
    """Read an ISO date with time, UTC."""
    try:
        return datetime.fromisoformat(str(value).strip())
    except ValueError:
        return None


EXPOSURE: Final[Mapping[str, Keyword]] = {
    "run_id": Keyword("ESO OBS PROG ID", text),
    "eso_ob_id": Keyword("ESO OBS ID", whole),
    "ob_name": Keyword("ESO OBS NAME", text),
    "object": Keyword("OBJECT", text),
    "tpl_id": Keyword("ESO TPL ID", text),
    "tpl_start": Keyword("ESO TPL START", moment),
    "tpl_expno": Keyword("ESO TPL EXPNO", whole),
    "tpl_nexp": Keyword("ESO TPL NEXP", whole),
    "ins_mode": Keyword("ESO INS MODE", text),
    "ra": Keyword("RA", number),
    "dec": Keyword("DEC", number),
    "mjd_obs": Keyword("MJD-OBS", number),
    "exptime": Keyword("EXPTIME", number),
    "airmass_start": Keyword("ESO TEL AIRM START", measured),
    "airmass_end": Keyword("ESO TEL AIRM END", measured),
    "dimm_fwhm_start": Keyword("ESO TEL AMBI FWHM START", measured),
    "dimm_fwhm_end": Keyword("ESO TEL AMBI FWHM END", measured),
}


def readable(header: fits.Header) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the values that a header gives, and the keywords of the cards that cannot be read.

    Card by card, because one that breaks the standard must not hide the others.  Of a keyword that is repeated the
    first card counts; a keyword without value is as good as absent.
    """
    values: dict[str, Any] = {}
    unreadable: list[str] = []
    for card in header.cards:
        if card.keyword in COMMENTARY:
            continue
        try:
            value = card.value
        except (ValueError, fits.VerifyError):
            unreadable.append(card.keyword.encode("unicode_escape").decode())
            continue
        if not isinstance(value, fits.card.Undefined):
            values.setdefault(card.keyword, value)
    return values, tuple(dict.fromkeys(unreadable))


def fields(header: Mapping[str, Any], keywords: Mapping[str, Keyword] = EXPOSURE) -> dict[str, Any]:
    """Return the fields that a header tells, None for what it does not."""
    return {field: read(header, keyword) for field, keyword in keywords.items()}


def read(header: Mapping[str, Any], keyword: Keyword) -> Any:
    """Return one field."""
    value = header.get(keyword.name)
    return None if value is None else keyword.read(value)


def dp_id(header: Mapping[str, Any]) -> str | None:
    """Return ESO's identifier of the raw frame that a header is of: ARCFILE without its ending."""
    archived = text(header.get("ARCFILE", ""))
    return None if archived is None else strip_ending(archived)


def strip_ending(file_name: str) -> str:
    """Return a file's name without ``.fits``, in capitals or not, and what compressed it."""
    for ending in ENDINGS:
        if file_name.lower().endswith(ending):
            return file_name[: -len(ending)]
    return file_name


def programme_of(run_id: str | None) -> str | None:
    """Return the programme of a run: 094.A-0859(A) and 106.20Y7.001 without their last part."""
    if run_id is None:
        return None
    if run_id.endswith(")") and "(" in run_id:
        return run_id[: run_id.rindex("(")]
    return run_id.rsplit(".", 1)[0] if run_id.count(".") == 2 else run_id
