"""A survey's release description as data: what its tables print, and what is used after correction.

Pure: no files, no database.  ``release_folder`` and ``release_text`` read it, ``consistency`` judges it,
``release_rows`` turns it into rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

__all__ = ["Block", "Correction", "Galaxy", "MuseField", "PsfRange", "ReleaseTables", "corrected"]


@dataclass(frozen=True)
class PsfRange:
    """FWHM in arcsec over the pointings of a galaxy: mean, and how far the extremes are from it."""

    mean: float
    plus: float
    minus: float


@dataclass(frozen=True)
class Galaxy:
    """A row of Table 1, with what other sources say of the galaxy in ``orientation``."""

    name: str
    distance: float
    log_stellar_mass: float
    log_sfr: float
    ebv: float
    scale: float
    psf: PsfRange
    copt_fwhm: float
    orientation: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class MuseField:
    """A pointing as Table 2 prints it; positions in degrees, FWHM in arcsec."""

    target: str
    number: int
    ra: float
    dec: float
    psf_fwhm: float
    ao_mode: str

    @property
    def pointing_id(self) -> str:
        """What the table prints as NGC1385 P03, without the blank: fit for addresses."""
        return f"{self.target}-P{self.number:02d}"


@dataclass(frozen=True)
class Block:
    """An observing block: ``pointing`` is where it belongs, ``printed_pointing`` where Table 2 puts it."""

    tpl_start: datetime
    pointing: str
    printed_pointing: str
    exposure_numbers: tuple[int, ...]

    @property
    def block_id(self) -> str:
        """Identifier of the block: the instrument starts one template at a time."""
        return f"TPL.{self.tpl_start.isoformat()}"


@dataclass(frozen=True)
class Correction:
    """A printed value that is known to be wrong: table, key and column are the catalogue's."""

    table_name: str
    row_key: str
    column_name: str
    printed: str
    corrected: str
    reason: str


@dataclass(frozen=True)
class ReleaseTables:
    """Everything that a release description tells.

    ``facts`` are the release's own (title, DOI ...), ``programmes`` and ``naming`` rows of the tables of those names.
    """

    facts: dict[str, Any]
    programmes: tuple[dict[str, Any], ...]
    naming: tuple[dict[str, Any], ...]
    galaxies: tuple[Galaxy, ...]
    fields: tuple[MuseField, ...]
    blocks: tuple[Block, ...]
    corrections: tuple[Correction, ...] = ()


def corrected(tables: ReleaseTables, corrections: Sequence[Correction]) -> tuple[ReleaseTables, tuple[Correction, ...]]:
    """Apply corrections to the tables.

    Returns
    -------
    tuple
        The tables with the corrected values in use, and the corrections that found another printed value than they
        expect: those are not applied.
    """
    wanted = {c.row_key: c for c in corrections if _moves_a_block(c)}
    stray = [c for c in corrections if not _moves_a_block(c)]
    blocks = []
    for block in tables.blocks:
        correction = wanted.pop(block.block_id, None)
        if correction is None:
            blocks.append(block)
        elif correction.printed == block.printed_pointing:
            blocks.append(replace(block, pointing=correction.corrected))
        else:
            blocks.append(block)
            stray.append(correction)
    applied = [c for c in corrections if c not in stray and c not in wanted.values()]
    used = replace(tables, blocks=tuple(blocks), corrections=tuple(applied))
    return used, (*stray, *wanted.values())


def _moves_a_block(correction: Correction) -> bool:
    return (correction.table_name, correction.column_name) == ("observing_block", "pointing_id")
