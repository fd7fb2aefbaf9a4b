"""The file of a cube's bins: which spaxels are in them, their spectra, and the stars that were fitted to these."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive.cube import Cube
from archive.errors import Refused
from processing.derived_header import axes_of, primary_of
from processing.maps.sources import Galaxy, Templates

__all__ = ["PREFIX", "BinnedStars", "analysis_cards", "read_stars", "stars_hdus"]

Array = NDArray[np.float64]
Values = Mapping[str, NDArray[Any]]

PREFIX: Final = "HIERARCH ESO DRS MUSE MAPS"

UNTOLD: Final = "UNKNOWN"
"""Of files that do not say who told."""

COLUMNS: Final = (
    ("SPAXELS", "J", None, "spaxels"),
    ("RA", "D", "deg", "ra"),
    ("DEC", "D", "deg", "dec"),
    ("AREA", "D", "arcsec2", "area"),
    ("SNR", "D", None, "signal_to_noise"),
    ("V", "D", "km/s", "velocity_found"),
    ("FORM_ERR_V", "D", "km/s", "velocity_error"),
    ("SIGMA", "D", "km/s", "sigma"),
    ("FORM_ERR_SIGMA", "D", "km/s", "sigma_error"),
    ("CHI2", "D", None, "chi2"),
    ("EBV", "D", "mag", "ebv_stars"),
    ("FLAGS", "I", None, "flags"),
)
"""Name, format, unit, and what it is among the values, of what there is of each bin; its row is its number."""


@dataclass(frozen=True)
class BinnedStars:
    """What the line fits and the maps take from the file.

    Attributes
    ----------
    number, nearest
        The bin of each spaxel, and the nearest one whose stars are known, as ``Bins`` has them, shape (ny, nx).
    signal, noise
        Of spaxels, shape (ny, nx).
    table
        Columns by name, shape (bins).
    wavelength
        Of the spectra, observed, Angstrom, shape (pixels).
    continuum
        Of the bins' stars, shape (bins, pixels); read as it is asked for.
    velocity, ebv
        Systemic velocity, km/s, and the Milky Way's E(B-V).
    velocity_from, ebv_from
        Who told them, as ``Origin`` has it.
    """

    number: NDArray[np.int32]
    nearest: NDArray[np.int32]
    signal: Array
    noise: Array
    table: Mapping[str, NDArray[Any]]
    wavelength: Array
    continuum: NDArray[np.floating]
    velocity: float
    ebv: float
    velocity_from: str
    ebv_from: str


def analysis_cards(galaxy: Galaxy, templates: Templates, target: float, engine: str) -> fits.Header:
    """Return the cards that say how a cube was analysed."""
    header = fits.Header()
    header["REDSHIFT"] = (galaxy.velocity, "[km/s] what the velocities are relative to")
    header[f"{PREFIX} VELOCITY ORIGIN"] = (str(galaxy.velocity_from), "who told REDSHIFT")
    header[f"{PREFIX} EBV"] = (galaxy.ebv, "[mag] dust taken off")
    header[f"{PREFIX} EBV ORIGIN"] = (str(galaxy.ebv_from), "who told it")
    header[f"{PREFIX} SN"] = (round(target, 2), "S/N of bins, aimed at")
    header[f"{PREFIX} ENGINE"] = (str(engine), "that did the fits")
    header[f"{PREFIX} TEMPLATES N"] = (len(templates.selection.models), "templates of stars")
    header[f"{PREFIX} TEMPLATES EXACT"] = (templates.selection.exact, "all as wanted")
    header[f"{PREFIX} TEMPLATES MD5"] = templates.md5
    return header


def stars_hdus(cube: Cube, values: Values, templates: Templates, cards: fits.Header, *, source: str) -> fits.HDUList:
    """Build the file; ``values`` are those of binning, sums and fits by name."""
    primary = primary_of(cube.primary, "ANCILLARY.IMAGE", source=source)
    primary.update(cards)
    hdus: list[Any] = [fits.PrimaryHDU(header=primary)]
    for name, value, unit in (
        ("BIN_ID", "number", None),
        ("BIN_NEAREST", "nearest", None),
        ("SIGNAL", "signal", "1e-20 erg/s/cm2/Angstrom"),
        ("NOISE", "noise", "1e-20 erg/s/cm2/Angstrom"),
    ):
        header = axes_of(cube)
        if unit is not None:
            header["BUNIT"] = unit
        hdus.append(fits.ImageHDU(values[value], header, name=name))
    columns = [fits.Column(name, form, unit, array=values[key]) for name, form, unit, key in COLUMNS]
    weights = values["weights"]
    columns.append(fits.Column("WEIGHTS", f"{weights.shape[1]}D", array=weights))
    polynomial = values["polynomial"]
    columns.append(fits.Column("POLYNOMIAL", f"{polynomial.shape[1]}D", array=polynomial))
    hdus.append(fits.BinTableHDU.from_columns(columns, name="BINS"))
    hdus += _templates(templates)
    hdus += [_spectra(name, values[name.lower()], values["wavelength"]) for name in ("FLUX", "VARIANCE", "CONTINUUM")]
    return fits.HDUList(hdus)


def read_stars(path: Path) -> BinnedStars:
    """Read the file; the continua stay on disk until they are asked for.

    Raises
    ------
    Refused
        It is no such file.
    """
    try:
        with fits.open(path, memmap=True) as hdus:
            table, header = hdus["BINS"].data, hdus["CONTINUUM"].header
            pixels, primary = np.arange(header["NAXIS1"]), hdus[0].header
            prefix = PREFIX.removeprefix("HIERARCH ")
            return BinnedStars(
                number=np.array(hdus["BIN_ID"].data, dtype=np.int32),
                nearest=np.array(hdus["BIN_NEAREST"].data, dtype=np.int32),
                signal=np.array(hdus["SIGNAL"].data, dtype=np.float64),
                noise=np.array(hdus["NOISE"].data, dtype=np.float64),
                table={name: np.array(table[name]) for name, *_ in COLUMNS},
                wavelength=header["CRVAL1"] + pixels * header["CDELT1"],
                continuum=hdus["CONTINUUM"].data,
                velocity=float(primary["REDSHIFT"]),
                ebv=float(primary[f"{prefix} EBV"]),
                velocity_from=str(primary.get(f"{prefix} VELOCITY ORIGIN", UNTOLD)),
                ebv_from=str(primary.get(f"{prefix} EBV ORIGIN", UNTOLD)),
            )
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise Refused(f"{path.name} has no bins and stars: {error}") from error


def _templates(templates: Templates) -> list[fits.BinTableHDU]:
    """Return which templates were taken, as the weights have them, and for which ones that were wanted."""
    models, matches = templates.selection.models, templates.selection.matches
    names = [model.path.stem for model in models]
    taken = [
        fits.Column("NAME", f"{max(map(len, names))}A", array=np.array(names)),
        fits.Column("AGE", "D", "Gyr", array=np.array([model.age for model in models])),
        fits.Column("METALLICITY", "D", array=np.array([model.metallicity for model in models])),
    ]
    wanted = [
        fits.Column("WANTED_AGE", "D", "Gyr", array=np.array([each.age for each in matches])),
        fits.Column("WANTED_METALLICITY", "D", array=np.array([each.metallicity for each in matches])),
        fits.Column("TEMPLATE", "J", array=np.array([models.index(each.model) for each in matches])),
        fits.Column("AGE_OFF", "D", array=np.array([each.age_off for each in matches])),
        fits.Column("METALLICITY_OFF", "D", array=np.array([each.metallicity_off for each in matches])),
    ]
    return [
        fits.BinTableHDU.from_columns(taken, name="TEMPLATES"),
        fits.BinTableHDU.from_columns(wanted, name="TEMPLATES_WANTED"),
    ]


def _spectra(name: str, spectra: NDArray[np.float32], wavelength: Array) -> fits.ImageHDU:
    header = fits.Header()
    header["BUNIT"] = f"{'1e-40 (erg/s/cm2/Angstrom)2' if name == 'VARIANCE' else '1e-20 erg/s/cm2/Angstrom'}"
    header["CTYPE1"], header["CUNIT1"] = "AWAV", "Angstrom"
    header["CRPIX1"], header["CRVAL1"] = 1.0, float(wavelength[0])
    header["CDELT1"] = float(np.diff(wavelength).mean())
    header["CTYPE2"] = ("BIN", "its number, from 0 on")
    header["CRPIX2"], header["CRVAL2"], header["CDELT2"] = 1.0, 0.0, 1.0
    return fits.ImageHDU(spectra, header, name=name)
