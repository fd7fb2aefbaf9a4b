"""The drawn history: what is drawn of it, where it stands, and that nothing covers anything else."""

from collections.abc import Sequence
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest

from archive.layering import layers
from archive.lineage import Kind, Lineage, lineage
from archive.lineage_drawing import Drawing, draw
from archive.lineage_svg import to_svg
from archive.provenance import Input, Step
from schema.products import Product
from schema.provenance import Activity

ALIKE = "24 \N{MULTIPLICATION SIGN} PIXTABLE"
SVG = "{http://www.w3.org/2000/svg}"
PRODUCT = Product(product_id="p0", kind="cube", title="The <last> product & more")


def one(name: str, *, role: str = "CUBE", made_by: str | None = None) -> Input:
    kind = None if made_by is None else "cube"
    return Input(name, role, None, kind, kind, made_by, is_exposure=name.startswith("MUSE."))


def step(name: str, makes: Sequence[str], used: Sequence[Input], builds_on: Sequence[str] = ()) -> Step:
    activity = Activity(activity_id=name, name=f"task {name}", software="muse/2.8.7 cpl/7", parameters={})
    return Step(makes[0] if makes else "p0", tuple(makes), activity, tuple(used), tuple(builds_on))


def chain(length: int) -> list[Step]:
    """Product n is made from product n + 1 and a raw frame."""
    return [
        step(f"a{n}", [f"p{n}"], [one(f"p{n + 1}", made_by=f"a{n + 1}"), one(f"MUSE.{n}", role="OBJECT")])
        for n in range(length)
    ]


def fan(width: int) -> list[Step]:
    """One product from many, each of which was made from three files."""
    mosaic = step("a0", ["p0"], [one(f"p{n}", made_by=f"a{n}") for n in range(1, width + 1)])
    files = [one(f"flat{n}.fits", role="FLAT") for n in range(3)]
    return [mosaic, *(step(f"a{n}", [f"p{n}"], files) for n in range(1, width + 1))]


def unnamed() -> list[Step]:
    """Three recipes one after the other, each with inputs of its own and nothing kept between."""
    frames = [one(f"PIXTABLE-{n:02d}.fits", role="PIXTABLE") for n in range(24)]
    return [
        step("combine", ["p0"], frames, ["post"]),
        step("post", [], frames, ["basic"]),
        step("basic", [], [one("MUSE.1", role="OBJECT")]),
    ]


def circle() -> list[Step]:
    return [step("a0", ["p0"], [one("p1", made_by="a1")]), step("a1", ["p1"], [one("p0", made_by="a0")])]


def drawn(steps: Sequence[Step]) -> tuple[Lineage, Drawing]:
    found = lineage(PRODUCT, steps)
    return found, draw(found)


@pytest.mark.parametrize(
    "steps",
    [[], chain(1), chain(12), chain(60), fan(6), fan(40), unnamed(), circle()],
    ids=["nothing", "one", "chain-12", "chain-60", "fan-6", "fan-40", "unnamed", "circle"],
)
def test_every_node_has_room_of_its_own_within_the_drawing(steps: list[Step]) -> None:
    found, drawing = drawn(steps)
    assert {box.node for box in drawing.boxes} == set(found.nodes)
    assert len(found.nodes) <= 70
    assert len(drawing.lines) == len(drawing.heads) == len(found.arrows)
    for box in drawing.boxes:
        assert 0 < box.x < box.x + box.width < drawing.width
        assert 0 < box.y < box.y + box.height < drawing.height
    for a, b in combinations(drawing.boxes, 2):
        apart_x = a.x + a.width <= b.x or b.x + b.width <= a.x
        assert apart_x or a.y + a.height <= b.y or b.y + b.height <= a.y, (a, b)


@pytest.mark.parametrize("steps", [chain(12), fan(6), unnamed()], ids=["chain", "fan", "unnamed"])
def test_arrows_go_from_left_to_right(steps: list[Step]) -> None:
    found, drawing = drawn(steps)
    places = {box.node.key: box for box in drawing.boxes}
    for begin, end in found.arrows:
        assert places[begin].x + places[begin].width < places[end].x


def test_inputs_of_one_sort_are_put_together_and_steps_without_names_stay_tied() -> None:
    found, _ = drawn(unnamed())
    assert [node.label for node in found.nodes] == [
        "p0", "task combine", ALIKE, "task post", ALIKE, "task basic", "MUSE.1",
    ]  # fmt: skip
    assert ("step basic", "step post") in found.arrows
    assert ("step post", "step combine") in found.arrows


def test_inputs_beyond_a_few_are_counted() -> None:
    found, _ = drawn(fan(47))
    assert "and 40 more inputs" in [node.label for node in found.nodes]
    assert sum(node.kind is Kind.STEP for node in found.nodes) == 8


def test_steps_beyond_what_can_be_read_are_left_to_the_list() -> None:
    found, _ = drawn(chain(60))
    assert "and earlier steps" in [node.label for node in found.nodes]


def test_a_file_of_which_only_the_name_is_known_is_another_in_another_step() -> None:
    found, _ = drawn(fan(2))
    assert sum(node.kind is Kind.FILE for node in found.nodes) == 6


def test_the_drawing_is_sound_xml_whatever_the_names_are() -> None:
    hostile = [step("a0", ["p0"], [one('<script>"&', made_by="a1"), one("x" * 300)])]
    svg = to_svg(drawn(hostile)[1], 'A "title" & more', lambda product: f"/products/{product}")
    root = ET.fromstring(svg)  # noqa: S314  our own
    assert [link.get("href") for link in root.iter(f"{SVG}a")] == ['/products/<script>"&']
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert "The <last> product & more" in titles
    assert f"CUBE {'x' * 300}" in titles
    assert max(len(text.text or "") for text in root.iter(f"{SVG}text")) <= 30


def test_layers_are_longest_ways_and_a_circle_is_cut() -> None:
    assert layers("abcd", [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")]) == {"a": 0, "b": 1, "c": 2, "d": 3}
    assert layers("xab", [("a", "b"), ("b", "a"), ("x", "a")]) == {"x": 0, "a": 1, "b": 2}
    assert layers(["a"], [("a", "a"), ("a", "elsewhere")]) == {"a": 0}
