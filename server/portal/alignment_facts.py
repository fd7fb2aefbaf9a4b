"""How an exposure lies on the reference image of its galaxy, as facts and as lines about its trails.  Pure."""

import math
from dataclasses import dataclass
from typing import Final

from archive.alignments import Held
from schema.alignment import TrailMask
from server.portal.facts import Fact, text
from server.portal.formats import moment

__all__ = ["TrailLine", "alignment_facts", "trail_lines"]

FLUX: Final = (
    "10\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT TWO}\N{SUPERSCRIPT ZERO} erg/s/cm\N{SUPERSCRIPT TWO}/\N{ANGSTROM SIGN}"
)


@dataclass(frozen=True)
class TrailLine:
    """A masked trail, in words ready to show: its ends and its width, arcsec, and who found it."""

    start: str
    stop: str
    width: str
    found: str


def alignment_facts(held: Held) -> list[Fact]:
    """Return the facts about an alignment; offsets along the axes on the sky."""
    row, dec = held.alignment, held.product.dec
    # Where the field's declination is not known the offset is that of the coordinate.
    stretch = 1.0 if dec is None else math.cos(math.radians(dec))
    return [
        *text("Quality", "good" if row.quality == "good" else f"uncertain: {', '.join(row.quality.split())}"),
        Fact("Offset in right ascension", _with_error(row.ra_offset * 3600 * stretch, row.offset_error, 3), "arcsec"),
        Fact("Offset in declination", _with_error(row.dec_offset * 3600, row.offset_error, 3), "arcsec"),
        Fact("Rotation", _with_error(row.rotation, row.rotation_error, 4), "deg"),
        Fact("Flux scale", _with_error(row.flux_scale, row.flux_scale_error, 4)),
        Fact("Background", _with_error(row.background, row.background_error, 3), FLUX),
        Fact("Sky factor", _with_error(row.sky_factor, row.sky_factor_error, 4)),
        Fact("Band", row.filter),
        Fact("Measured" if row.origin == "measured" else "Set by hand", moment(row.made), "UTC"),
        *text("Note", row.note),
    ]


def trail_lines(held: Held) -> list[TrailLine]:
    """Return the trails that are masked in an exposure."""
    return [
        TrailLine(
            start=_place(one.ra_start, one.dec_start),
            stop=_place(one.ra_stop, one.dec_stop),
            width=f"{one.width:.1f}",
            found=_finder(one),
        )
        for one in held.trails
    ]


def _finder(trail: TrailMask) -> str:
    return trail.origin if trail.significance is None else f"{trail.origin}, {trail.significance:.0f} sigma"


def _place(ra: float, dec: float) -> str:
    return f"{ra:.5f} {dec:+.5f}"


def _with_error(value: float, error: float | None, decimals: int) -> str:
    """Write a number with its error, and a minus sign for reading."""
    told = "" if error is None else f" \N{PLUS-MINUS SIGN} {error:.{decimals}f}"
    return f"{value:.{decimals}f}{told}".replace("-", "\N{MINUS SIGN}")
