"""Where the pixels of a product lie, as ESO wants it written: a CD matrix and Angstrom, whatever it was before.

The places stay what they are; only the words change.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from astropy.io import fits

from archive.errors import Refused
from archive.fits_structure import number, text

__all__ = ["Axes", "Spectral", "celestial_matrix"]

ANGSTROMS: Final = {"angstrom": 1.0, "angstroms": 1.0, "nm": 10.0, "um": 1e4, "m": 1e10}
WAVES: Final = ("AWAV", "WAVE")

Entry = tuple[str, Any, str]


@dataclass(frozen=True)
class Spectral:
    """A linear axis of wavelength in Angstrom: ``kind`` is AWAV in air, WAVE in vacuum."""

    kind: str
    value: float
    pixel: float
    step: float


@dataclass(frozen=True)
class Axes:
    """Two celestial axes, with that of wavelength for a cube; ``matrix`` is CD1_1, CD1_2, CD2_1, CD2_2 in degrees."""

    types: tuple[str, str]
    value: tuple[float, float]
    pixel: tuple[float, float]
    matrix: tuple[float, float, float, float]
    radesys: str
    spectral: Spectral | None = None

    @classmethod
    def of(cls, header: fits.Header, primary: fits.Header) -> Self:
        """Read the axes of an image or a cube.

        Raises
        ------
        Refused
            They are not what a MUSE product has: celestial in degrees, wavelengths linear and by themselves.
        BrokenFits
            A card cannot be used.
        """
        types = text(header, "CTYPE1"), text(header, "CTYPE2")
        if not (types[0].startswith("RA--") and types[1].startswith("DEC-")):
            raise Refused(f"no celestial axes: CTYPE1 is {types[0]!r}, CTYPE2 {types[1]!r}")
        for axis in (1, 2):
            if text(header, f"CUNIT{axis}") not in {"", "deg"}:
                raise Refused(f"CUNIT{axis} is {text(header, f'CUNIT{axis}')!r}, not deg")
        frames = [text(source, word) for source in (header, primary) for word in ("RADESYS", "RADECSYS")]
        return cls(
            types=types,
            value=(number(header, "CRVAL1"), number(header, "CRVAL2")),
            pixel=(number(header, "CRPIX1"), number(header, "CRPIX2")),
            matrix=celestial_matrix(header),
            radesys=next(filter(None, frames), "ICRS"),
            spectral=_spectral(header) if header.get("NAXIS", 0) >= 3 else None,
        )

    @property
    def flat(self) -> Self:
        """The same without wavelengths."""
        return replace(self, spectral=None)

    def entries(self) -> Iterator[Entry]:
        """Yield keywords, values and comments."""
        names = ("right ascension", "declination")
        for axis, name in enumerate(names, 1):
            yield f"CTYPE{axis}", self.types[axis - 1], f"{name}, projected"
            yield f"CUNIT{axis}", "deg", "unit of the axis"
            yield f"CRVAL{axis}", self.value[axis - 1], f"[deg] {name} at the reference pixel"
            yield f"CRPIX{axis}", self.pixel[axis - 1], "reference pixel"
        if self.spectral is not None:
            kind = "air" if self.spectral.kind == "AWAV" else "vacuum"
            yield "CTYPE3", self.spectral.kind, f"wavelength in {kind}"
            yield "CUNIT3", "angstrom", "unit of the axis"
            yield "CRVAL3", self.spectral.value, "[angstrom] wavelength at the reference pixel"
            yield "CRPIX3", self.spectral.pixel, "reference pixel"
        for place, value in zip(("1_1", "1_2", "2_1", "2_2"), self.matrix, strict=True):
            yield f"CD{place}", value, "[deg] transformation matrix"
        if self.spectral is not None:
            for place in ("1_3", "2_3", "3_1", "3_2"):
                yield f"CD{place}", 0.0, "transformation matrix"
            yield "CD3_3", self.spectral.step, "[angstrom] wavelength step"
        yield "RADESYS", self.radesys, "frame of the positions"
        if self.radesys == "FK5":
            yield "EQUINOX", 2000.0, "equinox of the frame"


def celestial_matrix(header: fits.Header) -> tuple[float, float, float, float]:
    """Return the matrix from pixels to degrees, whichever of its forms a header has."""
    places = ("1_1", "1_2", "2_1", "2_2")
    if any(f"CD{place}" in header for place in places):
        found = [number(header, f"CD{place}", 0.0) for place in places]
    else:
        turn = math.radians(number(header, "CROTA2", 0.0))
        default = (math.cos(turn), -math.sin(turn), math.sin(turn), math.cos(turn))
        if any(f"PC{place}" in header for place in places):
            default = (1.0, 0.0, 0.0, 1.0)
        turned = [number(header, f"PC{place}", d) for place, d in zip(places, default, strict=True)]
        found = [number(header, f"CDELT{place[0]}", 0.0) * t for place, t in zip(places, turned, strict=True)]
    one, two, three, four = found
    if one * four - two * three == 0:
        raise Refused("no celestial axes: their matrix has no inverse")
    return one, two, three, four


def _spectral(header: fits.Header) -> Spectral:
    kind, unit = text(header, "CTYPE3"), text(header, "CUNIT3")
    if kind not in WAVES or unit.lower() not in ANGSTROMS:
        raise Refused(f"no axis of wavelength: CTYPE3 is {kind!r}, CUNIT3 {unit!r}")
    factor = ANGSTROMS[unit.lower()]
    step = number(header, "CD3_3", number(header, "CDELT3", 0.0) * number(header, "PC3_3", 1.0))
    return Spectral(kind, number(header, "CRVAL3") * factor, number(header, "CRPIX3", 0.0), step * factor)
