"""The two calls of muse_scipost: for an exposure's image before it is aligned, and for its cube after that.

Both take off the sky that the offset exposures of its observing block told.  Parameters are those of the survey where
they differ from the pipeline's (those of pymusepipe): drops of 0.8 pixel, barycentric velocities.  Only the image that
an exposure is aligned by has drops of a whole pixel.  Files in, files out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from astropy.io import fits

from archive.errors import Refused
from processing.esorex.amounts import memory, seconds
from processing.esorex.frame import Frame
from processing.esorex.grid import STEP, Cutout, write_output_wcs
from processing.esorex.postflight import check_filled, check_grid, check_place
from processing.esorex.recipe import Limits, Recipe
from processing.esorex.run import Outcome, run
from processing.esorex.table_checks import ALL_IFUS

__all__ = ["Exposure", "cube_on_grid", "field_cube", "memory", "seconds"]

RECIPE: Final = "muse_scipost"
TABLE: Final = "PIXTABLE_OBJECT"
CUBE: Final = "DATACUBE_FINAL"
SURVEY: Final[Mapping[str, Any]] = {
    "save": "cube",
    "skymethod": "subtract-model",
    "darcheck": "none",
    "rvcorr": "bary",
    "autocalib": "none",
    "astrometry": True,
    "pixfrac": 0.8,
    "filter": "white",
}
WHOLE_PIXELS: Final = 1.0
"""Drops for images that positions are measured on.  Drops of 0.8 pixel move what they fall on by up to 0.1 pixel, by as
much in every exposure, since a pixel's value is not moved to where its drops lie; drops of a whole pixel do not."""

NO_REFRACTION: Final = {"lambdaref": -1.0}
"""Simulated tables have no atmosphere in their positions: to correct for it would smear them."""

MODES: Final = ("WFM-NOAO-N", "WFM-NOAO-E", "WFM-AO-N", "WFM-AO-E")
"""The pipeline takes the wide field's spaxels for any other mode but the narrow field's."""

MARGIN: Final = 5.0
"""Angstrom beyond a grid's ends that are read: they are moved by the velocity of the Earth, and drops are wide."""


@dataclass(frozen=True)
class Exposure:
    """What the pipeline takes of one exposure: its tables, the sky of its block, and calibrations.

    ``ifus`` is how many it must have: those that there are of a simulated one, else all 24.
    """

    tables: Sequence[Path]
    sky: Sequence[Frame]
    calibrations: Sequence[Frame]
    ifus: int | None = None

    @property
    def frames(self) -> list[Frame]:
        """All of it as a set of frames."""
        return [*(Frame(table, TABLE) for table in self.tables), *self.sky, *self.calibrations]

    def header(self) -> fits.Header:
        """Read the primary header of its first table.

        Raises
        ------
        Refused
            There is none.
        """
        if not self.tables:
            raise Refused("an exposure without pixel tables cannot be reduced")
        try:
            return fits.getheader(self.tables[0])
        except OSError as error:
            raise Refused(f"{self.tables[0].name}: {error}") from error


def field_cube(
    exposure: Exposure, folder: Path, *, wavelengths: tuple[float, float], limits: Limits | None = None
) -> Outcome:
    """Make the cube of an exposure as its header points it, for the image in one band.

    Parameters
    ----------
    wavelengths
        First and last that the band lets through, Angstrom.

    Raises
    ------
    Refused
        The exposure cannot be given to the pipeline, or this fails.
    """
    low, high = wavelengths
    header = exposure.header()
    parameters = {"lambdamin": low, "lambdamax": high, "pixfrac": WHOLE_PIXELS}
    outcome = _scipost(exposure, header, folder, parameters, limits=limits)
    check_place(outcome.one(CUBE), header["RA"], header["DEC"])
    check_filled(outcome.one(CUBE), has_margin=False)
    return outcome


def cube_on_grid(
    exposure: Exposure, folder: Path, *, part: Cutout, offsets: Path, limits: Limits | None = None
) -> Outcome:
    """Make the cube of an exposure on the grid of its galaxy, moved and scaled.

    Parameters
    ----------
    part
        The cut-out of the grid.
    offsets
        OFFSET_LIST with the line of the exposure.

    Raises
    ------
    Refused
        As of ``field_cube``, or the cube is not on the grid.
    """
    header = exposure.header()
    folder.mkdir(parents=True)
    axes = write_output_wcs(folder / "output_wcs.fits", part)
    more = [Frame(offsets, "OFFSET_LIST"), Frame(folder / "output_wcs.fits", "OUTPUT_WCS")]
    last = part.first + STEP * (part.shape[0] - 1)
    cut = {"lambdamin": part.first - MARGIN, "lambdamax": last + MARGIN}
    outcome = _scipost(exposure, header, folder / "run", cut, more, limits=limits)
    check_grid(outcome.one(CUBE), axes)
    check_filled(outcome.one(CUBE), has_margin=True)
    return outcome


def _scipost(
    exposure: Exposure,
    header: fits.Header,
    folder: Path,
    parameters: Mapping[str, Any],
    more: Sequence[Frame] = (),
    *,
    limits: Limits | None,
) -> Outcome:
    mode, is_simulated = header.get("ESO INS MODE"), header.get("SIMULATE") is True
    if mode not in MODES:
        raise Refused(f"{exposure.tables[0].name}: mode {mode} is none of {', '.join(MODES)}")
    given = {**SURVEY, **parameters, **(NO_REFRACTION if is_simulated else {})}
    ifus = exposure.ifus or (None if is_simulated else ALL_IFUS)
    recipe = Recipe(RECIPE, {CUBE: 1}, given, ifus=ifus)
    return run(recipe, [*exposure.frames, *more], folder, limits)
