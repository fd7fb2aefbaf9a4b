"""Which raw exposures a product was made of, as the catalogue and the record of its making tell."""

import re
from datetime import datetime
from typing import Final

from archive import provenance, survey
from archive.archive import Archive
from archive.errors import Refused
from archive.provenance import Step
from processing.phase3.facts import Contribution
from schema.exposures import Exposure
from schema.products import Product

__all__ = ["contribution", "contributions", "exposures_of"]

FRAME: Final = r"[A-Z]+\.\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}"
BETWEEN: Final = re.compile(rf"({FRAME})_(?:CUBE|PIXTABLE_OBJECT(?:-\d\d)?)")
RAW: Final = re.compile(FRAME)
ON_TARGET: Final = "OBJECT"
MJD_ZERO: Final = datetime(1858, 11, 17)  # noqa: DTZ001  # the archive's times are UTC without a zone
SECONDS_A_DAY: Final = 86400.0


def exposures_of(archive: Archive, product: Product) -> list[tuple[str, Exposure | None]]:
    """Return the raw exposures on target behind a product, with what the catalogue knows of each.

    The nearest step that took exposures, or what was made of one exposure each, tells: earlier ones may have had
    exposures that were left out later.  Where there is no such step, the raw frames of all steps do.
    """
    steps = provenance.history(archive, product.product_id)
    names = next(filter(None, map(_of_step, steps)), None) or _raw(steps)
    known = {one.dp_id: one for one in survey.exposures(archive.database, product, names)}
    return [(name, known.get(name)) for name in sorted(names)]


def contributions(archive: Archive, product: Product) -> tuple[Contribution, ...]:
    """Return the raw exposures on target behind a product as its header tells them.

    Raises
    ------
    Refused
        They are not known, not all of them, or too little of one.
    """
    found = exposures_of(archive, product)
    name = product.product_id
    if not found:
        raise Refused(f"{name}: the record of its making names no exposure on target")
    if product.n_exposures is not None and product.n_exposures > len(found):
        raise Refused(f"{name}: the record of its making names {len(found)} of {product.n_exposures} exposures")
    return tuple(contribution(dp_id, exposure) for dp_id, exposure in found)


def contribution(dp_id: str, exposure: Exposure | None) -> Contribution:
    """Return an exposure as a header tells it.

    Raises
    ------
    Refused
        It is not known how long it was, in which run or in which observation block.
    """
    if exposure is None or exposure.exptime is None:
        raise Refused(f"how long {dp_id} was exposed is not known: take its header in, or ESO's listing")
    if exposure.run_id is None or exposure.eso_ob_id is None:
        raise Refused(f"in which run and block {dp_id} was exposed is not known: take its header in, or ESO's listing")
    start = exposure.mjd_obs if exposure.mjd_obs is not None else _mjd(dp_id)
    return Contribution(dp_id, start, exposure.exptime, exposure.run_id, exposure.eso_ob_id)


def _of_step(step: Step) -> set[str]:
    """Return the exposures that a step took as what was made of them."""
    return {found[1] for used in step.used if (found := BETWEEN.fullmatch(used.name))}


def _raw(steps: list[Step]) -> set[str]:
    inputs = (used for step in steps for used in step.used)
    return {used.name for used in inputs if used.role == ON_TARGET and RAW.fullmatch(used.name)}


def _mjd(dp_id: str) -> float:
    moment = datetime.fromisoformat(dp_id.partition(".")[2])
    return (moment - MJD_ZERO).total_seconds() / SECONDS_A_DAY
