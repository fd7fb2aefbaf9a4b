"""The exposures of an observing block as the pipeline takes them: tables, the nearest sky, the calibrations.

A block is one start of an observing template: its exposures of the target and those of the sky between them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archive import calibrations, products
from archive.archive import Archive
from archive.association import Association
from archive.association_rules import Mode
from archive.errors import Refused
from processing.esorex.frame import Frame
from processing.esorex.scipost import Exposure
from processing.names import exposure_of, role_of
from processing.task import own_file
from schema.products import Product

__all__ = ["CALIBRATIONS", "KINDS", "SKY", "Taken", "block_of", "take"]

KINDS: Final = frozenset({"pixtable", "sky_continuum", "sky_lines"})
"""What every reduction of a block takes."""

SKY: Final = ("sky_continuum", "sky_lines")
"""Of these, what the offset exposures of the block told."""

CALIBRATIONS: Final = frozenset({
    "ASTROMETRY_WCS", "LSF_PROFILE", "STD_RESPONSE", "STD_TELLURIC", "EXTINCT_TABLE", "RAMAN_LINES",
})  # fmt: skip
"""What muse_scipost takes beside pixel tables and sky."""

ASTROMETRY: Final = "ASTROMETRY_WCS"


@dataclass(frozen=True)
class Taken:
    """One exposure: its identifier, the product of its first table, what goes into the pipeline, and what was used."""

    dp_id: str
    product: Product
    exposure: Exposure
    sky: Mapping[str, Product]
    found: Mapping[str, Sequence[Product]]


def block_of(product: Product) -> str | None:
    """Return what products of one block have in common; None for those of no block."""
    return None if product.tpl_start is None else f"{product.target} {product.tpl_start.isoformat()}"


def take(archive: Archive, inputs: Sequence[Product], folder: Path) -> list[Taken]:
    """Return the exposures among the inputs of a job, their files linked into a folder under names that esorex takes.

    Raises
    ------
    Refused
        An exposure has no sky or no astrometry, or a calibration's file is not held.
    """
    folder.mkdir(exist_ok=True)
    tables: dict[str, list[Product]] = {}
    for product in inputs:
        if product.kind == "pixtable":
            tables.setdefault(exposure_of(product), []).append(product)
    trees = {t.files[0].dp_id: t for t in calibrations.associations(archive.database, list(tables), Mode.MASTER)}
    taken = []
    for dp_id, its_tables in tables.items():
        first = its_tables[0]
        sky = {kind: _nearest(inputs, kind, first) for kind in SKY}
        found = _calibrations(archive, trees.get(dp_id), dp_id)
        exposure = Exposure(
            tables=[_link(archive, table, folder) for table in its_tables],
            sky=[Frame(_link(archive, one, folder), role_of(one)) for one in sky.values()],
            calibrations=[Frame(_link(archive, one, folder), tag) for tag, several in found.items() for one in several],
        )
        taken.append(Taken(dp_id, first, exposure, sky, found))
    return taken


def _nearest(inputs: Sequence[Product], kind: str, table: Product) -> Product:
    """Return the sky that was taken nearest in time."""
    skies = [one for one in inputs if one.kind == kind]
    if not skies:
        raise Refused(f"{table.product_id}: its block has no {kind.upper()}")
    return min(skies, key=lambda one: abs((one.mjd_start or 0.0) - (table.mjd_start or 0.0)))


def _calibrations(archive: Archive, tree: Association | None, dp_id: str) -> dict[str, list[Product]]:
    wanted = [] if tree is None else [key for key in tree.calibrations if key[0] in CALIBRATIONS]
    found: dict[str, list[Product]] = {}
    for tag, name in wanted:
        product = products.find(archive, name)
        if product is None or own_file(product) is None:
            raise Refused(f"{dp_id} needs {tag} {name}, of which the archive does not hold the file")
        found.setdefault(tag, []).append(product)
    if ASTROMETRY not in found:
        raise Refused(f"{dp_id} has no {ASTROMETRY}: take one in with musevault ingest exposures")
    return found


def _link(archive: Archive, product: Product, folder: Path) -> Path:
    """Link a product's file under a name that says what it is."""
    file = own_file(product)
    if file is None:
        raise Refused(f"{product.product_id}: its file is lost")
    path = folder / f"{product.product_id}.fits"
    if not path.is_symlink():
        path.symlink_to(archive.store.get(file.sha256, file.location).absolute())
    return path
