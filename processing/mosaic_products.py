"""The mosaic of a galaxy and its exposure map as products: what is known of them from their exposures alone."""

from collections.abc import Sequence
from typing import Final

from processing.names import image_id
from processing.phase3.profiles import SDPS8, Role
from schema.products import Product, Resolution

__all__ = ["EXPMAP", "map_product", "mosaic_product"]

EXPMAP: Final = "expmap"
SMOOTH: Final = ", homogenised to one PSF"


def mosaic_product(inputs: Sequence[Product], resolution: str = Resolution.NATIVE) -> Product:
    """The mosaic at a resolution as it is known from its exposures alone."""
    first, target = inputs[0], str(inputs[0].target)
    starts = [one.mjd_start for one in inputs if one.mjd_start is not None]
    ends = [one.mjd_end for one in inputs if one.mjd_end is not None]
    modes, runs = {one.ins_mode for one in inputs}, {one.run_id for one in inputs}
    return Product(
        product_id=f"{target}_DATACUBE_{resolution}",
        kind="cube",
        title=f"{target}, MUSE mosaic of {len(inputs)} exposures{'' if resolution == Resolution.NATIVE else SMOOTH}",
        prodcatg=SDPS8.categories[Role.CUBE],
        collection=first.collection,
        target=first.target,
        target_name=first.target_name,
        resolution=str(resolution),
        calib_level=3,
        mjd_start=min(starts, default=None),
        mjd_end=max(ends, default=None),
        wavelength_min=first.wavelength_min,
        wavelength_max=first.wavelength_max,
        wavelength_kind="AWAV",
        facility=first.facility,
        instrument=first.instrument,
        ins_mode=first.ins_mode if len(modes) == 1 else None,
        run_id=first.run_id if len(runs) == 1 else None,
        programme_id=first.programme_id if len({one.programme_id for one in inputs}) == 1 else None,
        n_exposures=len(inputs),
        simulated=int(any(one.simulated for one in inputs)),
    )


def map_product(cube: Product) -> Product:
    """The exposure map of a mosaic."""
    same = (
        "collection",
        "target",
        "target_name",
        "ra",
        "dec",
        "footprint",
        "field_of_view",
        "pixel_scale",
        "n_x",
        "n_y",
    )
    also = ("mjd_start", "mjd_end", "exptime", "facility", "instrument", "ins_mode", "run_id", "programme_id")
    more = ("n_exposures", "simulated", "resolution", "calib_level", "wavelength_min", "wavelength_max")
    return Product(
        product_id=image_id(cube, EXPMAP),
        kind="image",
        title=f"{cube.target}, exposure map of the MUSE mosaic",
        prodcatg=SDPS8.categories[Role.EXPMAP],
        filter=EXPMAP,
        n_wavelength=1,
        flux_unit="s",
        **{name: getattr(cube, name) for name in (*same, *also, *more)},
    )
