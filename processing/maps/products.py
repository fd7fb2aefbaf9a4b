"""What is made of a cube here, as products: its bins with their stars, and its maps."""

from collections.abc import Iterator, Sequence
from typing import Final

from archive import observations
from archive.archive import Archive
from processing.names import image_id
from processing.task import Item
from schema.products import Product

__all__ = [
    "MAPS_KIND",
    "STARS_KIND",
    "file_name",
    "is_fitted",
    "key_of",
    "maps_item",
    "maps_product",
    "stars_item",
    "stars_product",
]

STARS_KIND: Final = "stars"
MAPS_KIND: Final = "maps"
CUBE: Final = "_DATACUBE_"
FIRST, LAST = 5000e-10, 6800e-10
"""Metres: a cube that lacks these is none whose stars can be fitted, at any redshift of the survey."""

COARSEST: Final = 3e-10
"""Metres from one plane to the next: no lines are seen in wider steps."""

MAP_BYTES: Final = 800
"""A spaxel, of all maps."""

PIXEL_BYTES: Final = 10
"""Of a bin's flux, variance, and fit."""

INHERITED: Final = (
    "collection", "target", "target_name", "resolution", "ra", "dec", "footprint", "field_of_view", "pixel_scale",
    "spatial_resolution", "n_x", "n_y", "mjd_start", "mjd_end", "exptime", "facility", "instrument", "ins_mode",
    "run_id", "programme_id", "n_exposures", "simulated", "wavelength_min", "wavelength_max", "wavelength_kind",
    "resolving_power",
)  # fmt: skip


def is_fitted(cube: Product) -> bool:
    """Tell whether a cube has the wavelengths that are fitted."""
    low, high = cube.wavelength_min, cube.wavelength_max
    if low is None or high is None or low > FIRST or high < LAST:
        return False
    return cube.n_wavelength is None or (high - low) / max(1, cube.n_wavelength - 1) <= COARSEST


def key_of(product: Product) -> str | None:
    """Return which cube something belongs to, the cube itself or its stars; None for a cube that is not fitted."""
    if product.kind == STARS_KIND:
        return product.product_id
    return stars_product(product).product_id if is_fitted(product) else None


def stars_product(cube: Product) -> Product:
    """The bins of a cube with their spectra and stars."""
    return Product(
        product_id=_named(cube, "STARS"),
        kind=STARS_KIND,
        title=f"{cube.target_name or cube.product_id}, spectra and stellar kinematics of bins",
        calib_level=4,
        **{name: getattr(cube, name) for name in INHERITED},
    )


def maps_product(cube: Product) -> Product:
    """The maps of a cube."""
    return Product(
        product_id=_named(cube, "MAPS"),
        kind=MAPS_KIND,
        title=f"{cube.target_name or cube.product_id}, maps of stellar kinematics and emission lines",
        prodcatg="ANCILLARY.IMAGE",
        calib_level=4,
        **{name: getattr(cube, name) for name in INHERITED},
    )


def stars_item(inputs: Sequence[Item]) -> Iterator[Item]:
    """Yield the stars of a cube."""
    (cube,) = inputs
    yield Item(stars_product(cube.product), PIXEL_BYTES * 1720 * _spaxels(cube.product) // 20)


def maps_item(inputs: Sequence[Item]) -> Iterator[Item]:
    """Yield the maps of a cube."""
    cube = next(item.product for item in inputs if item.product.kind == "cube")
    yield Item(maps_product(cube), MAP_BYTES * _spaxels(cube))


def file_name(archive: Archive, release_id: str | None, product: Product) -> str:
    """Return how the release calls maps, or how we do."""
    rules = observations.naming_rules(archive.database, release_id) if release_id else []
    pattern = next((r.pattern for r in rules if r.kind == MAPS_KIND and r.resolution == product.resolution), None)
    if pattern is None or ("{psf}" in pattern and product.spatial_resolution is None):
        return f"{product.product_id}.fits"
    return pattern.format(target=product.target, psf=f"{product.spatial_resolution or 0.0:.2f}")


def _named(cube: Product, what: str) -> str:
    if CUBE in cube.product_id:
        return cube.product_id.replace(CUBE, f"_{what}_")
    return image_id(cube, "").replace("_IMAGE_", f"_{what}")


def _spaxels(cube: Product) -> int:
    return (cube.n_x or 0) * (cube.n_y or 0)
