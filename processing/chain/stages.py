"""The recipes between raw frames and pixel tables on one page: what goes in by tag, what comes out, with what set.

A stage works on raw frames, or on what an earlier stage of the same job made of them; calibrations are those that the
catalogue associates with the frames.  Stages stand in their order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["MADE_FROM", "STAGES", "Stage", "made_of", "stages_of"]


@dataclass(frozen=True)
class Stage:
    """A recipe at its place in the chain.

    Parameters
    ----------
    raw
        Tag of the frames that it works on.
    takes, may_take
        Tags of the calibrations without which it fails, and of those that make it better.
    makes
        Tags of its products.
    all_ifus
        Whether it takes all IFUs in one run; others get a run an IFU.
    parameters
        Those that differ from the recipe's own.
    """

    recipe: str
    raw: str
    takes: tuple[str, ...]
    makes: tuple[str, ...]
    may_take: tuple[str, ...] = ()
    all_ifus: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)


DETECTOR: Final = ("BADPIX_TABLE", "NONLINEARITY_GAIN")
BASE: Final = ("MASTER_BIAS", "MASTER_FLAT", "TRACE_TABLE", "WAVECAL_TABLE", "GEOMETRY_TABLE")
BESIDE: Final = ("MASTER_DARK", "TWILIGHT_CUBE", "ILLUM", "BADPIX_TABLE")
ARCS: Final = ("MASTER_BIAS", "TRACE_TABLE", "LINE_CATALOG")
NO_IMAGE: Final = {"saveimage": False}

STAGES: Final = (
    Stage("muse_bias", "BIAS", (), ("MASTER_BIAS",), may_take=DETECTOR),
    Stage("muse_flat", "FLAT", ("MASTER_BIAS",), ("MASTER_FLAT", "TRACE_TABLE"), may_take=("MASTER_DARK", *DETECTOR)),
    Stage("muse_wavecal", "ARC", ARCS, ("WAVECAL_TABLE",), may_take=("MASTER_DARK",)),
    Stage("muse_lsf", "ARC", (*ARCS, "WAVECAL_TABLE"), ("LSF_PROFILE",), may_take=("MASTER_DARK",)),
    Stage("muse_twilight", "SKYFLAT", BASE, ("TWILIGHT_CUBE",), may_take=("ILLUM", "VIGNETTING_MASK"), all_ifus=True),
    Stage("muse_scibasic", "STD", BASE, ("PIXTABLE_STD",), may_take=BESIDE, parameters=NO_IMAGE),
    Stage(
        "muse_standard",
        "PIXTABLE_STD",
        ("EXTINCT_TABLE", "STD_FLUX_TABLE"),
        ("STD_RESPONSE",),
        may_take=("TELLURIC_REGIONS", "FILTER_LIST"),
        all_ifus=True,
    ),
    Stage("muse_scibasic", "SKY", BASE, ("PIXTABLE_SKY",), may_take=BESIDE, parameters=NO_IMAGE),
    Stage(
        "muse_create_sky",
        "PIXTABLE_SKY",
        ("STD_RESPONSE", "EXTINCT_TABLE", "SKY_LINES", "LSF_PROFILE"),
        ("SKY_CONTINUUM", "SKY_LINES"),
        may_take=("STD_TELLURIC",),
        all_ifus=True,
        parameters={"fraction": 0.8},
    ),
    Stage("muse_scibasic", "OBJECT", BASE, ("PIXTABLE_OBJECT",), may_take=BESIDE, parameters=NO_IMAGE),
)

MADE_FROM: Final = ("BIAS", "FLAT", "ARC", "SKYFLAT", "STD")
"""Raw frames of which calibrations are made, in the order in which they can be; the survey took no darks into account,
those that the archive holds as masters are."""


def stages_of(tag: str) -> tuple[Stage, ...]:
    """Return the stages that raw frames of a tag go through, and what is made of them, in their order."""
    within = {tag}
    found = []
    for stage in STAGES:
        if stage.raw in within:
            found.append(stage)
            within |= {made for made in stage.makes if made.startswith("PIXTABLE")}
    return tuple(found)


def made_of(tag: str) -> tuple[str, ...]:
    """Return the tags of all that is made in the end of raw frames of a tag: tables between two stages are not kept."""
    stages = stages_of(tag)
    used = {stage.raw for stage in stages}
    return tuple(made for stage in stages for made in stage.makes if made not in used)
