"""What would go wrong in silence, looked for before a run: frames that the pipeline goes on without.

Each check stands for something that MUSE's pipeline 2.8.7 was seen to do with status 0: without SKY_LINES or
LSF_PROFILE no line is taken off, without a line in the OFFSET_LIST nothing is moved, a grid in a form that it does not
know is not used.  ``table_checks`` has what concerns pixel tables.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits

from archive.errors import Refused
from processing.esorex import amounts
from processing.esorex.frame import Frame
from processing.esorex.recipe import Recipe
from processing.esorex.table_checks import Table, check_ifus, check_tables

__all__ = ["Checked", "check", "check_filters", "check_offsets", "check_output_wcs", "check_sky"]

SCIPOST: Final = "muse_scipost"
ASTROMETRY: Final = "ASTROMETRY_WCS"
RESPONSE: Final = "STD_RESPONSE"
MODE: Final = "ESO INS MODE"
EDGE: Final = 5.0
"""Angstrom by which a sky continuum may be shorter than the tables: planes beyond it are lost."""

OFFSETS: Final = ("DATE_OBS", "RA_OFFSET", "DEC_OFFSET")
SKY_AXES: Final = ("RA---TAN", "DEC--TAN")
WAVELENGTHS: Final = frozenset({"AWAV", "AWAV-LOG", "WAVE", "WAVE-LOG"})
REALS: Final = ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "CD1_1", "CD1_2", "CD2_1", "CD2_2")
MORE_REALS: Final = ("CRVAL3", "CRPIX3", "CD3_3")


@dataclass(frozen=True)
class Checked:
    """What was found of the frames: their pixel tables, and how many voxels the cube is to have if that is said."""

    tables: Sequence[Table]
    voxels: int | None

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(table.rows for table in self.tables)

    @property
    def ifus(self) -> frozenset[int]:
        """Those that there is a table of."""
        return frozenset(ifu for table in self.tables for ifu in table.ifus)


def check(recipe: Recipe, frames: Sequence[Frame]) -> Checked:
    """Look at all frames of a run.

    Raises
    ------
    Refused
        The pipeline would not use one as it is meant; the text says which, and why.
    """
    tables = check_tables(frames)
    if recipe.ifus is not None:
        check_ifus(tables, recipe.ifus)
    by_tag: dict[str, list[Path]] = {}
    for frame in frames:
        by_tag.setdefault(frame.tag, []).append(frame.path)
    voxels, moved = None, {}
    for path in by_tag.get("OFFSET_LIST", ()):
        moved = check_offsets(path, tables)
    for path in by_tag.get("OUTPUT_WCS", ()):
        voxels = check_output_wcs(path, tables, moved)
    wanted = [name for name in str(recipe.parameters.get("filter", "white")).split(",") if name != "white"]
    if wanted:
        check_filters(by_tag.get("FILTER_LIST", ()), wanted)
    if recipe.name == SCIPOST:
        _check_scipost(recipe.parameters, by_tag, tables)
    if tables:
        amounts.check_memory(sum(table.rows for table in tables), voxels)
    return Checked(tables, voxels)


def check_filters(listings: Sequence[Path], names: Sequence[str]) -> None:
    """See that a list of filters has those that are wanted; the pipeline leaves out the images of others.

    Raises
    ------
    Refused
        One is not there.
    """
    known: set[str] = set()
    for listing in listings:
        with fits.open(listing) as hdus:
            known |= {hdu.name.upper() for hdu in hdus}
    lacking = [name for name in names if name.upper() not in known]
    if lacking:
        raise Refused(f"no FILTER_LIST has the filter {', '.join(lacking)}: its image would be left out")


def check_offsets(offsets: Path, tables: Sequence[Table]) -> dict[str, float]:
    """See that every exposure has its line in a list of offsets, without which it is not moved.

    Returns what is taken off the right ascension, degrees, by DATE-OBS.

    Raises
    ------
    Refused
        One has none, or two, or something that is no number.
    """
    with fits.open(offsets) as hdus:
        rows = hdus[1].data if len(hdus) > 1 else None
        lacking = [name for name in OFFSETS if rows is None or name not in rows.names]
        if rows is None or lacking:
            raise Refused(f"{offsets.name} has no column {', '.join(lacking)}: no exposure would be moved")
        dates = [str(date).strip() for date in rows["DATE_OBS"]]
        numbers = np.array([rows["RA_OFFSET"], rows["DEC_OFFSET"]], dtype=np.float64)
    counts = Counter(dates)
    for date in {table.date for table in tables}:
        if counts[date] != 1:
            raise Refused(f"{offsets.name} has {counts[date]} lines for DATE-OBS {date}: it would not be moved")
        if not np.isfinite(numbers[:, dates.index(date)]).all():
            raise Refused(f"{offsets.name} has an offset for {date} that is no number: it would not be moved")
    return dict(zip(dates, map(float, numbers[0]), strict=True))


def check_output_wcs(path: Path, tables: Sequence[Table], moved: Mapping[str, float] | None = None) -> int | None:
    """See that a grid has the form that the pipeline knows; returns its voxels, None if it has no wavelengths.

    Parameters
    ----------
    moved
        What is taken off the right ascension of exposures, degrees, by DATE-OBS: 360 brings one to the grid's side of
        right ascension 0.

    Raises
    ------
    Refused
        It has another: the pipeline would take a grid of its own, or lies across right ascension 0.
    """
    with fits.open(path) as hdus:
        headers = [hdu.header for hdu in hdus if "CTYPE1" in hdu.header]
        if not headers:
            raise Refused(f"{path.name} has no axes: the pipeline would take its own")
        header = headers[0].copy()
    axes = header.get("NAXIS", 0)
    if axes not in (2, 3):
        raise Refused(f"{path.name} has {axes} axes of pixels, not 2 or 3: the pipeline would take its own")
    kinds = tuple(header.get(f"CTYPE{axis}") for axis in range(1, axes + 1))
    if kinds[:2] != SKY_AXES or (axes == 3 and kinds[2] not in WAVELENGTHS):
        raise Refused(f"{path.name} has axes {', '.join(map(str, kinds))}: the pipeline would take its own")
    for keyword in (*REALS, *(MORE_REALS if axes == 3 else ())):
        if not isinstance(header.get(keyword), float):
            raise Refused(f"{path.name}: {keyword} is {header.get(keyword)!r} and must have a decimal point")
    if any(abs(table.ra - (moved or {}).get(table.date, 0.0) - header["CRVAL1"]) > 180 for table in tables):
        raise Refused("the exposure and its grid lie on both sides of right ascension 0: the cube would be empty")
    return int(np.prod([header[f"NAXIS{axis}"] for axis in (1, 2, 3)])) if axes == 3 else None


def check_sky(continuum: Path, wavelengths: tuple[float, float]) -> None:
    """See that a sky continuum covers wavelengths, Angstrom: the pipeline cuts the tables to it.

    Raises
    ------
    Refused
        It is shorter, or has something that is no number.
    """
    with fits.open(continuum) as hdus:
        if "CONTINUUM" not in hdus:
            raise Refused(f"{continuum.name} has no extension CONTINUUM")
        rows = hdus["CONTINUUM"].data
        known, flux = np.asarray(rows["lambda"], np.float64), np.asarray(rows["flux"], np.float64)
    if not known.size or not (np.isfinite(known).all() and np.isfinite(flux).all()):
        raise Refused(f"{continuum.name} has no rows, or some that are no numbers")
    first, last = float(known.min()), float(known.max())
    if first > wavelengths[0] + EDGE or last < wavelengths[1] - EDGE:
        raise Refused(
            f"{continuum.name} reaches from {first:.1f} to {last:.1f} Angstrom, the exposure from {wavelengths[0]:.1f}"
            f" to {wavelengths[1]:.1f}: it would be cut"
        )


def _check_scipost(
    parameters: Mapping[str, Any], by_tag: Mapping[str, Sequence[Path]], tables: Sequence[Table]
) -> None:
    if not tables:
        raise Refused("there is no pixel table")
    for response in by_tag.get(RESPONSE, ()):
        mode = fits.getheader(response).get(MODE)
        if mode is not None and any(table.mode != mode for table in tables):
            raise Refused(f"{response.name} is of mode {mode}, the exposure of {tables[0].mode}: it would not be used")
    if parameters.get("astrometry", True):
        _one(by_tag, ASTROMETRY, "places on the sky would be those of another night")
    if parameters.get("skymethod") != "subtract-model":
        return
    _one(by_tag, "SKY_CONTINUUM", "no continuum would be taken off")
    _one(by_tag, "SKY_LINES", "no line would be taken off")
    if not by_tag.get("LSF_PROFILE"):
        raise Refused("there is no LSF_PROFILE: no line would be taken off")
    low = max(min(t.wavelengths[0] for t in tables), float(parameters.get("lambdamin", 4000.0)))
    high = min(max(t.wavelengths[1] for t in tables), float(parameters.get("lambdamax", 10000.0)))
    check_sky(by_tag["SKY_CONTINUUM"][0], (low, high))


def _one(by_tag: Mapping[str, Sequence[Path]], tag: str, why: str) -> None:
    if (number := len(by_tag.get(tag, ()))) != 1:
        raise Refused(f"there are {number or 'no'} {tag}: {why}")
