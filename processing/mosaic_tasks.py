"""The mosaics that the cascade makes: native, homogenised as the survey did, and at any other resolution."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from processing import choices
from processing.homogenising import LOGGED, logged_psfs
from processing.mosaic_products import map_product, mosaic_product
from processing.science.kernels import LEAST_BROADENING, Engine, Recipe
from processing.science.mosaic import SURVEY, Clipping, Weighting
from processing.task import Item, Task, per_gigabyte
from schema.products import Resolution
from schema.psf import PsfOrigin

__all__ = ["COPT", "MOSAIC", "homogenised"]

MEMORY: Final = 1800 * 2**20
FIELD: Final = 330
"""Spaxels along the side of an exposure, as it lies on the galaxy's grid."""

TYPICAL: Final = 1.3 + LEAST_BROADENING
"""Arcsec, of what the survey's rule gives at most."""

SPAXEL: Final = 0.2
FLOAT: Final = 8

CLIPPING: Final = Clipping(rounds=SURVEY.rounds, limit=SURVEY.limit, least=SURVEY.least, noise=SURVEY.limit)
"""As the survey clipped, but what lies within its own noise stays."""

PARAMETERS: Final[Mapping[str, Any]] = {
    "weighting": str(Weighting.EXPOSURE_TIME),
    "rounds": CLIPPING.rounds,
    "limit": CLIPPING.limit,
    "least": CLIPPING.least,
    "noise": CLIPPING.noise,
}

HOMOGENISED: Final[Mapping[str, Any]] = {
    **PARAMETERS,
    "psf": str(PsfOrigin.LOG),
    "fwhm": None,
    "regularisation": Recipe().regularisation,
    "reach": Recipe().reach,
    "engine": str(Recipe().engine),
}
"""Of a homogenised mosaic; without a FWHM the survey's rule decides."""

CHOICES: Final[Mapping[str, choices.Choice]] = {"weighting": choices.name_among(Weighting)}

HOMOGENISED_CHOICES: Final[Mapping[str, choices.Choice]] = {
    **CHOICES,
    "psf": choices.name_among(PsfOrigin),
    "regularisation": choices.number(0, 1, above=True),
    "reach": choices.number(1, 20),
    "engine": choices.name_among(Engine),
}


def outputs(inputs: Sequence[Item], *, resolution: str) -> Iterator[Item]:
    """Yield the cube of a galaxy and its exposure map."""
    size = 2 * sum(item.size for item in inputs) // max(1, min(4, len(inputs)))
    product = mosaic_product([item.product for item in inputs], resolution)
    yield Item(product, size)
    yield Item(map_product(product), 1_000_000)


MOSAIC: Final = Task(
    "mosaic",
    version=2,
    takes=frozenset({"exposure_cube"}),
    together=lambda product: product.target,
    makes=partial(outputs, resolution=Resolution.NATIVE),
    parameters=PARAMETERS,
    choices=CHOICES,
    facts=lambda archive, inputs: {LOGGED: logged_psfs(archive, [item.product for item in inputs])},
    seconds=per_gigabyte(least=10.0, rate=15.0),
    memory=lambda _inputs: MEMORY,
    cores=2,
)


def homogenised(
    *, resolution: str = Resolution.COPT, fwhm: float | None = None, of: frozenset[str] | None = None
) -> Task:
    """Return the task that makes homogenised mosaics.

    Parameters
    ----------
    resolution
        What the products are called by: copt, 1.50asec, 150pc.
    fwhm
        Of the Gaussian, arcsec; None for the survey's rule.
    of
        The galaxies that it is for; None for all.
    """
    return replace(
        MOSAIC,
        name="homogenised_mosaic",
        version=3,
        together=lambda product: product.target if of is None or product.target in of else None,
        makes=partial(outputs, resolution=resolution),
        parameters={**HOMOGENISED, "fwhm": fwhm, "resolution": str(resolution)},
        choices=HOMOGENISED_CHOICES,
        seconds=per_gigabyte(least=20.0, rate=45.0),
        memory=partial(_memory, fwhm=fwhm or TYPICAL),
    )


def _memory(inputs: Sequence[Item], *, fwhm: float) -> float:
    """Return what the blocks take, and the transforms of kernels, which grow with the square of the FWHM."""
    room = FIELD + Recipe().reach * fwhm / SPAXEL
    return MEMORY + len(inputs) * FLOAT * (3.5 * room**2 + 2 * FIELD**2)


COPT: Final = homogenised()
