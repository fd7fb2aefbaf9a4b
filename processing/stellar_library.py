"""Read stellar populations from a folder of files named as MILES names them, and say which stand for those wanted.

E-MILES may not be passed on: it comes with a data package, or the user points at a folder.  What the survey wants may
not be there; then the nearest in age and metallicity is taken, and ``Selection`` tells how near that is.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive.errors import Refused
from processing.science.stellar_templates import Library

__all__ = [
    "FWHM",
    "MODELS",
    "SURVEY",
    "Match",
    "Model",
    "Selection",
    "current_library",
    "models_in",
    "nearest",
    "read_library",
    "read_model",
    "select",
]

Array = NDArray[np.float64]
State = tuple[tuple[Path, int, int, int], ...]

MODELS: Final = Path("ppxf/miles_models")
"""Where the package has E-MILES, below the folder of the data packages."""

FWHM: Final = 2.51
"""Resolution of MILES, Angstrom."""

RANGE: Final = (3541.0, 8950.0)
"""Angstrom: where E-MILES has that resolution; of models that reach less far, what there is."""

FEWEST: Final = 4
"""Wavelengths of a spectrum."""

AGES: Final = (0.15, 0.3, 0.6, 1.0, 2.0, 3.75, 7.5, 14.0)
METALLICITIES: Final = (-1.49, -0.35, 0.06, 0.4)
SURVEY: Final = tuple((age, metallicity) for metallicity in METALLICITIES for age in AGES)
"""Gyr and [M/H] of the survey's templates; of the ages the release tells first, last and number, equal in logarithm."""

NAME: Final = re.compile(r"(?P<before>.*)Z(?P<sign>[mp])(?P<metallicity>\d\.\d+)T(?P<age>\d+\.\d+)(?P<after>.*)")
EXACT: Final = 0.005
"""In dex: as near as names tell."""


@dataclass(frozen=True)
class Model:
    """A file of a folder; ``family`` is its name without age and metallicity."""

    path: Path
    family: str
    age: float
    metallicity: float


@dataclass(frozen=True)
class Match:
    """Which model stands for one that was wanted; ages in Gyr, distances in dex."""

    age: float
    metallicity: float
    model: Model

    @property
    def age_off(self) -> float:
        """How much older it is than wanted."""
        return float(np.log10(self.model.age / self.age))

    @property
    def metallicity_off(self) -> float:
        """How much richer in metals."""
        return self.model.metallicity - self.metallicity


@dataclass(frozen=True)
class Selection:
    """What was taken for each template wanted."""

    matches: tuple[Match, ...]

    @property
    def exact(self) -> bool:
        """Whether all are those that were wanted."""
        return all(max(abs(each.age_off), abs(each.metallicity_off)) < EXACT for each in self.matches)

    @property
    def models(self) -> tuple[Model, ...]:
        """Models in the order wanted, each once though it stand for several."""
        return tuple(dict.fromkeys(each.model for each in self.matches))

    @property
    def state(self) -> State:
        """What changes with the files: size and times of each.

        Raises
        ------
        Refused
            One is not there any more.
        """
        return tuple(_state(model.path) for model in self.models)

    @property
    def md5(self) -> str:
        """Of the files that were taken, and of their names.

        Raises
        ------
        Refused
            One cannot be read.
        """
        return _md5(self.state)


def models_in(folder: Path) -> tuple[Model, ...]:
    """Return the models of a folder by name; none if it is not there."""
    found = []
    for path in sorted(folder.glob("*.fits")) if folder.is_dir() else ():
        if (match := NAME.fullmatch(path.stem)) is not None:
            metallicity = float(match["metallicity"]) * (-1 if match["sign"] == "m" else 1)
            found.append(Model(path, f"{match['before']}{match['after']}", float(match["age"]), metallicity))
    return tuple(found)


def nearest(models: Sequence[Model], age: float, metallicity: float) -> Model:
    """Return the model nearest in the logarithm of the age plus metallicity."""
    return min(models, key=lambda one: abs(np.log10(one.age / age)) + abs(one.metallicity - metallicity))


def select(folder: Path, wanted: Sequence[tuple[float, float]] = SURVEY) -> Selection:
    """Choose the models nearest to those wanted, by their names.

    Raises
    ------
    Refused
        No such folder, or no or several families of models in it.
    """
    models = models_in(folder)
    if not folder.is_dir() or not models:
        what = "no models in" if folder.is_dir() else "there is no folder"
        raise Refused(f"{what} {folder}: templates of stars are files named as MILES names them, in one folder")
    families = Counter(model.family for model in models)
    if len(families) > 1:
        raise Refused(f"{folder} has models of {len(families)} families ({', '.join(families)}): one is needed")
    return Selection(tuple(Match(age, metals, nearest(models, age, metals)) for age, metals in wanted))


def current_library(folder: Path) -> Library:
    """Return the survey's templates from a folder: read once, and again when the files are other ones.

    Raises
    ------
    Refused
        As ``read_library``.
    """
    return _current(folder, select(folder).state)


def read_model(model: Model, wavelengths: tuple[float, float]) -> tuple[Array, Array]:
    """Return wavelength in air (Angstrom) and flux of a model within a range.

    Raises
    ------
    Refused
        The file cannot be read, or is no spectrum.
    """
    try:
        with fits.open(model.path, memmap=False) as hdus:
            header, flux = hdus[0].header, np.asarray(hdus[0].data, dtype=np.float64)
            pixels = np.arange(flux.size) + 1 - float(header.get("CRPIX1", 1.0))
            wavelength = float(header["CRVAL1"]) + float(header["CDELT1"]) * pixels
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise Refused(f"{model.path} is no model of MILES: {error}") from error
    if flux.ndim != 1:
        raise Refused(f"{model.path} is no model of MILES: it has {flux.ndim} axes")
    kept = (wavelength >= wavelengths[0]) & (wavelength <= wavelengths[1])
    return wavelength[kept].astype(np.float64), flux[kept]


def read_library(
    folder: Path,
    wanted: Sequence[tuple[float, float]] = SURVEY,
    *,
    wavelengths: tuple[float, float] = RANGE,
    fwhm: float = FWHM,
) -> tuple[Library, Selection]:
    """Read the models nearest to those wanted, and tell which these are.

    Parameters
    ----------
    folder
        Of files such as ``Ech1.30Zm0.35T00.1500_iTp0.00_baseFe.fits``, all of one family.
    wanted
        Ages in Gyr and metallicities.
    wavelengths
        What is kept of them, as far as they reach, Angstrom.
    fwhm
        Their resolution, Angstrom.

    Raises
    ------
    Refused
        No such folder, no or several families of models in it, or files that do not belong together.
    """
    selection = select(folder, wanted)
    return _library(selection.models, wavelengths, fwhm), selection


def _library(models: Sequence[Model], wavelengths: tuple[float, float], fwhm: float) -> Library:
    read = [read_model(model, wavelengths) for model in models]
    grid = read[0][0]
    for model, (wavelength, flux) in zip(models, read, strict=True):
        if wavelength.size < FEWEST:
            raise Refused(f"{model.path} has nothing between {wavelengths[0]:g} and {wavelengths[1]:g} Angstrom")
        if wavelength.shape != grid.shape or not np.allclose(wavelength, grid, atol=0.01, rtol=0):
            raise Refused(f"{model.path} has other wavelengths than {models[0].path.name}")
        if not np.isfinite(flux).all():
            raise Refused(f"{model.path} has values that are not numbers")
    return Library(
        names=tuple(model.path.stem for model in models),
        age=np.array([model.age for model in models]),
        metallicity=np.array([model.metallicity for model in models]),
        wavelength=grid,
        flux=np.array([flux for _, flux in read]),
        fwhm=fwhm,
    )


@lru_cache(maxsize=4)
def _current(folder: Path, _state: State) -> Library:
    return read_library(folder)[0]


@lru_cache(maxsize=4)
def _md5(state: State) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for path, *_ in state:
        try:
            digest.update(path.name.encode() + path.read_bytes())
        except OSError as error:
            raise Refused(f"{path} cannot be read: {error}") from error
    return digest.hexdigest()


def _state(path: Path) -> tuple[Path, int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error}") from error
    return path, found.st_size, found.st_mtime_ns, found.st_ctime_ns
