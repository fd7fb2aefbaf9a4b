"""Maps as rows: spaxels and bins, partitioned by galaxy, resolution and product."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA maps")
    op.execute("CREATE SCHEMA maps_rows")
    op.create_table(
        "spaxel",
        sa.Column("product_id", sa.Text(), nullable=False, comment="Maps that the row is of."),
        sa.Column(
            "target", sa.Text(), nullable=False, comment="Galaxy of the survey, or designation of what was observed."
        ),
        sa.Column("resolution", sa.Text(), nullable=False, comment="native, copt, or a width."),
        sa.Column("x", sa.Integer(), nullable=False, comment="Column of the spaxel, from 1 on."),
        sa.Column("y", sa.Integer(), nullable=False, comment="Row of the spaxel, from 1 on."),
        sa.Column("ra", sa.Double(), nullable=False, comment="Right ascension, ICRS."),
        sa.Column("dec", sa.Double(), nullable=False, comment="Declination, ICRS."),
        sa.Column("bin_id", sa.Integer(), nullable=True, comment="Bin of its stars; null where it is in none."),
        sa.Column(
            "stars_flux",
            sa.Double(),
            nullable=True,
            comment="Mean 5300 to 5500 Angstrom at rest, 1e-20 erg/s/cm2/Angstrom, the Milky Way's dust taken off.",
        ),
        sa.Column("snr", sa.Double(), nullable=True, comment="Signal to noise of that, a pixel of wavelength."),
        sa.Column(
            "v_stars",
            sa.Double(),
            nullable=True,
            comment="Velocity of the stars, relative to the systemic velocity of the file.",
        ),
        sa.Column("form_err_v_stars", sa.Double(), nullable=True, comment="Formal error of v_stars."),
        sa.Column("sigma_stars", sa.Double(), nullable=True, comment="Velocity dispersion of the stars."),
        sa.Column("form_err_sigma_stars", sa.Double(), nullable=True, comment="Formal error of sigma_stars."),
        sa.Column("bin_snr", sa.Double(), nullable=True, comment="Signal to noise of the bin, a pixel of wavelength."),
        sa.Column("stars_chi2", sa.Double(), nullable=True, comment="Reduced chi-square of the stars' fit."),
        sa.Column(
            "stars_flags", sa.Integer(), nullable=True, comment="What may be wrong with the stars' fit, as bits."
        ),
        sa.Column("ebv_stars", sa.Double(), nullable=True, comment="Reddening E(B-V) of the stars."),
        sa.Column("bin_area", sa.Double(), nullable=True, comment="Area of the bin."),
        sa.Column("bin_ra", sa.Double(), nullable=True, comment="Right ascension of the bin."),
        sa.Column("bin_dec", sa.Double(), nullable=True, comment="Declination of the bin."),
        sa.Column("lines_chi2", sa.Double(), nullable=True, comment="Reduced chi-square of the lines' fit."),
        sa.Column(
            "hb4861_flux",
            sa.Double(),
            nullable=True,
            comment="Flux of H beta in 1e-20 erg/s/cm2, the Milky Way's dust taken off.",
        ),
        sa.Column("hb4861_flux_err", sa.Double(), nullable=True, comment="Error of hb4861_flux, 1e-20 erg/s/cm2."),
        sa.Column(
            "hb4861_vel",
            sa.Double(),
            nullable=True,
            comment="Velocity of H beta, relative to the systemic velocity of the file.",
        ),
        sa.Column("hb4861_vel_err", sa.Double(), nullable=True, comment="Error of hb4861_vel."),
        sa.Column(
            "hb4861_sigma",
            sa.Double(),
            nullable=True,
            comment="Dispersion of H beta as observed: intrinsic and instrumental in quadrature.",
        ),
        sa.Column("hb4861_sigma_err", sa.Double(), nullable=True, comment="Error of hb4861_sigma."),
        sa.Column("hb4861_sigma_inst", sa.Double(), nullable=True, comment="Instrumental dispersion under H beta."),
        sa.Column("hb4861_an", sa.Double(), nullable=True, comment="Peak of H beta over the noise."),
        sa.Column("hb4861_flags", sa.Integer(), nullable=True, comment="What may be wrong with H beta, as bits."),
        sa.Column(
            "oiii4958_flux",
            sa.Double(),
            nullable=True,
            comment="Flux of [O III] 4958 in 1e-20 erg/s/cm2, the Milky Way's dust taken off.",
        ),
        sa.Column("oiii4958_flux_err", sa.Double(), nullable=True, comment="Error of oiii4958_flux, 1e-20 erg/s/cm2."),
        sa.Column(
            "oiii4958_vel",
            sa.Double(),
            nullable=True,
            comment="Velocity of [O III] 4958, relative to the systemic velocity of the file.",
        ),
        sa.Column("oiii4958_vel_err", sa.Double(), nullable=True, comment="Error of oiii4958_vel."),
        sa.Column(
            "oiii4958_sigma",
            sa.Double(),
            nullable=True,
            comment="Dispersion of [O III] 4958 as observed: intrinsic and instrumental in quadrature.",
        ),
        sa.Column("oiii4958_sigma_err", sa.Double(), nullable=True, comment="Error of oiii4958_sigma."),
        sa.Column(
            "oiii4958_sigma_inst", sa.Double(), nullable=True, comment="Instrumental dispersion under [O III] 4958."
        ),
        sa.Column("oiii4958_an", sa.Double(), nullable=True, comment="Peak of [O III] 4958 over the noise."),
        sa.Column(
            "oiii4958_flags", sa.Integer(), nullable=True, comment="What may be wrong with [O III] 4958, as bits."
        ),
        sa.Column(
            "oiii5006_flux",
            sa.Double(),
            nullable=True,
            comment="Flux of [O III] 5006 in 1e-20 erg/s/cm2, the Milky Way's dust taken off.",
        ),
        sa.Column("oiii5006_flux_err", sa.Double(), nullable=True, comment="Error of oiii5006_flux, 1e-20 erg/s/cm2."),
        sa.Column(
            "oiii5006_vel",
            sa.Double(),
            nullable=True,
            comment="Velocity of [O III] 5006, relative to the systemic velocity of the file.",
        ),
        sa.Column("oiii5006_vel_err", sa.Double(), nullable=True, comment="Error of oiii5006_vel."),
        sa.Column(
            "oiii5006_sigma",
            sa.Double(),
            nullable=True,
            comment="Dispersion of [O III] 5006 as observed: intrinsic and instrumental in quadrature.",
        ),
        sa.Column("oiii5006_sigma_err", sa.Double(), nullable=True, comment="Error of oiii5006_sigma."),
        sa.Column(
            "oiii5006_sigma_inst", sa.Double(), nullable=True, comment="Instrumental dispersion under [O III] 5006."
        ),
        sa.Column("oiii5006_an", sa.Double(), nullable=True, comment="Peak of [O III] 5006 over the noise."),
        sa.Column(
            "oiii5006_flags", sa.Integer(), nullable=True, comment="What may be wrong with [O III] 5006, as bits."
        ),
        sa.Column(
            "nii6548_flux",
            sa.Double(),
            nullable=True,
            comment="Flux of [N II] 6548 in 1e-20 erg/s/cm2, the Milky Way's dust taken off.",
        ),
        sa.Column("nii6548_flux_err", sa.Double(), nullable=True, comment="Error of nii6548_flux, 1e-20 erg/s/cm2."),
        sa.Column(
            "nii6548_vel",
            sa.Double(),
            nullable=True,
            comment="Velocity of [N II] 6548, relative to the systemic velocity of the file.",
        ),
        sa.Column("nii6548_vel_err", sa.Double(), nullable=True, comment="Error of nii6548_vel."),
        sa.Column(
            "nii6548_sigma",
            sa.Double(),
            nullable=True,
            comment="Dispersion of [N II] 6548 as observed: intrinsic and instrumental in quadrature.",
        ),
        sa.Column("nii6548_sigma_err", sa.Double(), nullable=True, comment="Error of nii6548_sigma."),
        sa.Column(
            "nii6548_sigma_inst", sa.Double(), nullable=True, comment="Instrumental dispersion under [N II] 6548."
        ),
        sa.Column("nii6548_an", sa.Double(), nullable=True, comment="Peak of [N II] 6548 over the noise."),
        sa.Column("nii6548_flags", sa.Integer(), nullable=True, comment="What may be wrong with [N II] 6548, as bits."),
        sa.Column(
            "ha6562_flux",
            sa.Double(),
            nullable=True,
            comment="Flux of H alpha in 1e-20 erg/s/cm2, the Milky Way's dust taken off.",
        ),
        sa.Column("ha6562_flux_err", sa.Double(), nullable=True, comment="Error of ha6562_flux, 1e-20 erg/s/cm2."),
        sa.Column(
            "ha6562_vel",
            sa.Double(),
            nullable=True,
            comment="Velocity of H alpha, relative to the systemic velocity of the file.",
        ),
        sa.Column("ha6562_vel_err", sa.Double(), nullable=True, comment="Error of ha6562_vel."),
        sa.Column(
            "ha6562_sigma",
            sa.Double(),
            nullable=True,
            comment="Dispersion of H alpha as observed: intrinsic and instrumental in quadrature.",
        ),
        sa.Column("ha6562_sigma_err", sa.Double(), nullable=True, comment="Error of ha6562_sigma."),
        sa.Column("ha6562_sigma_inst", sa.Double(), nullable=True, comment="Instrumental dispersion under H alpha."),
        sa.Column("ha6562_an", sa.Double(), nullable=True, comment="Peak of H alpha over the noise."),
        sa.Column("ha6562_flags", sa.Integer(), nullable=True, comment="What may be wrong with H alpha, as bits."),
        sa.Column(
            "nii6583_flux",
            sa.Double(),
            nullable=True,
            comment="Flux of [N II] 6583 in 1e-20 erg/s/cm2, the Milky Way's dust taken off.",
        ),
        sa.Column("nii6583_flux_err", sa.Double(), nullable=True, comment="Error of nii6583_flux, 1e-20 erg/s/cm2."),
        sa.Column(
            "nii6583_vel",
            sa.Double(),
            nullable=True,
            comment="Velocity of [N II] 6583, relative to the systemic velocity of the file.",
        ),
        sa.Column("nii6583_vel_err", sa.Double(), nullable=True, comment="Error of nii6583_vel."),
        sa.Column(
            "nii6583_sigma",
            sa.Double(),
            nullable=True,
            comment="Dispersion of [N II] 6583 as observed: intrinsic and instrumental in quadrature.",
        ),
        sa.Column("nii6583_sigma_err", sa.Double(), nullable=True, comment="Error of nii6583_sigma."),
        sa.Column(
            "nii6583_sigma_inst", sa.Double(), nullable=True, comment="Instrumental dispersion under [N II] 6583."
        ),
        sa.Column("nii6583_an", sa.Double(), nullable=True, comment="Peak of [N II] 6583 over the noise."),
        sa.Column("nii6583_flags", sa.Integer(), nullable=True, comment="What may be wrong with [N II] 6583, as bits."),
        sa.Column(
            "sii6716_flux",
            sa.Double(),
            nullable=True,
            comment="Flux of [S II] 6716 in 1e-20 erg/s/cm2, the Milky Way's dust taken off.",
        ),
        sa.Column("sii6716_flux_err", sa.Double(), nullable=True, comment="Error of sii6716_flux, 1e-20 erg/s/cm2."),
        sa.Column(
            "sii6716_vel",
            sa.Double(),
            nullable=True,
            comment="Velocity of [S II] 6716, relative to the systemic velocity of the file.",
        ),
        sa.Column("sii6716_vel_err", sa.Double(), nullable=True, comment="Error of sii6716_vel."),
        sa.Column(
            "sii6716_sigma",
            sa.Double(),
            nullable=True,
            comment="Dispersion of [S II] 6716 as observed: intrinsic and instrumental in quadrature.",
        ),
        sa.Column("sii6716_sigma_err", sa.Double(), nullable=True, comment="Error of sii6716_sigma."),
        sa.Column(
            "sii6716_sigma_inst", sa.Double(), nullable=True, comment="Instrumental dispersion under [S II] 6716."
        ),
        sa.Column("sii6716_an", sa.Double(), nullable=True, comment="Peak of [S II] 6716 over the noise."),
        sa.Column("sii6716_flags", sa.Integer(), nullable=True, comment="What may be wrong with [S II] 6716, as bits."),
        sa.Column(
            "sii6730_flux",
            sa.Double(),
            nullable=True,
            comment="Flux of [S II] 6730 in 1e-20 erg/s/cm2, the Milky Way's dust taken off.",
        ),
        sa.Column("sii6730_flux_err", sa.Double(), nullable=True, comment="Error of sii6730_flux, 1e-20 erg/s/cm2."),
        sa.Column(
            "sii6730_vel",
            sa.Double(),
            nullable=True,
            comment="Velocity of [S II] 6730, relative to the systemic velocity of the file.",
        ),
        sa.Column("sii6730_vel_err", sa.Double(), nullable=True, comment="Error of sii6730_vel."),
        sa.Column(
            "sii6730_sigma",
            sa.Double(),
            nullable=True,
            comment="Dispersion of [S II] 6730 as observed: intrinsic and instrumental in quadrature.",
        ),
        sa.Column("sii6730_sigma_err", sa.Double(), nullable=True, comment="Error of sii6730_sigma."),
        sa.Column(
            "sii6730_sigma_inst", sa.Double(), nullable=True, comment="Instrumental dispersion under [S II] 6730."
        ),
        sa.Column("sii6730_an", sa.Double(), nullable=True, comment="Peak of [S II] 6730 over the noise."),
        sa.Column("sii6730_flags", sa.Integer(), nullable=True, comment="What may be wrong with [S II] 6730, as bits."),
        schema="maps",
        comment="Spaxels of MAPS files: stellar kinematics, emission lines, flags.  Those with nothing have no row.",
        info={"published": True, "utype": None},
        postgresql_partition_by="LIST (target)",
    )
    op.create_index("ix_spaxel_ha6562_flux", "spaxel", ["ha6562_flux"], schema="maps")
    op.create_index("ix_spaxel_ha6562_vel", "spaxel", ["ha6562_vel"], schema="maps")
    op.create_index("ix_spaxel_oiii5006_flux", "spaxel", ["oiii5006_flux"], schema="maps")
    op.create_index(
        "ix_spaxel_position",
        "spaxel",
        [sa.literal_column("spoint(radians(ra), radians(dec))")],
        schema="maps",
        postgresql_using="gist",
    )
    op.create_index("ix_spaxel_v_stars", "spaxel", ["v_stars"], schema="maps")
    op.create_table(
        "bin",
        sa.Column("product_id", sa.Text(), nullable=False, comment="Maps that the row is of."),
        sa.Column(
            "target", sa.Text(), nullable=False, comment="Galaxy of the survey, or designation of what was observed."
        ),
        sa.Column("resolution", sa.Text(), nullable=False, comment="native, copt, or a width."),
        sa.Column("bin_id", sa.Integer(), nullable=False, comment="Number of the bin in its file."),
        sa.Column("n_spaxels", sa.Integer(), nullable=False, comment="Spaxels in the bin."),
        sa.Column("ra", sa.Double(), nullable=False, comment="Right ascension of its centre, ICRS."),
        sa.Column("dec", sa.Double(), nullable=False, comment="Declination of its centre, ICRS."),
        sa.Column(
            "v_stars",
            sa.Double(),
            nullable=True,
            comment="Velocity of the stars, relative to the systemic velocity of the file.",
        ),
        sa.Column("form_err_v_stars", sa.Double(), nullable=True, comment="Formal error of v_stars."),
        sa.Column("sigma_stars", sa.Double(), nullable=True, comment="Velocity dispersion of the stars."),
        sa.Column("form_err_sigma_stars", sa.Double(), nullable=True, comment="Formal error of sigma_stars."),
        sa.Column("bin_snr", sa.Double(), nullable=True, comment="Signal to noise of the bin, a pixel of wavelength."),
        sa.Column("stars_chi2", sa.Double(), nullable=True, comment="Reduced chi-square of the stars' fit."),
        sa.Column(
            "stars_flags", sa.Integer(), nullable=True, comment="What may be wrong with the stars' fit, as bits."
        ),
        sa.Column("ebv_stars", sa.Double(), nullable=True, comment="Reddening E(B-V) of the stars."),
        sa.Column("bin_area", sa.Double(), nullable=True, comment="Area of the bin."),
        schema="maps",
        comment="Bins of MAPS files, in which neighbouring spaxels share the fit of their stars.",
        info={"published": True, "utype": None},
        postgresql_partition_by="LIST (target)",
    )
    op.create_index(
        "ix_bin_position",
        "bin",
        [sa.literal_column("spoint(radians(ra), radians(dec))")],
        schema="maps",
        postgresql_using="gist",
    )
    op.create_index("ix_bin_v_stars", "bin", ["v_stars"], schema="maps")
