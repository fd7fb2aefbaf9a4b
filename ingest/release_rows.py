"""From a release's tables to rows of the catalogue.  Pure: nothing is written here."""

import hashlib
import json
from collections import defaultdict
from dataclasses import asdict

from ingest.consistency import disagreements
from ingest.mosaic import footprint, position_angle
from ingest.release import Block, Correction, Galaxy, MuseField, ReleaseTables
from schema.base import Base
from schema.findings import Erratum, Finding
from schema.observations import ObservingBlock, Pointing, Programme, Target
from schema.products import NamingRule, Release

__all__ = ["finding_origin", "findings", "rows", "to_corrections"]


def rows(tables: ReleaseTables) -> list[Base]:
    """Return the rows in an order in which none refers to a later one.

    Attributes that a source does not tell are left unset, so that merging them keeps what another source told.
    """
    release_id = tables.facts["release_id"]
    return [
        Release(**tables.facts, source_sha256=_digest(tables)),
        *(NamingRule(release_id=release_id, **{"filters": [], **rule}) for rule in tables.naming),
        *(Programme(**programme) for programme in tables.programmes),
        *(_target(galaxy, release_id) for galaxy in tables.galaxies),
        *_pointing_rows(tables.fields),
        *(_block_row(block) for block in tables.blocks),
        *(_erratum(c, release_id) for c in tables.corrections),
    ]


def findings(tables: ReleaseTables, unapplied: tuple[Correction, ...]) -> list[Finding]:
    """Return what disagrees within the tables."""
    origin = finding_origin(tables.facts["release_id"])
    return [
        Finding(origin=origin, kind=d.kind, subject=d.subject, message=d.message)
        for d in disagreements(tables, unapplied)
    ]


def finding_origin(release_id: str) -> str:
    """Return under which name the findings of a release are kept."""
    return f"release:{release_id}"


def to_corrections(errata: list[Erratum]) -> tuple[Correction, ...]:
    """Return recorded errata in the form in which tables are corrected."""
    return tuple(Correction(e.table_name, e.row_key, e.column_name, e.printed, e.corrected, e.reason) for e in errata)


def _target(galaxy: Galaxy, release_id: str) -> Target:
    return Target(
        name=galaxy.name,
        release_id=release_id,
        dist=galaxy.distance,
        log_stellar_mass=galaxy.log_stellar_mass,
        log_sfr=galaxy.log_sfr,
        ebv=galaxy.ebv,
        scale=galaxy.scale,
        psf_fwhm=galaxy.psf.mean,
        psf_fwhm_plus=galaxy.psf.plus,
        psf_fwhm_minus=galaxy.psf.minus,
        copt_fwhm=galaxy.copt_fwhm,
        **galaxy.orientation,
    )


def _pointing_rows(fields: tuple[MuseField, ...]) -> list[Pointing]:
    mosaics = defaultdict(list)
    for field in fields:
        mosaics[field.target].append((field.ra, field.dec))
    angles = {target: position_angle(positions) for target, positions in mosaics.items()}
    return [_pointing(field, angles[field.target]) for field in fields]


def _pointing(field: MuseField, angle: float | None) -> Pointing:
    return Pointing(
        pointing_id=field.pointing_id,
        target=field.target,
        number=field.number,
        ra=field.ra,
        dec=field.dec,
        psf_fwhm=field.psf_fwhm,
        ao_mode=field.ao_mode,
        position_angle=angle,
        position_angle_origin=None if angle is None else "mosaic",
        footprint=footprint(field.ra, field.dec, angle or 0.0),
    )


def _block_row(block: Block) -> ObservingBlock:
    return ObservingBlock(
        observing_block_id=block.block_id,
        pointing_id=block.pointing,
        printed_pointing_id=block.printed_pointing,
        tpl_start=block.tpl_start,
        exposure_numbers="-".join(map(str, block.exposure_numbers)),
        exposures_used=len(block.exposure_numbers),
    )


def _erratum(correction: Correction, release_id: str) -> Erratum:
    return Erratum(release_id=release_id, **asdict(correction))


def _digest(tables: ReleaseTables) -> str:
    printed = {name: rows for name, rows in asdict(tables).items() if name in ("galaxies", "fields", "blocks")}
    return hashlib.sha256(json.dumps(printed, sort_keys=True, default=str).encode()).hexdigest()
