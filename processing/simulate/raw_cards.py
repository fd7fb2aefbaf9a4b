"""Header cards of simulated raw frames: of the telescope, the lamps, the detectors.  Pure.

The pipeline wants reals with a decimal point; the archive knows frames by ARCFILE and ties them by the template's
start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from astropy.io import fits
from astropy.time import Time

from processing.simulate import cards
from processing.simulate.earth import PARANAL, SIDEREAL, airmass, sidereal_time
from processing.simulate.raw_chip import QUADRANTS, SCAN
from processing.simulate.raw_geometry import COLUMNS, ROWS, Ifu
from processing.simulate.raw_lamps import LAMPS, Lamp

__all__ = ["Sort", "Template", "of_channel", "of_frame"]

LAMP_COUNT: Final = 6
FLAT_LAMPS: Final = (1, 2)
TEMPERATURE: Final = 12.0
PRESSURE: Final = 743.0
FILTERS: Final = {"WFM-AO-N": "Blue-Na2", "WFM-NOAO-N": "Blue"}


@dataclass(frozen=True)
class Sort:
    """A sort of raw frame: ESO's category, type and technique, the template that takes it, and how long it is."""

    category: str
    kind: str
    technique: str
    template: str
    exptime: float


@dataclass(frozen=True)
class Template:
    """Frames that were taken together: their sort, start, number, instrument mode, programme and observation block."""

    sort: Sort
    start: datetime
    count: int
    ins_mode: str
    run_id: str
    ob_id: int
    target: str


def of_frame(
    template: Template,
    rank: int,
    date: datetime,
    *,
    seed: int,
    lamp: Lamp | None = None,
    place: tuple[float, float, float] | None = None,
) -> fits.Header:
    """Return the primary header of a frame.

    Parameters
    ----------
    rank
        In its template, from 1.
    lamp
        That burns; a flat has lamps of its own.
    place
        Right ascension, declination and position angle in degrees of what looks at the sky.
    """
    sort = template.sort
    moment = date.isoformat(timespec="milliseconds")
    sidereal = sidereal_time(date)
    header = fits.PrimaryHDU().header
    cards.mark(header, seed=seed)
    header["TELESCOP"] = ("ESO-VLT-U4", "telescope that is simulated")
    header["INSTRUME"] = ("MUSE", "instrument that is simulated")
    header["OBJECT"] = (template.target if place else sort.kind, "what is looked at")
    header["EQUINOX"] = (2000.0, "standard equinox")
    header["RADECSYS"] = ("FK5", "reference frame")
    header["DATE-OBS"] = (moment, "start of the exposure, UTC")
    header["MJD-OBS"] = (float(Time(date).mjd), "[d] start of the exposure")
    header["EXPTIME"] = (float(sort.exptime), "[s] integration time")
    header["LST"] = (float(sidereal), "[s] local sidereal time at the start")
    header["UTC"] = (float((date - datetime.combine(date, datetime.min.time())) / timedelta(seconds=1)), "[s]")
    header["ARCFILE"] = (f"MUSE.{moment}.fits", "name in the archive")
    header["ORIGFILE"] = (f"SIM_{sort.kind.replace(',', '_')}_{moment}.fits", "original name")
    _add(header, _observation(template, rank, place))
    _add(header, _lamps(sort, lamp))
    if place is not None:
        header["RA"] = (float(place[0]), "[deg] pointing as the telescope tells it")
        header["DEC"] = (float(place[1]), "[deg] pointing as the telescope tells it")
        _add(header, _telescope(place, sidereal, sort.exptime))
    return header


def of_channel(ifu: Ifu, date: datetime) -> fits.Header:
    """Return the header of a detector's extension."""
    header = fits.Header()
    header["EXTNAME"] = (ifu.channel, "IFU")
    values: dict[str, str | float] = {
        "DET CHIP NAME": f"SIM-{ifu.number:02d}",
        "DET CHIP ID": f"SIM-CCD-{ifu.number:02d}",
        "DET CHIP DATE": f"{date:%Y-%m-%d}",
        "DET CHIP LIVE": True,
        "DET CHIP NX": COLUMNS,
        "DET CHIP NY": ROWS,
        "DET OUTPUTS": len(QUADRANTS),
    }
    for number, quadrant in enumerate(QUADRANTS, 1):
        x, y = quadrant.output
        values |= {
            f"DET OUT{number} ID": f"Q{number}",
            f"DET OUT{number} X": x,
            f"DET OUT{number} Y": y,
            f"DET OUT{number} NX": COLUMNS // 2,
            f"DET OUT{number} NY": ROWS // 2,
            f"DET OUT{number} PRSCX": SCAN,
            f"DET OUT{number} PRSCY": SCAN,
            f"DET OUT{number} OVSCX": SCAN,
            f"DET OUT{number} OVSCY": SCAN,
            f"DET OUT{number} GAIN": quadrant.gain,
            f"DET OUT{number} RON": quadrant.noise,
        }
    _add(header, values)
    return header


def _observation(
    template: Template, rank: int, place: tuple[float, float, float] | None
) -> Mapping[str, str | float | int]:
    sort = template.sort
    return {
        "DPR CATG": sort.category,
        "DPR TYPE": sort.kind,
        "DPR TECH": sort.technique,
        "OBS PROG ID": template.run_id,
        "OBS ID": template.ob_id,
        "OBS NAME": f"SIM-{template.target}" if place else "SIM-CALIBRATION",
        "OBS TARG NAME": template.target if place else sort.kind,
        "TPL ID": sort.template,
        "TPL START": template.start.isoformat(timespec="seconds"),
        "TPL EXPNO": rank,
        "TPL NEXP": template.count,
        "INS MODE": template.ins_mode,
        "INS OPTI1 NAME": FILTERS.get(template.ins_mode, "Blue"),
        "INS OPTI2 NAME": "WFM",
        "INS TEMP7 VAL": TEMPERATURE,
        "INS TEMP11 VAL": TEMPERATURE,
        "INS DROT MODE": "SKY" if place else "STAT",
        "INS DROT POSANG": float(place[2]) if place else 0.0,
        "DET READ CURID": 1,
        "DET READ CURNAME": "SCI1.0",
        "DET BINX": 1,
        "DET BINY": 1,
        "TEL GEOLON": PARANAL[0],
        "TEL GEOLAT": PARANAL[1],
        "TEL GEOELEV": PARANAL[2],
    }


def _lamps(sort: Sort, lamp: Lamp | None) -> Mapping[str, str | float | bool]:
    burning = {lamp.number} if lamp else set(FLAT_LAMPS) if sort.kind == "FLAT,LAMP" else set()
    values: dict[str, str | float | bool] = {"INS LAMPNUM": LAMP_COUNT}
    for number in range(1, LAMP_COUNT + 1):
        named = next((each.name for each in LAMPS if each.number == number), f"lamp {number}")
        values[f"INS LAMP{number} NAME"] = f"CU-LAMP{number}"
        values[f"INS LAMP{number} ID"] = named
        values[f"INS LAMP{number} ST"] = number in burning
        values[f"INS SHUT{number} NAME"] = f"CU-SHUT{number}"
        values[f"INS SHUT{number} ST"] = number in burning
    return values


def _telescope(place: tuple[float, float, float], sidereal: float, exptime: float) -> Mapping[str, float]:
    ra, dec, _ = place
    ends = {"START": sidereal, "END": sidereal + exptime * SIDEREAL}
    values: dict[str, float] = {"TEL AMBI TEMP": TEMPERATURE, "TEL AMBI RHUM": 14.0}
    for end, moment in ends.items():
        values[f"TEL AIRM {end}"] = airmass(ra, dec, moment)
        values[f"TEL PARANG {end}"] = _parallactic(ra, dec, moment)
        values[f"TEL AMBI PRES {end}"] = PRESSURE
        values[f"TEL AMBI FWHM {end}"] = 0.8
    return values


def _parallactic(ra: float, dec: float, sidereal: float) -> float:
    hour, up, latitude = np.radians(sidereal / 240 - ra), np.radians(dec), np.radians(PARANAL[1])
    across = np.cos(latitude) * np.sin(hour)
    along = np.sin(latitude) * np.cos(up) - np.cos(latitude) * np.sin(up) * np.cos(hour)
    return float(np.degrees(np.arctan2(across, along)))


def _add(header: fits.Header, values: Mapping[str, str | float | bool]) -> None:
    for keyword, value in values.items():
        header[f"HIERARCH ESO {keyword}"] = value
