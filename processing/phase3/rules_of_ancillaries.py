"""Rules for what comes with a cube: images and exposure maps."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from processing.phase3.profiles import Profile
from processing.phase3.rule import ANCILLARY, EXPMAPS, S8, WHITES, Rule
from processing.phase3.submitted import SubmittedFile

__all__ = ["RULES"]

FLOAT: Final = -32
SHORT: Final = 16


def _childless(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    found = file.primary.numbered("ASSON")
    if found:
        yield f"ASSON{', ASSON'.join(map(str, found))}"


def _flat_white(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    if not file.images or any(len(hdu.shape) != 2 for hdu in file.images):
        yield ", ".join(f"{hdu.label} {hdu.shape}" for hdu in file.images) or "there is no image"


def _one_map(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    shapes = [hdu.shape for hdu in file.images]
    if len(shapes) != 1 or len(shapes[0]) != 2:
        yield f"images of {', '.join(map(str, shapes))}" if shapes else "there is no image"


def _stored(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    for hdu in file.images:
        bits = hdu.cards.get("BITPIX")
        if bits not in {FLOAT, SHORT} or (bits == SHORT and "BSCALE" not in hdu.cards):
            yield f"{hdu.label}: BITPIX is {bits}"


def _seconds(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    for hdu in file.images:
        if hdu.cards.get("BUNIT") != "s":
            yield f"{hdu.label}: BUNIT is {hdu.cards.get('BUNIT')!r}"


def _no_voids(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    for hdu in file.images:
        if "BLANK" in hdu.keywords:
            yield f"{hdu.label} has BLANK"
        odd = sum(int(np.count_nonzero(~np.isfinite(piece))) for piece in hdu.pixels())
        if odd:
            yield f"{hdu.label}: {odd} pixels are no numbers"


def _times(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    for hdu in file.images:
        negative, exposed = 0, 0
        for piece in hdu.pixels():
            negative += int(np.count_nonzero(piece < 0))
            exposed += int(np.count_nonzero(piece > 0))
        if negative or not exposed:
            yield f"{hdu.label}: {negative} pixels below 0, {exposed} above"


RULES: Final = (
    Rule("no-chain", "what belongs to a cube has nothing that belongs to it", S8, ANCILLARY, _childless),
    Rule("white-flat", "the white-light image has two axes", S8, WHITES, _flat_white),
    Rule("expmap-flat", "an exposure map is one image of two axes", S8, EXPMAPS, _one_map),
    Rule("expmap-bitpix", "an exposure map is stored as floats, or as scaled 16-bit numbers", S8, EXPMAPS, _stored),
    Rule("expmap-bunit", "the unit of an exposure map is s", S8, EXPMAPS, _seconds),
    Rule("expmap-voids", "an exposure map has 0 where nothing was exposed, no NaN, no BLANK", S8, EXPMAPS, _no_voids,
         reads_pixels=True),
    Rule("expmap-times", "an exposure map has times, none below 0", S8, EXPMAPS, _times, reads_pixels=True),
)  # fmt: skip
