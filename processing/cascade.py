"""The whole processing on one page: which task makes which products from which inputs."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from archive.execution import Run
from processing import tasks
from processing.names import image_id
from schema.products import Product, Role

__all__ = ["TASKS", "BandImagesTask"]

ANGSTROM: Final = 1e-10

BANDS: Final = {tasks.WHITE: (0.0, float("inf")), "SDSS_r": (5380.0, 7230.0)}
"""The bands of which images are made, and where each lets light through, Angstrom."""


@dataclass(frozen=True)
class BandImagesTask:
    """From a cube to its images in broad bands."""

    name: str
    takes: str
    run: Run
    bands: Mapping[str, tuple[float, float]]

    def outputs(self, product: Product) -> Iterator[str]:
        """Yield the identifiers of the products that the task makes of one."""
        for band in self._covered(product):
            yield image_id(product, band)

    def is_done(self, product: Product, held: Collection[str]) -> bool:
        """Tell whether everything that the task makes of a product is there, its picture too."""
        shown = any(a.role == Role.PREVIEW for a in product.artifacts)
        return shown and all(output in held for output in self.outputs(product))

    def parameters(self, product: Product) -> dict[str, Any]:
        """Return what the task is called with."""
        return {"product": product.product_id, "filters": list(self._covered(product))}

    def _covered(self, product: Product) -> Iterator[str]:
        """Yield the bands that the product's wavelengths reach into."""
        low, high = product.wavelength_min or 0.0, product.wavelength_max or 0.0
        for band, (first, last) in self.bands.items():
            if low < last * ANGSTROM and high > first * ANGSTROM:
                yield band


TASKS: Final = (BandImagesTask("band_images", takes="cube", run=tasks.band_images, bands=BANDS),)
