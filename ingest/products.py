"""Take products in: each file is looked at, kept whole, described from its own headers, and made visible.

A file that cannot be taken is remembered with the reason and never stops the rest.  A file that was taken before and
has not changed since is not read again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from archive import intake, observations, products
from archive.archive import Archive
from archive.cube import Cube, NotACube
from archive.errors import ArchiveError, Refused
from archive.fits_structure import Hdu, read_structure
from archive.products import HeaderText, NewFile, Publication
from ingest import headers
from ingest.cube_facts import facts, oddities
from ingest.pipeline_record import activities
from schema.findings import Finding
from schema.observations import Exposure, Programme
from schema.products import Product

__all__ = ["Outcome", "files_in", "ingest_product", "ingest_products"]

log = structlog.get_logger()

ENDINGS: Final = (".fits", ".fits.fz", ".fits.gz", ".fits.Z")
FITS: Final = "application/fits"


@dataclass(frozen=True)
class Outcome:
    """What became of one file: a product that is new or not, or a reason."""

    path: Path
    product_id: str | None
    new: bool = False
    reason: str | None = None


def files_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files that are named, and the FITS files below the folders that are."""
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.name.endswith(ENDINGS) and p.is_file())
        else:
            yield path


def ingest_products(archive: Archive, paths: Iterable[Path], *, collection: str) -> Iterator[Outcome]:
    """Take files in, one after the other; yields what became of each."""
    for path in files_in(paths):
        known = intake.find_unchanged(archive.database, path)
        if known is not None and products.find(archive, known) is not None:
            yield Outcome(path, known)
            continue
        outcome = _attempt(archive, path, collection=collection)
        intake.remember(archive.database, path, product_id=outcome.product_id, reason=outcome.reason)
        yield outcome


def ingest_product(archive: Archive, path: Path, *, collection: str) -> Outcome:
    """Take one file in.

    Raises
    ------
    Refused
        It is no FITS file, not whole, or no cube of MUSE; the text says which.
    StoreError
        It cannot be stored.
    """
    try:
        hdus = read_structure(path)
        with Cube(path) as cube:
            found = facts(cube)
            odd = tuple(oddities(cube, _stat_unit(hdus)))
            header: dict[str, Any] = dict(cube.primary)
    except NotACube as error:
        raise Refused(str(error)) from error
    except ValueError as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"cannot be read: {error.strerror or error}") from error
    stored = archive.store.put(path)
    held = products.find_by_content(archive, stored.sha256)
    if held is not None:
        return Outcome(path, held)
    product_id = f"{_stem(path)}-{stored.sha256[:8]}"
    made_by, used, earlier = activities(header, product_id=product_id)
    publication = Publication(
        product=_product(archive, product_id, found, collection),
        files=[
            NewFile(
                stored=stored,
                artifact_id=f"{product_id}.fits",
                file_name=path.name,
                media_type=FITS,
                headers=_texts(hdus),
            )
        ],
        activity=made_by,
        used=used,
        earlier=earlier,
        programme=_programme(found["programme_id"]),
        exposures=_exposures(header, found["programme_id"]),
        findings=[
            Finding(origin=f"product:{product_id}", kind=o.kind, subject=product_id, message=o.message) for o in odd
        ],
    )
    return Outcome(path, product_id, new=products.publish(archive, publication))


def _attempt(archive: Archive, path: Path, *, collection: str) -> Outcome:
    try:
        return ingest_product(archive, path, collection=collection)
    except ArchiveError as error:
        log.warning("refused", path=str(path), reason=error.message)
        return Outcome(path, None, reason=error.message)


def _product(archive: Archive, product_id: str, found: dict[str, Any], collection: str) -> Product:
    """Tie the product to a galaxy of the survey when its name is one."""
    name = (found["target_name"] or "").replace(" ", "").upper()
    target = name if observations.has_target(archive.database, name) else None
    return Product(product_id=product_id, collection=collection, target=target, simulated=0, **found)


def _programme(programme_id: str | None) -> Programme | None:
    return None if programme_id is None else Programme(programme_id=programme_id)


def _exposures(header: dict[str, Any], programme_id: str | None) -> list[Exposure]:
    """The primary header of a pipeline's product is, for the most part, that of its first raw frame."""
    dp_id = headers.dp_id(header)
    if dp_id is None or not dp_id.startswith("MUSE."):
        return []
    return [Exposure(dp_id=dp_id, programme_id=programme_id, **headers.fields(header))]


def _texts(hdus: tuple[Hdu, ...]) -> tuple[HeaderText, ...]:
    return tuple(
        HeaderText(number, hdu.name or None, "\n".join(str(card).rstrip() for card in hdu.header.cards))
        for number, hdu in enumerate(hdus)
    )


def _stat_unit(hdus: tuple[Hdu, ...]) -> str | None:
    units = [hdu.header.get("BUNIT") for hdu in hdus if hdu.name == "STAT"]
    return None if not units or units[0] is None else str(units[0]).strip()


def _stem(path: Path) -> str:
    """The file's name without ending, reduced to what is safe in an address."""
    bare = headers.strip_ending(path.name)
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-+") else "_" for c in bare)
