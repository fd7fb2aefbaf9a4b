"""What the primary header of a mosaic says of how it was combined, and of the noise that its voxels share."""

from collections.abc import Sequence
from typing import Final

from astropy.io import fits

from archive.fits_structure import text
from processing.science.drizzle_noise import Drops
from processing.science.mosaic import Clipping, Weighting

__all__ = ["PREFIX", "combination_cards", "common_drops"]

PREFIX: Final = "HIERARCH ESO DRS MUSE MOSAIC"


def combination_cards(weighting: Weighting, clipping: Clipping, drops: Drops | None) -> fits.Header:
    """Return the cards; ``drops`` where those of all exposures are known and the same."""
    header = fits.Header()
    header[f"{PREFIX} WEIGHT"] = (str(weighting), "exposures weighted by")
    header[f"{PREFIX} CLIP ROUNDS"] = (clipping.rounds, "times outliers are left out")
    header[f"{PREFIX} CLIP LIMIT"] = (clipping.limit, "[sigma] from the median, by MAD")
    header[f"{PREFIX} CLIP LEAST"] = (clipping.least, "values that must be left")
    header[f"{PREFIX} CLIP NOISE"] = (clipping.noise, "[sigma] own noise that stays")
    if drops is not None:
        header[f"{PREFIX} DROP SKY"] = (drops.sky, "[voxel] drizzled drops")
        header[f"{PREFIX} DROP WAVE"] = (drops.wavelength, "[voxel] the same")
        header[f"{PREFIX} NOISE PLANE"] = (round(drops.plane_sum_factor, 4), "of planes, to STAT")
        header[f"{PREFIX} NOISE LONG"] = (round(drops.long_sum_factor, 4), "of long sums, to STAT")
    return header


def common_drops(primaries: Sequence[fits.Header]) -> Drops | None:
    """Return the drops of which the pipeline says that it made all exposures; None if they differ or it says nothing.

    Parameters
    ----------
    primaries
        Headers of the primary HDUs of the exposures' cubes.
    """
    found = {_drops(header) for header in primaries}
    return found.pop() if len(found) == 1 else None


def _drops(header: fits.Header) -> Drops | None:
    """Read the pipeline's record: pixfrac is one number, or one for the sky and one for wavelength."""
    given = {
        text(header, keyword): text(header, f"{keyword[: -len('NAME')]}VALUE")
        for keyword in header
        if keyword.startswith("ESO PRO REC1 PARAM") and keyword.endswith(" NAME")
    }
    try:
        numbers = [float(each) for each in given["pixfrac"].split(",")]
        drops = Drops(numbers[0], numbers[-1])
        return drops if given["resample"] == "drizzle" and drops.long_sum_factor else None
    except (KeyError, ValueError):
        return None
