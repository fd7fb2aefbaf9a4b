"""An alignment as a file: the pipeline's OFFSET_LIST with more columns, then the bands that are masked.

Signs are the pipeline's: it takes RA_OFFSET and DEC_OFFSET off the header's position, in degrees of the coordinates.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from astropy.io import fits

from musevault import __version__
from processing.aligning import Band

__all__ = ["AlignmentRecord", "read", "write", "write_offsets"]


@dataclass(frozen=True)
class AlignmentRecord:
    """What the file says of one exposure; see ``schema.alignment`` for meanings and units."""

    dp_id: str
    date_obs: str
    mjd_obs: float
    filter: str
    reference_id: str
    ra_offset: float
    dec_offset: float
    rotation: float
    flux_scale: float
    background: float
    sky_level: float
    sky_factor: float
    quality: str
    origin: str
    note: str | None = None
    offset_error: float | None = None
    rotation_error: float | None = None
    flux_scale_error: float | None = None
    background_error: float | None = None
    sky_factor_error: float | None = None
    correlation: float | None = None
    significance: float | None = None
    n_chunks: int | None = None
    n_rejected: int | None = None
    chi2: float | None = None
    trails: tuple[Band, ...] = ()

    @classmethod
    def from_row(cls, row: fits.FITS_record, trails: Sequence[Band]) -> Self:
        """Read a row of the table; empty texts and NaN are what is not known."""
        values: dict[str, Any] = {}
        for field in fields(cls):
            if field.name == "trails":
                continue
            value = row[field.name.upper()]
            if isinstance(value, str):
                values[field.name] = value.strip() or None
            elif field.name.startswith("n_"):
                values[field.name] = int(value) if value >= 0 else None
            else:
                values[field.name] = None if np.isnan(value) else float(value)
        return cls(trails=tuple(trails), **values)


def write(record: AlignmentRecord, target: BinaryIO, *, simulated: bool = False) -> None:
    """Write the file of an exposure."""
    primary = fits.PrimaryHDU()
    primary.header["ARCFILE"] = (f"{record.dp_id}.fits", "exposure that it is of")
    primary.header["PROCSOFT"] = (f"musevault/{__version__}", "data reduction software")
    if simulated:
        primary.header["SIMULATE"] = (True, "not observed")
    fits.HDUList([primary, _table([record]), _trails(record.trails)]).writeto(target, checksum=True)


def write_offsets(records: Sequence[AlignmentRecord], path: Path) -> None:
    """Write the OFFSET_LIST of several exposures for the pipeline."""
    fits.HDUList([fits.PrimaryHDU(), _table(records)]).writeto(path)


def read(path: Path) -> AlignmentRecord:
    """Read the file of an exposure."""
    with fits.open(path, memmap=False) as hdus:
        bands = [
            Band(
                (float(row["RA_START"]), float(row["DEC_START"])),
                (float(row["RA_STOP"]), float(row["DEC_STOP"])),
                float(row["WIDTH"]),
                None if np.isnan(row["SIGNIFICANCE"]) else float(row["SIGNIFICANCE"]),
            )
            for row in hdus["TRAILS"].data
        ]
        return AlignmentRecord.from_row(hdus["OFFSETS"].data[0], bands)


def _table(records: Sequence[AlignmentRecord]) -> fits.BinTableHDU:
    """The names that the pipeline knows are DATE_OBS, MJD_OBS, RA_OFFSET, DEC_OFFSET and FLUX_SCALE."""
    units = {"ra_offset": "deg", "dec_offset": "deg", "rotation": "deg", "mjd_obs": "s", "offset_error": "arcsec"}
    columns = []
    for field in fields(AlignmentRecord):
        if field.name == "trails":
            continue
        values = [asdict(record)[field.name] for record in records]
        columns.append(_column(field.name, values, units.get(field.name)))
    return fits.BinTableHDU.from_columns(columns, name="OFFSETS")


def _column(name: str, values: Sequence[Any], unit: str | None) -> fits.Column:
    if name in {"dp_id", "date_obs", "filter", "reference_id", "quality", "origin", "note"}:
        texts = ["" if value is None else str(value) for value in values]
        length = 23 if name == "date_obs" else max(1, *(len(text.encode()) for text in texts))
        return fits.Column(name.upper(), f"{length}A", array=np.array(texts))
    if name.startswith("n_"):
        return fits.Column(name.upper(), "J", array=[-1 if value is None else value for value in values])
    return fits.Column(name.upper(), "D", unit=unit, array=[np.nan if value is None else value for value in values])


def _trails(bands: Sequence[Band]) -> fits.BinTableHDU:
    rows = {
        "RA_START": [band.start[0] for band in bands],
        "DEC_START": [band.start[1] for band in bands],
        "RA_STOP": [band.stop[0] for band in bands],
        "DEC_STOP": [band.stop[1] for band in bands],
        "WIDTH": [band.width for band in bands],
        "SIGNIFICANCE": [np.nan if band.significance is None else band.significance for band in bands],
    }
    units = {"WIDTH": "arcsec", "SIGNIFICANCE": None}
    columns = [fits.Column(n, "D", unit=units.get(n, "deg"), array=np.array(v, float)) for n, v in rows.items()]
    return fits.BinTableHDU.from_columns(columns, name="TRAILS")
