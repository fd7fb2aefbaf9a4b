"""Two overlapping pointings of a survey galaxy whose PSFs differ, with the same stars in both: exposure cubes."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archive import products
from archive.archive import Archive
from archive.products import NewFile, Publication
from processing.science.psf import AO_BETA, NO_AO_BETA, Psf
from schema.products import Product
from schema.provenance import Activity
from tests.support import exposure_cubes

Array = NDArray[np.float64]

TARGET: Final = "NGC1385"
UNIT: Final = "10**(-20)*erg/s/cm**2/Angstrom"
PIXEL: Final = 0.2
SIDE, SHIFT, ROWS = 130, 100, 100
"""Columns of a field, those between the two, rows."""

WAVELENGTHS: Final[Array] = 4900.0 + 100.0 * np.arange(42, dtype=np.float64)
SIGMA: Final = 2.0
FIELDS: Final[Mapping[str, tuple[str, int]]] = {
    "MUSE.2019-10-06T08:09:01.500": ("NGC1385-P01", 0),
    "MUSE.2019-10-06T08:20:11.001": ("NGC1385-P01", 0),
    "MUSE.2019-12-31T04:01:01.500": ("NGC1385-P02", SHIFT),
    "MUSE.2019-12-31T04:12:11.001": ("NGC1385-P02", SHIFT),
}
"""Pointing and first column of each exposure."""

STARS: Final = tuple((x + 0.3 * (y % 7) / 7, y + 0.1) for x in (20, 60, 105, 116, 160, 205) for y in (22, 48, 76))


def starts(archive: Archive) -> dict[str, datetime]:
    """The first block of each pointing in the survey's log."""
    from archive import survey

    record = survey.find_target(archive.database, TARGET)
    assert record is not None
    return {block.pointing_id: block.tpl_start for block in reversed(record.blocks)}


def psfs(archive: Archive) -> dict[str, Psf]:
    """The PSFs of both pointings as the log has them."""
    from archive import survey

    record = survey.find_target(archive.database, TARGET)
    assert record is not None
    return {
        one.pointing_id: Psf(one.psf_fwhm, AO_BETA if one.ao_mode == "AO" else NO_AO_BETA) for one in record.pointings
    }


def take_in(
    archive: Archive,
    folder: Path,
    *,
    truth: Mapping[str, Psf] | None = None,
    wavelengths: Array = WAVELENGTHS,
    **primary: Any,
) -> None:
    """Bring the exposures into an archive with the survey's log; their stars have the PSFs of the log, or others."""
    own, begun, rng = truth or psfs(archive), starts(archive), np.random.default_rng(6)
    for dp_id, (pointing, first) in FIELDS.items():
        light = np.array([sky(own[pointing], float(w)) for w in wavelengths])[:, :, first : first + SIDE]
        data = (light + rng.normal(0, SIGMA, light.shape)).astype(np.float32)
        variance = np.full(data.shape, np.float32(SIGMA**2))
        data[:, :6, :40] = np.nan  # the corner of a turned field
        data[7:8] = np.nan  # the notch of the lasers
        path = folder / f"{dp_id}.fits"
        exposure_cubes.write(
            path,
            data,
            variance,
            corner=(first, 0),
            primary={"HIERARCH ESO PRO REC1 PARAM2 VALUE": "nearest", **primary},
            CRVAL3=wavelengths[0],
            CD3_3=wavelengths[1] - wavelengths[0],
            BUNIT=UNIT,
        )
        publish(archive, dp_id, path, begun[pointing])


def sky(psf: Psf, wavelength: float) -> Array:
    """Stars on an even background, shape (ROWS, SHIFT + SIDE)."""
    y, x = np.indices((ROWS, SHIFT + SIDE), dtype=np.float64)
    light = np.full(x.shape, 30.0)
    for number, (x0, y0) in enumerate(STARS):
        flux = 20_000.0 * (1 + number % 4)
        light += flux * PIXEL**2 * psf.density(np.hypot(x - x0, y - y0) * PIXEL, wavelength)
    return light


def publish(archive: Archive, dp_id: str, path: Path, begun: datetime) -> None:
    """Publish the cube of an exposure."""
    name = f"{dp_id}_CUBE"
    product = Product(
        product_id=name,
        kind="exposure_cube",
        title=name,
        collection="SIM",
        target=TARGET,
        target_name=TARGET,
        calib_level=2,
        simulated=1,
        exptime=600.0,
        mjd_start=58762.3,
        mjd_end=58762.31,
        flux_unit=UNIT,
        ins_mode="WFM-AO-N",
        tpl_start=begun,
        n_y=ROWS,
        n_x=SIDE,
    )
    stored = archive.store.put(path)
    activity = Activity(activity_id=f"{name} {stored.sha256}", name="unknown", parameters={})
    new = NewFile(stored, f"{name}.fits", f"{name}.fits", "application/fits")
    products.publish(archive, Publication(product, [new], activity, replaces=True))
