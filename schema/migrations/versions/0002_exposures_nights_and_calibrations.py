"""Exposures with everything that headers say, nights, calibrations, ESO's listings, runs of ingests."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import schema
from schema.base import SPoly

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A raw frame's header is 75 kB of text: lz4 halves the time of writing it, where the server has it.
COMPRESS = """
DO $$ BEGIN
  ALTER TABLE archive.header ALTER COLUMN cards SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "sync",
        sa.Column("programme_id", sa.Text(), nullable=False, comment="Programme."),
        sa.Column("listing", sa.Text(), nullable=False, comment="raw or products."),
        sa.Column(
            "last_modified",
            postgresql.TIMESTAMP(),
            nullable=False,
            comment="Latest modification, UTC, that was recorded.",
        ),
        sa.Column("updated", postgresql.TIMESTAMP(), nullable=False, comment="When, UTC."),
        sa.PrimaryKeyConstraint("programme_id", "listing", name=op.f("pk_sync")),
        schema="archive",
        comment="How far the listings of ESO's archive have come.",
    )
    op.create_table(
        "ambient",
        sa.Column(
            "quantity",
            sa.Text(),
            nullable=False,
            comment="What was read: dimm_seeing, coherence_time, humidity, wind_speed ...",
        ),
        sa.Column("observed", postgresql.TIMESTAMP(), nullable=False, comment="When, UTC."),
        sa.Column("reading", sa.Double(), nullable=False, comment="What it showed, in the unit beside it."),
        sa.Column("unit", sa.Text(), nullable=False, comment="Its unit."),
        sa.PrimaryKeyConstraint("quantity", "observed", name=op.f("pk_ambient")),
        schema="survey",
        comment="Readings of the site's monitors of seeing, air and wind.",
    )
    op.create_index("ix_ambient_observed", "ambient", ["observed"], unique=False, schema="survey")
    op.create_table(
        "ingest_run",
        sa.Column("run_id", sa.Integer(), nullable=False, comment="Running number."),
        sa.Column("kind", sa.Text(), nullable=False, comment="What was taken in: exposures, products, eso ..."),
        sa.Column("source", sa.Text(), nullable=False, comment="Folders or programmes that were looked at."),
        sa.Column("started", postgresql.TIMESTAMP(), nullable=False, comment="When it began, UTC."),
        sa.Column(
            "ended",
            postgresql.TIMESTAMP(),
            nullable=True,
            comment="When it ended, UTC; empty while it runs or when it was killed.",
        ),
        sa.Column("seconds", sa.Double(), nullable=True, comment="How long it took."),
        sa.Column("seen", sa.Integer(), nullable=False, comment="Files or rows that it looked at."),
        sa.Column("new", sa.Integer(), nullable=False, comment="Taken in."),
        sa.Column("changed", sa.Integer(), nullable=False, comment="Known, and brought up to date."),
        sa.Column("refused", sa.Integer(), nullable=False, comment="Refused, conflicts included."),
        sa.Column("postponed", sa.Integer(), nullable=False, comment="Left for the next run: still being written."),
        sa.Column("error", sa.Text(), nullable=True, comment="Why the run ended before its time."),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_ingest_run")),
        schema="survey",
        comment="The runs of ingests: what each saw, took and refused.",
    )
    op.create_index(op.f("ix_ingest_run_started"), "ingest_run", ["started"], unique=False, schema="survey")
    op.create_table(
        "night",
        sa.Column("night", sa.Text(), nullable=False, comment="Date, UTC, of twelve hours before: YYYY-MM-DD."),
        sa.Column("seeing_min", sa.Double(), nullable=True, comment="Best seeing of the night."),
        sa.Column("seeing_max", sa.Double(), nullable=True, comment="Worst seeing of the night."),
        sa.Column("humidity_min", sa.Double(), nullable=True, comment="Lowest relative humidity, per cent."),
        sa.Column("humidity_max", sa.Double(), nullable=True, comment="Highest relative humidity, per cent."),
        sa.Column("wind_min", sa.Double(), nullable=True, comment="Lowest wind speed."),
        sa.Column("wind_max", sa.Double(), nullable=True, comment="Highest wind speed."),
        sa.Column("temperature_min", sa.Double(), nullable=True, comment="Lowest air temperature, Celsius."),
        sa.Column("temperature_max", sa.Double(), nullable=True, comment="Highest air temperature, Celsius."),
        sa.Column("comment", sa.Text(), nullable=True, comment="What the reports say of the night in general."),
        sa.PrimaryKeyConstraint("night", name=op.f("pk_night")),
        schema="survey",
        comment="The nights that reports are there of, with their weather in general.",
    )
    op.create_table(
        "uws",
        sa.Column("job_id", sa.Text(), nullable=False, comment="Identifier."),
        sa.Column("owner", sa.Text(), nullable=True, comment="Account that made it; empty for anonymous clients."),
        sa.Column(
            "session", sa.Text(), nullable=True, comment="Digest of an anonymous client's cookie: it sees its own."
        ),
        sa.Column("address", sa.Text(), nullable=False, comment="Network address that it was made from, for quotas."),
        sa.Column("run_id", sa.Text(), nullable=True, comment="What the client calls it."),
        sa.Column(
            "parameters",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Parameters, name in capitals to list of values.",
        ),
        sa.Column("execution_duration", sa.Integer(), nullable=False, comment="Seconds that it may run."),
        sa.Column(
            "destruction", postgresql.TIMESTAMP(), nullable=False, comment="When job and result are removed, UTC."
        ),
        sa.Column("quote", postgresql.TIMESTAMP(), nullable=True, comment="When it is expected to end, UTC."),
        sa.Column(
            "cost", sa.Double(), nullable=True, comment="The planner's estimate of its cost, PostgreSQL's units."
        ),
        sa.Column("result_file", sa.Text(), nullable=True, comment="Name of the result's file in the job's folder."),
        sa.Column("result_type", sa.Text(), nullable=True, comment="Media type of the result."),
        sa.Column("result_size", sa.BigInteger(), nullable=True, comment="Length of the result in bytes."),
        sa.Column("result_sha256", sa.Text(), nullable=True, comment="Checksum of the result, hexadecimal."),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job.job_id"], name=op.f("fk_uws_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_uws")),
        schema="jobs",
        comment="Jobs of clients, by the Universal Worker Service.",
    )
    op.create_index(op.f("ix_uws_address"), "uws", ["address"], unique=False, schema="jobs")
    op.create_index(op.f("ix_uws_destruction"), "uws", ["destruction"], unique=False, schema="jobs")
    op.create_index(op.f("ix_uws_owner"), "uws", ["owner"], unique=False, schema="jobs")
    op.create_index(op.f("ix_uws_session"), "uws", ["session"], unique=False, schema="jobs")
    op.create_table(
        "block_report",
        sa.Column(
            "report_id",
            sa.Text(),
            nullable=False,
            comment="ESO OBS ID and OBS START; the first frame's where the report does not say them.",
        ),
        sa.Column("night", sa.Text(), nullable=True, comment="Night."),
        sa.Column("eso_ob_id", sa.BigInteger(), nullable=True, comment="ESO OBS ID."),
        sa.Column(
            "ob_start", postgresql.TIMESTAMP(), nullable=True, comment="Start of the execution (ESO OBS START), UTC."
        ),
        sa.Column("ob_name", sa.Text(), nullable=True, comment="Name of the observation block."),
        sa.Column("target_name", sa.Text(), nullable=True, comment="Target as the report has it."),
        sa.Column("run_id", sa.Text(), nullable=True, comment="Programme with run letter."),
        sa.Column("instrument", sa.Text(), nullable=True, comment="Instrument."),
        sa.Column("container", sa.Text(), nullable=True, comment="Scheduling container."),
        sa.Column(
            "grade",
            sa.Text(),
            nullable=True,
            comment="A within constraints, B mostly, C out of them, D out but accepted, X uncertain; none: empty.",
        ),
        sa.Column(
            "completed",
            sa.Integer(),
            nullable=True,
            comment="1 when the grade completes the block (A, B, D), 0 when not.",
        ),
        sa.Column(
            "within_constraints",
            sa.Integer(),
            nullable=True,
            comment="1 when the grade says that the constraints were kept (A, B), 0 when not.",
        ),
        sa.Column("comment", sa.Text(), nullable=True, comment="What the observers wrote."),
        sa.Column("source_sha256", sa.Text(), nullable=False, comment="SHA-256 of the report."),
        sa.Column("text", sa.Text(), nullable=False, comment="The report, whole."),
        sa.ForeignKeyConstraint(["night"], ["survey.night.night"], name=op.f("fk_block_report_night")),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_block_report")),
        schema="survey",
        comment="Reports on executions of observation blocks, with the grade that the observers gave.",
    )
    op.create_index(op.f("ix_block_report_night"), "block_report", ["night"], unique=False, schema="survey")
    op.create_index("ix_block_report_ob", "block_report", ["eso_ob_id"], unique=False, schema="survey")
    op.create_table(
        "weather",
        sa.Column("night", sa.Text(), nullable=False, comment="Night."),
        sa.Column("observed", postgresql.TIMESTAMP(), nullable=False, comment="When, UTC."),
        sa.Column(
            "conditions",
            sa.Text(),
            nullable=False,
            comment="Conditions in the observer's word: Photometric, Clear, ThinCirrus ...",
        ),
        sa.Column("comment", sa.Text(), nullable=True, comment="What was written beside."),
        sa.ForeignKeyConstraint(["night"], ["survey.night.night"], name=op.f("fk_weather_night")),
        sa.PrimaryKeyConstraint("night", "observed", name=op.f("pk_weather")),
        schema="survey",
        comment="What the observers wrote of the sky, from the reports of the nights.",
    )
    op.create_table(
        "block_constraint",
        sa.Column("report_id", sa.Text(), nullable=False, comment="Report."),
        sa.Column(
            "name", sa.Text(), nullable=False, comment="What is constrained: Seeing, Sky transparency, Airmass ..."
        ),
        sa.Column(
            "fulfilled",
            sa.Integer(),
            nullable=True,
            comment="1 kept, 0 not kept, empty where the report does not judge.",
        ),
        sa.Column("requested", sa.Text(), nullable=True, comment="What was asked for, as written."),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["survey.block_report.report_id"],
            name=op.f("fk_block_constraint_report_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("report_id", "name", name=op.f("pk_block_constraint")),
        schema="survey",
        comment="The constraints of observation blocks, asked for and kept or not.",
    )
    op.create_table(
        "reported_exposure",
        sa.Column("report_id", sa.Text(), nullable=False, comment="Report."),
        sa.Column("dp_id", sa.Text(), nullable=False, comment="Frame."),
        sa.Column("origfile", sa.Text(), nullable=True, comment="Name that the instrument gave the file."),
        sa.Column("template", sa.Text(), nullable=True, comment="Template that took it."),
        sa.Column("data_product", sa.Text(), nullable=True, comment="Category, type and technique."),
        sa.Column("ins_mode", sa.Text(), nullable=True, comment="Instrument mode."),
        sa.Column("tpl_expno", sa.Integer(), nullable=True, comment="Number within the template."),
        sa.Column("tpl_nexp", sa.Integer(), nullable=True, comment="Number of exposures that the template takes."),
        sa.Column("exptime", sa.Double(), nullable=True, comment="Integration time."),
        sa.Column("airmass", sa.Double(), nullable=True, comment="Airmass."),
        sa.Column("dimm_fwhm", sa.Double(), nullable=True, comment="Seeing of the site monitor."),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["survey.block_report.report_id"],
            name=op.f("fk_reported_exposure_report_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("report_id", "dp_id", name=op.f("pk_reported_exposure")),
        schema="survey",
        comment="The frames that the reports on observation blocks list.",
    )
    op.create_index("ix_reported_exposure_dp_id", "reported_exposure", ["dp_id"], unique=False, schema="survey")
    op.create_table(
        "eso_product",
        sa.Column("dp_id", sa.Text(), nullable=False, comment="ESO data product identifier."),
        sa.Column("product_id", sa.Text(), nullable=True, comment="The product in this archive, once it is held."),
        sa.Column("obs_collection", sa.Text(), nullable=True, comment="Data collection."),
        sa.Column("target_name", sa.Text(), nullable=True, comment="Designation of what was observed."),
        sa.Column("proposal_id", sa.Text(), nullable=True, comment="Programme."),
        sa.Column("obs_id", sa.Text(), nullable=True, comment="ESO OBS ID, or several."),
        sa.Column("dataproduct_type", sa.Text(), nullable=True, comment="Cube, image and so on."),
        sa.Column("ra", sa.Double(), nullable=True, comment="Right ascension of the centre, ICRS."),
        sa.Column("dec", sa.Double(), nullable=True, comment="Declination of the centre, ICRS."),
        sa.Column("t_min", sa.Double(), nullable=True, comment="Start, MJD, UTC."),
        sa.Column("t_max", sa.Double(), nullable=True, comment="End, MJD, UTC."),
        sa.Column("exptime", sa.Double(), nullable=True, comment="Integration time."),
        sa.Column("access_url", sa.Text(), nullable=True, comment="Where ESO has it."),
        sa.Column("access_estsize", sa.BigInteger(), nullable=True, comment="Size as ESO has it."),
        sa.Column("public_from", postgresql.TIMESTAMP(), nullable=True, comment="When it becomes public, UTC."),
        sa.Column(
            "last_modified", postgresql.TIMESTAMP(), nullable=True, comment="When ESO last changed its entry, UTC."
        ),
        sa.ForeignKeyConstraint(["product_id"], ["survey.product.product_id"], name=op.f("fk_eso_product_product_id")),
        sa.PrimaryKeyConstraint("dp_id", name=op.f("pk_eso_product")),
        schema="survey",
        comment="Products that ESO's archive has of the survey's programmes (Phase 3).",
    )
    op.create_index(op.f("ix_eso_product_product_id"), "eso_product", ["product_id"], unique=False, schema="survey")
    op.create_index("ix_eso_product_proposal_id", "eso_product", ["proposal_id"], unique=False, schema="survey")
    op.create_table(
        "master_calibration",
        sa.Column("dp_id", sa.Text(), nullable=False, comment="Identifier of the calibration."),
        sa.Column(
            "tag", sa.Text(), nullable=False, comment="What the pipeline calls it (ESO PRO CATG): MASTER_BIAS ..."
        ),
        sa.Column("origfile", sa.Text(), nullable=True, comment="Name that the file had."),
        sa.Column(
            "mjd_obs", sa.Double(), nullable=True, comment="Start of the first raw frame, modified Julian date, UTC."
        ),
        sa.Column("ins_mode", sa.Text(), nullable=True, comment="Instrument mode."),
        sa.Column("ins_field", sa.Text(), nullable=True, comment="WFM or NFM."),
        sa.Column("detector_read_name", sa.Text(), nullable=True, comment="Read-out mode."),
        sa.ForeignKeyConstraint(["dp_id"], ["survey.product.product_id"], name=op.f("fk_master_calibration_dp_id")),
        sa.PrimaryKeyConstraint("dp_id", name=op.f("pk_master_calibration")),
        schema="survey",
        comment="Master and static calibrations of the MUSE pipeline that the archive holds.",
    )
    op.create_index(
        "ix_master_calibration_tag", "master_calibration", ["tag", "mjd_obs"], unique=False, schema="survey"
    )
    op.create_table(
        "association",
        sa.Column("dp_id", sa.Text(), nullable=False, comment="Frame."),
        sa.Column(
            "mode", sa.Text(), nullable=False, comment="Raw2Raw for raw calibrations, Raw2Master for processed ones."
        ),
        sa.Column("complete", sa.Integer(), nullable=False, comment="1 when everything that is needed is there."),
        sa.Column(
            "certified",
            sa.Integer(),
            nullable=False,
            comment="1 when it is complete and everything lies within the time that the rules allow.",
        ),
        sa.Column(
            "lacking",
            sa.Text(),
            nullable=True,
            comment="What is missing, or too old, in words, separated by semicolons.",
        ),
        sa.ForeignKeyConstraint(["dp_id"], ["survey.exposure.dp_id"], name=op.f("fk_association_dp_id")),
        sa.PrimaryKeyConstraint("dp_id", "mode", name=op.f("pk_association")),
        schema="survey",
        comment="Per frame: whether the calibrations that it needs are there.",
    )
    op.create_table(
        "association_member",
        sa.Column("dp_id", sa.Text(), nullable=False, comment="Frame that needs the calibration."),
        sa.Column("mode", sa.Text(), nullable=False, comment="Raw2Raw or Raw2Master."),
        sa.Column("tag", sa.Text(), nullable=False, comment="What the pipeline calls the file."),
        sa.Column("file_id", sa.Text(), nullable=False, comment="Raw frame or master calibration."),
        sa.Column(
            "delta_mjd", sa.Double(), nullable=True, comment="Start of the calibration minus start of the frame."
        ),
        sa.Column(
            "within_rules", sa.Integer(), nullable=False, comment="1 when it lies within the time that the rules allow."
        ),
        sa.ForeignKeyConstraint(["dp_id"], ["survey.exposure.dp_id"], name=op.f("fk_association_member_dp_id")),
        sa.PrimaryKeyConstraint("dp_id", "mode", "tag", "file_id", name=op.f("pk_association_member")),
        schema="survey",
        comment="The calibrations that belong to each frame.",
    )
    op.create_index("ix_association_member_file_id", "association_member", ["file_id"], unique=False, schema="survey")
    op.add_column(
        "intake",
        sa.Column(
            "kind",
            sa.Text(),
            server_default="products",
            nullable=False,
            comment="What it was offered as: products, exposures, nightlog ...",
        ),
        schema="archive",
    )
    op.add_column(
        "job",
        sa.Column(
            "queue", sa.Text(), server_default="default", nullable=False, comment="Queue that workers take it from."
        ),
        schema="jobs",
    )
    op.create_index(
        "ix_used_input", "used", [sa.literal_column("coalesce(product_id, entity)")], unique=False, schema="provenance"
    )
    op.create_index(
        op.f("ix_was_informed_by_informant_id"), "was_informed_by", ["informant_id"], unique=False, schema="provenance"
    )
    op.add_column(
        "artifact",
        sa.Column(
            "lost",
            postgresql.TIMESTAMP(),
            nullable=True,
            comment="When the file was found to be missing, UTC; empty where it is there.",
        ),
        schema="survey",
    )
    op.add_column(
        "artifact",
        sa.Column(
            "location", sa.Text(), nullable=True, comment="Where the file lies, when it was left outside the store."
        ),
        schema="survey",
    )
    op.create_index(
        "ix_artifact_lost",
        "artifact",
        ["artifact_id"],
        unique=False,
        schema="survey",
        postgresql_where=sa.text("lost IS NOT NULL"),
    )
    op.add_column(
        "exposure",
        sa.Column(
            "known_from",
            sa.Text(),
            server_default="product",
            nullable=False,
            comment="header where the frame's own was read, eso for ESO's listing, product for a product's header.",
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("origfile", sa.Text(), nullable=True, comment="Name that the instrument gave the file."),
        schema="survey",
    )
    op.add_column("exposure", sa.Column("instrument", sa.Text(), nullable=True, comment="Instrument."), schema="survey")
    op.add_column("exposure", sa.Column("telescope", sa.Text(), nullable=True, comment="Telescope."), schema="survey")
    op.add_column(
        "exposure",
        sa.Column("dp_cat", sa.Text(), nullable=True, comment="Category: SCIENCE, CALIB and so on (ESO DPR CATG)."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "dp_type", sa.Text(), nullable=True, comment="Type: OBJECT, SKY, STD, BIAS and so on (ESO DPR TYPE)."
        ),
        schema="survey",
    )
    op.add_column(
        "exposure", sa.Column("dp_tech", sa.Text(), nullable=True, comment="Technique (ESO DPR TECH)."), schema="survey"
    )
    op.add_column(
        "exposure",
        sa.Column(
            "raw_tag",
            sa.Text(),
            nullable=True,
            comment="What the MUSE pipeline calls such a frame: OBJECT, SKY, STD, BIAS, FLAT, ARC ...",
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("night", sa.Text(), nullable=True, comment="Night: the date, UTC, of twelve hours before the start."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("pointing_id", sa.Text(), nullable=True, comment="Pointing of the survey that was observed."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("target", sa.Text(), nullable=True, comment="Galaxy of the survey that was observed."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "rank",
            sa.Integer(),
            nullable=True,
            comment="Rank in time among the OBJECT frames of its template: the exposure number of the survey's log.",
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "in_mosaic",
            sa.Integer(),
            nullable=True,
            comment="1 when the survey's log has the exposure in its mosaic, 0 when the log left it out.",
        ),
        schema="survey",
    )
    op.add_column(
        "exposure", sa.Column("pi_name", sa.Text(), nullable=True, comment="Principal investigator."), schema="survey"
    )
    op.add_column(
        "exposure",
        sa.Column("ob_target", sa.Text(), nullable=True, comment="Target that the observation block names."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("ob_start", postgresql.TIMESTAMP(), nullable=True, comment="Start of the observation block, UTC."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("ob_tplno", sa.Integer(), nullable=True, comment="Number of the template in the block."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("ob_container_id", sa.BigInteger(), nullable=True, comment="Scheduling container."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("ob_container_type", sa.Text(), nullable=True, comment="Type of the container."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("tpl_name", sa.Text(), nullable=True, comment="Name of the observing template."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "ao_mode", sa.Text(), nullable=True, comment="AO where the mode uses adaptive optics, noAO elsewhere."
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("ins_filter", sa.Text(), nullable=True, comment="Name in the filter wheel (INS OPTI1 NAME)."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("ins_field", sa.Text(), nullable=True, comment="WFM or NFM (INS OPTI2 NAME)."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("rotator_mode", sa.Text(), nullable=True, comment="Mode of the derotator."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "rotator_angle", sa.Double(), nullable=True, comment="Position angle of the derotator (INS DROT POSANG)."
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "ifu_temperature", sa.Double(), nullable=True, comment="Temperature beside the IFUs (INS TEMP11), Celsius."
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("detector_read_id", sa.Integer(), nullable=True, comment="Number of the read-out mode."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("detector_read_name", sa.Text(), nullable=True, comment="Read-out mode (DET READ CURNAME)."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("detector_binning_x", sa.Integer(), nullable=True, comment="Binning along x."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("detector_binning_y", sa.Integer(), nullable=True, comment="Binning along y."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("channels_present", sa.Integer(), nullable=True, comment="IFUs of 24 that the file has."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("channels_live", sa.Integer(), nullable=True, comment="IFUs of 24 whose detector was live."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "sparta_tables",
            sa.Integer(),
            nullable=True,
            comment="1 when the file has the tables of the adaptive optics (SPARTA), 0 when not.",
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "footprint",
            sa.ARRAY(sa.Double()),
            nullable=True,
            comment="Field of view on the sky, ICRS: from pointing, derotator and size of the field.",
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "footprint_spoly",
            SPoly(),
            sa.Computed("sphere.polygon(footprint)", persisted=True),
            nullable=True,
            comment="The footprint as pgSphere searches it.",
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("exp_start", postgresql.TIMESTAMP(), nullable=True, comment="Start of the exposure, UTC."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "date_obs",
            postgresql.TIMESTAMP(),
            nullable=True,
            comment="DATE-OBS as the header has it, often rounded to seconds.",
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("utc", sa.Double(), nullable=True, comment="Start, seconds after midnight UTC."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("lst", sa.Double(), nullable=True, comment="Local sidereal time at the start."),
        schema="survey",
    )
    op.add_column(
        "exposure", sa.Column("tel_alt", sa.Double(), nullable=True, comment="Altitude at the start."), schema="survey"
    )
    op.add_column(
        "exposure",
        sa.Column("tel_az", sa.Double(), nullable=True, comment="Azimuth at the start, south 0, west 90."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("parallactic_start", sa.Double(), nullable=True, comment="Parallactic angle at the start."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("parallactic_end", sa.Double(), nullable=True, comment="Parallactic angle at the end."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("sgs_fwhm", sa.Double(), nullable=True, comment="Seeing of the slow guiding system: median."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "sgs_fwhm_rms", sa.Double(), nullable=True, comment="Scatter of the seeing of the slow guiding system."
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("autoguider_fwhm_x", sa.Double(), nullable=True, comment="Seeing of the autoguider along x: mean."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("autoguider_fwhm_y", sa.Double(), nullable=True, comment="Seeing of the autoguider along y: mean."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "ia_fwhm",
            sa.Double(),
            nullable=True,
            comment="Seeing of the active optics' guide star, at zenith (TEL IA FWHM).",
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("ia_fwhm_linear", sa.Double(), nullable=True, comment="The same by a linear fit (TEL IA FWHMLIN)."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("coherence_time", sa.Double(), nullable=True, comment="Coherence time of the atmosphere."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("pressure_start", sa.Double(), nullable=True, comment="Air pressure at the start."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("pressure_end", sa.Double(), nullable=True, comment="Air pressure at the end."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("humidity", sa.Double(), nullable=True, comment="Relative humidity, per cent."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("air_temperature", sa.Double(), nullable=True, comment="Temperature of the air, Celsius."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("wind_direction", sa.Double(), nullable=True, comment="Direction of the wind."),
        schema="survey",
    )
    op.add_column(
        "exposure", sa.Column("wind_speed", sa.Double(), nullable=True, comment="Speed of the wind."), schema="survey"
    )
    op.add_column(
        "exposure",
        sa.Column("water_vapour", sa.Double(), nullable=True, comment="Integrated water vapour."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("moon_distance", sa.Double(), nullable=True, comment="Distance between pointing and Moon."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("moon_illumination", sa.Double(), nullable=True, comment="Illuminated part of the Moon, 0 to 1."),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "public_from",
            postgresql.TIMESTAMP(),
            nullable=True,
            comment="When the frame becomes public, UTC; empty when it is or nobody said.",
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column(
            "modified",
            postgresql.TIMESTAMP(),
            nullable=True,
            comment="When the archive last learnt something of the frame, UTC.",
        ),
        schema="survey",
    )
    op.add_column(
        "exposure",
        sa.Column("access_estsize", sa.BigInteger(), nullable=True, comment="Size of the file as ESO has it."),
        schema="survey",
    )
    op.create_index("ix_exposure_calibration", "exposure", ["raw_tag", "mjd_obs"], unique=False, schema="survey")
    op.create_index(op.f("ix_exposure_exp_start"), "exposure", ["exp_start"], unique=False, schema="survey")
    op.create_index(
        "ix_exposure_footprint", "exposure", ["footprint_spoly"], unique=False, schema="survey", postgresql_using="gist"
    )
    op.create_index(op.f("ix_exposure_modified"), "exposure", ["modified"], unique=False, schema="survey")
    op.create_index("ix_exposure_night", "exposure", ["night", "mjd_obs"], unique=False, schema="survey")
    op.create_index("ix_exposure_ob", "exposure", ["eso_ob_id", "ob_start"], unique=False, schema="survey")
    op.create_index(op.f("ix_exposure_pointing_id"), "exposure", ["pointing_id"], unique=False, schema="survey")
    op.create_index("ix_exposure_programme", "exposure", ["programme_id", "mjd_obs"], unique=False, schema="survey")
    op.create_index(
        "ix_exposure_programme_tag", "exposure", ["programme_id", "raw_tag", "mjd_obs"], unique=False, schema="survey"
    )
    op.create_index(
        "ix_exposure_run",
        "exposure",
        ["run_id"],
        unique=False,
        schema="survey",
        postgresql_ops={"run_id": "text_pattern_ops"},
    )
    op.create_index("ix_exposure_target", "exposure", ["target", "mjd_obs"], unique=False, schema="survey")
    op.create_foreign_key(
        op.f("fk_exposure_target"),
        "exposure",
        "target",
        ["target"],
        ["name"],
        source_schema="survey",
        referent_schema="survey",
    )
    op.create_foreign_key(
        op.f("fk_exposure_pointing_id"),
        "exposure",
        "pointing",
        ["pointing_id"],
        ["pointing_id"],
        source_schema="survey",
        referent_schema="survey",
    )
    op.create_table_comment(
        "exposure",
        "Raw exposures that the archive knows of: science, sky, standards and calibrations.",
        existing_comment="Raw exposures that the archive knows of.",
        schema="survey",
    )
    op.alter_column(
        "finding",
        "origin",
        existing_type=sa.TEXT(),
        comment="What was being ingested: release:<id>, product:<id>, exposures, nightlog:<report>, conflict ...",
        existing_comment="What was being ingested: release:<id> or product:<id>.",
        existing_nullable=False,
        schema="survey",
    )
    op.create_index("ix_finding_subject", "finding", ["subject"], unique=False, schema="survey")
    op.alter_column(
        "product",
        "kind",
        existing_type=sa.TEXT(),
        comment="What it is: cube, image, maps, exposure or calibration.",
        existing_comment="What it is: cube, image, maps or exposure.",
        existing_nullable=False,
        schema="survey",
    )
    op.create_index("ix_product_kind", "product", ["kind", "ingested", "product_id"], unique=False, schema="survey")
    op.create_index(
        "ix_product_made",
        "product",
        ["ingested", "product_id"],
        unique=False,
        schema="survey",
        postgresql_where=sa.text("kind NOT IN ('exposure', 'calibration')"),
    )
    op.add_column(
        "tables",
        sa.Column(
            "cat_id", sa.Integer(), nullable=True, comment="Number of a catalogue at ESO: clients of ESO ask for it."
        ),
        schema="tap_schema",
    )
    op.add_column(
        "tables",
        sa.Column("title", sa.Text(), nullable=True, comment="Title of a catalogue: clients of ESO ask for it."),
        schema="tap_schema",
    )
    op.add_column(
        "tables",
        sa.Column("version", sa.Integer(), nullable=True, comment="Version of a catalogue: clients of ESO ask for it."),
        schema="tap_schema",
    )
    op.execute((Path(schema.__file__).parent / "header.sql").read_text().replace(":", "\\:"))
    op.execute(COMPRESS)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: an archive does not forget")
