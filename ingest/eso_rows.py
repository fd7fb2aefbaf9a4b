"""From a row of ESO's listings to columns of the catalogue: the two lists of names, and how a value is read.  Pure.

What ESO writes when it has no value reads as None, as in headers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from ingest.eso_queries import check_identifier
from ingest.headers import Keyword, fields, measured, moment, number, programme_of, text, whole
from ingest.raw_kinds import raw_tag

__all__ = ["frame", "modified", "plain", "product"]

Row = Mapping[str, Any]

REGION: Final = re.compile(r"\s*POLYGON\s+(?:J2000|ICRS|FK5)?\s*(.*)", re.IGNORECASE)


def utc(value: object) -> datetime | None:
    """Read a moment; one with a zone becomes UTC."""
    found = moment(str(value).replace("Z", "+00:00"))
    return found if found is None or found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


def polygon(value: object) -> list[float] | None:
    """Read an outline: ``POLYGON J2000 ra dec ...``, or the numbers alone, degrees; anything else is none."""
    if isinstance(value, str):
        words = REGION.fullmatch(value)
        value = words[1].split() if words else None
    if not isinstance(value, Sequence) or len(value) < 6 or len(value) % 2:
        return None
    numbers = [number(part) for part in value]
    return None if None in numbers else [n for n in numbers if n is not None]


FRAME: Final[Mapping[str, Keyword]] = {
    "origfile": Keyword("origfile", text),
    "instrument": Keyword("instrument", text),
    "telescope": Keyword("telescope", text),
    "dp_cat": Keyword("dp_cat", text),
    "dp_type": Keyword("dp_type", text),
    "dp_tech": Keyword("dp_tech", text),
    "run_id": Keyword("prog_id", text),
    "pi_name": Keyword("pi_coi", text),
    "eso_ob_id": Keyword("ob_id", whole),
    "ob_name": Keyword("ob_name", text),
    "ob_target": Keyword("ob_targ_name", text),
    "ob_start": Keyword("ob_start", utc),
    "ob_tplno": Keyword("ob_tplno", whole),
    "ob_container_id": Keyword("ob_container_id", whole),
    "ob_container_type": Keyword("ob_container_type", text),
    "object": Keyword("object", text),
    "tpl_id": Keyword("tpl_id", text),
    "tpl_name": Keyword("tpl_name", text),
    "tpl_start": Keyword("tpl_start", utc),
    "tpl_expno": Keyword("tpl_expno", whole),
    "tpl_nexp": Keyword("tpl_nexp", whole),
    "ins_mode": Keyword("ins_mode", text),
    "ins_filter": Keyword("ins_opti1_name", text),
    "ins_field": Keyword("ins_opti2_name", text),
    "detector_read_name": Keyword("det_read_curname", text),
    "detector_binning_x": Keyword("det_binx", whole),
    "detector_binning_y": Keyword("det_biny", whole),
    "ra": Keyword("ra", number),
    "dec": Keyword("dec", number),
    "footprint": Keyword("s_region", polygon),
    "mjd_obs": Keyword("mjd_obs", number),
    "exp_start": Keyword("exp_start", utc),
    "date_obs": Keyword("date_obs", utc),
    "utc": Keyword("utc", number),
    "lst": Keyword("lst", number),
    "exptime": Keyword("exposure", number),
    "tel_alt": Keyword("tel_alt", number),
    "tel_az": Keyword("tel_az", number),
    "airmass_start": Keyword("tel_airm_start", measured),
    "airmass_end": Keyword("tel_airm_end", measured),
    "dimm_fwhm_start": Keyword("tel_ambi_fwhm_start", measured),
    "dimm_fwhm_end": Keyword("tel_ambi_fwhm_end", measured),
    "autoguider_fwhm_x": Keyword("ag_fwhmx_avg", measured),
    "autoguider_fwhm_y": Keyword("ag_fwhmy_avg", measured),
    "pressure_start": Keyword("tel_ambi_pres_start", measured),
    "pressure_end": Keyword("tel_ambi_pres_end", measured),
    "humidity": Keyword("tel_ambi_rhum", measured),
    "air_temperature": Keyword("tel_ambi_temp", number),
    "wind_direction": Keyword("tel_ambi_winddir", measured),
    "wind_speed": Keyword("tel_ambi_windsp", measured),
    "moon_illumination": Keyword("moon_illu", measured),
    "public_from": Keyword("release_date", utc),
    "access_estsize": Keyword("access_estsize", whole),
}
"""Column of ``survey.exposure`` <- column of ``ist.MUSE``."""

PRODUCT: Final[Mapping[str, Keyword]] = {
    "obs_collection": Keyword("obs_collection", text),
    "target_name": Keyword("target_name", text),
    "proposal_id": Keyword("proposal_id", text),
    "obs_id": Keyword("obs_id", text),
    "dataproduct_type": Keyword("dataproduct_type", text),
    "ra": Keyword("s_ra", number),
    "dec": Keyword("s_dec", number),
    "t_min": Keyword("t_min", number),
    "t_max": Keyword("t_max", number),
    "exptime": Keyword("t_exptime", number),
    "access_url": Keyword("access_url", text),
    "access_estsize": Keyword("access_estsize", whole),
    "public_from": Keyword("obs_release_date", utc),
    "last_modified": Keyword("last_mod_date", utc),
}
"""Column of ``survey.eso_product`` <- column of ``ivoa.ObsCore``."""


def plain(table: Iterable[Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of an astropy table as plain values by column name in small letters; what is masked is None."""
    return [{name.lower(): _plain(row[name]) for name in names} for row in table]


def modified(row: Row) -> datetime | None:
    """Return when ESO last changed the entry, UTC."""
    return utc(row.get("last_mod_date"))


def frame(row: Row) -> dict[str, Any]:
    """Return the columns of ``survey.exposure`` that a row of ``ist.MUSE`` tells.

    Raises
    ------
    Refused
        Its identifier cannot be one.
    """
    found = fields(row, FRAME)
    mode, start = found["ins_mode"], found["exp_start"]
    return {
        "dp_id": check_identifier(str(row.get("dp_id") or "")),
        **found,
        "programme_id": programme_of(found["run_id"]),
        "raw_tag": raw_tag(found["dp_cat"], found["dp_type"]),
        "ao_mode": None if mode is None else "noAO" if "NOAO" in mode else "AO",
        "night": None if start is None else f"{start - timedelta(hours=12):%Y-%m-%d}",
    }


def product(row: Row) -> dict[str, Any]:
    """Return the columns of ``survey.eso_product`` that a row of ``ivoa.ObsCore`` tells.

    Raises
    ------
    Refused
        Its identifier cannot be one.
    """
    return {"dp_id": check_identifier(str(row.get("dp_id") or "")), **fields(row, PRODUCT)}


def _plain(value: Any) -> Any:
    if np.ma.is_masked(value):
        return None
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value
