"""Which products go together into one job of a task."""

from collections.abc import Sequence
from dataclasses import replace

from processing.task import Item, Task, per_gigabyte
from schema.products import Product

TASK = Task(
    "reduce",
    version=1,
    takes=frozenset({"pixtable", "sky"}),
    makes=lambda _inputs: (),
    seconds=per_gigabyte(least=1.0, rate=0.0),
    memory=per_gigabyte(least=1.0, rate=0.0),
    together=lambda product: product.run_id,
)


def item(name: str, kind: str, *, block: str | None = None, target: str = "NGC1385") -> Item:
    return Item(Product(product_id=name, kind=kind, run_id=block, target=target), 0)


def names(groups: Sequence[Sequence[Item]]) -> list[list[str]]:
    return [[one.product_id for one in group] for group in groups]


def test_several_kinds_go_into_one_job_in_the_order_of_their_names() -> None:
    items = [item("sky", "sky", block="1"), item("b", "pixtable", block="1"), item("a", "pixtable", block="1")]
    assert names(TASK.groups(items)) == [["a", "b", "sky"]]


def test_a_group_that_lacks_a_kind_is_no_job() -> None:
    items = [item("a", "pixtable", block="1"), item("b", "pixtable", block="2"), item("sky", "sky", block="2")]
    assert names(TASK.groups(items)) == [["b", "sky"]]


def test_a_kind_that_is_insisted_on_is_missed_by_the_job_itself() -> None:
    items = [item("a", "pixtable", block="1"), item("sky", "sky", block="2")]
    assert names(replace(TASK, insists=frozenset({"sky"})).groups(items)) == [["a"]]


def test_every_job_takes_the_reference_of_its_own_galaxy_too() -> None:
    task = replace(TASK, takes=frozenset({"pixtable"}), beside=frozenset({"reference"}))
    items = [
        item("a", "pixtable", block="1"),
        item("b", "pixtable", block="2"),
        item("c", "pixtable", block="3", target="NGC0628"),
        item("image", "reference"),
        item("other", "reference", target="IC5332"),
    ]
    assert names(task.groups(items)) == [["a", "image"], ["b", "image"]]
