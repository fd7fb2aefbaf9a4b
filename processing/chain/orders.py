"""Which jobs make what exposures need, from bias to pixel table, and in which order: the cascade of the catalogue.

The association of raw frames with raw frames is the plan: each group of calibrations becomes masters once, after those
that it needs itself.  A job finds its masters when it runs, as the catalogue then has them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from archive import editions, products, reducible
from archive.archive import Archive
from archive.association import Association
from archive.association_rules import Mode
from archive.calibrations import associations
from archive.errors import Refused
from archive.needs import Needs
from processing.chain.publishing import KINDS, name_of, product_of
from processing.chain.reduction import AT_ONCE, memory, seconds
from processing.chain.stages import MADE_FROM, made_of, stages_of
from processing.chain.tasks import MASTERS, PIXTABLES, SKY_SPECTRA, VERSIONS
from processing.order import Order
from processing.task import Item

__all__ = ["Ordered", "orders"]

log = structlog.get_logger()

LEAST_TIMEOUT: Final = 3600.0
TIMEOUT_FACTOR: Final = 20.0
TWILIGHT: Final = "SKYFLAT"
BASE_IFU: Final = 1
"""The recipe for twilight flats builds on this IFU and fails without it."""

SIZES: Final[Mapping[str, int]] = {"PIXTABLE_OBJECT": 380_000_000, "SKY_CONTINUUM": 500_000, "SKY_LINES": 500_000}
"""Bytes of a file, of one IFU where it is of one."""

STANDARD: Final = "STD"
RESPONSE: Final = "STD_RESPONSE"


@dataclass(frozen=True)
class Ordered:
    """A job: what it makes and takes, of a machine and in seconds, the places of those before it, and if it is due.

    ``items`` are the pixel tables and sky spectra that it makes, as a plan for what is made of those wants them.
    """

    order: Order
    needs: Needs
    after: tuple[int, ...]
    is_due: bool
    seconds: float
    items: tuple[Item, ...] = ()


def orders(archive: Archive, names: Sequence[str] = ()) -> list[Ordered]:
    """Return the jobs for exposures, those of galaxies or named themselves, in an order in which they can be done.

    Raises
    ------
    Refused
        No such exposure is held.
    """
    dp_ids = reducible.held_objects(archive.database, names)
    if not dp_ids:
        raise Refused("no raw exposure is held" + (f" of {', '.join(names)}" if names else ""))
    plan = _Plan(archive)
    for raw, master in zip(
        associations(archive.database, dp_ids, Mode.RAW),
        associations(archive.database, dp_ids, Mode.MASTER),
        strict=True,
    ):
        has_response = any(tag == RESPONSE for tag, _ in master.calibrations)
        plan.add_exposure(raw, left_out={STANDARD} if has_response else set())
    return plan.ordered


class _Plan:
    """The jobs so far; what several exposures share is there once."""

    def __init__(self, archive: Archive) -> None:
        self._archive: Final = archive
        self._editions: Final = editions.current(archive.database)
        self._checksums: Final = products.checksums(archive, kind="calibration")
        self._places: Final[dict[tuple[str, tuple[str, ...]], int | None]] = {}
        self.ordered: Final[list[Ordered]] = []

    def add_exposure(self, tree: Association, *, left_out: set[str]) -> None:
        """Add the jobs of an exposure: its calibrations, the sky of its template, its pixel tables."""
        masters = [self._add_group(each, left_out) for each in tree.members if each.tag in MADE_FROM]
        after = tuple(place for place in masters if place is not None)
        for each in tree.members:
            if each.tag == "SKY":
                for frame in each.files:
                    self._add(SKY_SPECTRA, "SKY", (frame.dp_id,), after)
        self._add(PIXTABLES, "OBJECT", (tree.files[0].dp_id,), after)

    def _add_group(self, group: Association, left_out: set[str]) -> int | None:
        """Add the job that makes masters of a group, after those that it needs; return its place, None without one."""
        before = [self._add_group(each, left_out) for each in group.members if each.tag in MADE_FROM]
        if group.tag in left_out:
            return None
        dp_ids = tuple(frame.dp_id for frame in group.files)
        return self._add(MASTERS, group.tag, dp_ids, tuple(place for place in before if place is not None))

    def _add(self, task: str, tag: str, dp_ids: tuple[str, ...], after: tuple[int, ...]) -> int | None:
        key = (tag, dp_ids)
        if key not in self._places:
            self._places[key] = self._new(task, tag, dp_ids, after)
        return self._places[key]

    def _new(self, task: str, tag: str, dp_ids: tuple[str, ...], after: tuple[int, ...]) -> int | None:
        ifus = reducible.channels(self._archive.database, dp_ids[0])
        if tag == TWILIGHT and BASE_IFU not in ifus:
            log.info("twilight left out", frames=dp_ids[0], reason=f"muse_twilight fails without IFU {BASE_IFU}")
            return None
        order = Order(task, VERSIONS[task], dp_ids, _outputs(tag, dp_ids[0], ifus))
        should_take = seconds(tag, max(1, len(ifus)))
        timeout = max(LEAST_TIMEOUT, TIMEOUT_FACTOR * should_take)
        needs = Needs(min(AT_ONCE, max(1, len(ifus))), int(memory(tag, len(ifus))), timeout)
        is_due = any(self.ordered[place].is_due for place in after) or not self._is_made(order)
        self.ordered.append(Ordered(order, needs, after, is_due, should_take, self._items(order)))
        return len(self.ordered) - 1

    def _items(self, order: Order) -> tuple[Item, ...]:
        (first, *_) = reducible.exposures(self._archive.database, order.inputs[:1])
        tags = {name: str(given["tag"]) for name, given in order.outputs.items()}
        return tuple(
            Item(product_of(name, tag, first), SIZES[tag], order.outputs[name])
            for name, tag in tags.items()
            if tag in KINDS
        )

    def _is_made(self, order: Order) -> bool:
        """Whether all outputs are there, made so, from calibrations that are still the same."""
        for name, parameters in order.outputs.items():
            edition = self._editions.get(name)
            if edition is None or (edition.task, edition.version) != (order.task, order.version):
                return False
            if edition.parameters != parameters:
                return False
            used = {one: sha256 for one, sha256 in edition.inputs.items() if one not in order.inputs}
            if any(self._checksums.get(one) != sha256 for one, sha256 in used.items()):
                return False
        return True


def _outputs(tag: str, first: str, ifus: Sequence[int]) -> Mapping[str, Mapping[str, Any]]:
    """Return what is made of raw frames, with the parameters of the recipes."""
    common = {f"{s.recipe}.{name}": value for s in stages_of(tag) for name, value in s.parameters.items()}
    found: dict[str, Mapping[str, Any]] = {}
    for made in made_of(tag):
        if made == "PIXTABLE_OBJECT":
            found |= {name_of(first, made, ifu): {"tag": made, "ifu": ifu, **common} for ifu in ifus}
        else:
            found[name_of(first, made)] = {"tag": made, **common}
    return found
