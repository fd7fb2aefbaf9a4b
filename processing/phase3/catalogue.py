"""What the archive knows of a cube, and what is measured on it, as the facts that its header tells."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from archive import provenance
from archive.archive import Archive
from archive.cube import Cube
from archive.errors import Refused
from archive.fits_structure import number, text
from musevault import __version__
from processing.phase3.axes import Axes
from processing.phase3.collection import Collection
from processing.phase3.facts import ASTROMETRIC_ERROR, WAVELENGTH_ERROR, Contribution, Facts
from processing.phase3.measuring import measure, median_exposure, point_source
from processing.phase3.profiles import Role
from processing.phase3.sources import contributions, exposures_of
from schema.products import Product, Resolution

__all__ = ["facts_of"]

LONGEST: Final = 68


def facts_of(archive: Archive, collection: Collection) -> Facts:
    """Return what the archive knows of the cube of a collection, and what is measured on it.

    Raises
    ------
    Refused
        Too little is known for a header, or the cube or its white image cannot be measured.
    """
    product, target = collection.cube.product, collection.record.target
    parts = contributions(archive, product)
    exposures = [one for _, one in exposures_of(archive, product) if one is not None]
    given = product.spatial_resolution
    if given is None and collection.resolution is Resolution.COPT:
        given = target.copt_fwhm
    white = collection.find(Role.WHITE)
    if white is None:
        raise Refused(f"the archive does not have the white image of {collection.cube.name}")
    with Cube(collection.cube.path) as cube:
        ra, dec = _centre(cube)
        resolution = point_source(exposures, collection.record.pointings, given)
        return Facts(
            object=target.name,
            ra=ra,
            dec=dec,
            contributions=parts,
            exptime=_exptime(collection, parts),
            procsoft=_software(archive, product, cube),
            date=datetime.now(UTC),
            radesys=Axes.of(cube.header, cube.primary).radesys,
            specsys=text(cube.header, "SPECSYS") or text(cube.primary, "SPECSYS") or "BARYCENT",
            reference=collection.record.release.bibcode or "",
            measured=measure(cube, white.path, mode=product.ins_mode, resolution=resolution),
            systemic_velocity=target.systemic_velocity,
            astrometric_error=_said(cube, "CSYER1", ASTROMETRIC_ERROR),
            wavelength_error=_said(cube, "CRDER3", WAVELENGTH_ERROR),
            simulated=bool(product.simulated),
        )


def _exptime(collection: Collection, parts: Sequence[Contribution]) -> float:
    """Return the median of the exposure map; without one what the catalogue has, which is no more than all together."""
    if collection.exposure_map is not None:
        return median_exposure(collection.exposure_map.path)
    total = sum(one.exptime for one in parts)
    return min(collection.cube.product.exptime or total, total)


def _centre(cube: Cube) -> tuple[float, float]:
    """Return the centre of the field in the frame of the cube's own axes."""
    _, ny, nx = cube.shape
    ra, dec = cube.celestial.all_pix2world((nx - 1) / 2, (ny - 1) / 2, 0)
    return float(ra) % 360, float(dec)


def _said(cube: Cube, keyword: str, otherwise: float) -> float:
    """Return an error that the cube itself tells, or else that of the survey: ESO's pipeline writes -1 for none."""
    value = number(cube.header, keyword, -1.0)
    return value if value > 0 else otherwise


def _software(archive: Archive, product: Product, cube: Cube) -> str:
    steps = provenance.history(archive, product.product_id)
    by_activity = steps[0].activity.software if steps else None
    return (text(cube.primary, "PROCSOFT") or by_activity or f"musevault/{__version__}")[:LONGEST]
