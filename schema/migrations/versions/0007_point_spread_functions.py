"""Point spread functions of pointings, as homogenised mosaics use them, and resolutions that somebody asks for."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_product_resolution"), "product", schema="survey", type_="check")
    op.create_check_constraint(
        op.f("ck_product_resolution"),
        "product",
        "resolution ~ '^(native|copt|[0-9.]+(asec|pc|kpc))$'",
        schema="survey",
    )
    op.create_table(
        "psf",
        sa.Column("product_id", sa.Text(), nullable=False, comment="Homogenised mosaic."),
        sa.Column("pointing_id", sa.Text(), nullable=False, comment="Pointing."),
        sa.Column(
            "origin",
            sa.Text(),
            nullable=False,
            comment="log of the survey, header of the exposures, or stars in them.",
        ),
        sa.Column(
            "used",
            sa.Integer(),
            nullable=False,
            comment="1 for the one that the mosaic was homogenised with, else 0.",
        ),
        sa.Column("fwhm", sa.Double(), nullable=False, comment="FWHM at the wavelength of reference."),
        sa.Column("fwhm_error", sa.Double(), nullable=True, comment="Its error, where it was measured."),
        sa.Column("slope", sa.Double(), nullable=False, comment="Change of the FWHM with wavelength."),
        sa.Column("slope_error", sa.Double(), nullable=True, comment="Its error, where it was measured."),
        sa.Column("wavelength", sa.Double(), nullable=False, comment="Wavelength of reference, air."),
        sa.Column("beta", sa.Double(), nullable=False, comment="Exponent of the Moffat profile."),
        sa.Column("n_stars", sa.Integer(), nullable=True, comment="Stars that were measured."),
        sa.ForeignKeyConstraint(["pointing_id"], ["survey.pointing.pointing_id"], name=op.f("fk_psf_pointing_id")),
        sa.ForeignKeyConstraint(["product_id"], ["survey.product.product_id"], name=op.f("fk_psf_product_id")),
        sa.PrimaryKeyConstraint("product_id", "pointing_id", "origin", name=op.f("pk_psf")),
        schema="survey",
        comment="Point spread functions of pointings, by origin, and which of them homogenised mosaics used.",
        info={"published": True, "utype": None},
    )
