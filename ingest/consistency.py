"""What disagrees within a release's tables.  Pure: tables in, disagreements out, for people to judge."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from ingest.mosaic import separation
from ingest.release import Correction, Galaxy, MuseField, ReleaseTables

__all__ = ["Disagreement", "disagreements", "repeated_keys"]

HALF_DIGIT: Final = 0.005
"""Rounding of a number printed with two decimals; arcsec for the PSF."""

SAME_POSITION: Final = 5.0
"""Pointings nearer than this, in arcsec, are one."""

MOSAIC_RADIUS: Final = 600.0
"""No pointing of a galaxy is farther than this, in arcsec, from its centre."""


@dataclass(frozen=True)
class Disagreement:
    """One thing that does not fit, about one subject."""

    kind: str
    subject: str
    message: str


def disagreements(tables: ReleaseTables, unapplied: tuple[Correction, ...] = ()) -> list[Disagreement]:
    """Compare the tables with one another and with themselves."""
    fields = defaultdict(list)
    for field in tables.fields:
        fields[field.target].append(field)
    found: list[Disagreement] = []
    for galaxy in tables.galaxies:
        found += _psf_range(galaxy, fields[galaxy.name])
        found += _scale(galaxy)
        found += _positions(galaxy, fields[galaxy.name])
    found += _unknown_galaxies(tables)
    found += _left_out(tables)
    found += [_not_applicable(c) for c in unapplied]
    return found


def repeated_keys(tables: ReleaseTables) -> list[str]:
    """Return the keys that stand in the tables more than once, of which only the last row would be kept."""
    keys = Counter(
        [
            *(f"programme {row['programme_id']}" for row in tables.programmes),
            *(f"naming rule {row['kind']} {row['resolution']}" for row in tables.naming),
            *(f"galaxy {galaxy.name}" for galaxy in tables.galaxies),
            *(f"pointing {field.pointing_id}" for field in tables.fields),
            *(f"start {block.tpl_start.isoformat()}" for block in tables.blocks),
            *(f"erratum {c.table_name} {c.row_key} {c.column_name}" for c in tables.corrections),
        ]
    )
    return [key for key, count in keys.items() if count > 1]


def _psf_range(galaxy: Galaxy, fields: list[MuseField]) -> Iterator[Disagreement]:
    if not fields:
        yield Disagreement("no-pointing", galaxy.name, "Table 1 has the galaxy, Table 2 has no pointing of it")
        return
    widths = [f.psf_fwhm for f in fields]
    printed = {
        "mean": galaxy.psf.mean,
        "smallest": galaxy.psf.mean - galaxy.psf.minus,
        "largest": galaxy.psf.mean + galaxy.psf.plus,
    }
    derived = {"mean": sum(widths) / len(widths), "smallest": min(widths), "largest": max(widths)}
    for which, value in printed.items():
        # Mean and difference are each rounded once, the pointing's own value once more.
        allowed = (2 if which == "mean" else 3) * HALF_DIGIT
        if abs(value - derived[which]) > allowed + 1e-9:
            yield Disagreement(
                f"psf-{which}",
                galaxy.name,
                f"Table 1 says {value:.2f} arcsec for the {which} FWHM, Table 2 gives {derived[which]:.2f}",
            )


def _scale(galaxy: Galaxy) -> Iterator[Disagreement]:
    parsec = galaxy.distance * 1e6 * math.radians(1 / 3600)
    allowed = 0.05 * 1e6 * math.radians(1 / 3600) + 0.05  # both numbers are printed with one decimal
    if abs(parsec - galaxy.scale) > allowed:
        yield Disagreement(
            "scale",
            galaxy.name,
            f"{galaxy.distance} Mpc make {parsec:.1f} pc/arcsec, Table 1 says {galaxy.scale}",
        )


def _positions(galaxy: Galaxy, fields: list[MuseField]) -> Iterator[Disagreement]:
    for one, other in combinations(fields, 2):
        if separation((one.ra, one.dec), (other.ra, other.dec)) < SAME_POSITION:
            yield Disagreement(
                "same-position", f"{one.pointing_id}, P{other.number:02d}", f"both stand at {one.ra}, {one.dec} degrees"
            )
    if not galaxy.orientation:
        return
    centre = (galaxy.orientation["ra"], galaxy.orientation["dec"])
    for field in fields:
        distance = separation((field.ra, field.dec), centre)
        if distance > MOSAIC_RADIUS:
            yield Disagreement(
                "off-target", field.pointing_id, f"{distance:.0f} arcsec from the centre of {galaxy.name}"
            )


def _unknown_galaxies(tables: ReleaseTables) -> Iterator[Disagreement]:
    known = {g.name for g in tables.galaxies}
    for name in dict.fromkeys(f.target for f in tables.fields if f.target not in known):
        yield Disagreement("unknown-galaxy", name, "Table 2 has pointings of it, Table 1 does not have it")


def _left_out(tables: ReleaseTables) -> Iterator[Disagreement]:
    for block in tables.blocks:
        missing = sorted(set(range(1, max(block.exposure_numbers) + 1)) - set(block.exposure_numbers))
        if missing:
            ranks = ", ".join(map(str, missing))
            yield Disagreement(
                "exposure-left-out",
                block.pointing,
                f"exposure {ranks} of {block.tpl_start.isoformat()} is not in the mosaic",
            )


def _not_applicable(correction: Correction) -> Disagreement:
    return Disagreement(
        "erratum-without-match",
        correction.row_key,
        f"the erratum expects {correction.column_name} {correction.printed!r}, which is not what is printed",
    )
