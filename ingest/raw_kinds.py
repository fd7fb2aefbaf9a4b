"""What sort of frame it is: from ESO's data product keywords to the tags of the MUSE pipeline.

The pipeline's own classification of raw frames (MUSE pipeline 2.8.7): the first line that fits counts.
"""

from typing import Final

__all__ = ["MASTER_TAGS", "raw_tag"]

RAW_TAGS: Final[tuple[tuple[str, str], ...]] = (
    ("BIAS", "BIAS"),
    ("DARK", "DARK"),
    ("FLAT,LAMP,ILLUM", "ILLUM"),
    ("FLAT,LAMP,THRUPUT", "AMPL"),
    ("FLAT,LAMP", "FLAT"),
    ("FLAT,SKY", "SKYFLAT"),
    ("WAVE,LSF", "ARC_LSF"),
    ("WAVE,MASK", "MASK"),
    ("WAVE", "ARC"),
    ("STD,TELLU", "OBJECT"),
    ("STD", "STD"),
    ("ASTROMETRY", "ASTROMETRY"),
    ("SKY", "SKY"),
    ("OBJECT", "OBJECT"),
)
"""DPR TYPE -> tag."""

MASTER_TAGS: Final = frozenset({
    "MASTER_BIAS", "MASTER_DARK", "MASTER_FLAT", "TRACE_TABLE", "WAVECAL_TABLE", "LSF_PROFILE", "TWILIGHT_CUBE",
    "GEOMETRY_TABLE", "ASTROMETRY_WCS", "ASTROMETRY_REFERENCE", "STD_RESPONSE", "STD_TELLURIC", "STD_FLUX_TABLE",
    "SKY_LINES", "SKY_CONTINUUM", "EXTINCT_TABLE", "FILTER_LIST", "LINE_CATALOG", "BADPIX_TABLE", "NONLINEARITY_GAIN",
    "VIGNETTING_MASK", "RAMAN_LINES", "TELLURIC_REGIONS",
})  # fmt: skip
"""PRO CATG of what the pipeline takes as calibration."""


def raw_tag(category: str | None, kind: str | None) -> str | None:
    """Return the pipeline's tag of a raw frame; None for what the pipeline does not take, such as acquisitions.

    Parameters
    ----------
    category, kind
        ESO DPR CATG and DPR TYPE.
    """
    if kind is None or category == "ACQUISITION":
        return None
    words = kind.replace(" ", "").upper()
    return next((tag for name, tag in RAW_TAGS if words == name), None)
