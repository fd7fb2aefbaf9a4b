"""Write pixel tables as MUSE's pipeline has them, slice by slice: of an exposure before its sky subtraction, and after.

Seven columns, each an image extension of its own, so that a slice is written at seven places.  Which of the two it is,
their units say: spaxels, or radians from the middle of the field.
"""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from processing.simulate.cards import of_exposure
from processing.simulate.geometry import Field, Slice
from processing.simulate.observation import Observation, Rows
from processing.simulate.scene import barycentric

__all__ = ["write_tables"]

Array = NDArray[np.float64]

FLUX: Final = "10**(-20)*erg/s/cm**2/Angstrom"
COLUMNS: Final = (
    ("xpos", ">f4", None),
    ("ypos", ">f4", None),
    ("lambda", ">f4", "Angstrom"),
    ("data", ">f4", FLUX),
    ("dq", ">i4", None),
    ("stat", ">f4", f"({FLUX})**2"),
    ("origin", ">i4", None),
)
BLOCK: Final = 2880


def write_tables(observation: Observation, before: Path | None, after: Path | None) -> None:
    """Write the table of an exposure before its sky subtraction, after it, or both, in one pass.

    Parameters
    ----------
    before
        Path of the table of all IFUs together, in spaxels.
    after
        Path of the table in radians, at barycentric wavelengths, from which the sky was taken off that the offset sky
        of the exposure's block told.
    """
    exposure, count = observation.exposure, _count(observation)
    native = Field(0.0, 0.0, exposure.told.position_angle).native
    with ExitStack() as files:
        spaxels = before and files.enter_context(
            _Columns(before, _header(observation, "PIXTABLE_OBJECT"), count, "pix")
        )
        angles = after and files.enter_context(_Columns(after, _reduced_header(observation), count, "rad"))
        for rows in observation.rows():
            if spaxels:
                spaxels.add(rows, rows.slice.x, rows.slice.y, rows.wavelengths, rows.seen.data)
            if angles:
                phi, theta = native(rows.x, rows.y)
                left = rows.seen.data - exposure.sky_taken(rows.wavelengths).astype(np.float32)
                angles.add(rows, phi, theta - np.pi / 2, barycentric(rows.wavelengths, exposure.velocity), left)


class _Columns:
    """A pixel table's file under a name of its own until it is whole."""

    def __init__(self, path: Path, primary: fits.Header, count: int, unit: str) -> None:
        self._path: Final = path
        self._part: Final = path.with_name(f"{path.name}.part")
        self._count: Final = count
        self._done = 0
        self._headers: Final = [primary.tostring().encode("ascii")]
        self._places: Final[list[int]] = []
        end = len(self._headers[0])
        for name, kind, own_unit in COLUMNS:
            header = _extension(name, kind, count, own_unit or (unit if name.endswith("pos") else None))
            self._headers.append(header.tostring().encode("ascii"))
            self._places.append(end + len(self._headers[-1]))
            end = self._places[-1] + -(-4 * count // BLOCK) * BLOCK
        self._end: Final = end

    def __enter__(self) -> Self:
        self._file: BinaryIO = self._part.open("wb")
        self._file.truncate(self._end)
        place = 0
        for header, data in zip(self._headers, [len(self._headers[0]), *self._places], strict=True):
            self._file.seek(place)
            self._file.write(header)
            place = data if place == 0 else data + -(-4 * self._count // BLOCK) * BLOCK
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        finally:
            if kind is not None:
                self._part.unlink()
        if kind is not None:
            return
        if self._done != self._count:
            raise ValueError(f"{self._done} rows for a table of {self._count}")
        self._part.rename(self._path)

    def add(self, rows: Rows, x: Array, y: Array, wavelengths: Array, data: NDArray[np.float32]) -> None:
        """Add the rows of a slice; x, y for each spaxel, in the table's unit."""
        shape = rows.seen.data.shape
        columns: tuple[NDArray[Any], ...] = (
            np.broadcast_to(x[:, np.newaxis], shape),
            np.broadcast_to(y[:, np.newaxis], shape),
            np.broadcast_to(wavelengths, shape),
            data,
            rows.seen.flags,
            rows.seen.variance,
            _origin(rows.slice, *shape),
        )
        for values, place, (_, kind, _) in zip(columns, self._places, COLUMNS, strict=True):
            self._file.seek(place + 4 * self._done)
            self._file.write(values.astype(kind).tobytes())
        self._done += data.size


def _count(observation: Observation) -> int:
    return sum(one.x.size for one in observation.layout.slices) * observation.spectral.count


def _origin(one: Slice, spaxels: int, planes: int) -> NDArray[np.uint32]:
    """Return where on the detectors the rows come from, as the pipeline packs it."""
    across = np.arange(1, spaxels + 1, dtype=np.uint32)[:, np.newaxis] << 24
    up = np.arange(1, planes + 1, dtype=np.uint32) << 11
    return (across | up | np.uint32(one.ifu << 6 | one.number)).astype(np.uint32)


def _extension(name: str, kind: str, count: int, unit: str | None) -> fits.Header:
    header = fits.Header()
    header["XTENSION"] = ("IMAGE", "image extension")
    header["BITPIX"] = (-32 if kind == ">f4" else 32, "array data type")
    header["NAXIS"] = 2
    header["NAXIS1"] = 1
    header["NAXIS2"] = count
    header["PCOUNT"] = 0
    header["GCOUNT"] = 1
    header["EXTNAME"] = name
    if unit is not None:
        header["BUNIT"] = unit
    return header


def _header(observation: Observation, category: str) -> fits.Header:
    exposure, layout, spectral = observation.exposure, observation.layout, observation.spectral
    header = of_exposure(exposure, observation.target, seed=observation.seed, scale=observation.scale)
    ifus = layout.ifus
    table: dict[str, str | float] = {
        "PRO CATG": category,
        "PRO TYPE": "REDUCED",
        "PRO SCIENCE": True,
        "DRS MUSE PIXTABLE TYPE": "GEOFULL",
        "DRS MUSE PIXTABLE MERGED": len(ifus),
        "DRS MUSE PIXTABLE FLUXCAL": True,
        "DRS MUSE PIXTABLE LIMITS X LOW": float(layout.x_limits[0]),
        "DRS MUSE PIXTABLE LIMITS X HIGH": float(layout.x_limits[1]),
        "DRS MUSE PIXTABLE LIMITS Y LOW": float(layout.y_limits[0]),
        "DRS MUSE PIXTABLE LIMITS Y HIGH": float(layout.y_limits[1]),
        "DRS MUSE PIXTABLE LIMITS LAMBDA LOW": float(spectral.low),
        "DRS MUSE PIXTABLE LIMITS LAMBDA HIGH": float(spectral.high),
        "DRS MUSE PIXTABLE LIMITS IFU LOW": ifus[0],
        "DRS MUSE PIXTABLE LIMITS IFU HIGH": ifus[-1],
        "DRS MUSE PIXTABLE LIMITS SLICE LOW": 1,
        "DRS MUSE PIXTABLE LIMITS SLICE HIGH": 48,
    }
    for keyword, value in table.items():
        header[f"HIERARCH ESO {keyword}"] = value
    for one in layout.slices:
        key = f"HIERARCH ESO DRS MUSE PIXTABLE EXP0 IFU{one.ifu:02d} SLICE{one.number:02d} XOFFSET"
        header[key] = one.offset
    return header


def _reduced_header(observation: Observation) -> fits.Header:
    header, exposure = _header(observation, "PIXTABLE_REDUCED"), observation.exposure
    header["SPECSYS"] = ("BARYCENT", "frame of the wavelengths")
    for axis, kind in ((1, "RA---TAN"), (2, "DEC--TAN")):
        header[f"CTYPE{axis}"] = kind
        header[f"CUNIT{axis}"] = "deg"
    angle = np.radians(exposure.told.position_angle)
    step = 0.2 / 3600
    header["CD1_1"], header["CD1_2"] = -float(np.cos(angle)) * step, float(np.sin(angle)) * step
    header["CD2_1"], header["CD2_2"] = float(np.sin(angle)) * step, float(np.cos(angle)) * step
    header["CRPIX1"], header["CRPIX2"] = 0.0, 0.0
    header["HIERARCH ESO DRS MUSE PIXTABLE WCS"] = "projected (intermediate)"
    header["HIERARCH ESO DRS MUSE PIXTABLE RVCORR"] = float(exposure.velocity)
    header["HIERARCH ESO DRS MUSE PIXTABLE DAR CORRECT"] = -1.0
    return header
