"""Header cards of simulated files: those that MUSE's pipeline and the archive read, all marked as simulated.  Pure.

The pipeline takes numbers of whole type for zero where it wants reals: reals are written as such.
"""

import zlib
from collections.abc import Mapping
from typing import Final

from astropy.io import fits
from astropy.time import Time

from musevault import __version__
from processing.simulate.earth import PARANAL
from processing.simulate.exposures import SKY_EXPTIME, Block, Exposure, sky_date, sky_dp_id
from processing.simulate.geometry import Field

__all__ = ["MARK", "mark", "of_exposure", "of_sky", "of_static"]

MARK: Final = "SIMULATE"
"""Keyword that says that a file is simulated."""

RUN_FILTERS: Final = {"WFM-AO-N": "Blue-Na2", "WFM-NOAO-N": "Blue"}


def mark(header: fits.Header, *, seed: int) -> None:
    """Say that a file is simulated, from which seed, and by what."""
    header["ORIGIN"] = ("SIM", "no observatory: simulated")
    header[MARK] = (True, "simulated data")
    header["SIMSEED"] = (seed, "seed of the simulation")
    header["SIMSOFT"] = (f"musevault/{__version__}", "software of the simulation")


def of_exposure(exposure: Exposure, target: str, *, seed: int, scale: float) -> fits.Header:
    """Return the primary header of an exposure's pixel table; the geometry's cards are the writer's.

    Parameters
    ----------
    scale
        How much smaller the mosaic is than the real one.
    """
    date = exposure.date.isoformat(timespec="milliseconds")
    header = _common(exposure.block, target, exposure.place.ins_mode, exposure.told, seed=seed)
    header["DATE-OBS"] = (date, "start of the exposure, UTC")
    header["MJD-OBS"] = (exposure.mjd, "[d] start of the exposure")
    header["EXPTIME"] = (float(exposure.exptime), "[s] integration time")
    header["ARCFILE"] = (f"{exposure.dp_id}.fits", "name in the archive")
    header["ORIGFILE"] = (f"SIM_{target}_{exposure.dp_id[5:]}.fits", "original name")
    header["SIMSCALE"] = (float(scale), "mosaic against the real one")
    header["LST"] = (float(exposure.sidereal), "[s] local sidereal time at the start")
    cards: dict[str, str | float] = {
        "TEL AIRM START": exposure.airmass[0],
        "TEL AIRM END": exposure.airmass[1],
        "DPR CATG": "SCIENCE",
        "DPR TYPE": "OBJECT",
        "DPR TECH": "IFU",
        "TPL EXPNO": exposure.rank + 1,
        "TPL NEXP": max(exposure.block.ranks) + 1,
        "OBS NAME": f"SIM-{exposure.place.name}",
        "TEL IA FWHM": float(exposure.place.fwhm),
        "TEL AMBI FWHM START": float(exposure.place.fwhm) + 0.1,
        "TEL AMBI FWHM END": float(exposure.place.fwhm) + 0.1,
    }
    _add(header, cards)
    return header


def of_sky(block: Block, target: str, field: Field, ins_mode: str, *, category: str, seed: int) -> fits.Header:
    """Return the primary header of the sky that the offset exposure of a block tells; ``category`` is its PRO CATG."""
    date = sky_date(block)
    header = _common(block, target, ins_mode, field, seed=seed)
    header["DATE-OBS"] = (date.isoformat(timespec="milliseconds"), "start of the exposure, UTC")
    header["MJD-OBS"] = (_mjd(block), "[d] start of the exposure")
    header["EXPTIME"] = (SKY_EXPTIME, "[s] integration time")
    header["ARCFILE"] = (f"{sky_dp_id(block)}.fits", "name in the archive")
    cards: dict[str, str | float] = {
        "DPR CATG": "SCIENCE",
        "DPR TYPE": "SKY",
        "DPR TECH": "IFU",
        "TPL EXPNO": 1,
        "TPL NEXP": max(block.ranks) + 1,
        "PRO CATG": category,
        "PRO TYPE": "REDUCED",
    }
    _add(header, cards)
    return header


def of_static(category: str, block: Block, ins_mode: str, *, seed: int) -> fits.Header:
    """Return the primary header of a calibration that holds for all exposures; its identifier is of its own sort."""
    noon = block.tpl_start.replace(hour=12, minute=0, second=0, microsecond=0)
    moment = noon.isoformat(timespec="seconds")
    header = fits.PrimaryHDU().header
    mark(header, seed=seed)
    header["INSTRUME"] = ("MUSE", "instrument that is simulated")
    header["TELESCOP"] = ("ESO-VLT-U4", "telescope that is simulated")
    header["DATE-OBS"] = (f"{moment}.000", "UTC")
    header["MJD-OBS"] = (float(Time(noon).mjd), "[d]")
    header["ARCFILE"] = (f"M.MUSE.{moment}.{zlib.crc32(category.encode()) % 1000:03d}.fits", "name in the archive")
    cards: dict[str, str | float] = {
        "PRO CATG": category,
        "PRO TYPE": "REDUCED",
        "INS MODE": ins_mode,
        "INS OPTI2 NAME": "WFM",
        "DET READ CURNAME": "SCI1.0",
    }
    _add(header, cards)
    return header


def _common(block: Block, target: str, ins_mode: str, field: Field, *, seed: int) -> fits.Header:
    longitude, latitude, height = PARANAL
    header = fits.PrimaryHDU().header
    mark(header, seed=seed)
    header["TELESCOP"] = ("ESO-VLT-U4", "telescope that is simulated")
    header["INSTRUME"] = ("MUSE", "instrument that is simulated")
    header["OBJECT"] = (target, "galaxy")
    header["RA"] = (float(field.ra), "[deg] pointing as the telescope tells it")
    header["DEC"] = (float(field.dec), "[deg] pointing as the telescope tells it")
    header["EQUINOX"] = (2000.0, "standard equinox")
    header["RADECSYS"] = ("FK5", "reference frame")
    cards: dict[str, str | float] = {
        "OBS PROG ID": block.run_id,
        "OBS ID": block.ob_id,
        "OBS TARG NAME": target,
        "TPL ID": "MUSE_wfm_obs_genericoffset",
        "TPL START": block.tpl_start.isoformat(timespec="seconds"),
        "INS MODE": ins_mode,
        "INS OPTI1 NAME": RUN_FILTERS.get(ins_mode, "Blue"),
        "INS OPTI2 NAME": "WFM",
        "INS DROT MODE": "SKY",
        "INS DROT POSANG": float(field.position_angle),
        "DET READ CURID": 1,
        "DET READ CURNAME": "SCI1.0",
        "DET BINX": 1,
        "DET BINY": 1,
        "TEL GEOLON": longitude,
        "TEL GEOLAT": latitude,
        "TEL GEOELEV": height,
    }
    _add(header, cards)
    return header


def _add(header: fits.Header, cards: Mapping[str, str | float]) -> None:
    for keyword, value in cards.items():
        header[f"HIERARCH ESO {keyword}"] = value


def _mjd(block: Block) -> float:
    return float(Time(sky_date(block)).mjd)
