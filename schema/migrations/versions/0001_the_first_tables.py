"""The first tables: schemas, the polygon function, and everything that 0.1 declares."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import schema
from schema.base import SPoly

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("archive", "survey", "provenance", "jobs", "tap_schema", "ivoa", "sphere"):
        op.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
    op.execute((Path(schema.__file__).parent / "sphere.sql").read_text())
    op.create_table(
        "intake",
        sa.Column("path", sa.Text(), nullable=False, comment="Where the file was."),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="Its length in bytes."),
        sa.Column(
            "modified_ns", sa.BigInteger(), nullable=False, comment="Its time of modification, nanoseconds since 1970."
        ),
        sa.Column("seen", postgresql.TIMESTAMP(), nullable=False, comment="When it was last offered, UTC."),
        sa.Column("product_id", sa.Text(), nullable=True, comment="Product that it became; empty when it was refused."),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it was refused."),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_intake")),
        schema="archive",
        comment="Files offered for ingest and what became of them.",
    )
    op.create_index(op.f("ix_intake_product_id"), "intake", ["product_id"], unique=False, schema="archive")
    op.create_table(
        "tap_schema_digest",
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 of the declarations."),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tap_schema_digest")),
        schema="archive",
        comment="Which declarations TAP_SCHEMA was filled from.",
    )
    op.create_table(
        "job",
        sa.Column("job_id", sa.Text(), nullable=False, comment="Identifier."),
        sa.Column("task", sa.Text(), nullable=False, comment="Task of the cascade."),
        sa.Column(
            "parameters",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="What the task is called with.",
        ),
        sa.Column(
            "work_key",
            sa.Text(),
            nullable=False,
            comment="Digest of task and parameters: the same work has the same key.",
        ),
        sa.Column("phase", sa.Text(), nullable=False, comment="UWS phase."),
        sa.Column("created", postgresql.TIMESTAMP(), nullable=False, comment="When it was submitted, UTC."),
        sa.Column("started", postgresql.TIMESTAMP(), nullable=True, comment="When a worker last began it, UTC."),
        sa.Column("ended", postgresql.TIMESTAMP(), nullable=True, comment="When it reached its last phase, UTC."),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="How often a worker began it."),
        sa.Column("progress", sa.Double(), server_default="0", nullable=False, comment="Part done, 0 to 1."),
        sa.Column("progress_text", sa.Text(), nullable=True, comment="What it is doing, in words."),
        sa.Column("error", sa.Text(), nullable=True, comment="Why it failed, for people."),
        sa.Column("queue_id", sa.BigInteger(), nullable=True, comment="Number of the entry in the queue."),
        sa.CheckConstraint(
            "phase IN ('PENDING', 'QUEUED', 'EXECUTING', 'COMPLETED', 'ERROR', 'ABORTED')", name=op.f("ck_job_phase")
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job")),
        schema="jobs",
        comment="Work to be done and work that was done.",
    )
    op.create_index(
        "ix_job_active_work",
        "job",
        ["work_key"],
        unique=True,
        schema="jobs",
        postgresql_where=sa.text("phase IN ('PENDING', 'QUEUED', 'EXECUTING')"),
    )
    op.create_index(op.f("ix_job_phase"), "job", ["phase"], unique=False, schema="jobs")
    op.create_table(
        "activity",
        sa.Column("activity_id", sa.Text(), nullable=False, comment="Identifier."),
        sa.Column("name", sa.Text(), nullable=False, comment="Name of the task or recipe."),
        sa.Column("software", sa.Text(), nullable=True, comment="Program and version."),
        sa.Column("started", postgresql.TIMESTAMP(), nullable=True, comment="Start, UTC."),
        sa.Column("ended", postgresql.TIMESTAMP(), nullable=True, comment="End, UTC."),
        sa.Column("host", sa.Text(), nullable=True, comment="Host that ran it."),
        sa.Column("job_id", sa.Text(), nullable=True, comment="Job of this archive that ran it."),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="Parameters by name."),
        sa.PrimaryKeyConstraint("activity_id", name=op.f("pk_activity")),
        schema="provenance",
        comment="Runs of tasks that made products.",
    )
    op.create_table(
        "finding",
        sa.Column("finding_id", sa.Integer(), nullable=False, comment="Running number."),
        sa.Column(
            "origin", sa.Text(), nullable=False, comment="What was being ingested: release:<id> or product:<id>."
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="Sort of disagreement."),
        sa.Column(
            "subject", sa.Text(), nullable=False, comment="What it concerns: a galaxy, a pointing, an observing block."
        ),
        sa.Column("message", sa.Text(), nullable=False, comment="The disagreement in words, with both values."),
        sa.PrimaryKeyConstraint("finding_id", name=op.f("pk_finding")),
        sa.UniqueConstraint("origin", "kind", "subject", name=op.f("uq_finding_origin_kind_subject")),
        schema="survey",
        comment="Disagreements found on ingest, for people to judge.",
    )
    op.create_table(
        "programme",
        sa.Column("programme_id", sa.Text(), nullable=False, comment="ESO programme number without the run letter."),
        sa.Column("name", sa.Text(), nullable=True, comment="Name under which the programme is known."),
        sa.Column("pi_name", sa.Text(), nullable=True, comment="Principal investigator."),
        sa.Column(
            "role",
            sa.Text(),
            nullable=True,
            comment="Part it plays in the survey: main, pilot or archival; empty for a foreign one.",
        ),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_programme")),
        schema="survey",
        comment="ESO observing programmes whose data the archive holds or expects.",
    )
    op.create_table(
        "release",
        sa.Column("release_id", sa.Text(), nullable=False, comment="Short name of the release."),
        sa.Column("title", sa.Text(), nullable=False, comment="Title of the release."),
        sa.Column("collection", sa.Text(), nullable=False, comment="Name of the data collection in ObsCore."),
        sa.Column("published", postgresql.TIMESTAMP(), nullable=True, comment="Date of publication."),
        sa.Column("bibcode", sa.Text(), nullable=True, comment="Bibcode of the survey paper."),
        sa.Column("doi", sa.Text(), nullable=True, comment="Digital object identifier of the data."),
        sa.Column("licence", sa.Text(), nullable=True, comment="Licence of the data."),
        sa.Column("acknowledgement", sa.Text(), nullable=True, comment="What users of the data are asked to write."),
        sa.Column("source_sha256", sa.Text(), nullable=False, comment="SHA-256 of the tables that were read."),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_release")),
        schema="survey",
        comment="Data releases that the archive knows.",
    )
    op.create_table(
        "schemas",
        sa.Column("schema_name", sa.Text(), nullable=False, comment="Name of the schema."),
        sa.Column("utype", sa.Text(), nullable=True, comment="Data model of the schema."),
        sa.Column("description", sa.Text(), nullable=True, comment="What is in it."),
        sa.Column("schema_index", sa.Integer(), nullable=True, comment="Place in a listing."),
        sa.PrimaryKeyConstraint("schema_name", name=op.f("pk_schemas")),
        schema="tap_schema",
        comment="The published schemas.",
    )
    op.create_table(
        "was_informed_by",
        sa.Column("activity_id", sa.Text(), nullable=False, comment="The later activity."),
        sa.Column("informant_id", sa.Text(), nullable=False, comment="The earlier activity."),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["provenance.activity.activity_id"], name=op.f("fk_was_informed_by_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["informant_id"], ["provenance.activity.activity_id"], name=op.f("fk_was_informed_by_informant_id")
        ),
        sa.PrimaryKeyConstraint("activity_id", "informant_id", name=op.f("pk_was_informed_by")),
        schema="provenance",
        comment="Which activity built on which earlier one.",
    )
    op.create_table(
        "erratum",
        sa.Column("release_id", sa.Text(), nullable=False, comment="Release."),
        sa.Column("table_name", sa.Text(), nullable=False, comment="Table of this archive that the value is in."),
        sa.Column("row_key", sa.Text(), nullable=False, comment="Key of the row."),
        sa.Column("column_name", sa.Text(), nullable=False, comment="Column of the value."),
        sa.Column("printed", sa.Text(), nullable=False, comment="The value as printed."),
        sa.Column("corrected", sa.Text(), nullable=False, comment="The value that the archive uses."),
        sa.Column("reason", sa.Text(), nullable=False, comment="Why."),
        sa.ForeignKeyConstraint(["release_id"], ["survey.release.release_id"], name=op.f("fk_erratum_release_id")),
        sa.PrimaryKeyConstraint("release_id", "table_name", "row_key", "column_name", name=op.f("pk_erratum")),
        schema="survey",
        comment="Printed values that are known to be wrong, and what is used instead.",
    )
    op.create_table(
        "naming_rule",
        sa.Column("release_id", sa.Text(), nullable=False, comment="Release."),
        sa.Column("kind", sa.Text(), nullable=False, comment="Kind of product: cube, image or maps."),
        sa.Column("resolution", sa.Text(), nullable=False, comment="native or copt."),
        sa.Column(
            "pattern", sa.Text(), nullable=False, comment="File name with {target}, {filter} and {psf} to fill in."
        ),
        sa.Column("prodcatg", sa.Text(), nullable=False, comment="ESO product category of such files."),
        sa.Column(
            "filters",
            sa.ARRAY(sa.Text()),
            nullable=False,
            comment="Values that {filter} takes; empty when the pattern has none.",
        ),
        sa.ForeignKeyConstraint(["release_id"], ["survey.release.release_id"], name=op.f("fk_naming_rule_release_id")),
        sa.PrimaryKeyConstraint("release_id", "kind", "resolution", name=op.f("pk_naming_rule")),
        schema="survey",
        comment="How a release names its files: one pattern a kind of product.",
    )
    op.create_table(
        "target",
        sa.Column("name", sa.Text(), nullable=False, comment="Name of the galaxy, as used in file names."),
        sa.Column("release_id", sa.Text(), nullable=False, comment="Release that describes the galaxy."),
        sa.Column("ra", sa.Double(), nullable=True, comment="Right ascension of the centre, ICRS."),
        sa.Column("dec", sa.Double(), nullable=True, comment="Declination of the centre, ICRS."),
        sa.Column("dist", sa.Double(), nullable=False, comment="Distance."),
        sa.Column(
            "log_stellar_mass",
            sa.Double(),
            nullable=False,
            comment="Decimal logarithm of the stellar mass in solar masses.",
        ),
        sa.Column(
            "log_sfr",
            sa.Double(),
            nullable=False,
            comment="Decimal logarithm of the star formation rate in solar masses a year.",
        ),
        sa.Column("ebv", sa.Double(), nullable=False, comment="Foreground reddening E(B-V) of the Milky Way."),
        sa.Column("scale", sa.Double(), nullable=False, comment="Length at the galaxy that one arcsecond spans."),
        sa.Column(
            "psf_fwhm",
            sa.Double(),
            nullable=False,
            comment="FWHM of the Moffat PSF in the R band: mean over the pointings.",
        ),
        sa.Column(
            "psf_fwhm_plus", sa.Double(), nullable=False, comment="Largest FWHM among the pointings minus the mean."
        ),
        sa.Column(
            "psf_fwhm_minus", sa.Double(), nullable=False, comment="Mean minus the smallest FWHM among the pointings."
        ),
        sa.Column(
            "copt_fwhm",
            sa.Double(),
            nullable=False,
            comment="FWHM of the Gaussian PSF of the homogenised (copt) mosaic.",
        ),
        sa.Column(
            "systemic_velocity", sa.Double(), nullable=True, comment="Systemic velocity, radio local standard of rest."
        ),
        sa.Column(
            "position_angle",
            sa.Double(),
            nullable=True,
            comment="Position angle of the receding side of the disk, east of north.",
        ),
        sa.Column("inclination", sa.Double(), nullable=True, comment="Inclination of the disk."),
        sa.ForeignKeyConstraint(["release_id"], ["survey.release.release_id"], name=op.f("fk_target_release_id")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_target")),
        schema="survey",
        comment="The galaxies of the survey, with what the release says of each.",
    )
    op.create_index(
        "ix_target_position",
        "target",
        [sa.literal_column("spoint(radians(ra), radians(dec))")],
        unique=False,
        schema="survey",
        postgresql_using="gist",
    )
    op.create_table(
        "tables",
        sa.Column("schema_name", sa.Text(), nullable=False, comment="Schema of the table."),
        sa.Column("table_name", sa.Text(), nullable=False, comment="Name of the table as queries write it."),
        sa.Column("table_type", sa.Text(), nullable=False, comment="table or view."),
        sa.Column("utype", sa.Text(), nullable=True, comment="Data model of the table."),
        sa.Column("description", sa.Text(), nullable=True, comment="What is in it."),
        sa.Column("table_index", sa.Integer(), nullable=True, comment="Place in a listing."),
        sa.ForeignKeyConstraint(
            ["schema_name"], ["tap_schema.schemas.schema_name"], name=op.f("fk_tables_schema_name")
        ),
        sa.PrimaryKeyConstraint("table_name", name=op.f("pk_tables")),
        schema="tap_schema",
        comment="The published tables and views.",
    )
    op.create_table(
        "pointing",
        sa.Column("pointing_id", sa.Text(), nullable=False, comment="Galaxy and pointing number, as in NGC0628-P03."),
        sa.Column("target", sa.Text(), nullable=False, comment="Galaxy that the pointing belongs to."),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number of the pointing within its galaxy."),
        sa.Column("ra", sa.Double(), nullable=False, comment="Right ascension of the first exposure, ICRS."),
        sa.Column("dec", sa.Double(), nullable=False, comment="Declination of the first exposure, ICRS."),
        sa.Column(
            "psf_fwhm", sa.Double(), nullable=False, comment="FWHM of the PSF on the combined data of the pointing."
        ),
        sa.Column(
            "ao_mode",
            sa.Text(),
            nullable=False,
            comment="AO where ground-layer adaptive optics was on, noAO elsewhere.",
        ),
        sa.Column(
            "position_angle",
            sa.Double(),
            nullable=True,
            comment="Position angle of the field modulo 90, east of north.",
        ),
        sa.Column(
            "position_angle_origin",
            sa.Text(),
            nullable=True,
            comment="How the angle is known: mosaic (inferred from the spacing of neighbours) or header.",
        ),
        sa.Column("footprint", sa.ARRAY(sa.Double()), nullable=True, comment="Field of view on the sky, ICRS."),
        sa.Column(
            "footprint_spoly",
            SPoly(),
            sa.Computed("sphere.polygon(footprint)", persisted=True),
            nullable=True,
            comment="The footprint as pgSphere searches it.",
        ),
        sa.ForeignKeyConstraint(["target"], ["survey.target.name"], name=op.f("fk_pointing_target")),
        sa.PrimaryKeyConstraint("pointing_id", name=op.f("pk_pointing")),
        sa.UniqueConstraint("target", "number", name=op.f("uq_pointing_target_number")),
        schema="survey",
        comment="The pointings of the mosaics, one MUSE field of view each.",
    )
    op.create_index(
        "ix_pointing_footprint", "pointing", ["footprint_spoly"], unique=False, schema="survey", postgresql_using="gist"
    )
    op.create_index(
        "ix_pointing_position",
        "pointing",
        [sa.literal_column("spoint(radians(ra), radians(dec))")],
        unique=False,
        schema="survey",
        postgresql_using="gist",
    )
    op.create_index(op.f("ix_pointing_target"), "pointing", ["target"], unique=False, schema="survey")
    op.create_table(
        "product",
        sa.Column("product_id", sa.Text(), nullable=False, comment="Identifier of the product within the archive."),
        sa.Column("kind", sa.Text(), nullable=False, comment="What it is: cube, image, maps or exposure."),
        sa.Column("title", sa.Text(), nullable=False, comment="One line that tells the product from its neighbours."),
        sa.Column("prodcatg", sa.Text(), nullable=True, comment="ESO product category."),
        sa.Column("collection", sa.Text(), nullable=False, comment="Data collection."),
        sa.Column("release_id", sa.Text(), nullable=True, comment="Release that the product belongs to."),
        sa.Column("target", sa.Text(), nullable=True, comment="Galaxy of the survey, where it is one."),
        sa.Column("target_name", sa.Text(), nullable=True, comment="Designation of what was observed."),
        sa.Column("resolution", sa.Text(), nullable=True, comment="native, or copt where the PSF was homogenised."),
        sa.Column("filter", sa.Text(), nullable=True, comment="Name of the band of an image."),
        sa.Column("calib_level", sa.Integer(), nullable=False, comment="Calibration level of ObsCore, 0 to 4."),
        sa.Column("ra", sa.Double(), nullable=True, comment="Right ascension of the centre, ICRS."),
        sa.Column("dec", sa.Double(), nullable=True, comment="Declination of the centre, ICRS."),
        sa.Column("footprint", sa.ARRAY(sa.Double()), nullable=True, comment="Outline on the sky, ICRS."),
        sa.Column(
            "footprint_spoly",
            SPoly(),
            sa.Computed("sphere.polygon(footprint)", persisted=True),
            nullable=True,
            comment="The footprint as pgSphere searches it.",
        ),
        sa.Column("field_of_view", sa.Double(), nullable=True, comment="Diagonal of the field."),
        sa.Column("pixel_scale", sa.Double(), nullable=True, comment="Size of a spatial pixel."),
        sa.Column(
            "spatial_resolution", sa.Double(), nullable=True, comment="FWHM of the PSF, where the header gives it."
        ),
        sa.Column("n_x", sa.Integer(), nullable=True, comment="Pixels along the first axis."),
        sa.Column("n_y", sa.Integer(), nullable=True, comment="Pixels along the second axis."),
        sa.Column("n_wavelength", sa.Integer(), nullable=True, comment="Pixels along the wavelength axis."),
        sa.Column(
            "mjd_start", sa.Double(), nullable=True, comment="Start of the first exposure, modified Julian date, UTC."
        ),
        sa.Column(
            "mjd_end", sa.Double(), nullable=True, comment="End of the last exposure, modified Julian date, UTC."
        ),
        sa.Column("exptime", sa.Double(), nullable=True, comment="Integration time as its header gives it."),
        sa.Column(
            "wavelength_min", sa.Double(), nullable=True, comment="Shortest wavelength, as on the wavelength axis."
        ),
        sa.Column(
            "wavelength_max", sa.Double(), nullable=True, comment="Longest wavelength, as on the wavelength axis."
        ),
        sa.Column("wavelength_kind", sa.Text(), nullable=True, comment="AWAV in air, WAVE in vacuum."),
        sa.Column("resolving_power", sa.Double(), nullable=True, comment="Spectral resolving power."),
        sa.Column("flux_unit", sa.Text(), nullable=True, comment="Unit of the data, as the header writes it."),
        sa.Column("facility", sa.Text(), nullable=True, comment="Telescope."),
        sa.Column("instrument", sa.Text(), nullable=True, comment="Instrument."),
        sa.Column("ins_mode", sa.Text(), nullable=True, comment="Instrument mode."),
        sa.Column("run_id", sa.Text(), nullable=True, comment="Programme with run letter."),
        sa.Column("programme_id", sa.Text(), nullable=True, comment="Observing programme."),
        sa.Column("eso_ob_id", sa.BigInteger(), nullable=True, comment="ESO OBS ID."),
        sa.Column("tpl_start", postgresql.TIMESTAMP(), nullable=True, comment="Start of the template, UTC."),
        sa.Column("n_exposures", sa.Integer(), nullable=True, comment="Number of exposures combined."),
        sa.Column(
            "simulated",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="1 when the data were simulated, 0 when they come from the sky.",
        ),
        sa.Column("ingested", postgresql.TIMESTAMP(), nullable=False, comment="When the product became visible, UTC."),
        sa.Column(
            "public_from",
            postgresql.TIMESTAMP(),
            nullable=True,
            comment="When the data become public, UTC; empty when they are.",
        ),
        sa.CheckConstraint("resolution IN ('native', 'copt')", name=op.f("ck_product_resolution")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["survey.programme.programme_id"], name=op.f("fk_product_programme_id")
        ),
        sa.ForeignKeyConstraint(["release_id"], ["survey.release.release_id"], name=op.f("fk_product_release_id")),
        sa.ForeignKeyConstraint(["target"], ["survey.target.name"], name=op.f("fk_product_target")),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product")),
        schema="survey",
        comment="The products that the archive holds.",
    )
    op.create_index(op.f("ix_product_collection"), "product", ["collection"], unique=False, schema="survey")
    op.create_index(
        "ix_product_footprint", "product", ["footprint_spoly"], unique=False, schema="survey", postgresql_using="gist"
    )
    op.create_index(
        "ix_product_position",
        "product",
        [sa.literal_column("spoint(radians(ra), radians(dec))")],
        unique=False,
        schema="survey",
        postgresql_using="gist",
    )
    op.create_index(op.f("ix_product_target"), "product", ["target"], unique=False, schema="survey")
    op.create_table(
        "columns",
        sa.Column("table_name", sa.Text(), nullable=False, comment="Table of the column."),
        sa.Column("column_name", sa.Text(), nullable=False, comment="Name of the column."),
        sa.Column("datatype", sa.Text(), nullable=False, comment="VOTable data type."),
        sa.Column("arraysize", sa.Text(), nullable=True, comment="VOTable array size."),
        sa.Column("xtype", sa.Text(), nullable=True, comment="DALI extended type."),
        sa.Column(
            "size", sa.Integer(), nullable=True, comment="Length of a column of fixed length; kept for old clients."
        ),
        sa.Column("description", sa.Text(), nullable=True, comment="What it means."),
        sa.Column("utype", sa.Text(), nullable=True, comment="Path in a data model."),
        sa.Column("unit", sa.Text(), nullable=True, comment="Unit, in VOUnit syntax."),
        sa.Column("ucd", sa.Text(), nullable=True, comment="UCD1+."),
        sa.Column("indexed", sa.Integer(), nullable=False, comment="1 where an index helps."),
        sa.Column("principal", sa.Integer(), nullable=False, comment="1 for what a short listing shows."),
        sa.Column("std", sa.Integer(), nullable=False, comment="1 where a standard defines the column."),
        sa.Column("column_index", sa.Integer(), nullable=True, comment="Place within the table."),
        sa.ForeignKeyConstraint(["table_name"], ["tap_schema.tables.table_name"], name=op.f("fk_columns_table_name")),
        sa.PrimaryKeyConstraint("table_name", "column_name", name=op.f("pk_columns")),
        schema="tap_schema",
        comment="The columns of the published tables.",
    )
    op.create_table(
        "keys",
        sa.Column("key_id", sa.Text(), nullable=False, comment="Identifier of the key."),
        sa.Column("from_table", sa.Text(), nullable=False, comment="Table that refers."),
        sa.Column("target_table", sa.Text(), nullable=False, comment="Table that is referred to."),
        sa.Column("utype", sa.Text(), nullable=True, comment="Relation in a data model."),
        sa.Column("description", sa.Text(), nullable=True, comment="What the key relates."),
        sa.ForeignKeyConstraint(["from_table"], ["tap_schema.tables.table_name"], name=op.f("fk_keys_from_table")),
        sa.ForeignKeyConstraint(["target_table"], ["tap_schema.tables.table_name"], name=op.f("fk_keys_target_table")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_keys")),
        schema="tap_schema",
        comment="Foreign keys between published tables.",
    )
    op.create_table(
        "used",
        sa.Column("used_id", sa.BigInteger(), nullable=False, comment="Running number."),
        sa.Column("activity_id", sa.Text(), nullable=False, comment="Activity."),
        sa.Column(
            "entity",
            sa.Text(),
            nullable=False,
            comment="Product identifier, or file name where the archive does not hold it.",
        ),
        sa.Column("role", sa.Text(), nullable=False, comment="What it was used as, in ESO's tags."),
        sa.Column("product_id", sa.Text(), nullable=True, comment="Product, where the archive holds it."),
        sa.Column("md5", sa.Text(), nullable=True, comment="MD5 of its data, where the header gives it."),
        sa.ForeignKeyConstraint(["activity_id"], ["provenance.activity.activity_id"], name=op.f("fk_used_activity_id")),
        sa.ForeignKeyConstraint(["product_id"], ["survey.product.product_id"], name=op.f("fk_used_product_id")),
        sa.PrimaryKeyConstraint("used_id", name=op.f("pk_used")),
        schema="provenance",
        comment="Inputs of activities.",
    )
    op.create_index(op.f("ix_used_activity_id"), "used", ["activity_id"], unique=False, schema="provenance")
    op.create_index(op.f("ix_used_entity"), "used", ["entity"], unique=False, schema="provenance")
    op.create_index(op.f("ix_used_product_id"), "used", ["product_id"], unique=False, schema="provenance")
    op.create_table(
        "was_generated_by",
        sa.Column("product_id", sa.Text(), nullable=False, comment="Product."),
        sa.Column("activity_id", sa.Text(), nullable=False, comment="Activity that made it."),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["provenance.activity.activity_id"], name=op.f("fk_was_generated_by_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["survey.product.product_id"], name=op.f("fk_was_generated_by_product_id")
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_was_generated_by")),
        schema="provenance",
        comment="Which activity made which product.",
    )
    op.create_index(
        op.f("ix_was_generated_by_activity_id"), "was_generated_by", ["activity_id"], unique=False, schema="provenance"
    )
    op.create_table(
        "artifact",
        sa.Column("artifact_id", sa.Text(), nullable=False, comment="Name under which the file is served."),
        sa.Column("product_id", sa.Text(), nullable=False, comment="Product of which it is a file."),
        sa.Column(
            "role", sa.Text(), nullable=False, comment="this for the product itself, preview for a picture of it."
        ),
        sa.Column("file_name", sa.Text(), nullable=False, comment="Name that the file came with."),
        sa.Column("media_type", sa.Text(), nullable=False, comment="Media type."),
        sa.Column("file_size", sa.BigInteger(), nullable=False, comment="Length."),
        sa.Column("sha256", sa.Text(), nullable=False, comment="SHA-256 of the content, hexadecimal."),
        sa.Column("stored", postgresql.TIMESTAMP(), nullable=False, comment="When the file was stored, UTC."),
        sa.ForeignKeyConstraint(["product_id"], ["survey.product.product_id"], name=op.f("fk_artifact_product_id")),
        sa.PrimaryKeyConstraint("artifact_id", name=op.f("pk_artifact")),
        schema="survey",
        comment="The files that the products are kept in.",
    )
    op.create_index(op.f("ix_artifact_product_id"), "artifact", ["product_id"], unique=False, schema="survey")
    op.create_index(op.f("ix_artifact_sha256"), "artifact", ["sha256"], unique=False, schema="survey")
    op.create_table(
        "observing_block",
        sa.Column(
            "observing_block_id", sa.Text(), nullable=False, comment="TPL. followed by the template's start, UTC."
        ),
        sa.Column("pointing_id", sa.Text(), nullable=False, comment="Pointing that was observed."),
        sa.Column(
            "printed_pointing_id",
            sa.Text(),
            nullable=False,
            comment="Pointing under which the description prints the block; see survey.erratum where it differs.",
        ),
        sa.Column(
            "tpl_start", postgresql.TIMESTAMP(), nullable=False, comment="Start of the template (ESO TPL START), UTC."
        ),
        sa.Column(
            "exposure_numbers",
            sa.Text(),
            nullable=False,
            comment="Ranks, within the block and in order of time, of the exposures in the mosaic.",
        ),
        sa.Column("exposures_used", sa.Integer(), nullable=False, comment="Number of exposures in the mosaic."),
        sa.Column("programme_id", sa.Text(), nullable=True, comment="Programme, known once the raw headers are."),
        sa.Column("eso_ob_id", sa.BigInteger(), nullable=True, comment="ESO OBS ID, known once the raw headers are."),
        sa.ForeignKeyConstraint(
            ["pointing_id"], ["survey.pointing.pointing_id"], name=op.f("fk_observing_block_pointing_id")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["survey.programme.programme_id"], name=op.f("fk_observing_block_programme_id")
        ),
        sa.PrimaryKeyConstraint("observing_block_id", name=op.f("pk_observing_block")),
        schema="survey",
        comment="The observing blocks, one start of an observing template each.",
    )
    op.create_index(
        op.f("ix_observing_block_pointing_id"), "observing_block", ["pointing_id"], unique=False, schema="survey"
    )
    op.create_index(
        op.f("ix_observing_block_tpl_start"), "observing_block", ["tpl_start"], unique=False, schema="survey"
    )
    op.create_table(
        "key_columns",
        sa.Column("key_id", sa.Text(), nullable=False, comment="Key."),
        sa.Column("from_column", sa.Text(), nullable=False, comment="Column that refers."),
        sa.Column("target_column", sa.Text(), nullable=False, comment="Column that is referred to."),
        sa.ForeignKeyConstraint(["key_id"], ["tap_schema.keys.key_id"], name=op.f("fk_key_columns_key_id")),
        sa.PrimaryKeyConstraint("key_id", "from_column", name=op.f("pk_key_columns")),
        schema="tap_schema",
        comment="Columns of the foreign keys.",
    )
    op.create_table(
        "header",
        sa.Column("artifact_id", sa.Text(), nullable=False, comment="File that holds the HDU."),
        sa.Column(
            "extension",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Number of the HDU, 0 for the primary.",
        ),
        sa.Column("extname", sa.Text(), nullable=True, comment="EXTNAME."),
        sa.Column("cards", sa.Text(), nullable=False, comment="The cards, one a line."),
        sa.ForeignKeyConstraint(["artifact_id"], ["survey.artifact.artifact_id"], name=op.f("fk_header_artifact_id")),
        sa.PrimaryKeyConstraint("artifact_id", "extension", name=op.f("pk_header")),
        schema="archive",
        comment="FITS headers as they were read.",
    )
    op.create_table(
        "exposure",
        sa.Column("dp_id", sa.Text(), nullable=False, comment="ESO data product identifier of the raw frame."),
        sa.Column(
            "observing_block_id",
            sa.Text(),
            nullable=True,
            comment="Observing block of the survey's log, where it is one of its exposures.",
        ),
        sa.Column("programme_id", sa.Text(), nullable=True, comment="Observing programme."),
        sa.Column("run_id", sa.Text(), nullable=True, comment="Programme with run letter (ESO OBS PROG ID)."),
        sa.Column("eso_ob_id", sa.BigInteger(), nullable=True, comment="ESO OBS ID."),
        sa.Column("ob_name", sa.Text(), nullable=True, comment="Name of the observation block."),
        sa.Column("object", sa.Text(), nullable=True, comment="Designation of what was observed."),
        sa.Column("tpl_id", sa.Text(), nullable=True, comment="Signature of the observing template."),
        sa.Column("tpl_start", postgresql.TIMESTAMP(), nullable=True, comment="Start of the template, UTC."),
        sa.Column("tpl_expno", sa.Integer(), nullable=True, comment="Number of the exposure within its template."),
        sa.Column("tpl_nexp", sa.Integer(), nullable=True, comment="Number of exposures that the template takes."),
        sa.Column("ins_mode", sa.Text(), nullable=True, comment="Instrument mode."),
        sa.Column("ra", sa.Double(), nullable=True, comment="Right ascension of the pointing."),
        sa.Column("dec", sa.Double(), nullable=True, comment="Declination of the pointing."),
        sa.Column("mjd_obs", sa.Double(), nullable=True, comment="Start of the exposure, modified Julian date, UTC."),
        sa.Column("exptime", sa.Double(), nullable=True, comment="Integration time."),
        sa.Column("airmass_start", sa.Double(), nullable=True, comment="Airmass at the start."),
        sa.Column("airmass_end", sa.Double(), nullable=True, comment="Airmass at the end."),
        sa.Column("dimm_fwhm_start", sa.Double(), nullable=True, comment="Seeing of the site monitor at the start."),
        sa.Column("dimm_fwhm_end", sa.Double(), nullable=True, comment="Seeing of the site monitor at the end."),
        sa.ForeignKeyConstraint(
            ["observing_block_id"],
            ["survey.observing_block.observing_block_id"],
            name=op.f("fk_exposure_observing_block_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["survey.programme.programme_id"], name=op.f("fk_exposure_programme_id")
        ),
        sa.PrimaryKeyConstraint("dp_id", name=op.f("pk_exposure")),
        schema="survey",
        comment="Raw exposures that the archive knows of.",
    )
    op.create_index(op.f("ix_exposure_mjd_obs"), "exposure", ["mjd_obs"], unique=False, schema="survey")
    op.create_index(
        op.f("ix_exposure_observing_block_id"), "exposure", ["observing_block_id"], unique=False, schema="survey"
    )
    op.create_index(
        "ix_exposure_position",
        "exposure",
        [sa.literal_column("spoint(radians(ra), radians(dec))")],
        unique=False,
        schema="survey",
        postgresql_using="gist",
    )
    op.create_index(op.f("ix_exposure_tpl_start"), "exposure", ["tpl_start"], unique=False, schema="survey")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: an archive does not forget")
