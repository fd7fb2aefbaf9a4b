"""What the headers of a mosaic tell: of its exposures, and what is measured while its planes pass."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from archive import survey
from archive.archive import Archive
from archive.errors import Refused
from archive.survey import TargetRecord
from musevault import __version__
from processing import bands
from processing.exposure_stack import ExposureStack
from processing.mosaic_products import EXPMAP
from processing.names import exposure_of, image_id
from processing.phase3.axes import Axes
from processing.phase3.facts import Contribution, Facts, Measured
from processing.phase3.headers import Content, Extension, headers_for
from processing.phase3.measuring import point_source
from processing.phase3.profiles import SDPS8, Role
from processing.science import phase3_numbers as numbers
from processing.science.bands import BandImages, white
from processing.science.mosaic import Coverage
from processing.task import Item
from schema.products import Product

__all__ = ["Measuring", "extensions_of", "facts_of", "headers_of"]


class Measuring:
    """What the header tells of a cube, measured as its planes pass."""

    def __init__(self, stack: ExposureStack) -> None:
        self._wavelengths: Final = stack.wavelengths()
        self._depth: Final = numbers.Depth()
        self._seen: Final = numbers.SeenThrough(self._wavelengths)
        self._white: Final = BandImages(
            {"white": white(self._wavelengths)}, self._wavelengths, stack.shape[1:], gap=None
        )

    def add(
        self, start: int, data: NDArray[np.float32], variance: NDArray[np.float32], mask: NDArray[np.bool_]
    ) -> None:
        """Look at the next planes."""
        self._depth.add(variance, mask)
        self._seen.add(start, data, mask)
        self._white.add(start, data, variance, mask)

    def measured(self, mode: str | None, pixel: float, resolution: tuple[float, float | None]) -> Measured:
        """Return what was measured.

        Raises
        ------
        Refused
            There is nothing in the cube.
        """
        limits = self._seen.limits(mode)
        if limits is None:
            raise Refused("no exposure has a value in the wavelengths of its mode")
        image = self._white.images()["white"]
        depth = numbers.limiting_magnitude(
            image.image, image.variance, ~image.mask, fwhm=resolution[0], pixel=pixel, wavelengths=limits
        )
        return Measured(
            wavelength_min=limits[0] / 10,
            wavelength_max=limits[1] / 10,
            resolving_power=numbers.resolving_power(sum(limits) / 2),
            sky_resolution=resolution[0],
            sky_resolution_error=resolution[1],
            limiting_magnitude=depth,
            pixel_noise=self._depth.noise(),
        )


def facts_of(
    archive: Archive,
    inputs: Sequence[Product],
    record: TargetRecord,
    stack: ExposureStack,
    cube: Product,
    seen: tuple[Measuring, Coverage] | None,
    *,
    fwhm: float | None = None,
) -> Facts:
    """Return what the header of a mosaic tells; before the planes have passed, without what is measured on them.

    Parameters
    ----------
    cube
        The mosaic.
    fwhm
        Of a point source in it, where that is given.
    """
    parts = tuple(_contribution(one) for one in inputs)
    frames = survey.exposures(archive.database, inputs[0], [part.dp_id for part in parts])
    own = {part.dp_id for part in parts}
    resolution = point_source([one for one in frames if one.dp_id in own], record.pointings, fwhm)
    axes = stack.axes()
    wcs = Axes.of(axes, stack.first.primary)
    centre = _centre(axes, stack.shape)
    pixel = abs(float(axes["CD2_2"])) * 3600
    target = str(inputs[0].target)
    wavelengths = stack.wavelengths()
    cube.wavelength_min, cube.wavelength_max = float(wavelengths[0]) * 1e-10, float(wavelengths[-1]) * 1e-10
    names = [*(item.product_id for item in bands.images([Item(cube, 0)])), image_id(cube, EXPMAP)]
    return Facts(
        object=target,
        ra=centre[0],
        dec=centre[1],
        contributions=parts,
        exptime=sum(part.exptime for part in parts) if seen is None else seen[1].typical,
        procsoft=f"musevault/{__version__}",
        date=datetime.now(UTC),
        radesys=wcs.radesys,
        specsys=str(stack.first.primary.get("SPECSYS", "BARYCENT")),
        reference=record.release.bibcode or "",
        measured=None if seen is None else seen[0].measured(inputs[0].ins_mode, pixel, resolution),
        associated=tuple(f"{name}.fits" for name in names),
        simulated=any(one.simulated for one in inputs),
    )


def headers_of(facts: Facts, extensions: Sequence[Extension]) -> tuple[fits.Header, dict[str, fits.Header]]:
    """Return the headers of the primary and, by name, of the extensions."""
    role = Role.BAND if facts.measured is None else Role.CUBE
    primary, *others = headers_for(SDPS8, role, facts, extensions)
    return primary, {one.name: header for one, header in zip(extensions, others, strict=True)}


def extensions_of(axes: fits.Header, stack: ExposureStack) -> list[Extension]:
    """Return the extensions of a mosaic on its axes."""
    whole = axes.copy()
    whole.insert(0, ("NAXIS", 3))
    place = Axes.of(whole, stack.first.primary)
    return [
        Extension("DATA", Content.DATA, place, "10**(-20)erg.s**(-1).cm**(-2).angstrom**(-1)"),
        Extension("STAT", Content.VARIANCE, place, "10**(-40)erg**2.s**(-2).cm**(-4).angstrom**(-2)"),
        Extension("DQ", Content.MASK, place),
    ]


def _contribution(product: Product) -> Contribution:
    if product.mjd_start is None or product.exptime is None:
        raise Refused(f"{product.product_id}: when and how long it was exposed is not known")
    return Contribution(exposure_of(product), product.mjd_start, product.exptime, product.run_id, product.eso_ob_id)


def _centre(axes: fits.Header, shape: tuple[int, int, int]) -> tuple[float, float]:
    ra, dec = WCS(axes).celestial.all_pix2world((shape[2] - 1) / 2, (shape[1] - 1) / 2, 0)
    return float(ra) % 360, float(dec)
