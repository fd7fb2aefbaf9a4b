"""What of a product's history is drawn: things and steps as nodes with arrows, few enough to be read.  Pure.

Inputs of one sort are put together, those beyond a few are counted, and so are steps beyond ``MOST_NODES``.
``lineage_drawing`` lays the nodes out.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from archive.provenance import Input, Step
from schema.products import Product

__all__ = ["Kind", "Lineage", "Node", "lineage"]

MOST_NODES: Final = 60
MOST_INPUTS: Final = 8
"""Of one activity."""

ALIKE: Final = 3
"""So many inputs of one role are drawn each for itself."""


class Kind(StrEnum):
    """What a node is, which tells how it is drawn."""

    SUBJECT = "subject"
    PRODUCT = "product"
    RAW = "raw"
    FILE = "file"
    STEP = "activity"
    MORE = "more"


@dataclass(frozen=True)
class Node:
    """Something to be drawn with two lines of text; ``product_id`` where the archive has a page of it."""

    key: str
    kind: Kind
    label: str
    note: str
    told: str
    product_id: str | None = None


@dataclass(frozen=True)
class Lineage:
    """Nodes, the product itself first, and arrows from what was used to what came of it."""

    nodes: tuple[Node, ...]
    arrows: tuple[tuple[str, str], ...]


def lineage(product: Product, steps: Sequence[Step], *, most: int = MOST_NODES) -> Lineage:
    """Return what is to be drawn of a product's history, the steps nearest to the product first."""
    subject = Node(
        _thing(product.product_id), Kind.SUBJECT, product.product_id, product.kind, product.title, product.product_id
    )
    nodes = {subject.key: subject}
    arrows: dict[tuple[str, str], None] = {}
    informs = _informed(steps)
    known = {step.activity.activity_id for step in steps}
    cut: list[str] = []
    for step in steps:
        leads_to = [key for key in _leads_to(step, informs) if key in nodes]
        if not leads_to:
            continue
        if len(nodes) >= most:
            cut += leads_to
            continue
        key = _step(step.activity.activity_id)
        nodes[key] = _of_step(step)
        arrows |= dict.fromkeys((key, end) for end in leads_to)
        for node in _of_inputs(step, known):
            nodes.setdefault(node.key, node)
            arrows[node.key, key] = None
    if cut:
        left = Node("more", Kind.MORE, "and earlier steps", "", "Steps that are not drawn; the list has them")
        nodes[left.key] = left
        arrows |= dict.fromkeys((left.key, end) for end in cut)
    return Lineage(tuple(nodes.values()), tuple(arrows))


def _informed(steps: Sequence[Step]) -> dict[str, list[str]]:
    """Return by activity those that built on it without a name for what they used."""
    informed = defaultdict(list)
    for step in steps:
        for informant in step.builds_on:
            informed[informant].append(step.activity.activity_id)
    return informed


def _leads_to(step: Step, informs: dict[str, list[str]]) -> Iterator[str]:
    yield from (_thing(name) for name in step.generated)
    yield from (_step(later) for later in informs.get(step.activity.activity_id, ()))


def _of_step(step: Step) -> Node:
    it = step.activity
    software = (it.software or "").split()
    told = " · ".join([it.name, *software, *([f"{it.started:%Y-%m-%d %H:%M:%S} UTC"] if it.started else [])])
    return Node(_step(it.activity_id), Kind.STEP, it.name, software[0] if software else "", told)


def _of_inputs(step: Step, known: set[str]) -> list[Node]:
    """What was made by a step of the history comes first: it leads further back."""
    roles = defaultdict[str, dict[str, Input]](dict)
    made: dict[str, Input] = {}
    for one in step.used:
        (made if one.made_by in known else roles[one.role]).setdefault(one.identity(step.activity.activity_id), one)
    boxes = [[one] for one in made.values()]
    for alike in roles.values():
        group = list(alike.values())
        boxes += [group] if len(group) > ALIKE else [[one] for one in group]
    shown = boxes if len(boxes) <= MOST_INPUTS else boxes[: MOST_INPUTS - 1]
    nodes = [_of_input(step, box[0]) if len(box) == 1 else _of_group(step, box) for box in shown]
    left = [one for box in boxes[len(shown) :] for one in box]
    if left:
        label = f"and {len(left)} more input{'s' if len(left) > 1 else ''}"
        nodes.append(Node(f"more {step.activity.activity_id}", Kind.MORE, label, "", _list(left)))
    return nodes


def _of_input(step: Step, one: Input) -> Node:
    kind = Kind.RAW if one.is_exposure else Kind.FILE if one.kind is None else Kind.PRODUCT
    return Node(
        _thing(one.identity(step.activity.activity_id)),
        kind,
        one.name,
        one.role,
        f"{one.role} {one.name}",
        one.product_id,
    )


def _of_group(step: Step, group: Sequence[Input]) -> Node:
    role = group[0].role
    kind = Kind.RAW if all(one.is_exposure for one in group) else Kind.FILE
    return Node(
        f"{role} of {step.activity.activity_id}", kind, f"{len(group)} \N{MULTIPLICATION SIGN} {role}", "", _list(group)
    )


def _list(group: Sequence[Input]) -> str:
    names = [one.name for one in group]
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _thing(name: str) -> str:
    return f"thing {name}"


def _step(activity_id: str) -> str:
    return f"step {activity_id}"
