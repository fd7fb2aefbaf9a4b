"""Small files of maps as the release has them: what is in them is made up, how they are laid out is not."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive import products
from archive.archive import Archive
from archive.products import NewFile, Publication
from schema.products import Product
from schema.provenance import Activity
from tests.support.cubes import AXES

Array = NDArray[np.float64]

RA, DEC = 185.73, 15.82
LINES: Final = ("HB4861", "OIII4958", "OIII5006", "NII6548", "HA6562", "NII6583", "SII6716", "SII6730")


def images(shape: tuple[int, int] = (30, 40), *, seed: int = 1, more: bool = False) -> dict[str, Array]:
    """Draw all images of a file: bins of 5 x 5 spaxels, an empty corner, and values that tell their place."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape)
    number = (y // 5) * (shape[1] // 5) + x // 5.0
    found: dict[str, Array] = {"BIN_ID": number}
    for name, level in (("V_STARS", 0), ("FORM_ERR_V_STARS", 5), ("SIGMA_STARS", 80), ("FORM_ERR_SIGMA_STARS", 6)):
        found[name] = level + number / 10
    for line in LINES:
        for what, level in (
            ("FLUX", 500),
            ("FLUX_ERR", 10),
            ("VEL", 5),
            ("VEL_ERR", 2),
            ("SIGMA", 55),
            ("SIGMA_ERR", 3),
        ):
            found[f"{line}_{what}"] = level * rng.uniform(0.5, 1.5, shape)
    if more:
        found |= {
            "SNR": rng.uniform(5, 50, shape),
            "HA6562_FLAGS": (x % 4).astype(np.float64),
            "EBV_STARS": number / 1e3,
        }
    for image in found.values():
        image[:3, :3] = np.nan
    found["V_STARS"][min(10, shape[0] - 1), min(10, shape[1] - 1)] = np.nan
    return found


def axes(shape: tuple[int, ...], *, scale: float = 0.2) -> fits.Header:
    """Return where the images lie."""
    known = {name: value for name, value in AXES.items() if not name.endswith("3") and name not in {"BUNIT", "CD3_3"}}
    known |= {"CRVAL1": RA, "CRVAL2": DEC, "CRPIX1": (shape[1] + 1) / 2, "CRPIX2": (shape[0] + 1) / 2}
    return fits.Header({**known, "CD1_1": -scale / 3600, "CD2_2": scale / 3600})


def write(path: Path, made: dict[str, Array], *, scale: float = 0.2, **primary: Any) -> Path:
    """Write a file of maps."""
    header = axes(made["BIN_ID"].shape, scale=scale)
    first = fits.PrimaryHDU(header=fits.Header({"INSTRUME": "MUSE", "REDSHIFT": 1572.0, **primary}))
    hdus = [first, *(fits.ImageHDU(image, header, name=name) for name, image in made.items())]
    fits.HDUList(hdus).writeto(path)
    return path


def publish(
    archive: Archive, path: Path, name: str = "NGC4321_MAPS_native", *, replaces: bool = False, **more: Any
) -> None:
    """Publish a file of maps."""
    products.publish(archive, publication(archive, path, name, replaces=replaces, **more))


def publication(
    archive: Archive, path: Path, name: str = "NGC4321_MAPS_native", *, replaces: bool = False, **more: Any
) -> Publication:
    """Store a file of maps, and return what is to be published of it."""
    given: dict[str, Any] = {"target": "NGC4321", "target_name": "NGC4321", "resolution": "native", **more}
    product = Product(
        product_id=name, kind="maps", title=name, collection="SIM", calib_level=4, simulated=1, ra=RA, dec=DEC, **given
    )
    stored = archive.store.put(path)
    activity = Activity(activity_id=f"{name} {stored.sha256}", name="unknown", parameters={})
    new = NewFile(stored, f"{name}.fits", path.name, "application/fits")
    return Publication(product, [new], activity, replaces=replaces)
