"""Rules for files that are submitted together: names, what belongs to what, and agreement between them."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np

from processing.phase3.profiles import Profile
from processing.phase3.rule import CHK, S8, BatchRule, Severity
from processing.phase3.rules_of_axes import same_axes
from processing.phase3.submitted import Batch, SubmittedFile, SubmittedHdu, ends_as_fits
from processing.science.phase3_numbers import exposure_time

__all__ = ["RULES"]

WHITE_TOLD: Final = frozenset({"sdps8"})
"""Profiles that tell the white image from others."""

HALF_SECOND: Final = 0.5
SAME: Final = ("TELESCOP", "INSTRUME", "PROG_ID", "MJD-OBS", "MJD-END", "NCOMBINE", "EXPTIME", "TEXPTIME")

Wrong = Iterator[tuple[str, str]]


def _once(batch: Batch, _profile: Profile) -> Wrong:
    counts = Counter(file.name for file in batch.files)
    yield from ((name, f"{count} files have the name") for name, count in counts.items() if count > 1)


def _there(batch: Batch, _profile: Profile) -> Wrong:
    for file in _science(batch):
        for n, name in file.primary.numbered("ASSON").items():
            if name not in batch.by_name and not _beside(file, name):
                yield file.name, f"ASSON{n} is {name!r}, which is not there"


def _wanted(batch: Batch, _profile: Profile) -> Wrong:
    named = {name for file in _science(batch) for name in file.primary.numbered("ASSON").values()}
    for file in batch.files:
        if file.is_ancillary and file.name not in named:
            yield file.name, "nothing says that it belongs to it"


def _one_white(batch: Batch, _profile: Profile) -> Wrong:
    for cube in batch.cubes:
        count = sum(one.is_white for one in batch.associated(cube))
        if count != 1:
            yield cube.name, f"it has {count}"


def _white_alike(batch: Batch, _profile: Profile) -> Wrong:
    for cube in batch.cubes:
        yield from _alike(cube, [one for one in batch.associated(cube) if one.is_white])


def _has_map(batch: Batch, _profile: Profile) -> Wrong:
    for cube in batch.cubes:
        if not any(one.is_expmap for one in batch.associated(cube)):
            yield cube.name, "it has none"


def _map_alike(batch: Batch, _profile: Profile) -> Wrong:
    for cube in batch.cubes:
        yield from _alike(cube, [one for one in batch.associated(cube) if one.is_expmap])


def _map_time(batch: Batch, _profile: Profile) -> Wrong:
    for cube in batch.cubes:
        for one in batch.associated(cube):
            said = cube.primary.number("EXPTIME")
            if not one.is_expmap or not one.images or said is None:
                continue
            typical = exposure_time(np.concatenate([piece.astype(np.float32) for piece in one.images[0].pixels()]))
            if not abs(typical - said) <= HALF_SECOND:
                yield cube.name, f"EXPTIME is {said:g} s, the median of {one.name} {typical:g} s"


def _md5(batch: Batch, _profile: Profile) -> Wrong:
    for file in _science(batch):
        names, sums = file.primary.numbered("ASSON"), file.primary.numbered("ASSOM")
        for n, md5 in sums.items():
            other = _beside(file, names.get(n))
            if other is not None and other != md5:
                yield file.name, f"ASSOM{n} is not that of {names[n]}"


def _precursors(batch: Batch, _profile: Profile) -> Wrong:
    """A cube that was made of another one of the batch tells the same of its observations."""
    for cube in batch.cubes:
        for earlier in _earlier(batch, cube):
            words = [word for word in SAME if cube.primary.cards.get(word) != earlier.primary.cards.get(word)]
            words += [stem for stem in ("OBID", "PROGID") if _set(cube, stem) != _set(earlier, stem)]
            if words:
                yield cube.name, f"{', '.join(words)} differ from those of {earlier.name}"


def _sources_there(batch: Batch, _profile: Profile) -> Wrong:
    for file in _science(batch):
        for n, name in file.primary.numbered("PROV").items():
            if isinstance(name, str) and ends_as_fits(name) and name not in batch.by_name:
                yield file.name, f"PROV{n} is {name!r}, which is not there"


def _not_itself(batch: Batch, _profile: Profile) -> Wrong:
    for file in batch.files:
        if file.hdus and file.name in file.primary.numbered("PROV").values():
            yield file.name, "it is its own source"


def _science(batch: Batch) -> Iterator[SubmittedFile]:
    yield from (file for file in batch.files if file.is_science)


def _earlier(batch: Batch, cube: SubmittedFile) -> Iterator[SubmittedFile]:
    for name in cube.primary.numbered("PROV").values():
        if name in batch.by_name and name != cube.name and batch.by_name[name].is_cube:
            yield batch.by_name[name]


def _set(file: SubmittedFile, stem: str) -> set[str]:
    return {str(value) for value in file.primary.numbered(stem).values()}


def _beside(file: SubmittedFile, name: object) -> str | None:
    """Return the MD5 of a file that is no FITS file and lies beside one; None when there is none."""
    if not isinstance(name, str) or ends_as_fits(name) or "/" in name:
        return None
    other = file.path.parent / name
    if not other.is_file():
        return None
    with other.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _alike(cube: SubmittedFile, others: list[SubmittedFile]) -> Wrong:
    data = _first_image(cube)
    for other in others:
        image = _first_image(other)
        if data is None or image is None:
            continue
        if data.shape[:2] != image.shape[:2]:
            yield other.name, f"it is of {image.shape[:2]} pixels, the cube of {data.shape[:2]}"
        elif not same_axes(data, image, cube.primary, flat=True):
            yield other.name, f"its pixels lie elsewhere than those of {cube.name}"


def _first_image(file: SubmittedFile) -> SubmittedHdu | None:
    return file.images[0] if file.images else None


RULES: Final = (
    BatchRule("unique-names", "every file has a name of its own", S8, _once),
    BatchRule("associated-there", "what belongs to a cube is submitted with it", CHK, _there),
    BatchRule("ancillary-wanted", "what comes with cubes belongs to one", S8, _wanted),
    BatchRule("white-light", "a cube has one white-light image", CHK, _one_white, profiles=WHITE_TOLD),
    BatchRule("white-alike", "the white-light image lies on the pixels of its cube", CHK, _white_alike,
              profiles=WHITE_TOLD),
    BatchRule("expmap", "a cube has an exposure map", S8, _has_map, Severity.WARNING, WHITE_TOLD),
    BatchRule("expmap-alike", "an exposure map lies on the pixels of its cube", S8, _map_alike),
    BatchRule("expmap-exptime", "EXPTIME is the median of the exposure map over what was exposed", S8, _map_time,
              reads_pixels=True),
    BatchRule("assom", "ASSOMi is the MD5 of the file", S8, _md5, reads_pixels=True),
    BatchRule("sources-there", "a file that a cube was made of is submitted too", CHK, _sources_there),
    BatchRule("precursor-agrees", "a cube and the cube that it was made of tell the same", CHK, _precursors),
    BatchRule("own-source", "nothing was made of itself", S8, _not_itself),
)  # fmt: skip
