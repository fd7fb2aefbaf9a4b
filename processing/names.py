"""How products that are made here are called."""

from schema.products import Product

__all__ = ["image_id"]


def image_id(cube: Product, band: str) -> str:
    """Return the identifier of a cube's image in a band.

    The file names that a release prescribes put the band before the resolution; others put it at the end.
    """
    before, mark, after = cube.product_id.partition("_DATACUBE_")
    return f"{before}_IMAGE_{band}_{after}" if mark else f"{cube.product_id}_IMAGE_{band}"
