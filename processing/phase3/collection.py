"""What of the archive goes into a submission: for each cube of a galaxy its images, exposure map and maps, and names.

Nothing is written here; ``export`` does that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archive import observations, survey
from archive.archive import Archive
from archive.errors import Refused
from archive.survey import TargetRecord
from processing.bands import WHITE
from processing.names import image_id
from processing.phase3.profiles import Profile, Role
from processing.task import own_file
from schema.products import NamingRule, Product, Resolution

__all__ = ["Collection", "Piece", "collect"]

EXPMAP: Final = "expmap"
"""Name of the exposure map where images have the name of their band."""


@dataclass(frozen=True)
class Piece:
    """A product that goes, where its file is, and how that will be called."""

    role: Role
    product: Product
    path: Path
    name: str


@dataclass(frozen=True)
class Collection:
    """A cube with all that belongs to it.

    Parameters
    ----------
    record, resolution
        Of the galaxy, and of the cube.
    cube, others
        What goes.
    exposure_map
        Whether it goes or not.
    lacking
        Files of the release that the archive does not have.
    """

    record: TargetRecord
    resolution: Resolution
    cube: Piece
    others: tuple[Piece, ...]
    exposure_map: Piece | None
    lacking: tuple[str, ...]

    def find(self, role: Role) -> Piece | None:
        """Return the first piece of a role."""
        return next((one for one in self.others if one.role is role), None)


def collect(archive: Archive, target: str, profile: Profile) -> list[Collection]:
    """Return what goes for a galaxy, a collection for each of its cubes.

    Raises
    ------
    Refused
        It is no galaxy of a release, or there is no cube of it, or more than one where there should be one.
    StoreError
        A file is not in the store.
    """
    record = survey.find_target(archive.database, target)
    if record is None:
        raise Refused(f"{target} is no galaxy of the survey")
    rules = observations.naming_rules(archive.database, record.release.release_id)
    found = [
        _collection(archive, record, profile, cube, _rules_of(rules, resolution))
        for resolution in Resolution
        if (cube := _cube(record, resolution, _rules_of(rules, resolution))) is not None
    ]
    if not found:
        raise Refused(f"{target}: the archive has no cube of its mosaic")
    return found


def _rules_of(rules: Sequence[NamingRule], resolution: Resolution) -> dict[str, NamingRule]:
    return {rule.kind: rule for rule in rules if rule.resolution == resolution}


def _cube(record: TargetRecord, resolution: Resolution, rules: dict[str, NamingRule]) -> Product | None:
    """Return the cube of a resolution: one that is of it, or else is called as the release has it."""
    rule = rules.get("cube")
    name = None if rule is None else _name(rule, record)
    cubes = [product for product in record.products if product.kind == "cube"]
    mine = [one for one in cubes if resolution == one.resolution or _is_called(one, name)]
    if len(mine) > 1:
        ids = ", ".join(sorted(one.product_id for one in mine))
        raise Refused(f"{record.target.name}: there are {len(mine)} {resolution} cubes: {ids}")
    if mine and rule is None:
        raise Refused(f"{record.target.name}: the release does not say how {resolution} cubes are called")
    return mine[0] if mine else None


def _is_called(product: Product, name: str | None) -> bool:
    file = own_file(product)
    return product.resolution is None and file is not None and file.file_name == name


def _collection(
    archive: Archive, record: TargetRecord, profile: Profile, cube: Product, rules: dict[str, NamingRule]
) -> Collection:
    held = {product.product_id: product for product in record.products}
    pieces, lacking = [], []
    for role, name, product in _wanted(record, cube, rules, held):
        if product is not None:
            pieces.append(_piece(archive, role, product, name))
        elif role in profile.roles and role is not Role.MAPS:
            lacking.append(name)
    return Collection(
        record,
        resolution=Resolution(rules["cube"].resolution),
        cube=_piece(archive, Role.CUBE, cube, _name(rules["cube"], record, cube)),
        others=tuple(piece for piece in pieces if piece.role in profile.roles),
        exposure_map=next((piece for piece in pieces if piece.role is Role.EXPMAP), None),
        lacking=tuple(lacking),
    )


def _wanted(
    record: TargetRecord, cube: Product, rules: dict[str, NamingRule], held: dict[str, Product]
) -> Iterator[tuple[Role, str, Product | None]]:
    """Yield what a release has with a cube: role, name of the file, and the product if there is one."""
    if images := rules.get("image"):
        for band in [*images.filters, EXPMAP]:
            role = {WHITE: Role.WHITE, EXPMAP: Role.EXPMAP}.get(band, Role.BAND)
            yield role, _name(images, record, cube, band), held.get(image_id(cube, band))
    if maps := rules.get("maps"):
        own = [one for one in held.values() if one.kind == "maps" and one.resolution == maps.resolution]
        yield Role.MAPS, _name(maps, record, cube), own[0] if own else None


def _name(rule: NamingRule, record: TargetRecord, cube: Product | None = None, band: str = "") -> str:
    """Return how the release calls a file; the width in it is that of the cube that is held, else the release's."""
    target = record.target
    fwhm = target.copt_fwhm if cube is None else cube.spatial_resolution or target.copt_fwhm
    return rule.pattern.format(target=target.name, filter=band, psf=f"{fwhm:.2f}")


def _piece(archive: Archive, role: Role, product: Product, name: str) -> Piece:
    file = own_file(product)
    if file is None:
        raise Refused(f"{product.product_id}: its file is lost")
    return Piece(role, product, archive.store.get(file.sha256, file.location), name)
