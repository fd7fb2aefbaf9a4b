"""Take products in: each file is looked at, kept whole, described from its own headers, and made visible.

A file that cannot be taken is remembered with the reason and never stops the rest.  A file that was taken before, or
refused, and has not changed since is not read again.  What a full disk keeps out is for the next run.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import exc

from archive import intake, observations, products, verify
from archive.archive import Archive
from archive.cube import Cube
from archive.errors import Refused, StoreError
from archive.fits_structure import BLOCK, Hdu, read_structure, text
from archive.intake import Look, Seen, written
from archive.products import HeaderText, NewFile, Publication
from archive.store import Stored
from ingest import headers
from ingest.cube_facts import Oddity, facts, oddities
from ingest.maps_facts import facts as maps_facts
from ingest.maps_facts import is_maps, named
from ingest.outcome import Became, Outcome
from ingest.pipeline_record import activities
from ingest.raw_kinds import raw_tag
from ingest.reduction import between
from schema.exposures import Exposure
from schema.findings import Finding
from schema.observations import Programme
from schema.products import Product

__all__ = ["KIND", "files_in", "ingest_product", "ingest_products"]

log = structlog.get_logger()

KIND: Final = "products"
FITS: Final = "application/fits"
CARD: Final = 80


@dataclass(frozen=True)
class _Contents:
    """What a file says of itself; its identifier only where the archive holds one of its sort."""

    product_id: str | None
    facts: dict[str, Any]
    oddities: tuple[Oddity, ...]
    header: Mapping[str, Any]
    texts: tuple[HeaderText, ...]


def files_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files that are named, and the FITS files below the folders that are.

    A folder that cannot be read is yielded itself: whoever takes it for a file will say so.
    """
    for path in paths:
        if path.is_dir():
            yield from sorted(_below(path))
        else:
            yield path


def ingest_products(
    archive: Archive, paths: Iterable[Path], *, collection: str, settle: float = 0.0
) -> Iterator[Outcome]:
    """Take files in, one after the other; yields what became of each.

    Parameters
    ----------
    paths
        Files, and folders of them.
    collection
        Data collection that the products belong to.
    settle
        A file that cannot be taken and was changed less than so many seconds ago is left for the next run.
    """
    for path in files_in(paths):
        seen = intake.look(path)
        known = intake.find_unchanged(archive.database, path, seen, kind=KIND)
        if known is not None and known.product_id is None:
            yield Outcome(path, Became.REFUSED, reason=known.reason)
        elif known is not None and known.product_id is not None and _is_held(archive, known.product_id):
            yield Outcome(path, Became.KNOWN, known.product_id)
        else:
            yield _attempt(archive, path, seen, collection=collection, settle=settle)


def ingest_product(archive: Archive, path: Path, *, collection: str) -> Outcome:
    """Take one file in.

    What is published is read from the copy in the store: whatever happens to the original meanwhile, file and
    catalogue agree.

    A file that changes while it is read is postponed.

    Raises
    ------
    Refused
        It is no FITS file, not whole, or no cube of MUSE; the text says which.
    StoreError
        It cannot be stored.
    """
    seen = intake.look(path)
    _read(path)  # a first look, so that rubbish does not come into the store
    stored = archive.store.put(path)
    if intake.look(path) != seen:
        return Outcome(path, Became.POSTPONED, reason="changed while it was read")
    held = products.find_by_content(archive, stored.sha256)
    if held is not None:
        verify.found_again(archive.database, stored.sha256)
        return Outcome(path, Became.KNOWN, held)
    publication = _publication(archive, path, stored, collection)
    product_id = publication.product.product_id
    if products.publish(archive, publication):
        return Outcome(path, Became.NEW, product_id)
    held = products.find_by_content(archive, stored.sha256)
    if held is None:
        raise Refused(f"{product_id} is held already, with another content: the first is kept")
    return Outcome(path, Became.KNOWN, held)


def _is_held(archive: Archive, product_id: str) -> bool:
    """Whether a product is there, none of its files known to be lost."""
    product = products.find(archive, product_id)
    return product is not None and all(artifact.lost is None for artifact in product.artifacts)


def _attempt(archive: Archive, path: Path, seen: Look, *, collection: str, settle: float) -> Outcome:
    """Take a file in, and remember what became of it but when it is postponed."""
    outcome = _taken(archive, path, collection=collection)
    if outcome.became is Became.REFUSED and intake.is_young(seen, settle):
        outcome = replace(outcome, became=Became.POSTPONED)
    if outcome.became is Became.REFUSED:
        log.warning("refused", path=written(path), reason=outcome.reason)
    if outcome.became is not Became.POSTPONED and not path.is_dir():
        intake.remember_all(archive.database, [Seen(path, seen, outcome.key, outcome.reason)], kind=KIND)
    return outcome


def _taken(archive: Archive, path: Path, *, collection: str) -> Outcome:
    try:
        return ingest_product(archive, path, collection=collection)
    except Refused as error:
        return Outcome(path, Became.REFUSED, reason=error.message)
    except StoreError as error:
        log.warning("not stored", path=written(path), reason=error.message)
        return Outcome(path, Became.POSTPONED, reason=error.message)
    except exc.OperationalError:  # the database is away: no file's fault
        raise
    except Exception as error:  # one odd file must not stop the rest
        log.exception("failed", path=written(path))
        words = " ".join(f"{type(error).__name__}: {error}".split())
        return Outcome(path, Became.REFUSED, reason=f"a fault of ours: {words}")


def _below(folder: Path) -> Iterator[Path]:
    unreadable: list[OSError] = []
    for parent, _, names in os.walk(folder, onerror=unreadable.append):
        files = (Path(parent, name) for name in names if name.lower().endswith(headers.ENDINGS))
        yield from (file for file in files if file.is_file())
    yield from (Path(error.filename) for error in unreadable)


def _read(path: Path) -> _Contents:
    """Read everything but the voxels.

    Raises
    ------
    Refused
        With the one reason why the file is neither a cube of MUSE nor maps of one.
    """
    if path.is_dir():
        raise Refused("the folder cannot be read")
    try:
        hdus = read_structure(path)
        primary, _ = headers.readable(hdus[0].header)
        found = between(primary, frozenset(hdu.name for hdu in hdus))
        if found is not None:
            return _Contents(found.product_id, found.facts, (), primary, _texts(path, hdus))
        if is_maps(hdu.name for hdu in hdus):
            return _Contents(None, maps_facts(path, primary), (), primary, _texts(path, hdus))
        with Cube(path) as cube:
            odd = tuple(oddities(cube, _stat_unit(hdus)))
            header, _ = headers.readable(cube.primary)
            return _Contents(None, facts(cube), odd, header, _texts(path, hdus))
    except ValueError as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"cannot be read: {error.strerror or error}") from error


def _publication(archive: Archive, path: Path, stored: Stored, collection: str) -> Publication:
    contents = _read(archive.store.get(stored.sha256))
    contents.facts.update(named(path.name, observations.all_naming_rules(archive.database)))
    product_id = contents.product_id or f"{_stem(path)}-{stored.sha256[:8]}"
    programme_id = contents.facts["programme_id"]
    made_by, used, earlier = activities(contents.header, product_id=product_id)
    return Publication(
        product=_product(archive, product_id, contents, collection),
        files=[
            NewFile(
                stored=stored,
                artifact_id=f"{product_id}.fits",
                file_name=written(path.name),
                media_type=FITS,
                headers=contents.texts,
            )
        ],
        activity=made_by,
        used=used,
        earlier=earlier,
        programme=_programme(programme_id),
        exposures=_exposures(contents.header, programme_id),
        findings=[
            Finding(origin=f"product:{product_id}", kind=o.kind, subject=product_id, message=o.message)
            for o in contents.oddities
        ],
        once=True,
    )


def _product(archive: Archive, product_id: str, contents: _Contents, collection: str) -> Product:
    """Tie the product to a galaxy of the survey when its name is one."""
    name = (contents.facts["target_name"] or "").replace(" ", "").upper()
    target = name if observations.has_target(archive.database, name) else None
    simulated = int(contents.header.get("SIMULATE") is True)
    return Product(product_id=product_id, collection=collection, target=target, simulated=simulated, **contents.facts)


def _programme(programme_id: str | None) -> Programme | None:
    return None if programme_id is None else Programme(programme_id=programme_id)


def _exposures(header: Mapping[str, Any], programme_id: str | None) -> list[Exposure]:
    """The primary header of a pipeline's product is, for the most part, that of its first raw frame."""
    dp_id = headers.dp_id(header)
    if dp_id is None or not dp_id.startswith("MUSE."):
        return []
    told = headers.fields(header)
    told["raw_tag"] = raw_tag(told["dp_cat"], told["dp_type"])
    return [Exposure(dp_id=dp_id, programme_id=programme_id, **told)]


def _texts(path: Path, hdus: tuple[Hdu, ...]) -> tuple[HeaderText, ...]:
    """The headers as they stand in the file: also cards that cannot be read are kept."""
    texts = []
    start = 0
    with path.open("rb") as file:
        for number, hdu in enumerate(hdus):
            file.seek(start)
            texts.append(HeaderText(number, hdu.name or None, _cards(file.read(hdu.data_offset - start))))
            start = hdu.data_offset + -(-hdu.data_size // BLOCK) * BLOCK
    return tuple(texts)


def _cards(header: bytes) -> str:
    """One card a line up to END; bytes that no header should hold are written as escapes."""
    cards = [header[place : place + CARD] for place in range(0, len(header), CARD)]
    lines = (card.decode("ascii", "backslashreplace").rstrip() for card in cards)
    found = []
    for line in lines:
        if line == "END":
            break
        found.append("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line))
    return "\n".join(found)


def _stat_unit(hdus: tuple[Hdu, ...]) -> str | None:
    units = [text(hdu.header, "BUNIT") for hdu in hdus if hdu.name == "STAT"]
    return units[0] or None if units else None


def _stem(path: Path) -> str:
    """The file's name without ending, reduced to what is safe in an address."""
    bare = headers.strip_ending(path.name)
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-+") else "_" for c in bare)
