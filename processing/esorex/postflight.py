"""What a run made, looked at: status 0 proves nothing, for the pipeline leaves out in silence what it could not do.

A disk that is full ends in status 0 too, with files that are cut off; the sums in their headers tell.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from astropy.io import fits

from archive.errors import Refused
from processing.esorex.frame import Frame
from processing.esorex.log_text import grave_of, loaded_tables
from processing.esorex.preflight import Checked
from processing.esorex.recipe import Recipe
from processing.phase3.checksums import add

__all__ = ["Made", "check_filled", "check_grid", "check_log", "check_place", "products_of"]

MATCHED: Final = (
    "NAXIS1", "NAXIS2", "NAXIS3", "CRPIX1", "CRPIX2", "CRPIX3", "CRVAL1", "CRVAL2", "CRVAL3",
    "CD1_1", "CD1_2", "CD2_1", "CD2_2", "CD3_3",
)  # fmt: skip
TOLERANCE: Final = 1e-6
LEAST_FINITE: Final = 0.01
NEAR: Final = 0.01
"""Degrees: so far from its header's position, at most, does an exposure lie."""

RECORDED: Final = frozenset({"OFFSET_LIST", "OUTPUT_WCS", "SKY_CONTINUUM", "SKY_LINES", "ASTROMETRY_WCS"})
"""Beside pixel tables, what must stand in a product's record; of other frames a recipe takes what it needs."""

COMBINED: Final = "ESO PRO DATANCOM"
SHORTEST_CUT: Final = 40
"""Characters that a card of the record has room for, whatever its keyword."""

BLOCK: Final = 2880
PIECE: Final = 2880 * 4096


@dataclass(frozen=True)
class Made:
    """A product: its file and its primary header."""

    path: Path
    header: fits.Header


def check_log(recipe: Recipe, log: str, checked: Checked) -> None:
    """See in the log that all pixel tables were read, and that nothing went on without what it was given.

    Raises
    ------
    Refused
        It did.
    """
    if words := grave_of(log, checked.ifus):
        raise Refused(f"{recipe.name} went on after: {words}")
    loaded = loaded_tables(log)
    for table in checked.tables:
        if table.frame.path.name not in loaded:
            raise Refused(f"{recipe.name} did not read {table.frame.path.name}, and said nothing")


def products_of(
    folder: Path, listing: Path, recipe: Recipe, frames: Sequence[Frame], checked: Checked
) -> Mapping[str, tuple[Made, ...]]:
    """Return the products of a run by category.

    Raises
    ------
    Refused
        Something that must be made is not, is cut off or damaged, or an input is missing from its record.
    """
    found: dict[str, list[Made]] = {}
    for entry in _listed(listing, recipe):
        path = folder / str(entry["name"])
        found.setdefault(str(entry["category"]), []).append(Made(path, _checked_header(path, recipe)))
    for category, number in recipe.makes.items():
        if len(found.get(category, ())) < number:
            raise Refused(f"{recipe.name} made {len(found.get(category, ()))} of {number} {category}, and said nothing")
    made = [one for several in found.values() for one in several]
    _check_inputs(recipe, made, frames)
    _check_combined(recipe, made, checked)
    return {category: tuple(sorted(several, key=lambda one: one.path)) for category, several in found.items()}


def check_grid(cube: Path, wanted: fits.Header) -> None:
    """Compare the axes of a cube with those that were asked for: the pipeline takes its own when it dislikes ours.

    Raises
    ------
    Refused
        They differ.
    """
    header = fits.getheader(cube, "DATA")
    for keyword in MATCHED:
        there, asked = header.get(keyword), wanted[keyword]
        if there is None or abs(there - asked) > TOLERANCE * max(1.0, abs(asked)):
            raise Refused(f"{cube.name}: {keyword} is {there}, asked for was {asked}")


def check_place(cube: Path, ra: float, dec: float) -> None:
    """See that a cube on a grid of the pipeline's own lies where its exposure looked.

    Raises
    ------
    Refused
        It lies elsewhere: the header's position was not read.
    """
    header = fits.getheader(cube, "DATA")
    east = ((header["CRVAL1"] - ra + 180) % 360 - 180) * np.cos(np.radians(dec))
    if np.hypot(east, header["CRVAL2"] - dec) > NEAR:
        raise Refused(
            f"{cube.name} lies at {header['CRVAL1']:.4f} {header['CRVAL2']:.4f}, the exposure at {ra:.4f} {dec:.4f}"
        )


def check_filled(cube: Path, *, has_margin: bool) -> None:
    """See that a cube has values, and on a grid that was asked for that none are cut off, a plane at a time.

    Parameters
    ----------
    has_margin
        Whether its outermost rows and columns must be empty.

    Raises
    ------
    Refused
        It is as good as empty, or reaches beyond its edges.
    """
    filled, voxels, cut = 0, 0, False
    with fits.open(cube, memmap=True) as hdus:
        for plane in hdus["DATA"].data:
            finite = np.isfinite(plane)
            filled, voxels = filled + int(finite.sum()), voxels + finite.size
            cut |= bool(finite[[0, -1]].any() or finite[:, [0, -1]].any())
    if filled < LEAST_FINITE * voxels:
        raise Refused(f"{cube.name}: {filled} of {voxels} voxels have a value, and the pipeline said nothing")
    if has_margin and cut:
        raise Refused(f"{cube.name} has values at its edges: the exposure reaches beyond the grid that was asked for")


def _listed(listing: Path, recipe: Recipe) -> list[dict[str, Any]]:
    try:
        return list(json.loads(listing.read_text()))
    except (OSError, ValueError) as error:
        raise Refused(f"{recipe.name} left no list of its products") from error


def _checked_header(path: Path, recipe: Recipe) -> fits.Header:
    """Return the primary header of a file all of which is there, as the sums say where it has any."""
    try:
        with fits.open(path, memmap=True, disable_image_compression=True) as hdus, path.open("rb") as file:
            header = hdus[0].header.copy()
            for number, hdu in enumerate(hdus):
                told, place = hdu.header.get("DATASUM"), hdu.fileinfo()
                if place["datLoc"] + place["datSpan"] > path.stat().st_size:
                    raise Refused(f"{recipe.name}: {path.name} is cut off")
                if told is not None and int(told) != _sum(file, place["datLoc"], place["datSpan"]):
                    raise Refused(f"{recipe.name}: {path.name} is damaged: the sum of its extension {number} differs")
            return header
    except (OSError, ValueError) as error:
        raise Refused(f"{recipe.name}: {path.name} cannot be read: {error}") from error


def _sum(file: BinaryIO, start: int, length: int) -> int:
    file.seek(start)
    total = 0
    for done in range(0, length, PIECE):
        total = add(total, file.read(min(PIECE, length - done)))
    return total


def _check_inputs(recipe: Recipe, made: Sequence[Made], frames: Sequence[Frame]) -> None:
    """What goes in must be in a product's record: what is overlooked is no error of the recipe."""
    names = {
        str(card.value)
        for one in made
        for card in one.header["ESO PRO REC* *"].cards  # what made the inputs comes first
        if card.keyword.endswith("NAME") and (" RAW" in card.keyword or " CAL" in card.keyword)
    }
    for frame in frames:
        is_needed = frame.tag.startswith("PIXTABLE_") or frame.tag in RECORDED
        if is_needed and not any(_is_of(name, frame) for name in names):
            raise Refused(f"{recipe.name} left {frame.path.name} out of what it made, and said nothing")


def _is_of(name: str, frame: Frame) -> bool:
    """Whether a name is that of a frame; those that are too long for a card are cut."""
    return frame.path.name == name or (len(name) >= SHORTEST_CUT and frame.path.name.startswith(name))


def _check_combined(recipe: Recipe, made: Sequence[Made], checked: Checked) -> None:
    """Cubes count the tables that they are made of."""
    for one in made:
        if COMBINED in one.header and checked.tables and one.header[COMBINED] != len(checked.tables):
            raise Refused(
                f"{recipe.name}: {one.path.name} is of {one.header[COMBINED]} tables, there were {len(checked.tables)}"
            )
