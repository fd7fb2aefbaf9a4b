"""The headers of a product as ESO wants them: ``headers_for`` makes those of the primary and of each extension.

Structural keywords are the writer's, checksums are added when the pixels are there.  Which keywords there are, in
which order and with which comments, is said here and nowhere else.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from astropy.io import fits

from processing.phase3.axes import Axes
from processing.phase3.facts import Facts, Measured, moment_of
from processing.phase3.profiles import Profile, Role

__all__ = ["Content", "Extension", "extension_header", "headers_for", "primary_header"]

INSTRUMENT: Final = ("ESO-VLT-U4", "MUSE")
LONGEST: Final = 68
"""Characters of a text that fit on one card: a standard product has no continued ones."""

Entry = tuple[str, Any, str]


class Content(StrEnum):
    """What the pixels of an extension are."""

    DATA = "data"
    VARIANCE = "variance"
    MASK = "mask"
    FLAGS = "flags"


@dataclass(frozen=True)
class Extension:
    """An extension that is to be written: its name, what it holds, where its pixels lie and in which unit they are."""

    name: str
    content: Content
    axes: Axes
    unit: str | None = None


def headers_for(profile: Profile, role: Role, facts: Facts, extensions: Sequence[Extension]) -> list[fits.Header]:
    """Return the header of the primary HDU and those of the extensions, in their order, ready to be written.

    Raises
    ------
    ValueError
        A cube without what is measured on it, or a text that no card can hold.
    """
    return [
        primary_header(profile, role, facts),
        *(extension_header(profile, facts, one, extensions) for one in extensions),
    ]


def primary_header(profile: Profile, role: Role, facts: Facts) -> fits.Header:
    """Return the primary header of a product."""
    entries: list[Entry] = [("PRODCATG", profile.categories[role], "data product category")]
    entries += _origin(facts)
    entries += _sky(facts)
    entries += _times(facts)
    entries += _observation(facts)
    entries += [("PROCSOFT", facts.procsoft, "program that made it, with its version")]
    entries += [("REFERENC", facts.reference, "paper to be cited")]
    entries += _numbered("PROV", facts.sources or facts.frames, "made from")
    entries += _numbered("ASSON", facts.associated, "file that belongs to it")
    if role is Role.CUBE:
        if facts.measured is None:
            raise ValueError(f"{facts.object}: nothing was measured on the cube")
        entries += [("SPECSYS", facts.specsys, "frame of the wavelengths")]
        entries += _measured(facts.measured)
    if facts.filter is not None:
        entries.append(("FILTER", facts.filter, "band of the image"))
    if role is Role.MAPS and facts.systemic_velocity is not None:
        entries.append(("REDSHIFT", facts.systemic_velocity, "[km/s] what the velocities are relative to"))
    if facts.simulated:
        entries.append(("SIMULATE", True, "made up by a program: nobody observed this"))
    return _header(entries)


def extension_header(
    profile: Profile, facts: Facts, extension: Extension, all_of_them: Sequence[Extension]
) -> fits.Header:
    """Return the header of an extension, one of those that a file has."""
    entries: list[Entry] = [("EXTNAME", extension.name, "name of the extension")]
    entries += _classes(profile, extension, all_of_them)
    entries.append(("OBJECT", f"{facts.object} ({extension.name})", "target, and what of it"))
    if extension.unit is not None:
        entries.append(("BUNIT", extension.unit, "unit of the pixels"))
    entries += extension.axes.entries()
    for axis in (1, 2):
        entries.append((f"CSYER{axis}", facts.astrometric_error, "[deg] systematic error of the positions"))
    if extension.axes.spectral is not None:
        entries.append(("CRDER3", facts.wavelength_error, "[angstrom] random error of the wavelengths"))
    return _header(entries)


def _header(entries: Sequence[Entry]) -> fits.Header:
    header = fits.Header()
    for keyword, value, comment in entries:
        if isinstance(value, str) and len(value.replace("'", "''")) > LONGEST:
            raise ValueError(f"{keyword} would be longer than a card: {value!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{keyword} is not known")
        header.append((keyword, value, _fitting(value, comment)), end=True)
    return header


def _fitting(value: object, comment: str) -> str:
    """Return the comment cut to the card, so that nobody has to be warned of it."""
    taken = max(20, len(value.replace("'", "''")) + 2) if isinstance(value, str) else 20
    return comment[: max(0, 80 - 10 - taken - 3)]


def _numbered(keyword: str, values: Sequence[object], comment: str) -> list[Entry]:
    return [(f"{keyword}{n}", value, comment) for n, value in enumerate(values, 1)]


def _origin(facts: Facts) -> Iterator[Entry]:
    telescope, instrument = INSTRUMENT
    if facts.simulated:
        yield "ORIGIN", "SIM", "no observatory: simulated"
        yield "NOESODAT", True, "not from observations of ESO"
    else:
        yield "ORIGIN", "ESO-PARANAL", "observatory"
    yield "TELESCOP", telescope, "telescope"
    yield "INSTRUME", instrument, "instrument"


def _sky(facts: Facts) -> Iterator[Entry]:
    yield "OBJECT", facts.object, "target"
    yield "RA", round(facts.ra, 7), "[deg] right ascension of the centre"
    yield "DEC", round(facts.dec, 7), "[deg] declination of the centre"
    yield "EQUINOX", 2000.0, "equinox of the frame"
    yield "RADESYS", facts.radesys, "frame of the positions"


def _times(facts: Facts) -> Iterator[Entry]:
    yield "EXPTIME", round(facts.exptime, 3), "[s] typical time behind a pixel"
    yield "TEXPTIME", round(facts.total_exptime, 3), "[s] all exposures together"
    yield "MJD-OBS", round(facts.mjd_start, 8), "[d] start of the first exposure, UTC"
    yield "MJD-END", round(facts.mjd_end, 8), "[d] end of the last exposure, UTC"
    yield "DATE-OBS", moment_of(facts.mjd_start), "start of the first exposure, UTC"
    yield "DATE", facts.date.strftime("%Y-%m-%dT%H:%M:%S"), "when the file was made, UTC"


def _observation(facts: Facts) -> Iterator[Entry]:
    runs = facts.runs
    if len(runs) > 1:
        yield "PROG_ID", "MULTI", "several observing runs"
        yield from _numbered("PROGID", runs, "observing run")
    elif runs:
        yield "PROG_ID", runs[0], "observing run"
    yield from _numbered("OBID", facts.blocks, "observation block")
    yield "NCOMBINE", len(facts.frames), "exposures on target"
    yield "OBSTECH", "IFU", "technique"
    yield "FLUXCAL", "ABSOLUTE", "how fluxes are calibrated"


def _measured(measured: Measured) -> Iterator[Entry]:
    yield "WAVELMIN", round(measured.wavelength_min, 4), "[nm] first wavelength"
    yield "WAVELMAX", round(measured.wavelength_max, 4), "[nm] last wavelength"
    yield "SPEC_RES", round(measured.resolving_power, 1), "resolving power at the middle"
    yield "SKY_RES", round(measured.sky_resolution, 3), "[arcsec] FWHM of a point source"
    if measured.sky_resolution_error is not None:
        yield "SKY_RERR", round(measured.sky_resolution_error, 3), "[arcsec] error of SKY_RES"
    yield "ABMAGLIM", round(measured.limiting_magnitude, 4), "[mag] AB, point source, 5 sigma, white"
    noise = measured.pixel_noise
    yield "PIXNOISE", float(f"{noise:.4e}"), "[erg.s**(-1).cm**(-2).angstrom**(-1)] noise"


def _classes(profile: Profile, extension: Extension, all_of_them: Sequence[Extension]) -> Iterator[Entry]:
    yield "HDUCLASS", "ESO", "class of the extension"
    yield "HDUDOC", "SDP", "document that describes it"
    yield "HDUVERS", profile.version, "version of the document"
    yield "HDUCLAS1", "IMAGE", "pixels"
    match extension.content:
        case Content.DATA:
            yield "HDUCLAS2", "DATA", "the data themselves"
        case Content.VARIANCE:
            yield "HDUCLAS2", "ERROR", "errors of the data"
            yield "HDUCLAS3", "MSE", "variance"
        case Content.MASK:
            yield "HDUCLAS2", "QUALITY", "quality of the data"
            yield "HDUCLAS3", "MASKZERO", "0 is good"
        case Content.FLAGS:
            yield "HDUCLAS2", "QUALITY", "quality of the data"
            yield "HDUCLAS3", "FLAG32BIT", "a bit a fault"
    for pointer, contents, what in (
        ("SCIDATA", {Content.DATA}, "extension with the data"),
        ("ERRDATA", {Content.VARIANCE}, "extension with their variance"),
        ("QUALDATA", {Content.MASK, Content.FLAGS}, "extension with their quality"),
    ):
        partner = next((one.name for one in all_of_them if one.content in contents), None)
        if partner is not None and extension.content not in contents:
            yield pointer, partner, what
