"""A night of observations as rows: exposures of a block of the survey, calibrations, reports, weather, readings."""

import math
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from archive.database import Database
from schema.base import Base
from schema.calibrations import Association, AssociationMember
from schema.exposures import Exposure
from schema.findings import Finding
from schema.intake import Intake, Run
from schema.nights import Ambient, BlockReport, Constraint, Night, ReportedExposure, Weather
from schema.observations import ObservingBlock, Pointing, Programme
from schema.products import Artifact, Header, Product
from schema.provenance import Activity, Used, WasGeneratedBy, WasInformedBy

__all__ = ["BLOCK", "CUBE", "FIRST", "NIGHT", "PROGRAMME", "UNTIMED", "observe"]

PROGRAMME: Final = "1100.B-0651"
CUBE: Final = "cube-of-the-night"
ORDER: Final = "OSOOSO"
"""Objects and skies of a block, in turn."""

NIGHT: Final = "2018-06-04"
BEGIN: Final = datetime(2018, 6, 5, 1, 6, 59, 418000)
BLOCK_BEGAN: Final = datetime(2018, 6, 5, 0, 55)
FIRST: Final = "MUSE.2018-06-05T01:06:59.418"
UNTIMED: Final = "MUSE.of.unknown.time"
BLOCK: Final = "200134455_2018-06-05T00:55:00"


def observe(database: Database) -> str:
    """Write a night with a block of the survey; returns the observing block of the log that was exposed."""
    with database.transaction() as session:
        session.merge(Programme(programme_id=PROGRAMME))
        session.flush()
        pointing = session.get_one(Pointing, "NGC4254-P06")
        block = session.query(ObservingBlock).filter_by(pointing_id=pointing.pointing_id).first()
        assert block is not None
        exposures = [*_of_block(pointing, block.observing_block_id), *_by_day()]
        untimed = Exposure(dp_id=UNTIMED, known_from="product", target=pointing.target, object="NGC4254")
        session.add_all([*exposures, untimed, Night(night=NIGHT, **RANGES)])
        session.flush()
        session.add_all([*_weather(), *_readings(), *_report(exposures), *_calibrations(exposures)])
        _hold(session, exposures[0])
        session.add_all(_runs())
        session.add_all(_findings(block.observing_block_id))
        return block.observing_block_id


RANGES: Final = {
    "seeing_min": 0.45, "seeing_max": 1.12, "wind_min": 2.0, "wind_max": 9.5, "humidity_min": 5, "humidity_max": 22,
    "temperature_min": 10.5, "temperature_max": 14.7, "comment": "A good night.\nThin clouds towards its end.",
}  # fmt: skip


def _of_block(pointing: Pointing, block: str) -> list[Exposure]:
    """Four exposures of the object and two of the sky, ten arcsec and ten minutes apart."""
    made, rank = [], 0
    for number, letter in enumerate(ORDER):
        began = BEGIN + timedelta(minutes=13 * number)
        rank += letter == "O"
        ra, dec = pointing.ra + number * 3e-4, pointing.dec + (0.05 if letter == "S" else 2e-4 * number)
        made.append(
            Exposure(
                dp_id=f"MUSE.{began.isoformat(timespec='milliseconds')}",
                known_from="header",
                dp_cat="SCIENCE",
                dp_type="OBJECT" if letter == "O" else "SKY",
                dp_tech="IFU",
                raw_tag="OBJECT" if letter == "O" else "SKY",
                object="NGC4254",
                night=NIGHT,
                observing_block_id=block if letter == "O" else None,
                pointing_id=pointing.pointing_id if letter == "O" else None,
                target=pointing.target if letter == "O" else None,
                rank=rank if letter == "O" else None,
                in_mosaic=(rank != 4) * 1 if letter == "O" else None,
                programme_id=PROGRAMME,
                run_id=f"{PROGRAMME}(A)",
                eso_ob_id=200134455,
                ob_name="NGC4254_P06",
                ob_start=BLOCK_BEGAN,
                tpl_id="MUSE_wfm-ao_obs_genericoffsetLGS",
                tpl_start=BEGIN - timedelta(seconds=15),
                tpl_expno=number + 1,
                tpl_nexp=len(ORDER),
                instrument="MUSE",
                telescope="ESO-VLT-U4",
                ins_mode="WFM-AO-N",
                ao_mode="AO",
                ins_filter="Blue-Na2",
                ins_field="WFM",
                rotator_mode="SKY",
                rotator_angle=30.0,
                detector_read_name="SCI1.0",
                detector_binning_x=1,
                detector_binning_y=1,
                channels_present=24,
                channels_live=24,
                sparta_tables=1,
                ra=ra,
                dec=dec,
                footprint=_square(ra, dec),
                mjd_obs=58274.046521 + 13 * number / 1440,
                exp_start=began,
                exptime=645.0 if letter == "O" else 120.0,
                airmass_start=1.31 - 0.01 * number,
                airmass_end=1.30 - 0.01 * number,
                dimm_fwhm_start=0.71 + 0.03 * number,
                dimm_fwhm_end=0.69,
                sgs_fwhm=0.58 + 0.02 * number,
                sgs_fwhm_rms=0.05,
                ia_fwhm=0.66,
                ia_fwhm_linear=0.7,
                coherence_time=0.0042,
                humidity=6.5,
                air_temperature=12.8,
                wind_direction=20.0,
                wind_speed=6.1 + 0.2 * number,
                pressure_start=742.6,
                pressure_end=742.5,
                moon_distance=71.0,
                moon_illumination=0.62,
            )
        )
    return made


def _square(ra: float, dec: float) -> list[float]:
    half = 0.0083
    east = half / math.cos(math.radians(dec))
    return [ra - east, dec - half, ra + east, dec - half, ra + east, dec + half, ra - east, dec + half]


def _by_day() -> list[Exposure]:
    """Calibrations: no position, as in their headers; one is only known from ESO's listing."""
    made = []
    for number in range(8):
        began = BEGIN + timedelta(hours=10, minutes=2 * number)
        made.append(
            Exposure(
                dp_id=f"MUSE.{began.isoformat(timespec='milliseconds')}",
                known_from="eso" if number == 0 else "header",
                dp_cat="CALIB",
                dp_type="BIAS" if number < 5 else "FLAT,LAMP",
                raw_tag="BIAS" if number < 5 else "FLAT",
                object="BIAS" if number < 5 else "FLAT,LAMP",
                night=NIGHT,
                ins_mode="WFM-AO-N",
                mjd_obs=58274.46321 + 2 * number / 1440,
                exp_start=began,
                exptime=0.0 if number < 5 else 1.155,
            )
        )
    return made


def _weather() -> list[Base]:
    night = datetime(2018, 6, 4, 23, 0)
    noted = (
        (0, "Photometric", None),
        (3, "Clear", "Wind from the north."),
        (8, "ThinCirrus", "New update:\nlow in the west"),
    )
    return [Weather(night=NIGHT, observed=night + timedelta(hours=h), conditions=c, comment=t) for h, c, t in noted]


def _readings() -> list[Base]:
    """A reading a minute for eleven hours, with a break of one; an hour of it is by day."""
    begin = datetime(2018, 6, 4, 23, 0)
    rows: list[Base] = []
    for minute in range(660):
        if 240 <= minute < 300:
            continue
        moment = begin + timedelta(minutes=minute)
        seeing = 0.7 + 0.15 * math.sin(minute / 40) + 0.05 * math.sin(minute * 1.7)
        wind = 6 + 2 * math.sin(minute / 90) + 0.4 * math.sin(minute * 2.3)
        rows.append(Ambient(quantity="dimm_seeing", observed=moment, reading=seeing, unit="arcsec"))
        rows.append(Ambient(quantity="wind_speed", observed=moment, reading=wind, unit="m/s"))
    return rows


def _report(exposures: list[Exposure]) -> list[Base]:
    report = BlockReport(
        report_id=BLOCK,
        night=NIGHT,
        eso_ob_id=200134455,
        ob_start=BLOCK_BEGAN,
        ob_name="NGC4254_P06",
        target_name="NGC4254",
        run_id=f"{PROGRAMME}(A)",
        grade="B",
        completed=1,
        within_constraints=1,
        comment="Seeing above the constraint in the last exposure.",
        source_sha256="0" * 64,
        text="",
    )
    judged = (("Seeing", 0, "0.8"), ("Airmass", 1, "1.8"), ("Sky transparency", 1, "Clear"), ("Strehl", None, None))
    constraints = [Constraint(report_id=BLOCK, name=n, fulfilled=f, requested=r) for n, f, r in judged]
    frames = [ReportedExposure(report_id=BLOCK, dp_id=e.dp_id) for e in exposures[: len(ORDER)]]
    return [report, *constraints, *frames]


def _calibrations(exposures: list[Exposure]) -> list[Base]:
    bias = [e for e in exposures if e.raw_tag == "BIAS"]
    first = exposures[0].dp_id
    return [
        Association(dp_id=first, mode="Raw2Raw", complete=1, certified=1),
        Association(
            dp_id=first,
            mode="Raw2Master",
            complete=0,
            certified=0,
            lacking="TWILIGHT_CUBE is missing; ILLUM is too old",
        ),
        *(
            AssociationMember(
                dp_id=first,
                mode="Raw2Raw",
                tag="BIAS",
                file_id=e.dp_id,
                delta_mjd=e.mjd_obs - 58274.046521,
                within_rules=1,
            )
            for e in bias
            if e.mjd_obs is not None
        ),
        AssociationMember(
            dp_id=first,
            mode="Raw2Master",
            tag="MASTER_BIAS",
            file_id="M.MUSE.2018-06-01T10:49:18.173",
            delta_mjd=-3.6,
            within_rules=0,
        ),
    ]


def _hold(session: Session, exposure: Exposure) -> None:
    """The file of the first exposure is held, and a cube was made of it in two steps."""
    now = datetime(2018, 6, 6)
    common = {"collection": "MUSE", "ingested": now, "simulated": 0}
    raw = Product(
        product_id=exposure.dp_id, kind="exposure", title="NGC4254, OBJECT", calib_level=1, target=exposure.target,
        tpl_start=exposure.tpl_start, **common,
    )  # fmt: skip
    cube = Product(product_id=CUBE, kind="cube", title="Cube of one night", calib_level=2, target="NGC4254", **common)
    name = f"{exposure.dp_id}.fits.fz"
    file = Artifact(
        artifact_id=name, product_id=exposure.dp_id, role="this", file_name=name, media_type="application/fits",
        file_size=286231680, sha256="0" * 64, stored=now,
    )  # fmt: skip
    session.add_all([raw, cube, file])
    session.flush()
    session.add(
        Header(artifact_id=name, extension=0, extname=None, cards="SIMPLE  =                    T\nOBJECT  = 'NGC4254'")
    )
    session.add_all(
        [Activity(activity_id=step, name=step, parameters={}) for step in ("muse_scibasic", "muse_scipost")]
    )
    session.flush()
    session.add(Used(activity_id="muse_scibasic", entity=exposure.dp_id, role="OBJECT", product_id=exposure.dp_id))
    session.add(WasInformedBy(activity_id="muse_scipost", informant_id="muse_scibasic"))
    session.add(WasGeneratedBy(product_id=CUBE, activity_id="muse_scipost"))


def _runs() -> list[Base]:
    began = datetime(2018, 6, 6, 12)
    whole = Run(
        kind="exposures", source="/data/raw", started=began, ended=began + timedelta(seconds=75), seconds=75.2,
        seen=1234, new=1200, changed=3, refused=1, postponed=30,
    )  # fmt: skip
    broken = Run(
        kind="eso", source=PROGRAMME, started=began + timedelta(hours=1), ended=began + timedelta(hours=1, seconds=3),
        seconds=3.0, seen=0, new=0, changed=0, refused=0, postponed=0, error="ESO's archive does not answer",
    )  # fmt: skip
    bad = Intake(
        path="/data/raw/bad.fits",
        size=1,
        modified_ns=1,
        seen=began,
        kind="exposures",
        reason="/data/raw/bad.fits is cut short",
    )
    return [whole, broken, bad]


def _findings(block: str) -> list[Base]:
    return [
        Finding(origin="exposures", kind="position", subject=FIRST, message="14.2 arcsec from where the log has it."),
        Finding(origin="exposures", kind="rank-missing", subject=block, message="The log has rank 7, there are 4."),
    ]
