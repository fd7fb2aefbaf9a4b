"""A file as it is checked: its headers read leniently, its pixels only when a rule asks for them."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive.fits_structure import BLOCK, BrokenFits, Hdu, Scaling, read_structure
from processing.phase3 import checksums
from processing.phase3.profiles import CUBE, EXPMAP, IMAGE, WHITE_LIGHT

__all__ = ["Batch", "SubmittedFile", "SubmittedHdu", "ends_as_fits"]

PIECE: Final = 1456 * BLOCK
ENDINGS: Final = (".fits", ".fits.fz")
COMMENTARY: Final = frozenset({"", "COMMENT", "HISTORY", "END"})
CUBE_AXES: Final = 3
ALL_ONES: Final = (1 << 32) - 1


@dataclass(frozen=True)
class SubmittedHdu:
    """One HDU, which begins at byte ``start``: what its cards say, and which of them cannot be used."""

    index: int
    hdu: Hdu
    path: Path
    start: int

    @property
    def label(self) -> str:
        """How a message calls it."""
        return "primary" if self.index == 0 else self.name or f"extension {self.index}"

    @property
    def name(self) -> str:
        """EXTNAME as written."""
        value = self.cards.get("EXTNAME", "")
        return value.strip() if isinstance(value, str) else ""

    @property
    def shape(self) -> tuple[int, ...]:
        """NAXIS1 first."""
        return self.hdu.shape[::-1]

    @cached_property
    def cards(self) -> Mapping[str, Any]:
        """The values that can be read, of a repeated keyword the first; texts without trailing blanks."""
        return {keyword: value for keyword, value in reversed(list(self._values())) if value is not None}

    @cached_property
    def keywords(self) -> tuple[str, ...]:
        """All keywords but those of comments, as often as they are there."""
        words = (card.keyword for card in self.hdu.header.cards)
        return tuple(word for word in words if word not in COMMENTARY)

    @cached_property
    def undefined(self) -> tuple[str, ...]:
        """Keywords whose value is missing, or no number where one should be, or cannot be read."""
        return tuple(keyword for keyword, value in self._values() if value is None)

    def numbered(self, stem: str) -> dict[int, Any]:
        """Return the values of stem1, stem2 ... by their number; names with leading zeros are none."""
        form = re.compile(rf"{stem}([1-9]\d*)")
        found = {int(match[1]): value for word, value in self.cards.items() if (match := form.fullmatch(word))}
        return dict(sorted(found.items()))

    def text(self, keyword: str) -> str | None:
        """Return a text, None for what is none."""
        value = self.cards.get(keyword)
        return value if isinstance(value, str) else None

    def number(self, keyword: str) -> float | None:
        """Return a number, None for what is none."""
        value = self.cards.get(keyword)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def sums(self) -> tuple[int, int]:
        """Read the HDU through and return the sums of its data and of all of it."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            header = checksums.add(0, file.read(self.hdu.data_offset - self.start))
            data, left = 0, _in_blocks(self.hdu.data_size)
            while left and (piece := file.read(min(PIECE, left))):
                data = checksums.add(data, piece)
                left -= len(piece)
        whole = header + data
        return data, whole - ALL_ONES if whole > ALL_ONES else whole

    def pixels(self) -> Iterator[NDArray[Any]]:
        """Yield the pixels as they are meant, laid flat, some at a time."""
        if not self.hdu.is_image or not self.hdu.data_size:
            return
        scaling = Scaling.of(self.hdu.header)
        with self.path.open("rb") as file:
            file.seek(self.hdu.data_offset)
            left = self.hdu.data_size
            while left and (piece := file.read(min(PIECE, left))):
                left -= len(piece)
                yield scaling.physical(np.frombuffer(piece, self.hdu.dtype))

    def _values(self) -> Iterator[tuple[str, Any]]:
        for card in self.hdu.header.cards:
            if card.keyword in COMMENTARY or card.keyword == "CONTINUE":
                continue
            try:
                value = card.value
            except (ValueError, fits.VerifyError):
                value = None
            if isinstance(value, fits.card.Undefined) or (isinstance(value, float) and not math.isfinite(value)):
                value = None
            yield card.keyword, value.rstrip() if isinstance(value, str) else value


@dataclass(frozen=True)
class SubmittedFile:
    """One file; ``reason`` why it is no whole FITS file, and then it has no HDUs."""

    path: Path
    hdus: tuple[SubmittedHdu, ...] = ()
    reason: str | None = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the headers."""
        try:
            found = read_structure(path)
        except (BrokenFits, OSError) as error:
            return cls(path, (), str(getattr(error, "strerror", None) or error))
        starts = [0, *(hdu.data_offset + _in_blocks(hdu.data_size) for hdu in found)]
        return cls(path, tuple(SubmittedHdu(n, hdu, path, starts[n]) for n, hdu in enumerate(found)))

    @property
    def name(self) -> str:
        """Its own, without folders."""
        return self.path.name

    @property
    def primary(self) -> SubmittedHdu:
        """The first HDU."""
        return self.hdus[0]

    @property
    def category(self) -> str:
        """PRODCATG, empty when there is none."""
        return (self.primary.text("PRODCATG") or "") if self.hdus else ""

    @cached_property
    def taken_as(self) -> str:
        """The category that it is judged as: what has none is a cube of science or an image by its axes."""
        if self.category or not self.images:
            return self.category
        return CUBE if any(len(one.shape) == CUBE_AXES for one in self.images) else IMAGE

    @property
    def is_cube(self) -> bool:
        """Whether it is a cube of science."""
        return self.taken_as == CUBE

    @property
    def is_science(self) -> bool:
        """Whether it is a product of its own, to which others belong."""
        return self.taken_as.startswith("SCIENCE.")

    @property
    def is_ancillary(self) -> bool:
        """Whether it belongs to a product."""
        return self.taken_as.startswith("ANCILLARY.")

    @property
    def is_white(self) -> bool:
        """Whether it is a cube's white-light image."""
        return self.taken_as == WHITE_LIGHT

    @property
    def is_expmap(self) -> bool:
        """Whether it is an exposure map."""
        return self.taken_as == EXPMAP

    @property
    def extensions(self) -> tuple[SubmittedHdu, ...]:
        """All HDUs but the first."""
        return self.hdus[1:]

    @property
    def images(self) -> tuple[SubmittedHdu, ...]:
        """The HDUs that have pixels."""
        return tuple(one for one in self.hdus if one.hdu.is_image and one.hdu.data_size)


@dataclass(frozen=True)
class Batch:
    """The files that are submitted together, in the order in which they were named."""

    files: tuple[SubmittedFile, ...]
    by_name: Mapping[str, SubmittedFile] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {one.name: one for one in self.files})

    @property
    def cubes(self) -> tuple[SubmittedFile, ...]:
        """The cubes of science."""
        return tuple(one for one in self.files if one.is_cube)

    def associated(self, one: SubmittedFile) -> tuple[SubmittedFile, ...]:
        """Return the files here that a file says belong to it."""
        names = one.primary.numbered("ASSON").values() if one.hdus else ()
        return tuple(self.by_name[name] for name in names if name in self.by_name)


def ends_as_fits(name: str) -> bool:
    """Tell whether a name is one of a FITS file."""
    return name.endswith(ENDINGS)


def _in_blocks(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
