"""Alignments that a person sets: lines of a table against what is held, each difference a new edition of a product.

Such an edition is taken as it is: the plan does not measure the exposure again, and makes anew what depends on it.
"""

import getpass
import os
import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from archive import alignments, observations, products
from archive.alignments import BY_HAND
from archive.archive import Archive
from archive.errors import Refused
from archive.products import activity_id
from musevault import __version__
from processing import alignment_csv, alignment_file
from processing.alignment_csv import NUMBERS, Line
from processing.alignment_file import AlignmentRecord
from processing.alignment_product import KIND, file_of, publication
from processing.alignments import unmeasured
from processing.names import exposure_of, role_of
from processing.task import own_file
from schema.alignment import Origin
from schema.products import Product
from schema.provenance import Activity, Used

__all__ = ["edited", "exported", "take"]

MEASURED_WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "ra_offset": ("offset_error", "correlation", "significance"),
    "dec_offset": ("offset_error", "correlation", "significance"),
    "rotation": ("rotation_error",),
    "flux_scale": ("flux_scale_error", "n_chunks", "n_rejected", "chi2"),
    "background": ("background_error", "n_chunks", "n_rejected", "chi2"),
    "sky_factor": ("sky_factor_error",),
}
"""What says nothing any more once a value is set by hand."""


@dataclass(frozen=True)
class _Held:
    """An alignment as it is, or as it begins where none could be measured; ``inputs`` are what it comes from."""

    record: AlignmentRecord
    product: Product
    inputs: Sequence[Used]


def exported(archive: Archive, target: str | None = None) -> list[tuple[AlignmentRecord, float]]:
    """Return alignments, of one galaxy or all, with the declinations of their fields.

    Raises
    ------
    Refused
        There is no such galaxy.
    """
    if target is not None and not observations.has_target(archive.database, target):
        raise Refused(f"{target} is no galaxy of the survey")
    found = products.latest(archive, kind=KIND, target=target)
    return [(_record(archive, one), _dec(one)) for one in sorted(found, key=lambda one: one.product_id)]


def take(archive: Archive, text: str, *, note: str | None = None) -> list[str]:
    """Take a table in: of every line that changes something a new edition is made; returns their exposures.

    Parameters
    ----------
    text
        See ``alignment_csv``.
    note
        Why, for the lines that do not say so themselves.

    Raises
    ------
    Refused
        Something in it cannot be taken, so nothing is; the text says in which line.
    """
    if note is not None and not (note.isascii() and note.isprintable()):
        raise Refused("the note has characters that FITS has not: plain ASCII in one line")
    changes = []
    for line in alignment_csv.read(text):
        held = _held(archive, line)
        record = edited(held.record, line, dec=_dec(held.product), note=note)
        if record is not None:
            changes.append((held, record))
    for held, record in changes:
        made_by = _made_by(held, record)
        products.publish(archive, publication(archive, record, held.product, made_by, replaces=True))
    return [record.dp_id for _, record in changes]


def edited(record: AlignmentRecord, line: Line, *, dec: float, note: str | None = None) -> AlignmentRecord | None:
    """Return an alignment as a line changes it, or None where it changes nothing.

    What the line does not change stays as exact as it was.  The sky factor follows from flux scale and background,
    1 - b/(a sky level), unless the line changes it too.

    Parameters
    ----------
    dec
        Declination of the field, degrees.
    note
        What to say where the line says nothing of its own.

    Raises
    ------
    Refused
        The sky factor that follows is out of its range.
    """
    before = alignment_csv.cells_of(record, dec)
    differing = {name: cell for name, cell in line.cells.items() if _differs(name, cell, before[name])}
    if not differing:
        return None
    values: dict[str, Any] = {"origin": Origin.BY_HAND, "note": differing.get("note", note or record.note) or None}
    for name in NUMBERS.keys() & differing.keys():
        values[name] = alignment_csv.from_arcsec(name, float(differing[name]), dec)
        values |= dict.fromkeys(MEASURED_WITH[name])
    if "quality" in differing:
        values["quality"] = differing["quality"]
    if "trails" in differing:
        held = {alignment_csv.to_text(band): band for band in record.trails}
        given = alignment_csv.bands(differing["trails"])
        values["trails"] = tuple(held.get(alignment_csv.to_text(band), band) for band in given)
    changed = replace(record, **values)
    if {"flux_scale", "background"} & differing.keys() and "sky_factor" not in differing:
        changed = replace(changed, sky_factor=_following(changed, line), sky_factor_error=None)
    return changed


def _differs(name: str, cell: str, before: str) -> bool:
    """Whether a cell says something else than what is held; an empty one of a number says nothing."""
    if name == "origin" or (cell == "" and name not in {"note", "trails"}):
        return False
    if name in NUMBERS:
        return round(float(cell), NUMBERS[name].decimals) != float(before)
    if name == "trails":
        return [alignment_csv.to_text(band) for band in alignment_csv.bands(cell)] != [
            alignment_csv.to_text(band) for band in alignment_csv.bands(before)
        ]
    return cell != before


def _following(record: AlignmentRecord, line: Line) -> float:
    level = record.flux_scale * record.sky_level
    factor = 1 - record.background / level if level else float("nan")
    if not NUMBERS["sky_factor"].least <= factor <= NUMBERS["sky_factor"].most:
        told = f"line {line.number}: {record.dp_id}"
        raise Refused(f"{told}: of this flux scale and background follows a sky factor of {factor:.4g}")
    return factor


def _held(archive: Archive, line: Line) -> _Held:
    """Return what a line is about."""
    product = products.find(archive, f"{line.dp_id}_ALIGNMENT")
    if product is not None:
        inputs = alignments.inputs(archive.database, product.product_id)
        return _Held(_record(archive, product), product, [*inputs, _earlier(product)])
    image = next((one for one in products.latest(archive, kind="field_image") if exposure_of(one) == line.dp_id), None)
    if image is None:
        raise Refused(f"line {line.number}: {line.dp_id} has no alignment, nor an image that could be aligned")
    record, used = unmeasured(archive, image)
    return _Held(record, image, [_used(one) for one in used])


def _earlier(product: Product) -> Used:
    """Return the file that gives way as something used: it is no product any more."""
    file = own_file(product)
    return Used(
        entity=f"{product.product_id}.fits", role=role_of(product), sha256=None if file is None else file.sha256
    )


def _used(product: Product) -> Used:
    file = own_file(product)
    sha256 = None if file is None else file.sha256
    return Used(entity=product.product_id, product_id=product.product_id, role=role_of(product), sha256=sha256)


def _made_by(held: _Held, record: AlignmentRecord) -> tuple[Activity, list[Used]]:
    now = datetime.now(UTC).replace(tzinfo=None)
    identity = activity_id(BY_HAND, record.dp_id, uuid.uuid4().hex)
    activity = Activity(
        activity_id=identity,
        name=BY_HAND,
        software=f"musevault/{__version__}",
        started=now,
        ended=now,
        host=socket.gethostname(),
        parameters={"by": _user(), "note": record.note, **_changes(held.record, record)},
    )
    for one in held.inputs:
        one.activity_id = identity
    return activity, list(held.inputs)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in a container
        return str(os.getuid())


def _changes(before: AlignmentRecord, after: AlignmentRecord) -> dict[str, Any]:
    """Return the values that were set, by name."""
    changed = {name: getattr(after, name) for name in (*NUMBERS, "quality")}
    told = {name: value for name, value in changed.items() if value != getattr(before, name)}
    if after.trails != before.trails:
        told["trails"] = [alignment_csv.to_text(band) for band in after.trails]
    return told


def _record(archive: Archive, product: Product) -> AlignmentRecord:
    return alignment_file.read(file_of(archive, product))


def _dec(product: Product) -> float:
    if product.dec is None:
        raise Refused(f"{product.product_id}: where it lies on the sky is not known")
    return product.dec
