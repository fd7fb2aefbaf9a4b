"""What ESO's pipelines write of themselves into a product's header (``ESO PRO REC``): recipes, inputs, parameters.

Pure: header in, activities out.  REC1 is the first recipe, the highest number the one that wrote the file; each used
what the one before it made, under names that were not kept.
"""

import math
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from archive.products import Earlier, activity_id
from ingest.headers import strip_ending, text
from schema.provenance import Activity, Used

__all__ = ["activities"]

RECIPE: Final = re.compile(r"^ESO PRO REC(\d+) ID$")
RAW_FRAME: Final = re.compile(r"^[A-Z]+\.\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$")


def activities(header: Mapping[str, Any], *, product_id: str) -> tuple[Activity, list[Used], list[Earlier]]:
    """Return the activity that wrote the file, its inputs, and the activities before it, the earliest first."""
    numbers = sorted(int(match[1]) for key in header if (match := RECIPE.match(key)))
    if not numbers:
        unknown = Activity(
            activity_id=activity_id("unknown", product_id),
            name="unknown",
            software=text(header.get("PROCSOFT", "")),
            parameters={},
        )
        return unknown, [], []
    steps = [_recipe(header, n) for n in numbers]
    chain = [
        Earlier(activity, used, informs=following.activity_id) for (activity, used), (following, _) in pairwise(steps)
    ]
    last, used = steps[-1]
    return last, used, chain


def _recipe(header: Mapping[str, Any], number: int) -> tuple[Activity, list[Used]]:
    prefix = f"ESO PRO REC{number}"
    inputs = _frames(header, f"{prefix} RAW") + _frames(header, f"{prefix} CAL")
    parameters = _parameters(header, prefix)
    name = str(header[f"{prefix} ID"])
    software = text(header.get(f"{prefix} PIPE ID", ""))
    identity = activity_id(
        name,
        str(software),
        str(header.get("ARCFILE")),
        str(sorted(parameters.items())),
        *(f"{n}:{c}" for n, c, _ in inputs),
    )
    activity = Activity(activity_id=identity, name=name, software=software, parameters=parameters)
    return activity, [
        Used(activity_id=identity, entity=_entity(frame), role=category, md5=md5) for frame, category, md5 in inputs
    ]


def _frames(header: Mapping[str, Any], prefix: str) -> list[tuple[str, str, str | None]]:
    found = []
    number = 1
    while (name := header.get(f"{prefix}{number} NAME")) is not None:
        category = str(header.get(f"{prefix}{number} CATG", "")).strip()
        md5 = header.get(f"{prefix}{number} DATAMD5")
        found.append((str(name).strip(), category, None if md5 is None else str(md5).strip()))
        number += 1
    return found


def _parameters(header: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found = {}
    number = 1
    while (name := header.get(f"{prefix} PARAM{number} NAME")) is not None:
        found[str(name)] = _in_json(header.get(f"{prefix} PARAM{number} VALUE"))
        number += 1
    return found


def _in_json(value: object) -> object:
    """JSON has neither infinite nor complex numbers: those are kept as they are written."""
    plain = value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    return value if plain else str(value)


def _entity(frame: str) -> str:
    """Raw frames are known by their identifier, whatever the file was compressed with; others by their file name."""
    bare = strip_ending(frame)
    return bare if RAW_FRAME.match(bare) else frame
