"""A night of MUSE with its calibration plan, and the masters that ESO gives for one of its frames."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from archive.archive import Archive
from archive.database import Database
from archive.products import NewFile, Publication, publish
from schema.calibrations import MasterCalibration
from schema.exposures import Exposure
from schema.products import Product
from schema.provenance import Activity

SCIENCE = "MUSE.2018-06-05T01:06:59.418"
ILLUM = "MUSE.2018-06-05T00:56:30.418"
MODE, READ = "WFM-AO-N", "SCI1.0"
EPOCH = datetime(1858, 11, 17)

PLAN = (
    # tag, start, frames, seconds between them
    ("SKYFLAT", "2018-06-04T22:20:00.123", 4, 60),
    ("STD", "2018-06-04T23:05:10.456", 1, 0),
    ("ILLUM", "2018-06-05T00:56:30.418", 1, 0),
    ("OBJECT", "2018-06-05T01:06:59.418", 3, 720),
    ("BIAS", "2018-06-05T10:01:00.100", 11, 60),
    ("DARK", "2018-06-05T10:30:00.200", 5, 1900),
    ("FLAT", "2018-06-05T13:20:00.300", 11, 60),
    ("ARC", "2018-06-05T14:00:00.400", 15, 60),
)
MASTERS = (
    "MASTER_BIAS", "MASTER_DARK", "MASTER_FLAT", "TRACE_TABLE", "WAVECAL_TABLE", "TWILIGHT_CUBE", "LSF_PROFILE",
    "GEOMETRY_TABLE", "ASTROMETRY_WCS", "ASTROMETRY_REFERENCE", "STD_RESPONSE", "STD_TELLURIC", "STD_FLUX_TABLE",
    "SKY_LINES", "EXTINCT_TABLE", "FILTER_LIST",
)  # fmt: skip
"""With the ILLUM, the 17 that ESO's service gives for the science frame, in the order in which it gave them."""


def frames(plan: tuple[tuple[str, str, int, int], ...] = PLAN, **changed: Any) -> Iterator[Exposure]:
    """The raw frames of a plan, 51 in the night's own."""
    for tag, start, count, step in plan:
        began = datetime.fromisoformat(start)
        template = began.replace(microsecond=0) - timedelta(seconds=20)
        for number in range(count):
            moment = began + timedelta(seconds=number * step)
            facts = {
                "dp_id": f"MUSE.{moment.isoformat(timespec='milliseconds')}",
                "known_from": "header",
                "raw_tag": tag,
                "mjd_obs": mjd(moment),
                "tpl_start": template,
                "tpl_expno": number + 1,
                "tpl_nexp": count,
                "ins_mode": MODE,
                "ins_field": "WFM",
                "detector_read_name": READ,
                "ifu_temperature": 12.0,
                "modified": moment,
            }
            yield Exposure(**{**facts, **changed})


def mjd(moment: datetime) -> float:
    """The modified Julian date of a time in UTC."""
    return (moment - EPOCH) / timedelta(days=1)


def add(database: Database, *rows: Any) -> None:
    """Write rows as they are."""
    with database.transaction() as session:
        session.add_all(rows)


def add_master(archive: Archive, dp_id: str, tag: str, moment: datetime | None, **changed: Any) -> None:
    """A master calibration with a file in the store."""
    publish_file(archive, dp_id, f"{tag}.fits", kind="calibration")
    facts = {"ins_mode": MODE, "ins_field": "WFM", "detector_read_name": READ, **changed}
    row = MasterCalibration(dp_id=dp_id, tag=tag, mjd_obs=None if moment is None else mjd(moment), **facts)
    add(archive.database, row)


def add_masters(archive: Archive) -> None:
    """The masters of the science frame: made from the calibrations beside it."""
    for number, tag in enumerate(MASTERS):
        add_master(archive, master_id(number), tag, datetime(2018, 6, 4, 10, number))


def master_id(number: int) -> str:
    """The identifier of a master, by its place in ``MASTERS``."""
    return f"M.MUSE.2018-06-08T10:49:18.{number:03d}"


def publish_file(archive: Archive, dp_id: str, name: str, *, kind: str) -> None:
    """A product with one small file."""
    stored = archive.store.write(lambda file: file.write(f"{dp_id} {name}".encode()))
    product = Product(product_id=dp_id, kind=kind, title=name, collection="MUSE", calib_level=1)
    activity = Activity(activity_id=dp_id, name="test", parameters={})
    publish(archive, Publication(product, [NewFile(stored, f"{dp_id}.fits", name, "application/fits")], activity))
