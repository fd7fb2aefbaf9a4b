"""What a MUSE cube's headers and axes say of it, as the fields of a product; and what in them cannot be right."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from archive.cube import Cube
from archive.errors import Refused
from ingest.headers import EXPOSURE, Keyword, measured, number, programme_of, read, readable, text, whole

__all__ = ["Oddity", "facts", "oddities"]

INSTRUMENT: Final = "MUSE"
ANGSTROM: Final = 1e-10
SECONDS_A_DAY: Final = 86400.0


@dataclass(frozen=True)
class Oddity:
    """Something in a header that cannot be taken at its word; what was used instead is in the message."""

    kind: str
    message: str


def facts(cube: Cube) -> dict[str, Any]:
    """Return the fields of the product that the cube is.

    Raises
    ------
    Refused
        The cube is not of MUSE.
    """
    header, _ = readable(cube.primary)
    instrument = text(header.get("INSTRUME", ""))
    if instrument != INSTRUMENT:
        raise Refused(f"INSTRUME is {instrument!r}: only cubes of {INSTRUMENT} are taken")
    run_id = read(header, EXPOSURE["run_id"]) or text(header.get("PROG_ID", ""))
    return {
        **_axes(cube),
        **_times(header),
        "title": _title(header),
        "prodcatg": text(header.get("PRODCATG", header.get("ESO PRO CATG", ""))),
        "target_name": text(header.get("ESO OBS TARG NAME", header.get("OBJECT", ""))),
        "calib_level": 2,
        "flux_unit": cube.unit,
        "facility": text(header.get("TELESCOP", "")),
        "instrument": instrument,
        "ins_mode": read(header, EXPOSURE["ins_mode"]),
        "run_id": run_id,
        "programme_id": programme_of(run_id),
        "eso_ob_id": read(header, EXPOSURE["eso_ob_id"]) or read(header, Keyword("OBID1", whole)),
        "tpl_start": read(header, EXPOSURE["tpl_start"]),
        "spatial_resolution": read(header, Keyword("SKY_RES", measured)),
        "resolving_power": read(header, Keyword("SPEC_RES", measured)),
    }


def oddities(cube: Cube, stat_unit: str | None) -> Iterator[Oddity]:
    """Tell what in the headers cannot be taken at its word."""
    header, unreadable = readable(cube.primary)
    if unreadable:
        yield Oddity("card", f"what stands in the header for {', '.join(unreadable)} cannot be read and is left out")
    combined = _combined(header)
    exptime = number(header.get("EXPTIME", ""))
    if combined and combined > 1 and exptime is not None and not _is_standard(header):
        yield Oddity(
            "exptime",
            f"EXPTIME {exptime:g} s is that of one of {combined} exposures; {combined * exptime:g} s are used",
        )
    if cube.unit is not None and stat_unit is not None and stat_unit not in _squares(cube.unit):
        yield Oddity("stat-unit", f"STAT says {stat_unit!r}, which is not the square of {cube.unit!r}")
    frames = {text(header.get("RADESYS", header.get("RADECSYS", ""))), text(cube.header.get("RADESYS", ""))} - {None}
    if len(frames) > 1:
        yield Oddity("frame", f"the headers name {' and '.join(sorted(map(str, frames)))}; the one of the axes is used")


def _axes(cube: Cube) -> dict[str, Any]:
    nz, ny, nx = cube.shape
    ra, dec = cube.centre()
    first, last = float(cube.wavelengths[0]), float(cube.wavelengths[-1])
    return {
        "kind": "cube",
        "ra": ra,
        "dec": dec,
        "footprint": cube.footprint(),
        "field_of_view": cube.field_of_view(),
        "pixel_scale": cube.pixel_scale(),
        "n_x": nx,
        "n_y": ny,
        "n_wavelength": nz,
        "wavelength_min": min(first, last) * ANGSTROM,
        "wavelength_max": max(first, last) * ANGSTROM,
        "wavelength_kind": str(cube.wave_kind),
    }


def _times(header: Mapping[str, Any]) -> dict[str, Any]:
    """Exposure time as the standard defines it: EXPTIME of a product that follows it, else the sum over exposures."""
    start = number(header.get("MJD-OBS", ""))
    exptime = number(header.get("EXPTIME", ""))
    combined = _combined(header)
    if exptime is not None and combined and not _is_standard(header):
        exptime *= combined
    end = number(header.get("MJD-END", ""))
    if end is None and start is not None and exptime is not None:
        end = start + exptime / SECONDS_A_DAY  # it ended no earlier
    return {"mjd_start": start, "mjd_end": end, "exptime": exptime, "n_exposures": combined}


def _is_standard(header: Mapping[str, Any]) -> bool:
    """Whether the header follows ESO's standard for data products, where EXPTIME is the product's."""
    return "PRODCATG" in header


def _combined(header: Mapping[str, Any]) -> int | None:
    return whole(header.get("NCOMBINE", header.get("ESO PRO DATANCOM", "")))


def _title(header: Mapping[str, Any]) -> str:
    name = text(header.get("ESO OBS TARG NAME", header.get("OBJECT", ""))) or "unnamed target"
    mode = text(header.get("ESO INS MODE", ""))
    return f"{name}, MUSE cube" + (f" ({mode})" if mode else "")


def _squares(unit: str) -> frozenset[str]:
    return frozenset({f"({unit})**2", f"({unit})^2"})
