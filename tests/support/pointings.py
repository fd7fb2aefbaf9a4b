"""Exposures of a drawn field whose headers point wrong by a known amount, and the reference that shows it."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from tests.support.fields import SCALE, draw_field, expose

Array = NDArray[np.float64]

SIZE = 160
MIDDLE = (SIZE - 1) / 2
SKY = 70.0
POINTING = (14.0, -9.0)
"""Where the header points, pixels from the middle of the field."""


def wcs(ra: float = 54.37, dec: float = -24.5) -> WCS:
    made = WCS(naxis=2)
    made.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    made.wcs.crval = [ra, dec]
    made.wcs.crpix = [MIDDLE + 1, MIDDLE + 1]
    made.wcs.cd = [[-SCALE / 3600, 0.0], [0.0, SCALE / 3600]]
    made.wcs.set()
    return made


@dataclass(frozen=True)
class Truth:
    """Pixels that the header is off by, degrees, and ``reference = a x image + b``."""

    dx: float = 2.3
    dy: float = -3.1
    rotation: float = 0.2
    a: float = 1.08
    b: float = -4.0

    def there(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel truly is, both from the middle."""
        cosine, sine = np.cos(np.radians(self.rotation)), np.sin(np.radians(self.rotation))
        return cosine * x - sine * y + self.dx, sine * x + cosine * y + self.dy


def images(truth: Truth, *, seed: int = 7) -> tuple[Array, Array]:
    """An exposure of its own PSF, scale and background, noisier than the reference."""
    rng = np.random.default_rng(seed)
    field = draw_field(rng, size=SIZE, stars=12, knots=60)
    seen = expose(field, fwhm=3.2, beta=2.4, dx=truth.dx, dy=truth.dy, rotation=truth.rotation)
    noise = rng.normal(0, 2, (2, SIZE, SIZE))
    return (seen - truth.b) / truth.a + noise[0], expose(field, fwhm=4.4) + noise[1] / 2
