"""Which maps a MAPS file holds, in which order, with which names and units: as released, and more after it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from processing.science.lines import LINES

__all__ = ["LINE_NAMES", "MAPS", "MapKind"]

VELOCITY: Final = "km/s"
FLUX: Final = "1e-20 erg/s/cm2"
DENSITY: Final = "1e-20 erg/s/cm2/Angstrom"

LINE_NAMES: Final = tuple(line.name for line in LINES if line.published)


@dataclass(frozen=True)
class MapKind:
    """One map: the name of its extension, its unit, and where its values come from.

    ``source`` is ``bin`` for what all spaxels of a bin share, ``spaxel`` for what is their own, ``line`` for what
    belongs to the line of that number; ``values`` is the name of the values there.
    """

    name: str
    unit: str | None
    source: str
    values: str
    line: int = -1
    whole: bool = False


def _maps() -> Iterator[MapKind]:
    yield MapKind("BIN_ID", None, "spaxel", "number")
    yield MapKind("V_STARS", VELOCITY, "bin", "V")
    yield MapKind("FORM_ERR_V_STARS", VELOCITY, "bin", "FORM_ERR_V")
    yield MapKind("SIGMA_STARS", VELOCITY, "bin", "SIGMA")
    yield MapKind("FORM_ERR_SIGMA_STARS", VELOCITY, "bin", "FORM_ERR_SIGMA")
    for number, line in enumerate(LINE_NAMES):
        for suffix, unit, values in (
            ("FLUX", FLUX, "flux"),
            ("FLUX_ERR", FLUX, "flux_error"),
            ("VEL", VELOCITY, "velocity"),
            ("VEL_ERR", VELOCITY, "velocity_error"),
            ("SIGMA", VELOCITY, "sigma"),
            ("SIGMA_ERR", VELOCITY, "sigma_error"),
        ):
            yield MapKind(f"{line}_{suffix}", unit, "line", values, number)
    yield MapKind("STARS_FLUX", DENSITY, "spaxel", "signal")
    yield MapKind("SNR", None, "spaxel", "snr")
    yield MapKind("BIN_SNR", None, "bin", "SNR")
    yield MapKind("STARS_CHI2", None, "bin", "CHI2")
    yield MapKind("LINES_CHI2", None, "fit", "chi2")
    yield MapKind("STARS_FLAGS", None, "bin", "FLAGS", whole=True)
    for number, line in enumerate(LINE_NAMES):
        yield MapKind(f"{line}_FLAGS", None, "line", "flags", number, whole=True)
        yield MapKind(f"{line}_SIGMA_INST", VELOCITY, "line", "instrument_sigma", number)
        yield MapKind(f"{line}_AN", None, "line", "amplitude_to_noise", number)
    yield MapKind("EBV_STARS", "mag", "bin", "EBV")
    yield MapKind("BIN_RA", "deg", "bin", "RA")
    yield MapKind("BIN_DEC", "deg", "bin", "DEC")
    yield MapKind("BIN_AREA", "arcsec2", "bin", "AREA")


MAPS: Final = tuple(_maps())
"""In their order.  ``whole`` ones are integers, all others float64, NaN where there is no value."""
