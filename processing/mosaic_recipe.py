"""How a mosaic is combined, as a value that travels: whoever has it and the store can make any part of the mosaic."""

from collections.abc import Sequence
from dataclasses import dataclass

from processing.exposure_stack import ExposureCube, ExposureStack
from processing.science.convolution import Convolver
from processing.science.correlated_noise import Correlation
from processing.science.kernels import Kernels, Recipe
from processing.science.mosaic import Clipping, Combination, Weighting
from processing.science.psf import Psf

__all__ = ["MosaicRecipe", "Smoothing"]


@dataclass(frozen=True)
class Smoothing:
    """How one exposure is brought to another PSF: its own, the FWHM and pixel in arcsec, its noise's correlation."""

    psf: Psf
    fwhm: float
    pixel: float
    recipe: Recipe
    before: Correlation

    def identity(self) -> list[object]:
        """Return, as JSON has it, what tells this from any other."""
        return [repr(self.psf), self.fwhm, self.pixel, repr(self.recipe), self.before.values.tolist()]


@dataclass(frozen=True)
class MosaicRecipe:
    """The exposures, how each is smoothed (none: not at all), and how they are combined."""

    exposures: tuple[ExposureCube, ...]
    smoothing: tuple[Smoothing, ...]
    weighting: Weighting
    clipping: Clipping

    def prepare(self, stack: ExposureStack) -> Combination:
        """Have the exposures smoothed as they are read, and return the mosaic in the making."""
        if self.smoothing:
            stack.convolve_by(_convolvers(self.smoothing, stack))
        return Combination(
            stack.footprints(),
            [one.exptime for one in self.exposures],
            stack.shape[1:],
            depth=stack.depth(),
            weighting=self.weighting,
            clipping=self.clipping,
        )


def _convolvers(smoothing: Sequence[Smoothing], stack: ExposureStack) -> list[Convolver]:
    """Return one an exposure; those of one pointing share their kernels."""
    kernels = {(one.psf, one.fwhm): Kernels(one.psf, one.fwhm, one.pixel, one.recipe) for one in smoothing}
    return [
        Convolver(kernels[one.psf, one.fwhm], (place.ny, place.nx), one.before)
        for one, place in zip(smoothing, stack.footprints(), strict=True)
    ]
