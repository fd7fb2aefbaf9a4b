"""Take the reference image of a galaxy in: the broad-band image that fixes positions and fluxes of its exposures."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from archive import intake, observations, products
from archive.archive import Archive
from archive.errors import Refused
from archive.intake import written
from archive.products import HeaderText, NewFile, Publication, activity_id
from ingest.headers import readable, text
from ingest.outcome import Became, Outcome
from schema.products import Product
from schema.provenance import Activity

__all__ = ["KIND", "ingest_reference"]

KIND: Final = "reference"
FITS: Final = "application/fits"


def ingest_reference(archive: Archive, path: Path, *, target: str, band: str | None = None, collection: str) -> Outcome:
    """Take an image in as the reference of a galaxy; another content takes the place of the one before.

    Parameters
    ----------
    path
        FITS file whose first image of two axes has celestial coordinates and a BUNIT.
    target
        Galaxy of the survey.
    band
        Name of its filter; by default what its header says.

    Raises
    ------
    Refused
        It is no such image, the galaxy is not known, or the filter is not said.
    """
    if not observations.has_target(archive.database, target):
        raise Refused(f"{target} is no galaxy of the survey")
    seen = intake.look(path)
    product, texts = _described(path, target=target, band=band, collection=collection)
    stored = archive.store.put(path)
    if intake.look(path) != seen:
        return Outcome(path, Became.POSTPONED, reason="changed while it was read")
    held = products.find_by_content(archive, stored.sha256)
    if held is not None:
        return Outcome(path, Became.KNOWN, held)
    identity = product.product_id
    file = NewFile(stored, f"{identity}.fits", written(path.name), FITS, headers=texts)
    activity = Activity(activity_id=activity_id("unknown", identity, stored.sha256), name="unknown", parameters={})
    products.publish(archive, Publication(product, [file], activity, replaces=True))
    return Outcome(path, Became.NEW, identity)


def _described(path: Path, *, target: str, band: str | None, collection: str) -> tuple[Product, tuple[HeaderText, ...]]:
    try:
        with fits.open(path, memmap=True) as hdus:
            hdu = next((one for one in hdus if one.is_image and one.header.get("NAXIS") == 2), None)
            if hdu is None:
                raise Refused("no image of two axes in it")
            texts = tuple(
                HeaderText(n, one.name or None, "\n".join(str(card).rstrip() for card in one.header.cards))
                for n, one in enumerate(hdus)
            )
            header = {**readable(hdus[0].header)[0], **readable(hdu.header)[0]}
            return _product(header, hdu.header, target=target, band=band, collection=collection), texts
    except (OSError, ValueError) as error:
        raise Refused(f"no image that can be read: {error}") from error


def _product(
    header: dict[str, Any], of_image: fits.Header, *, target: str, band: str | None, collection: str
) -> Product:
    name = band or text(header.get("FILTER", ""))
    if name is None:
        raise Refused("its header has no FILTER: say which with --filter")
    if text(header.get("BUNIT", "")) is None:
        raise Refused("its header has no BUNIT")
    wcs = WCS(of_image).celestial
    if not wcs.has_celestial:
        raise Refused("its axes have no celestial coordinates")
    ny, nx = of_image["NAXIS2"], of_image["NAXIS1"]
    corners = wcs.calc_footprint(axes=(nx, ny))
    ra, dec = (float(each) for each in wcs.all_pix2world((nx - 1) / 2, (ny - 1) / 2, 0))
    scale = float(np.mean(proj_plane_pixel_scales(wcs))) * 3600
    return Product(
        product_id=f"{target}_REFERENCE_{name}",
        kind=KIND,
        title=f"{target}, reference image in {name}",
        prodcatg=None,
        collection=collection,
        target=target,
        target_name=target,
        filter=name,
        calib_level=3,
        ra=ra % 360,
        dec=dec,
        footprint=[float(each) for each in corners.ravel()],
        pixel_scale=scale,
        n_x=nx,
        n_y=ny,
        flux_unit=str(header["BUNIT"]),
        simulated=int(header.get("SIMULATE") is True),
    )
