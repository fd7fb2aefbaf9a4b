"""How products that are made here are called, and as what they are used."""

from collections.abc import Iterable
from typing import Final

from schema.products import Product

__all__ = ["exposure_of", "image_id", "of_exposure", "role_of"]

ROLES: Final = {
    "pixtable": "PIXTABLE_OBJECT",
    "field_image": "IMAGE_FOV",
    "alignment": "OFFSET_LIST",
    "reference": "IMAGE_REFERENCE",
    "exposure_cube": "CUBE_EXPOSURE",
}
"""What products are used as, by their kind, in the words of the MUSE pipeline where it has one."""


def image_id(cube: Product, band: str) -> str:
    """Return the identifier of a cube's image in a band.

    The file names that a release prescribes put the band before the resolution; others put it at the end.
    """
    before, mark, after = cube.product_id.partition("_DATACUBE_")
    return f"{before}_IMAGE_{band}_{after}" if mark else f"{cube.product_id}_IMAGE_{band}"


OWN: Final = frozenset({"pixtable", "field_image", "alignment"})
"""Kinds of products that are of one exposure alone."""


def role_of(product: Product) -> str:
    """Return as what a product is used by the tasks."""
    return ROLES.get(product.kind, product.kind.upper())


def exposure_of(product: Product) -> str:
    """Return the identifier of the exposure that a step between raw frames and cubes belongs to, which begins its own.

    Those of ESO have no underscore.
    """
    return product.product_id.partition("_")[0]


def of_exposure(products: Iterable[Product], dp_id: str) -> list[Product]:
    """Return those products that are of an exposure, or of none in particular, such as sky and reference."""
    return [one for one in products if one.kind not in OWN or exposure_of(one) == dp_id]
