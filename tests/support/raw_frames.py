"""Raw files of MUSE: real in form, small in data.  Headers are written byte by byte, so that they can be wrong too."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from astropy.io import fits

BLOCK: Final = 2880
CARDS: Final[Mapping[str, object]] = {
    "ORIGIN": "ESO-PARANAL",
    "TELESCOP": "ESO-VLT-U4",
    "INSTRUME": "MUSE",
    "OBJECT": "NGC4254",
    "RA": 184.70611,
    "DEC": 14.41632,
    "EQUINOX": 2000.0,
    "RADECSYS": "FK5",
    "EXPTIME": 645.0,
    "MJD-OBS": 58274.04651201,
    "DATE-OBS": "2018-06-05T01:06:58.638",
    "UTC": 4014.0,
    "LST": 46837.1,
    "PI-COI": "UNKNOWN",
    "ARCFILE": "MUSE.2018-06-05T01:06:58.638.fits",
    "ORIGFILE": "MUSE_WFM-AO_OBS156_0001.fits",
    "ESO DPR CATG": "SCIENCE",
    "ESO DPR TYPE": "OBJECT",
    "ESO DPR TECH": "IFU",
    "ESO OBS ID": 1989464,
    "ESO OBS NAME": "WFM-AO-NGC4254-P06",
    "ESO OBS TARG NAME": "NGC4254",
    "ESO OBS PROG ID": "1100.B-0651(B)",
    "ESO OBS START": "2018-06-05T00:50:00",
    "ESO OBS CONTAINER ID": -999,
    "ESO TPL ID": "MUSE_wfm-ao_obs_genericoffsetLGS",
    "ESO TPL START": "2018-06-05T01:06:43",
    "ESO TPL EXPNO": 1,
    "ESO TPL NEXP": 6,
    "ESO INS MODE": "WFM-AO-N",
    "ESO INS OPTI1 NAME": "Blue-Na2",
    "ESO INS OPTI2 NAME": "WFM",
    "ESO INS DROT MODE": "SKY",
    "ESO INS DROT POSANG": 30.0,
    "ESO INS TEMP7 VAL": 14.72,
    "ESO INS TEMP11 VAL": 14.79,
    "ESO DET READ CURID": 1,
    "ESO DET READ CURNAME": "SCI1.0",
    "ESO DET BINX": 1,
    "ESO DET BINY": 1,
    "ESO TEL AIRM START": 1.269,
    "ESO TEL AIRM END": 1.247,
    "ESO TEL AMBI FWHM START": 1.13,
    "ESO TEL AMBI FWHM END": -1.0,
    "ESO TEL AMBI TAU0": 0.0038,
    "ESO TEL MOON RA": 340.2,
    "ESO TEL MOON DEC": -12.5,
    "ESO OCS SGS FWHM MED": 0.845,
}


def card(keyword: str, value: object) -> str:
    """One card as ESO writes it, 80 characters."""
    name = f"HIERARCH {keyword}".ljust(29) if keyword.startswith("ESO ") else keyword.ljust(8)
    if isinstance(value, bool):
        written = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        written = f"'{value:<8}'"
    else:
        written = f"{value!s:>20}"
    return f"{name}= {written} / comment"[:80].ljust(80)


def block(cards: list[str]) -> bytes:
    """A header: cards, END, padding."""
    header = "".join([*cards, "END".ljust(80)]).encode("ascii")
    return header.ljust(-(-len(header) // BLOCK) * BLOCK)


def primary(cards: Mapping[str, object], *, more: int = 0) -> bytes:
    """A primary header without data; ``more`` cards that nobody asks for are added."""
    begin = [card(k, v) for k, v in (("SIMPLE", True), ("BITPIX", 16), ("NAXIS", 0), ("EXTEND", True))]
    filling = [card(f"ESO OCS FILL{n} VAL", n * 0.25) for n in range(more)]
    return block(begin + [card(k, v) for k, v in cards.items() if v is not None] + filling)


def channel(number: int, *, live: bool = True) -> bytes:
    """An image extension of 4 x 4 pixels."""
    cards = [
        card("XTENSION", "IMAGE"), card("BITPIX", 16), card("NAXIS", 2), card("NAXIS1", 4), card("NAXIS2", 4),
        card("PCOUNT", 0), card("GCOUNT", 1), card("EXTNAME", f"CHAN{number:02d}"), card("ESO DET CHIP LIVE", live),
    ]  # fmt: skip
    return block(cards) + bytes(range(32)).ljust(BLOCK, b"\0")


def raw_bytes(*, channels: int = 24, more: int = 0, **changed: object) -> bytes:
    """A raw file; ``changed`` cards by keyword with underscores for blanks and dashes, None leaves one out."""
    names = {keyword.replace(" ", "_").replace("-", "_"): keyword for keyword in CARDS}
    given = {names.get(key, key.replace("_", " ")): value for key, value in changed.items()}
    cards = {**CARDS, "ESO DET CHIPS": channels, **given}
    return primary(cards, more=more) + b"".join(channel(n) for n in range(1, channels + 1))


def write_raw(folder: Path, *, name: str | None = None, channels: int = 24, more: int = 0, **changed: object) -> Path:
    """Write a raw file under the name that ESO would give it."""
    content = raw_bytes(channels=channels, more=more, **changed)
    archived = str(changed.get("ARCFILE", CARDS["ARCFILE"]))
    path = folder / (name or archived)
    path.write_bytes(content)
    return path


def frame(dp_time: str, mjd: float, **changed: object) -> dict[str, Any]:
    """Cards of a frame that began at another time."""
    return {"ARCFILE": f"MUSE.{dp_time}.fits", "MJD_OBS": mjd, "DATE_OBS": dp_time, **changed}


def calibration(kind: str, dp_time: str, mjd: float, **changed: object) -> dict[str, Any]:
    """Cards of a calibration frame: no position, DPR TYPE as object."""
    names = {"OBJECT": kind, "ESO_DPR_CATG": "CALIB", "ESO_DPR_TYPE": kind, "RA": None, "DEC": None}
    return frame(dp_time, mjd, **{**names, "TELESCOP": "Tel name not set", **changed})


def is_valid(path: Path) -> None:
    """Let astropy say that the file is one of FITS."""
    with fits.open(path) as hdus:
        hdus.verify("exception")
