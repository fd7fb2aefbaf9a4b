"""What is known of an exposure as facts, group by group.  Pure; what is not known is left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schema.exposures import Exposure
from server.portal.facts import Fact, number, position, text
from server.portal.formats import modified_julian, moment

__all__ = ["Group", "Seeing", "conditions_facts", "groups", "seeing"]

SOURCES: Final = {
    "header": "the frame's own header",
    "eso": "ESO's listing",
    "product": "the header of a product made from it",
}


@dataclass(frozen=True)
class Group:
    """Facts under one heading."""

    key: str
    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Seeing:
    """The seeing as one instrument saw it, in words ready to show: FWHM in arcsec, and what sort of figure it is."""

    instrument: str
    fwhm: str
    what: str


def groups(exposure: Exposure) -> list[Group]:
    """Return the facts of an exposure; groups without any are left out."""
    made = (
        Group("frame", "Frame", tuple(_frame(exposure))),
        Group("block", "Observation block", tuple(_block(exposure))),
        Group("place", "Where and when", tuple(_place(exposure))),
        Group("instrument", "Instrument", tuple(_instrument(exposure))),
        Group("air", "Air and Moon", tuple(_air(exposure))),
    )
    return [group for group in made if group.facts]


def seeing(exposure: Exposure, conditions: Mapping[str, Any]) -> list[Seeing]:
    """Return what each instrument says of the seeing."""
    e = exposure
    spread = "" if e.sgs_fwhm_rms is None else f" \N{PLUS-MINUS SIGN} {e.sgs_fwhm_rms:.2f}"
    readings = conditions.get("dimm_readings") or 0
    rows = (
        Seeing("Slow guiding system", _written(e.sgs_fwhm, spread), "median, in the field"),
        Seeing(
            "Autoguider", _pair(e.autoguider_fwhm_x, e.autoguider_fwhm_y, " \N{MULTIPLICATION SIGN} "), "mean, x by y"
        ),
        Seeing("Active optics", _written(e.ia_fwhm), "guide star, at zenith"),
        Seeing("Active optics, linear fit", _written(e.ia_fwhm_linear), "guide star"),
        Seeing("Site monitor (DIMM)", _pair(e.dimm_fwhm_start, e.dimm_fwhm_end, " to "), "at start and end"),
        Seeing(
            "Site monitor (DIMM)",
            _written(conditions.get("dimm_seeing")),
            f"mean of {readings} reading{'' if readings == 1 else 's'}",
        ),
    )
    return [row for row in rows if row.fwhm]


def conditions_facts(conditions: Mapping[str, Any]) -> list[Fact]:
    """Return what was written down of the night around an exposure; ``conditions`` are by column of the view."""
    grade = conditions.get("grade")
    kept = _flag(conditions.get("within_constraints"), ", within constraints", ", out of constraints") or ""
    done = _flag(conditions.get("completed"), ", completes the block", ", does not complete the block") or ""
    noted = conditions.get("weather_observed")
    return [
        *text("Grade of the block", None if grade is None else f"{grade}{kept}{done}"),
        *text("Sky", conditions.get("weather")),
        *text("Noted", None if noted is None else f"{moment(noted)} UTC"),
        *text("Comment", conditions.get("weather_comment")),
        *number("Coherence time", _times(conditions.get("coherence_time"), 1000), "ms", ".1f"),
        *number("Humidity", conditions.get("humidity"), "%", ".0f"),
        *number("Air temperature", conditions.get("air_temperature"), "\N{DEGREE SIGN}C", ".1f"),
        *number("Wind speed", conditions.get("wind_speed"), "m/s", ".1f"),
        *number("Wind direction", conditions.get("wind_direction"), "deg", ".0f"),
    ]


def _frame(e: Exposure) -> Iterator[Fact]:
    yield from text("Object", e.object)
    yield from text("Category, type, technique", " / ".join(p for p in (e.dp_cat, e.dp_type, e.dp_tech) if p))
    yield from text("Called by the pipeline", e.raw_tag)
    yield from number("Rank in its block", e.rank, "among the OBJECT frames", "d")
    yield from text(
        "In the mosaic", {1: "yes", 0: "no: the log leaves it out"}.get(-1 if e.in_mosaic is None else e.in_mosaic)
    )
    yield from text("Original name", e.origfile)
    yield from text("Known from", SOURCES.get(e.known_from, e.known_from))
    yield from number("Size at ESO", e.access_estsize, "kB", ",d")
    if e.public_from is not None:
        yield Fact("Public from", moment(e.public_from), "UTC")


def _block(e: Exposure) -> Iterator[Fact]:
    yield from text("Programme", e.run_id or e.programme_id)
    yield from text("Principal investigator", e.pi_name)
    yield from text("Block", e.ob_name)
    yield from number("ESO OBS ID", e.eso_ob_id, "", "d")
    yield from text("Target of the block", e.ob_target)
    if e.ob_start is not None:
        yield Fact("Block began", moment(e.ob_start), "UTC")
    yield from text("Template", e.tpl_id)
    if e.tpl_start is not None:
        yield Fact("Template began", moment(e.tpl_start), "UTC")
    if e.tpl_expno is not None:
        yield Fact("Number in the template", f"{e.tpl_expno}" + (f" of {e.tpl_nexp}" if e.tpl_nexp is not None else ""))
    yield from text("Container", " ".join(str(p) for p in (e.ob_container_id, e.ob_container_type) if p))


def _place(e: Exposure) -> Iterator[Fact]:
    yield from position(e.ra, e.dec)
    if e.exp_start is not None:
        yield Fact("Began", e.exp_start.isoformat(sep=" ", timespec="milliseconds"), "UTC")
    elif e.mjd_obs is not None:
        yield Fact("Began", modified_julian(e.mjd_obs), "UTC")
    yield from number("", e.mjd_obs, "MJD", ".8f")
    yield from number("Integration time", e.exptime, "s", ".1f")
    yield from number("Altitude", e.tel_alt, "deg", ".1f")
    yield from number("Azimuth", e.tel_az, "deg, south 0, west 90", ".1f")
    yield from text("Airmass", _pair(e.airmass_start, e.airmass_end, " to ", ".3f"))
    yield from text("Parallactic angle", _pair(e.parallactic_start, e.parallactic_end, " to ", ".1f"))


def _instrument(e: Exposure) -> Iterator[Fact]:
    yield from text("Instrument", ", ".join(part for part in (e.telescope, e.instrument) if part))
    yield from text("Mode", e.ins_mode)
    yield from text("Adaptive optics", e.ao_mode)
    yield from text("Filter", e.ins_filter)
    yield from text("Field", e.ins_field)
    yield from number("Derotator", e.rotator_angle, f"deg{', ' + e.rotator_mode if e.rotator_mode else ''}", ".2f")
    yield from text("Read-out", e.detector_read_name)
    if e.detector_binning_x is not None and e.detector_binning_y is not None:
        yield Fact("Binning", f"{e.detector_binning_x} \N{MULTIPLICATION SIGN} {e.detector_binning_y}")
    if e.channels_present is not None:
        live = "" if e.channels_live is None else f", {e.channels_live} of them live"
        yield Fact("Channels", f"{e.channels_present} of 24{live}")
    yield from text(
        "Tables of the adaptive optics", {1: "yes", 0: "no"}.get(-1 if e.sparta_tables is None else e.sparta_tables)
    )
    yield from number("Temperature at the IFUs", e.ifu_temperature, "\N{DEGREE SIGN}C", ".1f")


def _air(e: Exposure) -> Iterator[Fact]:
    yield from number("Coherence time", _times(e.coherence_time, 1000), "ms", ".1f")
    yield from number("Humidity", e.humidity, "%", ".0f")
    yield from number("Air temperature", e.air_temperature, "\N{DEGREE SIGN}C", ".1f")
    yield from number("Wind speed", e.wind_speed, "m/s", ".1f")
    yield from number("Wind direction", e.wind_direction, "deg", ".0f")
    yield from text("Pressure, hPa", _pair(e.pressure_start, e.pressure_end, " to ", ".1f"))
    yield from number("Water vapour", e.water_vapour, "mm", ".1f")
    yield from number("Moon, distance", e.moon_distance, "deg", ".0f")
    yield from number("Moon, illuminated", _times(e.moon_illumination, 100), "%", ".0f")


def _written(value: float | None, then: str = "") -> str:
    return "" if value is None else f"{value:.2f}{then}"


def _pair(first: float | None, second: float | None, between: str, form: str = ".2f") -> str:
    """Write two numbers, or the one that is known, with minus signs for reading."""
    written = between.join(format(value, form) for value in (first, second) if value is not None)
    return written.replace("-", "\N{MINUS SIGN}")


def _flag(value: int | None, yes: str, no: str) -> str | None:
    """Write 1 or 0 in words."""
    return None if value is None else yes if value else no


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
