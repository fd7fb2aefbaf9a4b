"""The one list from FITS keyword to field of the catalogue, and how a value is read.

Modelled on what ESO publishes of MUSE raw frames.  Keywords that are not in every file read as None; so do the
values that ESO writes when it has none.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from astropy.io import fits

__all__ = [
    "ENDINGS",
    "EXPOSURE",
    "MASTER",
    "Keyword",
    "dp_id",
    "fields",
    "programme_of",
    "read",
    "readable",
    "strict",
    "strip_ending",
]

SENTINELS: Final = frozenset({"", "UNKNOWN", "Tel name not set"})
NO_NUMBER: Final = -999
MISSING_NUMBERS: Final = frozenset({-1, NO_NUMBER})
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
    """Read a number of which -1 is one like any other; -999, ESO's word for none, and what is not finite are none."""
    if type(value) in {int, float}:
        found = float(value)  # type: ignore[arg-type]
    else:
        try:
            found = float(str(value))
        except ValueError:
            return None
    return found if math.isfinite(found) and found != NO_NUMBER else None


def measured(value: object) -> float | None:
    """Read a number of which ESO writes -1 or -999 when it has none."""
    found = number(value)
    return None if found in MISSING_NUMBERS else found


def whole(value: object) -> int | None:
    """Read a whole number; ESO writes -999 when it has none."""
    found = measured(value)
    return None if found is None or found != int(found) else int(found)


def moment(value: object) -> datetime | None:
    """Read an ISO date with time, UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(str(value).strip())
        return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


OF_WORDS: Final = frozenset({text, moment})
WORDS: Final = (str,)
NUMBERS: Final = (int, float)
"""Of which types a value must be to be read as what it is wanted for."""

EXPOSURE: Final[Mapping[str, Keyword]] = {
    "origfile": Keyword("ORIGFILE", text),
    "instrument": Keyword("INSTRUME", text),
    "telescope": Keyword("TELESCOP", text),
    "dp_cat": Keyword("ESO DPR CATG", text),
    "dp_type": Keyword("ESO DPR TYPE", text),
    "dp_tech": Keyword("ESO DPR TECH", text),
    "run_id": Keyword("ESO OBS PROG ID", text),
    "pi_name": Keyword("PI-COI", text),
    "eso_ob_id": Keyword("ESO OBS ID", whole),
    "ob_name": Keyword("ESO OBS NAME", text),
    "ob_target": Keyword("ESO OBS TARG NAME", text),
    "ob_start": Keyword("ESO OBS START", moment),
    "ob_tplno": Keyword("ESO OBS TPLNO", whole),
    "ob_container_id": Keyword("ESO OBS CONTAINER ID", whole),
    "ob_container_type": Keyword("ESO OBS CONTAINER TYPE", text),
    "object": Keyword("OBJECT", text),
    "tpl_id": Keyword("ESO TPL ID", text),
    "tpl_name": Keyword("ESO TPL NAME", text),
    "tpl_start": Keyword("ESO TPL START", moment),
    "tpl_expno": Keyword("ESO TPL EXPNO", whole),
    "tpl_nexp": Keyword("ESO TPL NEXP", whole),
    "ins_mode": Keyword("ESO INS MODE", text),
    "ins_filter": Keyword("ESO INS OPTI1 NAME", text),
    "ins_field": Keyword("ESO INS OPTI2 NAME", text),
    "rotator_mode": Keyword("ESO INS DROT MODE", text),
    "rotator_angle": Keyword("ESO INS DROT POSANG", number),
    "ifu_temperature": Keyword("ESO INS TEMP11 VAL", number),
    "detector_read_id": Keyword("ESO DET READ CURID", whole),
    "detector_read_name": Keyword("ESO DET READ CURNAME", text),
    "detector_binning_x": Keyword("ESO DET BINX", whole),
    "detector_binning_y": Keyword("ESO DET BINY", whole),
    "ra": Keyword("RA", number),
    "dec": Keyword("DEC", number),
    "mjd_obs": Keyword("MJD-OBS", number),
    "date_obs": Keyword("DATE-OBS", moment),
    "utc": Keyword("UTC", number),
    "lst": Keyword("LST", number),
    "exptime": Keyword("EXPTIME", number),
    "tel_alt": Keyword("ESO TEL ALT", number),
    "tel_az": Keyword("ESO TEL AZ", number),
    "airmass_start": Keyword("ESO TEL AIRM START", measured),
    "airmass_end": Keyword("ESO TEL AIRM END", measured),
    "parallactic_start": Keyword("ESO TEL PARANG START", number),
    "parallactic_end": Keyword("ESO TEL PARANG END", number),
    "dimm_fwhm_start": Keyword("ESO TEL AMBI FWHM START", measured),
    "dimm_fwhm_end": Keyword("ESO TEL AMBI FWHM END", measured),
    "sgs_fwhm": Keyword("ESO OCS SGS FWHM MED", measured),
    "sgs_fwhm_rms": Keyword("ESO OCS SGS FWHM RMS", measured),
    "autoguider_fwhm_x": Keyword("ESO OCS SGS AG FWHMX AVG", measured),
    "autoguider_fwhm_y": Keyword("ESO OCS SGS AG FWHMY AVG", measured),
    "ia_fwhm": Keyword("ESO TEL IA FWHM", measured),
    "ia_fwhm_linear": Keyword("ESO TEL IA FWHMLIN", measured),
    "coherence_time": Keyword("ESO TEL AMBI TAU0", measured),
    "pressure_start": Keyword("ESO TEL AMBI PRES START", measured),
    "pressure_end": Keyword("ESO TEL AMBI PRES END", measured),
    "humidity": Keyword("ESO TEL AMBI RHUM", measured),
    "air_temperature": Keyword("ESO TEL AMBI TEMP", number),
    "wind_direction": Keyword("ESO TEL AMBI WINDDIR", measured),
    "wind_speed": Keyword("ESO TEL AMBI WINDSP", measured),
    "water_vapour": Keyword("ESO TEL AMBI IWV START", measured),
}
"""Keyword of the primary header -> column of ``survey.exposure``."""

MASTER: Final[Mapping[str, Keyword]] = {
    "tag": Keyword("ESO PRO CATG", text),
    "origfile": Keyword("ORIGFILE", text),
    "mjd_obs": Keyword("MJD-OBS", number),
    "ins_mode": Keyword("ESO INS MODE", text),
    "ins_field": Keyword("ESO INS OPTI2 NAME", text),
    "detector_read_name": Keyword("ESO DET READ CURNAME", text),
}
"""Keyword of the primary header -> column of ``survey.master_calibration``."""


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


def strict(keyword: Keyword, value: object) -> Any:
    """Return one field of a raw frame, whose headers the observatory answers for.

    Raises
    ------
    ValueError
        The value is of a type, or beyond a range, that the field cannot have.
    """
    if value is None or (isinstance(value, str) and value.strip() in SENTINELS):
        return None
    wanted = WORDS if keyword.read in OF_WORDS else NUMBERS
    found = keyword.read(value)
    is_wanted = isinstance(value, wanted) and not isinstance(value, bool)
    if not is_wanted or (found is None and value not in MISSING_NUMBERS):
        raise ValueError(f"{keyword.name} cannot be {value!r}")
    return found


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
