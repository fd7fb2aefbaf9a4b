"""What is known of a galaxy or a product as facts: label, value, unit.  Pure; what is not known is left out."""

from collections.abc import Iterator
from dataclasses import dataclass

from schema.observations import Target
from schema.products import Product
from server.portal.formats import declination, modified_julian, moment, right_ascension

__all__ = ["Fact", "number", "position", "product_facts", "target_facts", "text"]

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
        *position(target.ra, target.dec),
        *number("Distance", target.dist, "Mpc", ".1f"),
        *number("Scale", target.scale, "pc/arcsec", ".1f"),
        *number("Systemic velocity", target.systemic_velocity, "km/s, LSR (radio)", ".1f"),
        *number("Inclination", target.inclination, "deg", ".1f"),
        *number("Position angle", target.position_angle, "deg, receding side, east of north", ".1f"),
        *number("Stellar mass", target.log_stellar_mass, "log M\N{SUN}", ".2f"),
        *number("Star formation rate", target.log_sfr, "log M\N{SUN}/yr", ".2f"),
        *number("E(B\N{MINUS SIGN}V), Milky Way", target.ebv, "mag", ".3f"),
        Fact(
            "PSF FWHM, R band",
            f"{target.psf_fwhm:.2f} (+{plus:.2f} \N{MINUS SIGN}{minus:.2f})",
            "arcsec, mean and range",
        ),
        *number("PSF FWHM, copt mosaic", target.copt_fwhm, "arcsec", ".2f"),
    ]


def product_facts(product: Product) -> list[Fact]:
    """Return what is known of a product: where, when, how, how large."""
    return [*_what(product), *position(product.ra, product.dec), *_where(product), *_when(product), *_how(product)]


def _what(product: Product) -> Iterator[Fact]:
    yield from text("Kind", product.kind)
    yield from text("ESO product category", product.prodcatg)
    yield from text("Observed", product.target_name)
    yield from text("Resolution", product.resolution)
    yield from text("Band", product.filter)
    yield from text("Collection", product.collection)
    yield from number("Calibration level", product.calib_level, "", "d")


def position(ra: float | None, dec: float | None) -> Iterator[Fact]:
    """Yield a position in degrees, written both ways."""
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
    yield from number("Pixel scale", product.pixel_scale, "arcsec", ".3g")
    fov = product.field_of_view
    yield from number("Field, diagonal", None if fov is None else fov * 60, "arcmin", ".2f")
    yield from number("PSF FWHM", product.spatial_resolution, "arcsec", ".2f")
    low, high = product.wavelength_min, product.wavelength_max
    if low is not None and high is not None:
        medium = {"AWAV": "nm, in air", "WAVE": "nm, in vacuum"}.get(product.wavelength_kind or "", "nm")
        yield Fact("Wavelengths", f"{low / NANOMETRE:.2f} to {high / NANOMETRE:.2f}", medium)
    yield from number("Resolving power", product.resolving_power, "", ".0f")
    yield from text("Flux unit", product.flux_unit)


def _when(product: Product) -> Iterator[Fact]:
    if product.mjd_start is not None:
        yield Fact("First exposure began", modified_julian(product.mjd_start), "UTC")
    if product.mjd_end is not None:
        yield Fact("Last exposure ended", modified_julian(product.mjd_end), "UTC")
    yield from number("Integration time", product.exptime, "s", ".1f")
    yield from number("Exposures combined", product.n_exposures, "", "d")
    if product.tpl_start is not None:
        yield Fact("Template began", moment(product.tpl_start), "UTC")


def _how(product: Product) -> Iterator[Fact]:
    instrument = ", ".join(part for part in (product.facility, product.instrument) if part)
    yield from text("Instrument", instrument or None)
    yield from text("Mode", product.ins_mode)
    yield from text("Programme", product.run_id or product.programme_id)
    yield from number("ESO OBS ID", product.eso_ob_id, "", "d")
    yield Fact("Taken in", moment(product.ingested), "UTC")
    if product.public_from is not None:
        yield Fact("Public from", moment(product.public_from), "UTC")


def text(label: str, value: str | None) -> Iterator[Fact]:
    """Yield a text, where there is one."""
    if value:
        yield Fact(label, value)


def number(label: str, value: float | None, unit: str, form: str) -> Iterator[Fact]:
    """Yield a number, where it is known.

    A minus sign is typeset as one: these are numbers to read, positions and headers are there to copy.
    """
    if value is not None:
        yield Fact(label, format(value, form).replace("-", "\N{MINUS SIGN}"), unit)
