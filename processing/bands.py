"""The bands in which images of cubes are made: which of them a cube reaches, and what such an image is as a product."""

from collections.abc import Iterator, Sequence
from typing import Final

from processing.names import image_id
from processing.task import Item
from schema.products import Product

__all__ = ["WHITE", "image_product", "images", "memory"]

ANGSTROM: Final = 1e-10
WHITE: Final = "white"
BANDS: Final = {
    WHITE: (0.0, float("inf")),
    "SDSS_g": (3630.0, 5830.0),
    "SDSS_r": (5380.0, 7230.0),
    "SDSS_i": (6430.0, 8630.0),
}
"""Where each band lets light through, Angstrom."""

HEADERS_BYTES: Final = 30_000
PIXEL_BYTES: Final = 10
"""On disk: data, variance and quality, and the picture."""

BASE_MEMORY: Final = 512 * 2**20
"""Of the programs and libraries, and of slabs up to the size at which a slab is one plane."""

PIXEL_MEMORY: Final = 700
"""Bytes a pixel of the image: sums of four bands in double precision, the gap's, one plane, and the images as files."""


def images(inputs: Sequence[Item]) -> Iterator[Item]:
    """Yield the images of a cube, one for each band that its wavelengths reach into."""
    (cube,) = inputs
    low, high = cube.product.wavelength_min or 0.0, cube.product.wavelength_max or 0.0
    for band, (first, last) in BANDS.items():
        if low < last * ANGSTROM and high > first * ANGSTROM:
            size = HEADERS_BYTES + PIXEL_BYTES * _pixels(cube.product)
            yield Item(image_product(cube.product, band), size, {"filter": band})


def memory(inputs: Sequence[Item]) -> float:
    """Return how many bytes of memory the images of a cube may take."""
    return BASE_MEMORY + PIXEL_MEMORY * sum(_pixels(cube.product) for cube in inputs)


def image_product(cube: Product, band: str) -> Product:
    """An image inherits from its cube everything that is not of its own."""
    own = {"product_id", "kind", "title", "prodcatg", "filter", "n_wavelength", "resolving_power"}
    own |= {"footprint_spoly", "ingested", "wavelength_min", "wavelength_max"}
    inherited = {c.name: getattr(cube, c.name) for c in Product.__table__.columns if c.name not in own}
    first, last = BANDS.get(band, BANDS[WHITE])
    return Product(
        product_id=image_id(cube, band),
        kind="image",
        title=f"{cube.target_name or cube.product_id}, MUSE image in {'white light' if band == WHITE else band}",
        prodcatg=f"ANCILLARY.IMAGE{'.WHITELIGHT' if band == WHITE else ''}",
        filter=band,
        n_wavelength=1,
        wavelength_min=None if cube.wavelength_min is None else max(cube.wavelength_min, first * ANGSTROM),
        wavelength_max=None if cube.wavelength_max is None else min(cube.wavelength_max, last * ANGSTROM),
        **inherited,
    )


def _pixels(cube: Product) -> int:
    return (cube.n_x or 0) * (cube.n_y or 0)
