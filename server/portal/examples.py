"""Things to try: queries and the programs that send them, made for what this archive holds.  Pure."""

import shlex
from dataclasses import dataclass
from typing import Final

from schema.observations import Target

__all__ = ["Example", "Recipe", "queries", "recipes"]

THEN: Final = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"


@dataclass(frozen=True)
class Example:
    """A query with the sentence that it answers."""

    says: str
    adql: str


@dataclass(frozen=True)
class Recipe:
    """A text to copy, and where it goes."""

    tool: str
    where: str
    text: str


def queries(target: Target | None) -> list[Example]:
    """Return queries that stand for many; the cone is around a galaxy of the archive, if it has one."""
    ra, dec = _centre(target)
    return [
        Example(
            "Everything held within a tenth of a degree of a position",
            "SELECT target_name, dataproduct_type, s_resolution, access_estsize, access_url\n"
            "FROM ivoa.obscore\n"
            f"WHERE 1 = CONTAINS(POINT('ICRS', s_ra, s_dec), CIRCLE('ICRS', {ra:.4f}, {dec:.4f}, 0.1))",
        ),
        Example(
            "Galaxies by the sharpness of their homogenised mosaics, in arcsec and in parsec",
            "SELECT name, copt_fwhm, copt_fwhm * scale AS fwhm_pc\nFROM survey.target\nORDER BY fwhm_pc",
        ),
        Example(
            "Pointings with adaptive optics, and the exposures that went into each",
            "SELECT p.pointing_id, p.psf_fwhm, SUM(b.exposures_used) AS exposures\n"
            "FROM survey.pointing AS p\n"
            "JOIN survey.observing_block AS b ON b.pointing_id = p.pointing_id\n"
            "WHERE p.ao_mode = 'AO'\n"
            "GROUP BY p.pointing_id, p.psf_fwhm\n"
            "ORDER BY psf_fwhm",
        ),
        Example(
            "Spaxels whose gas looks shocked: [N II] above 0.6 of H alpha, and lines broader than 60 km/s",
            "SELECT TOP 1000 product_id, ra, dec, nii6583_flux / ha6562_flux AS ratio, ha6562_sigma\n"
            "FROM maps.spaxel\n"
            "WHERE nii6583_flux > 0.6 * ha6562_flux AND ha6562_flux > 0 AND ha6562_sigma > 60 AND ha6562_an > 5",
        ),
    ]


def recipes(base_url: str, target: Target | None) -> list[Recipe]:
    """Return what to paste into three programs to reach this archive."""
    ra, dec = _centre(target)
    adql = "SELECT * FROM ivoa.obscore"
    python = (
        "import pyvo\n\n"
        f'tap = pyvo.dal.TAPService("{base_url}/tap")\n'
        f'print(tap.search("{adql}").to_table())\n\n'
        f'sia = pyvo.dal.SIA2Service("{base_url}/sia2")\n'
        f"print(sia.search(pos=({ra:.4f}, {dec:.4f}, 0.1)).to_table())"
    )
    curl = (
        f"curl --get {shlex.quote(base_url + '/tap/sync')} \\\n"
        "  --data LANG=ADQL --data REQUEST=doQuery --data RESPONSEFORMAT=csv \\\n"
        f"  --data-urlencode 'QUERY={adql}'"
    )
    return [
        Recipe("pyvo", "in Python", python),
        Recipe("curl", "in a terminal", curl),
        Recipe("TOPCAT", f"menu VO {THEN} Table Access Protocol {THEN} TAP URL", f"{base_url}/tap"),
    ]


def _centre(target: Target | None) -> tuple[float, float]:
    if target is None or target.ra is None or target.dec is None:
        return 0.0, 0.0
    return target.ra, target.dec
