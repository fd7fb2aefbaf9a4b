"""An alignment as a product: its file, and the rows that say the same, which come and go with it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from astropy.io import fits

from archive.archive import Archive
from archive.errors import Refused
from archive.products import NewFile, Publication
from processing import alignment_file
from processing.alignment_file import AlignmentRecord
from processing.image_file import header_texts
from processing.names import exposure_of
from processing.task import own_file
from schema.alignment import Alignment, Origin, TrailMask
from schema.base import Base
from schema.products import Product
from schema.provenance import Activity, Used

__all__ = ["KIND", "alignment_id", "file_of", "product_of", "publication", "rows_of"]

KIND: Final = "alignment"
FITS: Final = "application/fits"


def publication(
    archive: Archive,
    record: AlignmentRecord,
    like: Product,
    made_by: tuple[Activity, Sequence[Used]],
    *,
    remakes: bool = False,
    replaces: bool = False,
) -> Publication:
    """Return an alignment as it is published: its file, and the rows that say the same."""
    name = alignment_id(like)
    stored = archive.store.write(lambda target: alignment_file.write(record, target, simulated=like.simulated == 1))
    with fits.open(archive.store.get(stored.sha256)) as hdus:
        texts = header_texts(hdus)
    return Publication(
        product=product_of(like),
        files=[NewFile(stored, f"{name}.fits", f"{name}.fits", FITS, headers=texts)],
        activity=made_by[0],
        used=made_by[1],
        remakes=remakes,
        replaces=replaces,
        rows=rows_of(record, name),
    )


def rows_of(record: AlignmentRecord, product_id: str) -> list[Base]:
    """Return the rows that say what is in an alignment's file."""
    columns = {c.name for c in Alignment.__table__.columns} - {"product_id", "made"}
    now = datetime.now(UTC).replace(tzinfo=None)
    values = {name: getattr(record, name) for name in columns}
    rows: list[Base] = [Alignment(product_id=product_id, made=now, **values)]
    for number, band in enumerate(record.trails, start=1):
        (ra_start, dec_start), (ra_stop, dec_stop) = band.start, band.stop
        rows.append(
            TrailMask(
                dp_id=record.dp_id,
                number=number,
                product_id=product_id,
                ra_start=ra_start,
                dec_start=dec_start,
                ra_stop=ra_stop,
                dec_stop=dec_stop,
                width=band.width,
                significance=band.significance,
                origin=Origin.BY_HAND if band.significance is None else Origin.MEASURED,
            )
        )
    return rows


def alignment_id(product: Product) -> str:
    """Return how the alignment of an exposure is called, from any product of the exposure."""
    return f"{exposure_of(product)}_ALIGNMENT"


def file_of(archive: Archive, product: Product) -> Path:
    """Return where the file of a product is."""
    file = own_file(product)
    if file is None:
        raise Refused(f"{product.product_id}: its file is lost")
    return archive.store.get(file.sha256, file.location)


def product_of(like: Product) -> Product:
    """Return the product of an exposure's alignment, from any other of the exposure."""
    same = (
        "collection", "target", "target_name", "filter", "ra", "dec", "mjd_start", "mjd_end", "instrument", "ins_mode",
        "run_id", "programme_id", "eso_ob_id", "tpl_start", "simulated",
    )  # fmt: skip
    return Product(
        product_id=alignment_id(like),
        kind=KIND,
        title=f"{like.target_name or 'unnamed target'}, alignment of {exposure_of(like)}",
        calib_level=2,
        **{column: getattr(like, column) for column in same},
    )
