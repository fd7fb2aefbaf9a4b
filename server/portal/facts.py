"""What is known of a galaxy or a product as facts: label, value, unit.  Pure; what is not known is left out."""

from collections.abc import Iterator
from dataclasses import dataclass

from schema.observations import Target
from schema.products import Product
from server.portal.formats import declination, modified_julian, moment, right_ascension

__all__ = ["Fact", "product_facts", "target_facts"]

NANOMETRE = 1e-9


@dataclass(frozen=True)
class Fact:
    """One line of a table of facts."""

    label: str
    value: str
    unit: str = ""


def target_facts(target: Target) -> list[Fact]:
    """Return what the release says of a galaxy."""
    plus, minus = target.psf_fwhm_plus, target.psf_fwhm_minus
    return [
        *_position(target.ra, target.dec),
        *_number("Distance", target.dist, "Mpc", ".1f"),
        *_number("Scale", target.scale, "pc/arcsec", ".1f"),
        *_number("Systemic velocity", target.systemic_velocity, "km/s, LSR (radio)", ".1f"),
        *_number("Inclination", target.inclination, "deg", ".1f"),
        *_number("Position angle", target.position_angle, "deg, receding side, east of north", ".1f"),
        *_number("Stellar mass", target.log_stellar_mass, "log M\N{SUN}", ".2f"),
        *_number("Star formation rate", target.log_sfr, "log M\N{SUN}/yr", ".2f"),
        *_number("E(B\N{MINUS SIGN}V), Milky Way", target.ebv, "mag", ".3f"),
        Fact(
            "PSF FWHM, R band",
            f"{target.psf_fwhm:.2f} (+{plus:.2f} \N{MINUS SIGN}{minus:.2f})",
            "arcsec, mean and range",
        ),
        *_number("PSF FWHM, copt mosaic", target.copt_fwhm, "arcsec", ".2f"),
    ]


def product_facts(product: Product) -> list[Fact]:
    """Return what is known of a product: where, when, how, how large."""
    return [*_what(product), *_position(product.ra, product.dec), *_where(product), *_when(product), *_how(product)]


def _what(product: Product) -> Iterator[Fact]:
    yield from _text("Kind", product.kind)
    yield from _text("ESO product category", product.prodcatg)
    yield from _text("Observed", product.target_name)
    yield from _text("Resolution", product.resolution)
    yield from _text("Band", product.filter)
    yield from _text("Collection", product.collection)
    yield from _number("Calibration level", product.calib_level, "", "d")


def _position(ra: float | None, dec: float | None) -> Iterator[Fact]:
    if ra is not None and dec is not None:
        yield Fact(
            "Position, ICRS",
            f"{right_ascension(ra)} {declination(dec)}",
            "h m s, \N{DEGREE SIGN} \N{PRIME} \N{DOUBLE PRIME}",
        )
        yield Fact("", f"{ra:.6f} {dec:+.6f}", "deg")


def _where(product: Product) -> Iterator[Fact]:
    shape = [n for n in (product.n_x, product.n_y, product.n_wavelength) if n is not None]
    if shape:
        yield Fact("Size", " \N{MULTIPLICATION SIGN} ".join(map(str, shape)), "pixels")
    yield from _number("Pixel scale", product.pixel_scale, "arcsec", ".3g")
    fov = product.field_of_view
    yield from _number("Field, diagonal", None if fov is None else fov * 60, "arcmin", ".2f")
    yield from _number("PSF FWHM", product.spatial_resolution, "arcsec", ".2f")
    low, high = product.wavelength_min, product.wavelength_max
    if low is not None and high is not None:
        medium = {"AWAV": "nm, in air", "WAVE": "nm, in vacuum"}.get(product.wavelength_kind or "", "nm")
        yield Fact("Wavelengths", f"{low / NANOMETRE:.2f} to {high / NANOMETRE:.2f}", medium)
    yield from _number("Resolving power", product.resolving_power, "", ".0f")
    yield from _text("Flux unit", product.flux_unit)


def _when(product: Product) -> Iterator[Fact]:
    if product.mjd_start is not None:
        yield Fact("First exposure began", modified_julian(product.mjd_start), "UTC")
    if product.mjd_end is not None:
        yield Fact("Last exposure ended", modified_julian(product.mjd_end), "UTC")
    yield from _number("Integration time", product.exptime, "s", ".1f")
    yield from _number("Exposures combined", product.n_exposures, "", "d")
    if product.tpl_start is not None:
        yield Fact("Template began", moment(product.tpl_start), "UTC")


def _how(product: Product) -> Iterator[Fact]:
    instrument = ", ".join(part for part in (product.facility, product.instrument) if part)
    yield from _text("Instrument", instrument or None)
    yield from _text("Mode", product.ins_mode)
    yield from _text("Programme", product.run_id or product.programme_id)
    yield from _number("ESO OBS ID", product.eso_ob_id, "", "d")
    yield Fact("Taken in", moment(product.ingested), "UTC")
    if product.public_from is not None:
        yield Fact("Public from", moment(product.public_from), "UTC")


def _text(label: str, value: str | None) -> Iterator[Fact]:
    if value:
        yield Fact(label, value)


def _number(label: str, value: float | None, unit: str, form: str) -> Iterator[Fact]:
    """A minus sign is typeset as one: these are numbers to read, positions and headers are there to copy."""
    if value is not None:
        yield Fact(label, format(value, form).replace("-", "\N{MINUS SIGN}"), unit)
