"""Small MUSE cubes with known content: real in form, made up in values."""

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

HEADER: dict[str, Any] = {
    "ORIGIN": "ESO-PARANAL",
    "TELESCOP": "ESO-VLT-U4",
    "INSTRUME": "MUSE",
    "OBJECT": "NGC 1365",
    "RA": 53.4015,
    "DEC": -36.1404,
    "RADECSYS": "FK5",
    "EXPTIME": 600.0,
    "MJD-OBS": 58000.25,
    "DATE-OBS": "2017-09-04T06:00:00.000",
    "ARCFILE": "MUSE.2017-09-04T06:00:00.000.fits",
    "HIERARCH ESO OBS PROG ID": "1100.B-0651(A)",
    "HIERARCH ESO OBS ID": 200000001,
    "HIERARCH ESO OBS TARG NAME": "NGC 1365",
    "HIERARCH ESO TPL START": "2017-09-04T05:59:30",
    "HIERARCH ESO TPL NEXP": 2,
    "HIERARCH ESO INS MODE": "WFM-NOAO-N",
    "HIERARCH ESO PRO DATANCOM": 2,
    "HIERARCH ESO PRO REC1 ID": "muse_scibasic",
    "HIERARCH ESO PRO REC1 PIPE ID": "muse/2.8.7",
    "HIERARCH ESO PRO REC1 RAW1 NAME": "MUSE.2017-09-04T06:00:00.000.fits.fz",
    "HIERARCH ESO PRO REC1 RAW1 CATG": "OBJECT",
    "HIERARCH ESO PRO REC1 CAL1 NAME": "MASTER_BIAS-01.fits",
    "HIERARCH ESO PRO REC1 CAL1 CATG": "MASTER_BIAS",
    "HIERARCH ESO PRO REC1 CAL1 DATAMD5": "0123456789abcdef0123456789abcdef",
    "HIERARCH ESO PRO REC1 PARAM1 NAME": "nifu",
    "HIERARCH ESO PRO REC1 PARAM1 VALUE": "-1",
    "HIERARCH ESO PRO REC2 ID": "muse_scipost",
    "HIERARCH ESO PRO REC2 PIPE ID": "muse/2.8.7",
    "HIERARCH ESO PRO REC2 RAW1 NAME": "PIXTABLE_OBJECT_0001-01.fits",
    "HIERARCH ESO PRO REC2 RAW1 CATG": "PIXTABLE_OBJECT",
}
AXES: dict[str, Any] = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CUNIT1": "deg", "CUNIT2": "deg", "CRVAL1": 53.4015,
    "CRVAL2": -36.1404, "CD1_1": -0.2 / 3600, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.2 / 3600, "RADESYS": "ICRS",
    "CTYPE3": "AWAV", "CUNIT3": "Angstrom", "CRVAL3": 5300.0, "CRPIX3": 1.0, "CD3_3": 25.0,
    "BUNIT": "10**(-20)*erg/s/cm**2/Angstrom",
}  # fmt: skip


def write_cube(path: Path, *, shape: tuple[int, int, int] = (80, 6, 5), value: float = 3.0, **cards: Any) -> Path:
    """Write a cube of one value with variance 0.25; ``cards`` change the primary header, None removes one."""
    axes = {**AXES, "CRPIX1": (shape[2] + 1) / 2, "CRPIX2": (shape[1] + 1) / 2}
    primary = fits.Header({**HEADER})
    for keyword, card in cards.items():
        name = keyword.replace("_", "-")
        if card is None:
            primary.remove(name)
        else:
            primary[name] = card
    data = fits.ImageHDU(np.full(shape, value, np.float32), fits.Header(axes), name="DATA")
    stat = fits.ImageHDU(np.full(shape, 0.25, np.float32), fits.Header(axes), name="STAT")
    stat.header["BUNIT"] = f"({axes['BUNIT']})**2"
    quality = fits.ImageHDU(np.zeros(shape, np.uint8), name="DQ")
    fits.HDUList([fits.PrimaryHDU(header=primary), data, stat, quality]).writeto(path)
    return path
