"""The maps of cubes as rows: a spaxel or a bin each, with everything that their MAPS files say of it.

A product's rows are a partition of their own, in those of its galaxy and its resolution; ``archive.maps_rows`` makes
and drops them.  The columns bear the names of the file's extensions, in lower case.
"""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Column, Double, Index, Integer, Table, Text, text

from schema.base import Base, ColumnMeaning, table

__all__ = ["BIN", "LINES", "PARTITIONS", "SPAXEL", "VALUES"]

PARTITIONS: Final = "maps_rows"
"""Schema of the partitions, which nobody asks for by name."""

LINES: Final = (
    ("hb4861", "H beta"),
    ("oiii4958", "[O III] 4958"),
    ("oiii5006", "[O III] 5006"),
    ("nii6548", "[N II] 6548"),
    ("ha6562", "H alpha"),
    ("nii6583", "[N II] 6583"),
    ("sii6716", "[S II] 6716"),
    ("sii6730", "[S II] 6730"),
)
"""Name in columns, and in words."""

KM_S: Final = "km/s"
FLUX_UNIT: Final = "10**-23W.m**-2"
"""1e-20 erg/s/cm2, as VOUnits has no erg any more; ``DENSITY_UNIT`` is that for an Angstrom."""

DENSITY_UNIT: Final = "10**-22W.m**-2.nm**-1"

FLUX_UCD: Final = "phot.flux;spect.line"
SPEED_UCD: Final = "spect.dopplerVeloc"
WIDTH_UCD: Final = "phys.veloc.dispersion"
POSITION: Final = text("spoint(radians(ra), radians(dec))")


def _column(name: str, kind: type[Any], doc: str, *, null: bool = True, **meaning: Any) -> Column[Any]:
    return Column(name, kind(), nullable=null, comment=doc, info={"meaning": ColumnMeaning(**meaning)})


def _identity() -> Iterator[Column[Any]]:
    yield _column("product_id", Text, "Maps that the row is of.", null=False, ucd="meta.id", principal=True)
    yield _column(
        "target", Text, "Galaxy of the survey, or designation of what was observed.", null=False, ucd="meta.id;src",
        principal=True,
    )  # fmt: skip
    yield _column(
        "resolution",
        Text,
        "native, copt, or a width.",
        null=False,
        ucd="meta.code",
        principal=True,
    )


def _stars() -> Iterator[Column[Any]]:
    told = "relative to the systemic velocity of the file"
    yield _column("v_stars", Double, f"Velocity of the stars, {told}.", unit=KM_S, ucd=SPEED_UCD, principal=True)
    yield _column("form_err_v_stars", Double, "Formal error of v_stars.", unit=KM_S, ucd=f"stat.error;{SPEED_UCD}")
    yield _column("sigma_stars", Double, "Velocity dispersion of the stars.", unit=KM_S, ucd=WIDTH_UCD, principal=True)
    yield _column(
        "form_err_sigma_stars", Double, "Formal error of sigma_stars.", unit=KM_S, ucd=f"stat.error;{WIDTH_UCD}"
    )
    yield _column("bin_snr", Double, "Signal to noise of the bin, a pixel of wavelength.", ucd="stat.snr")
    yield _column("stars_chi2", Double, "Reduced chi-square of the stars' fit.", ucd="stat.fit.chi2")
    yield _column("stars_flags", Integer, "What may be wrong with the stars' fit, as bits.", ucd="meta.code.qual")
    yield _column("ebv_stars", Double, "Reddening E(B-V) of the stars.", unit="mag", ucd="phys.absorption.gal")
    yield _column("bin_area", Double, "Area of the bin.", unit="arcsec**2", ucd="phys.angArea")


def _line(name: str, words: str) -> Iterator[Column[Any]]:
    yield _column(
        f"{name}_flux", Double, f"Flux of {words} in 1e-20 erg/s/cm2, the Milky Way's dust taken off.",
        unit=FLUX_UNIT, ucd=FLUX_UCD, principal=name == "ha6562",
    )  # fmt: skip
    yield _column(
        f"{name}_flux_err", Double, f"Error of {name}_flux, 1e-20 erg/s/cm2.", unit=FLUX_UNIT,
        ucd=f"stat.error;{FLUX_UCD}",
    )  # fmt: skip
    yield _column(
        f"{name}_vel", Double, f"Velocity of {words}, relative to the systemic velocity of the file.", unit=KM_S,
        ucd=SPEED_UCD, principal=name == "ha6562",
    )  # fmt: skip
    yield _column(f"{name}_vel_err", Double, f"Error of {name}_vel.", unit=KM_S, ucd=f"stat.error;{SPEED_UCD}")
    yield _column(
        f"{name}_sigma", Double, f"Dispersion of {words} as observed: intrinsic and instrumental in quadrature.",
        unit=KM_S, ucd=WIDTH_UCD, principal=name == "ha6562",
    )  # fmt: skip
    yield _column(f"{name}_sigma_err", Double, f"Error of {name}_sigma.", unit=KM_S, ucd=f"stat.error;{WIDTH_UCD}")
    yield _column(f"{name}_sigma_inst", Double, f"Instrumental dispersion under {words}.", unit=KM_S, ucd=WIDTH_UCD)
    yield _column(f"{name}_an", Double, f"Peak of {words} over the noise.", ucd="stat.snr")
    yield _column(f"{name}_flags", Integer, f"What may be wrong with {words}, as bits.", ucd="meta.code.qual")


def _spaxel() -> Iterator[Column[Any]]:
    yield from _identity()
    yield _column("x", Integer, "Column of the spaxel, from 1 on.", null=False, ucd="pos.cartesian.x;instr.pixel")
    yield _column("y", Integer, "Row of the spaxel, from 1 on.", null=False, ucd="pos.cartesian.y;instr.pixel")
    yield _column(
        "ra", Double, "Right ascension, ICRS.", null=False, unit="deg", ucd="pos.eq.ra;meta.main", principal=True
    )
    yield _column(
        "dec", Double, "Declination, ICRS.", null=False, unit="deg", ucd="pos.eq.dec;meta.main", principal=True
    )
    yield _column("bin_id", Integer, "Bin of its stars; null where it is in none.", ucd="meta.id", principal=True)
    yield _column(
        "stars_flux", Double,
        "Mean 5300 to 5500 Angstrom at rest, 1e-20 erg/s/cm2/Angstrom, the Milky Way's dust taken off.",
        unit=DENSITY_UNIT, ucd="phot.flux.density;em.opt.V",
    )  # fmt: skip
    yield _column("snr", Double, "Signal to noise of that, a pixel of wavelength.", ucd="stat.snr")
    yield from _stars()
    yield _column("bin_ra", Double, "Right ascension of the bin.", unit="deg", ucd="pos.eq.ra")
    yield _column("bin_dec", Double, "Declination of the bin.", unit="deg", ucd="pos.eq.dec")
    yield _column("lines_chi2", Double, "Reduced chi-square of the lines' fit.", ucd="stat.fit.chi2")
    for name, words in LINES:
        yield from _line(name, words)


def _bin() -> Iterator[Column[Any]]:
    yield from _identity()
    yield _column("bin_id", Integer, "Number of the bin in its file.", null=False, ucd="meta.id", principal=True)
    yield _column("n_spaxels", Integer, "Spaxels in the bin.", null=False, ucd="meta.number", principal=True)
    yield _column(
        "ra", Double, "Right ascension of its centre, ICRS.", null=False, unit="deg", ucd="pos.eq.ra;meta.main",
        principal=True,
    )  # fmt: skip
    yield _column(
        "dec", Double, "Declination of its centre, ICRS.", null=False, unit="deg", ucd="pos.eq.dec;meta.main",
        principal=True,
    )  # fmt: skip
    yield from _stars()


SPAXEL: Final = Table(
    "spaxel",
    Base.metadata,
    *_spaxel(),
    Index("ix_spaxel_position", POSITION, postgresql_using="gist"),
    Index("ix_spaxel_ha6562_flux", "ha6562_flux"),
    Index("ix_spaxel_oiii5006_flux", "oiii5006_flux"),
    Index("ix_spaxel_ha6562_vel", "ha6562_vel"),
    Index("ix_spaxel_v_stars", "v_stars"),
    postgresql_partition_by="LIST (target)",
    **table(
        "maps", "Spaxels of MAPS files: stellar kinematics, emission lines, flags.  Those with nothing have no row."
    ),
)
BIN: Final = Table(
    "bin",
    Base.metadata,
    *_bin(),
    Index("ix_bin_position", POSITION, postgresql_using="gist"),
    Index("ix_bin_v_stars", "v_stars"),
    postgresql_partition_by="LIST (target)",
    **table("maps", "Bins of MAPS files, in which neighbouring spaxels share the fit of their stars."),
)

VALUES: Final = tuple(
    column.name
    for column in SPAXEL.columns
    if column.name not in {"product_id", "target", "resolution", "x", "y", "ra", "dec", "bin_id"}
)
"""Columns of spaxels whose values are maps of the same name."""
