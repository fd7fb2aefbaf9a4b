"""What the chain makes as products of the archive: master calibrations, pixel tables of single IFUs, sky spectra.

Each is named by its first raw frame and its tag; masters are found by association from then on.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from astropy.io import fits

from archive import products
from archive.archive import Archive
from archive.products import NewFile, Publication
from processing.chain.merging import merge
from processing.chain.reduction import Reduced
from processing.chain.supply import Supply
from processing.image_file import header_texts
from processing.order import Work
from schema.calibrations import MasterCalibration
from schema.exposures import Exposure
from schema.products import Product, Role

__all__ = ["KINDS", "name_of", "product_of", "publish"]

KINDS: Final[Mapping[str, str]] = {
    "PIXTABLE_OBJECT": "pixtable",
    "SKY_CONTINUUM": "sky_continuum",
    "SKY_LINES": "sky_lines",
}
"""Kinds of products by tag; all others are calibrations."""

FOR_ALL_IFUS: Final = frozenset({"LSF_PROFILE"})
"""Calibrations of which the pipeline wants all IFUs in a file, whichever the data are of."""

FITS: Final = "application/fits"
TEXT: Final = "text/plain"
SECONDS_A_DAY: Final = 86400.0
ANGSTROM: Final = 1e-10
SIMULATED: Final = "SIMULATE"
LIMITS: Final = "ESO DRS MUSE PIXTABLE LIMITS LAMBDA"


def name_of(first: str, tag: str, ifu: int | None = None) -> str:
    """Return the identifier of what is made of raw frames, of which the first is named."""
    return f"{first}_{tag}" if ifu is None else f"{first}_{tag}-{ifu:02d}"


def publish(
    archive: Archive,
    work: Work,
    name: str,
    *,
    given: Mapping[str, Any],
    supplied: Supply,
    reduced: Reduced,
    folder: Path,
) -> None:
    """Publish one output of a job.

    Parameters
    ----------
    given
        Parameters of the output: its tag, and its IFU if it is of one.
    folder
        For a file in which those of the IFUs are put together.
    """
    tag, ifu = str(given["tag"]), given.get("ifu")
    files = reduced.files[tag]
    if ifu is not None:
        path = files[supplied.ifus.index(ifu)]
    elif len(files) > 1 or tag in FOR_ALL_IFUS:
        path = merge(files, folder / f"{tag}.fits", fill=tag in FOR_ALL_IFUS)
    else:
        (path,) = files
    if reduced.simulated:
        _mark(path)
    with fits.open(path, memmap=True) as hdus:
        texts, header = header_texts(hdus), hdus[0].header.copy()
    first = supplied.exposures[0]
    product = product_of(
        name, tag, first, frames=len(supplied.exposures), header=header, simulated=int(reduced.simulated)
    )
    stored = archive.store.put(path)
    file = NewFile(stored, f"{name}.fits", f"{name}.fits", FITS, headers=texts)
    used_as = {role: held for role, held in supplied.found.items() if role in reduced.used}
    activity, used = work.record(name, role=supplied.tag, software=reduced.software, found=used_as)
    rows = () if tag in KINDS else (_calibration(name, tag, first),)
    files_of = [file, _log(archive, name, reduced.logs)]
    products.publish(archive, Publication(product, files_of, activity, used, remakes=True, rows=rows))


def _mark(path: Path) -> None:
    """Say that a file comes of simulated frames where the pipeline has dropped the card that says it."""
    if fits.getheader(path).get(SIMULATED) is not True:
        with fits.open(path, mode="update", checksum=True) as hdus:
            hdus[0].header[SIMULATED] = (True, "simulated data")
            hdus[0].header["ORIGIN"] = ("SIM", "no observatory: simulated")


def product_of(
    name: str, tag: str, first: Exposure, *, frames: int = 1, header: fits.Header | None = None, simulated: int = 0
) -> Product:
    """Return what is made of raw frames as a product; without its header, as it can be known beforehand."""
    header = header or fits.Header()
    low, high = (header.get(f"{LIMITS} {end}") for end in ("LOW", "HIGH"))
    looks = tag in KINDS
    of = f"{frames} frames from {first.dp_id}" if frames > 1 else first.dp_id
    about = (
        f"{first.ob_target or first.object or 'unnamed target'}, MUSE {tag.replace('_', ' ').lower()} of {first.dp_id}"
    )
    return Product(
        product_id=name,
        kind=KINDS.get(tag, "calibration"),
        title=about if looks else f"{tag} of {of}",
        prodcatg=tag,
        collection="MUSE",
        calib_level=1 if looks else 2,
        target=first.target if looks else None,
        target_name=(first.ob_target or first.object) if looks else None,
        ra=first.ra if looks else None,
        dec=first.dec if looks else None,
        footprint=first.footprint if tag == "PIXTABLE_OBJECT" else None,
        mjd_start=first.mjd_obs,
        mjd_end=None
        if first.exptime is None or first.mjd_obs is None
        else first.mjd_obs + first.exptime / SECONDS_A_DAY,
        exptime=first.exptime,
        n_exposures=frames,
        wavelength_min=None if low is None else low * ANGSTROM,
        wavelength_max=None if high is None else high * ANGSTROM,
        wavelength_kind="AWAV" if looks else None,
        facility=first.telescope,
        instrument="MUSE",
        ins_mode=first.ins_mode,
        run_id=first.run_id,
        programme_id=first.programme_id,
        eso_ob_id=first.eso_ob_id,
        tpl_start=first.tpl_start,
        simulated=simulated,
    )


def _calibration(name: str, tag: str, first: Exposure) -> MasterCalibration:
    return MasterCalibration(
        dp_id=name,
        tag=tag,
        origfile=f"{tag}.fits",
        mjd_obs=first.mjd_obs,
        ins_mode=first.ins_mode,
        ins_field=first.ins_field,
        detector_read_name=first.detector_read_name,
    )


def _log(archive: Archive, name: str, logs: Sequence[str]) -> NewFile:
    """Keep what the pipeline said with what it made."""
    stored = archive.store.write(lambda target: target.write("\n".join(logs).encode()))
    return NewFile(stored, f"{name}.log", f"{name}.log", TEXT, role=Role.AUXILIARY)
