"""Two tiny simulated exposures with all that muse_scipost takes beside them, and files that differ from these."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits

from processing.esorex.frame import Frame
from processing.simulate.exposures import Exposure
from processing.simulate.observation import Spectral
from processing.simulate.pixel_table import write_tables
from processing.simulate.simulation import Simulation
from processing.simulate.static import write_astrometry, write_lsf, write_sky
from tests.support.simulations import simulation

SPECTRAL: Final = Spectral(6560.0, 6590.0)
LAMP: Final = "ESO DRS MUSE FLAT FLUX LAMP"


@dataclass(frozen=True)
class Exposed:
    """Exposures of 24 x 24 spaxels and 24 planes in two IFUs, whose offset sky was right."""

    simulation: Simulation
    tables: tuple[Path, ...]
    sky: tuple[Frame, ...]
    calibrations: tuple[Frame, ...]

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        """What is true of each."""
        return self.simulation.exposures

    @property
    def table(self) -> Frame:
        """The first one."""
        return Frame(self.tables[0], "PIXTABLE_OBJECT")

    @property
    def frames(self) -> list[Frame]:
        """The first exposure with all that it takes."""
        return [self.table, *self.sky, *self.calibrations]

    def without(self, tag: str) -> list[Frame]:
        """The same but for frames of a tag."""
        return [frame for frame in self.frames if frame.tag != tag]


def write_exposed(folder: Path) -> Exposed:
    """Write it all into a folder."""
    made = simulation(spectral=SPECTRAL)
    made = replace(made, exposures=tuple(replace(one, sky_taken=one.sky) for one in made.exposures))
    tables = tuple(folder / f"table{number}.fits" for number, _ in enumerate(made.exposures))
    for exposure, path in zip(made.exposures, tables, strict=True):
        write_tables(made.observation(exposure), path, None)
    first = made.exposures[0]
    block, mode = first.block, first.place.ins_mode
    write_astrometry(folder / "astrometry.fits", block, mode, seed=1)
    write_lsf(folder / "lsf.fits", block, mode, seed=1)
    continuum, lines = write_sky(folder, first, "NGC1385", SPECTRAL, seed=1)
    return Exposed(
        made,
        tables,
        (Frame(continuum, "SKY_CONTINUUM"), Frame(lines, "SKY_LINES")),
        (Frame(folder / "astrometry.fits", "ASTROMETRY_WCS"), Frame(folder / "lsf.fits", "LSF_PROFILE")),
    )


def changed(source: Path, target: Path, change: Callable[[fits.HDUList], object]) -> Path:
    """Write a file in which something is different."""
    with fits.open(source, memmap=False) as hdus:
        change(hdus)
        hdus.writeto(target, overwrite=True)
    return target


def with_card(source: Path, target: Path, keyword: str, value: str | float | None) -> Path:
    """Write a file in which a card of the primary header is different, or missing."""

    def change(hdus: fits.HDUList) -> None:
        if value is None:
            del hdus[0].header[keyword]
        else:
            hdus[0].header[keyword] = value

    return changed(source, target, change)


def split(table: Path, folder: Path, *, lamp: float | None = 1.0) -> list[Path]:
    """Write the table of several IFUs as one an IFU, each with the flux of its lamp."""
    with fits.open(table, memmap=False) as hdus:
        ifus = hdus["origin"].data[:, 0].astype(np.int64) >> 6 & 31
        return [_of_one(hdus, ifu, ifus == ifu, folder / f"table-{ifu:02d}.fits", lamp) for ifu in map(int, set(ifus))]


def write_offsets(path: Path, exposures: Sequence[Exposure], *, leave_out: str = "", **columns: Any) -> Path:
    """Write the truth as OFFSET_LIST, but for columns that are given or left out."""
    values: dict[str, tuple[str, Any]] = {
        "DATE_OBS": ("23A", [one.date.isoformat(timespec="milliseconds") for one in exposures]),
        "RA_OFFSET": ("D", [one.ra_offset for one in exposures]),
        "DEC_OFFSET": ("D", [one.dec_offset for one in exposures]),
        "FLUX_SCALE": ("D", [1 / one.transparency for one in exposures]),
    }
    made = [
        fits.Column(name, form, unit="deg" if name.endswith("OFFSET") else None, array=columns.get(name, value))
        for name, (form, value) in values.items()
        if name != leave_out
    ]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(made)]).writeto(path, overwrite=True)
    return path


def _of_one(hdus: fits.HDUList, ifu: int, mine: Any, path: Path, lamp: float | None) -> Path:
    primary = hdus[0].header.copy()
    primary["EXTNAME"] = f"CHAN{ifu:02d}"
    del primary["ESO DRS MUSE PIXTABLE MERGED"]
    if lamp is not None:
        primary[f"HIERARCH {LAMP}"] = lamp
    y = hdus["ypos"].data[mine]
    for end, value in (("LOW", float(y.min())), ("HIGH", float(y.max()))):
        primary[f"ESO DRS MUSE PIXTABLE LIMITS Y {end}"] = value
    columns = [fits.ImageHDU(hdu.data[mine], hdu.header) for hdu in hdus[1:]]
    fits.HDUList([fits.PrimaryHDU(header=primary), *columns]).writeto(path, overwrite=True)
    return path
