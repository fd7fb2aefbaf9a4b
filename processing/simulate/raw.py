"""Write raw frames of chosen IFUs: those that look at the sky, and the night's calibrations for them.

An observing block's exposures come with a sky frame and a standard star; with the night come biases, flats, arcs and
twilight flats as the calibration plan of MUSE has them, near enough for the catalogue to associate them.  Files are
named and tiled as the observatory's are (``.fits.fz``), with only the chosen IFUs in them.

A frame is some 9 MB an IFU.  One detector at a time is held.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive.errors import Refused
from processing.simulate.earth import SIDEREAL, airmass, sidereal_time
from processing.simulate.exposures import chance
from processing.simulate.geometry import Field
from processing.simulate.night import SkyLight
from processing.simulate.raw_cards import Sort, Template, of_channel, of_frame
from processing.simulate.raw_chip import read_out
from processing.simulate.raw_geometry import Ifu, ifu_of, middle
from processing.simulate.raw_lamps import LAMPS, Lamp, arc, continuum
from processing.simulate.raw_light import Lamplight, Light, OnSky, Source, electrons
from processing.simulate.raw_static import STANDARD, standard_flux, write_static

__all__ = ["CALIBRATIONS", "Look", "Night", "write_calibrations", "write_looks", "write_raw"]

Array = NDArray[np.float64]

BIAS: Final = Sort("CALIB", "BIAS", "IMAGE", "MUSE_gen_cal_bias", 0.0)
FLAT: Final = Sort("CALIB", "FLAT,LAMP", "IFU", "MUSE_wfm_cal_specflat", 0.35)
ARC: Final = Sort("CALIB", "WAVE", "IFU", "MUSE_wfm_cal_wave", 2.0)
SKYFLAT: Final = Sort("CALIB", "FLAT,SKY", "IFU", "MUSE_wfm_cal_skyflat", 5.0)
STD: Final = Sort("CALIB", "STD", "IFU", "MUSE_wfm_obs_specphot", 60.0)
SKY: Final = Sort("SCIENCE", "SKY", "IFU", "MUSE_wfm_obs_genericoffset", 120.0)
OBJECT: Final = Sort("SCIENCE", "OBJECT", "IFU", "MUSE_wfm_obs_genericoffset", 645.0)

KINDS: Final = frozenset(sort.kind for sort in (BIAS, FLAT, ARC, SKYFLAT))
CALIBRATIONS: Final = "60.A-9100(A)"
"""Run of the observatory's calibrations."""

TWILIGHT: Final = 9e3
"""Electrons a pixel of a twilight flat, at best."""

STANDARD_WIDTH: Final = 0.9
"""FWHM of the standard star, arcsec."""

DAY_AND_NIGHT: Final = timedelta(hours=12)


@dataclass(frozen=True)
class Night:
    """The night for whose frames calibrations are made: of that date, in this mode."""

    date: datetime
    ins_mode: str
    seed: int

    def moment(self, days: int, hour: int, minute: int) -> datetime:
        """Return a moment so many days after the date on which the night begins."""
        noon = self.date - DAY_AND_NIGHT
        return datetime.combine(noon.date(), time(hour, minute)) + timedelta(days=days)


@dataclass(frozen=True)
class Look:
    """An exposure of the sky: what is taken, when, where the telescope is and where it says that it is.

    ``light`` counts from ``centre``; without one there is only the ``sky``.
    """

    template: Template
    rank: int
    date: datetime
    true: Field
    told: Field
    centre: tuple[float, float]
    light: Light | None
    sky: Callable[[Array], Array]
    transparency: float = 1.0
    velocity: float = 0.0


@dataclass(frozen=True)
class _Planned:
    """A frame that is to be written."""

    date: datetime
    header: fits.Header
    exptime: float

    @property
    def file_name(self) -> str:
        return f"MUSE.{self.date.isoformat(timespec='milliseconds')}.fits.fz"


def write_raw(folder: Path, night: Night, looks: Sequence[Look], ifus: Sequence[int]) -> Iterator[Path]:
    """Write frames that look at the sky, the night's calibrations, and those that come as files; yields their paths.

    Raises
    ------
    Refused
        An IFU does not exist, none is chosen, or the folder is there already and not empty.
    """
    chosen = _chosen(ifus)
    if folder.exists() and any(folder.iterdir()):
        raise Refused(f"{folder} is there already: raw frames go into a folder of their own")
    static = folder / "static"
    static.mkdir(parents=True)
    yield from write_static(static, night.moment(-30, 12, 0), ins_mode=night.ins_mode, seed=night.seed)
    yield from write_calibrations(folder, night, chosen)
    yield from write_looks(folder, [*looks, standard_star(night)], chosen, seed=night.seed)


def write_calibrations(
    folder: Path, night: Night, ifus: Sequence[Ifu], *, kinds: frozenset[str] = KINDS
) -> Iterator[Path]:
    """Write biases, flats, arcs of all lamps and twilight flats, or some kinds of these: as many as make masters."""
    for sort, frames, source in _calibrations(night):
        if sort.kind in kinds:
            yield from _write(folder, frames, source, ifus, seed=night.seed)


def _calibrations(night: Night) -> Iterator[tuple[Sort, list[_Planned], Source]]:
    """Yield frames that see the same light, with that light."""
    bias = _template(night, BIAS, night.moment(1, 10, 1), 3)
    yield BIAS, _frames(night, bias, range(1, 4)), None
    flat = _template(night, FLAT, night.moment(1, 13, 20), 3)
    yield FLAT, _frames(night, flat, range(1, 4)), Lamplight(continuum)
    arcs = _template(night, ARC, night.moment(1, 14, 0), 3 * len(LAMPS))
    for number, lamp in enumerate(LAMPS):
        ranks = range(3 * number + 1, 3 * number + 4)
        yield ARC, _frames(night, arcs, ranks, lamp), Lamplight(_spectrum(lamp))
    evening = _template(night, SKYFLAT, night.moment(0, 22, 20), 3)
    yield SKYFLAT, _frames(night, evening, range(1, 4)), Lamplight(_twilight)


def write_looks(folder: Path, looks: Sequence[Look], ifus: Sequence[Ifu], *, seed: int) -> Iterator[Path]:
    """Write exposures of the sky."""
    for look in looks:
        sort, told = look.template.sort, look.told
        place = (told.ra, told.dec, told.position_angle)
        header = of_frame(look.template, look.rank, look.date, seed=seed, place=place)
        frame = _Planned(look.date, header, sort.exptime)
        yield from _write(folder, [frame], _source(look, ifus), ifus, seed=seed)


def standard_star(night: Night) -> Look:
    """Return an exposure of the standard star, in the evening of the night."""
    start = night.moment(0, 23, 40)
    field = Field(STANDARD[1], STANDARD[2], 0.0)
    template = Template(STD, start, 1, night.ins_mode, CALIBRATIONS, _ob_id(start), STANDARD[0])
    date = start + timedelta(seconds=40, milliseconds=_thousandths(night, start, 1))
    return Look(template, 1, date, field, field, STANDARD[1:], _star, SkyLight(0.5, 0.5))


def _chosen(ifus: Sequence[int]) -> list[Ifu]:
    if not ifus:
        raise Refused("no IFU is chosen")
    try:
        return [ifu_of(number) for number in sorted(set(ifus))]
    except ValueError as error:
        raise Refused(str(error)) from error


def _template(night: Night, sort: Sort, start: datetime, count: int) -> Template:
    return Template(sort, start, count, night.ins_mode, CALIBRATIONS, _ob_id(start), sort.kind)


def _frames(night: Night, template: Template, ranks: range, lamp: Lamp | None = None) -> list[_Planned]:
    frames = []
    for rank in ranks:
        thousandths = _thousandths(night, template.start, rank)
        date = template.start + timedelta(seconds=20 + 60 * (rank - 1), milliseconds=thousandths)
        header = of_frame(template, rank, date, seed=night.seed, lamp=lamp)
        frames.append(_Planned(date, header, template.sort.exptime))
    return frames


def _thousandths(night: Night, start: datetime, rank: int) -> int:
    return int(chance(night.seed, start.isoformat(), rank).integers(1000))


def _ob_id(start: datetime) -> int:
    return 200_000_000 + int(start.timestamp()) % 1_000_000


def _spectrum(lamp: Lamp) -> Callable[[Array], Array]:
    return lambda wavelengths: arc(lamp, wavelengths)


def _twilight(wavelengths: Array) -> Array:
    blue: Array = TWILIGHT * np.exp(-0.5 * ((wavelengths - 6000) / 2200) ** 2)
    return blue


def _star(east: Array, north: Array, wavelengths: Array) -> Array:
    """The light of the standard star per spaxel, 1e-20 erg/s/cm2/Angstrom."""
    sigma = STANDARD_WIDTH / 2.35482
    density = np.exp(-0.5 * (east**2 + north**2) / sigma**2) / (2 * np.pi * sigma**2)
    return np.outer(density * 0.04, standard_flux(wavelengths) / 1e-20)


def _nothing(east: Array, _north: Array, wavelengths: Array) -> Array:
    return np.zeros((east.size, wavelengths.size))


def _source(look: Look, ifus: Sequence[Ifu]) -> OnSky:
    exptime = look.template.sort.exptime
    half_way = sidereal_time(look.date) + SIDEREAL * exptime / 2
    return OnSky(
        field=look.true,
        centre=look.centre,
        middle=middle(ifus),
        light=look.light or _nothing,
        sky=look.sky,
        exptime=exptime,
        airmass=airmass(look.told.ra, look.told.dec, half_way),
        ins_mode=look.template.ins_mode,
        transparency=look.transparency,
        stretch=1 + look.velocity / 299792.458,
    )


def _write(
    folder: Path, frames: Sequence[_Planned], source: Source, ifus: Sequence[Ifu], *, seed: int
) -> Iterator[Path]:
    """Write frames that see the same light, which is worked out once an IFU."""
    paths = [folder / frame.file_name for frame in frames]
    for frame, path in zip(frames, paths, strict=True):
        frame.header["HIERARCH ESO DET CHIPS"] = (len(ifus), "detectors in this file")
        fits.PrimaryHDU(header=frame.header).writeto(path)
    for ifu in ifus:
        expected = electrons(ifu, source)
        for frame, path in zip(frames, paths, strict=True):
            rng = chance(seed, path.name, ifu.number)
            raw = read_out(expected, rng, exptime=frame.exptime)
            hdu = fits.CompImageHDU(raw, header=of_channel(ifu, frame.date), compression_type="RICE_1")
            with fits.open(path, mode="append") as hdus:
                hdus.append(hdu)
    yield from paths
