"""Write the products of galaxies as a submission to ESO: a folder of files under the names of the release.

Pixels stay bit for bit what they are; headers are those of a profile.  The folder is written beside its place, checked
as ESO would, and only then gets its name: what is there is whole and breaks no rule.
"""

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import structlog

from archive.archive import Archive
from archive.cube import NotACube
from archive.errors import Refused, StoreError
from archive.fits_structure import BrokenFits, read_structure
from processing.phase3.catalogue import facts_of
from processing.phase3.checker import Report, check
from processing.phase3.collection import Collection, Piece, collect
from processing.phase3.facts import Facts
from processing.phase3.fits_copy import copied
from processing.phase3.parts import parts_of
from processing.phase3.profiles import Profile, Role
from processing.phase3.rule import Severity

__all__ = ["Exported", "export"]

log = structlog.get_logger()

MOST_TOLD: Final = 5


@dataclass(frozen=True)
class Exported:
    """A submission: its folder, its files, what the check had to say, and what of the release it lacks."""

    folder: Path
    files: tuple[str, ...]
    size: int
    report: Report
    lacking: tuple[str, ...]


def export(
    archive: Archive, targets: Sequence[str], folder: Path, profile: Profile, *, is_partial: bool = False
) -> Exported:
    """Write the submission of some galaxies.

    Parameters
    ----------
    folder
        Must not be there, or be empty.
    is_partial
        Go without images, or without an exposure map, that the release has and the archive does not; never without the
        white image.

    Raises
    ------
    Refused
        The folder is there, a product is missing or cannot be described, or what was written breaks a rule.
    StoreError
        A file cannot be read or written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} is there already")
    collections = [one for target in dict.fromkeys(targets) for one in collect(archive, target, profile)]
    lacking = _lacking(collections, is_partial=is_partial)
    beside = folder.parent / f".{folder.name}.{uuid.uuid4().hex}.part"
    try:
        beside.mkdir(parents=True)
        paths = [path for one in collections for path in _write(archive, one, beside, profile)]
        report = _checked(paths, profile)
        size = sum(path.stat().st_size for path in paths)
        _sync(beside)
        beside.rename(folder)
        _sync(folder.parent)
    except OSError as error:
        raise StoreError(f"the submission cannot be written: {error.strerror or error}") from error
    except (NotACube, BrokenFits) as error:
        raise Refused(f"a file of the archive cannot be read: {error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    names = tuple(path.name for path in paths)
    log.info("exported", folder=str(folder), files=len(names), bytes=size, profile=profile.name)
    return Exported(folder, names, size, report, lacking)


def _lacking(collections: Sequence[Collection], *, is_partial: bool) -> tuple[str, ...]:
    lacking = tuple(name for one in collections for name in one.lacking)
    if lacking and not is_partial:
        raise Refused(f"the archive does not have {', '.join(lacking)}")
    for one in collections:
        if one.find(Role.WHITE) is None:
            raise Refused(f"the archive does not have the white image of {one.cube.name}")
    return lacking


def _checked(paths: Sequence[Path], profile: Profile) -> Report:
    report = check(paths, profile)
    errors = [one for one in report.violations if one.severity is Severity.ERROR]
    if errors:
        told = "; ".join(f"{one.file}: {one.rule_id}: {one.message}" for one in errors[:MOST_TOLD])
        more = f"; and {len(errors) - MOST_TOLD} more" if len(errors) > MOST_TOLD else ""
        raise Refused(f"what was written breaks rules: {told}{more}")
    return report


def _write(archive: Archive, collection: Collection, folder: Path, profile: Profile) -> Iterator[Path]:
    """Write the files of a collection, the cube first."""
    facts = facts_of(archive, collection)
    names = tuple(piece.name for piece in collection.others)
    yield _written(collection.cube, folder, profile, replace(facts, associated=names))
    for piece in collection.others:
        band = piece.product.filter if piece.role in {Role.WHITE, Role.BAND} else None
        yield _written(piece, folder, profile, facts.ancillary(sources=(collection.cube.name,), band=band))


def _written(piece: Piece, folder: Path, profile: Profile, facts: Facts) -> Path:
    hdus = read_structure(piece.path)
    try:
        parts = parts_of(piece, hdus, profile, facts)
    except ValueError as error:
        raise Refused(f"{piece.product.product_id}: {error}") from error
    target = folder / piece.name
    copied(piece.path, parts, target)
    return target


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
