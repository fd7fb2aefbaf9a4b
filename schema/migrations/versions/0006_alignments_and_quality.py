"""Alignments of exposures, trails that are masked in them, and the quality of products."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column(
        "product",
        "kind",
        comment="What it is: cube, image, maps, exposure, calibration, or a step between these.",
        schema="survey",
    )
    op.alter_column(
        "artifact",
        "role",
        comment="this for the product itself, preview for a picture of it, auxiliary for what goes with it.",
        schema="survey",
    )
    op.create_table(
        "alignment",
        sa.Column("dp_id", sa.Text(), nullable=False, comment="Exposure."),
        sa.Column("product_id", sa.Text(), nullable=False, comment="Product that has the alignment as a file."),
        sa.Column("reference_id", sa.Text(), nullable=False, comment="Reference image."),
        sa.Column("filter", sa.Text(), nullable=False, comment="Band in which both were compared."),
        sa.Column(
            "ra_offset",
            sa.Double(),
            nullable=False,
            comment="To be taken from the right ascension in the header; in coordinate, without cos(dec).",
        ),
        sa.Column("dec_offset", sa.Double(), nullable=False, comment="To be taken from the declination in the header."),
        sa.Column(
            "offset_error", sa.Double(), nullable=True, comment="Error of the offset, the larger of the two axes."
        ),
        sa.Column(
            "rotation",
            sa.Double(),
            nullable=False,
            comment="To be added to the angle of the derotator (INS DROT POSANG).",
        ),
        sa.Column("rotation_error", sa.Double(), nullable=True, comment="Error of the rotation."),
        sa.Column("flux_scale", sa.Double(), nullable=False, comment="Flux scale a: reference = a x MUSE + b."),
        sa.Column("flux_scale_error", sa.Double(), nullable=True, comment="Error of the flux scale."),
        sa.Column(
            "background",
            sa.Double(),
            nullable=False,
            comment="Background b of that line; the unit is 1e-20 erg/s/cm2/Angstrom.",
        ),
        sa.Column("background_error", sa.Double(), nullable=True, comment="Error of the background."),
        sa.Column(
            "sky_level", sa.Double(), nullable=False, comment="Sky continuum that was taken off, through the band."
        ),
        sa.Column(
            "sky_factor",
            sa.Double(),
            nullable=False,
            comment="Factor alpha of the sky continuum, 1 - b / (a sky_level).",
        ),
        sa.Column("sky_factor_error", sa.Double(), nullable=True, comment="Error of the sky factor."),
        sa.Column(
            "correlation", sa.Double(), nullable=True, comment="Of the image and the model fitted to it, 0 to 1."
        ),
        sa.Column("significance", sa.Double(), nullable=True, comment="Sigmas of the first guess."),
        sa.Column("n_chunks", sa.Integer(), nullable=True, comment="Chunks of the images that the line is fitted to."),
        sa.Column("n_rejected", sa.Integer(), nullable=True, comment="Chunks left out as outliers."),
        sa.Column("chi2", sa.Double(), nullable=True, comment="Chi-square of the line a degree of freedom."),
        sa.Column(
            "quality",
            sa.Text(),
            nullable=False,
            comment="good, or what is uncertain: offset, flux, sky, with blanks between.",
        ),
        sa.Column("origin", sa.Text(), nullable=False, comment="measured, or by hand."),
        sa.Column("note", sa.Text(), nullable=True, comment="What whoever set it by hand says."),
        sa.Column("made", sa.TIMESTAMP(), nullable=False, comment="When it was measured or set, UTC."),
        sa.ForeignKeyConstraint(["dp_id"], ["survey.exposure.dp_id"], name=op.f("fk_alignment_dp_id")),
        sa.ForeignKeyConstraint(["product_id"], ["survey.product.product_id"], name=op.f("fk_alignment_product_id")),
        sa.ForeignKeyConstraint(
            ["reference_id"], ["survey.product.product_id"], name=op.f("fk_alignment_reference_id")
        ),
        sa.PrimaryKeyConstraint("dp_id", name=op.f("pk_alignment")),
        sa.UniqueConstraint("product_id", name=op.f("uq_alignment_product_id")),
        schema="survey",
        comment="Per exposure: offset, rotation, flux scale and sky factor against the reference image.",
        info={"published": True, "utype": None},
    )
    op.create_table(
        "trail_mask",
        sa.Column("dp_id", sa.Text(), nullable=False, comment="Exposure."),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="Number within the exposure."),
        sa.Column("product_id", sa.Text(), nullable=False, comment="Product that has the alignment as a file."),
        sa.Column("ra_start", sa.Double(), nullable=False, comment="Right ascension of one end."),
        sa.Column("dec_start", sa.Double(), nullable=False, comment="Declination of one end."),
        sa.Column("ra_stop", sa.Double(), nullable=False, comment="Right ascension of the other end."),
        sa.Column("dec_stop", sa.Double(), nullable=False, comment="Declination of the other end."),
        sa.Column("width", sa.Double(), nullable=False, comment="Full width of the band."),
        sa.Column(
            "significance",
            sa.Double(),
            nullable=True,
            comment="Sigmas of the sum along it, where it was found by the program.",
        ),
        sa.Column("origin", sa.Text(), nullable=False, comment="measured, or by hand."),
        sa.ForeignKeyConstraint(["dp_id"], ["survey.exposure.dp_id"], name=op.f("fk_trail_mask_dp_id")),
        sa.ForeignKeyConstraint(["product_id"], ["survey.product.product_id"], name=op.f("fk_trail_mask_product_id")),
        sa.PrimaryKeyConstraint("dp_id", "number", name=op.f("pk_trail_mask")),
        schema="survey",
        comment="Straight bands that are left out of exposures: trails of satellites.",
        info={"published": True, "utype": None},
    )
    op.create_index(op.f("ix_trail_mask_product_id"), "trail_mask", ["product_id"], unique=False, schema="survey")
    op.create_table(
        "quality",
        sa.Column("product_id", sa.Text(), nullable=False, comment="Product that the figure is about."),
        sa.Column("figure", sa.Text(), nullable=False, comment="Name of the figure."),
        sa.Column(
            "part",
            sa.Text(),
            nullable=False,
            comment="Wavelengths, exposures or star that it is of; empty where it is of the whole product.",
        ),
        sa.Column("measured", sa.Double(), nullable=False, comment="Its value."),
        sa.Column("error", sa.Double(), nullable=True, comment="Error of what was measured, one sigma."),
        sa.Column("unit", sa.Text(), nullable=True, comment="Unit of both."),
        sa.Column("n", sa.Integer(), nullable=True, comment="Measurements that it comes from."),
        sa.ForeignKeyConstraint(["product_id"], ["survey.product.product_id"], name=op.f("fk_quality_product_id")),
        sa.PrimaryKeyConstraint("product_id", "figure", "part", name=op.f("pk_quality")),
        schema="survey",
        comment="Measured quality of products: noise, agreement in overlaps, with references.",
        info={"published": True, "utype": None},
    )
