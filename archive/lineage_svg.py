"""The drawn history of a product as SVG, alone or as part of a page.

Colours stand in attributes, so that the drawing needs no style sheet; a page's own style sheet overrules them by class.
"""

from collections.abc import Callable
from typing import Final
from xml.etree import ElementTree as ET

from archive.lineage import Kind
from archive.lineage_drawing import Box, Drawing

__all__ = ["to_svg"]

FACE: Final = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
INK: Final = "#1c2128"
SOFT: Final = "#596270"
PAPER: Final = "#fbfaf7"
FILLS: Final = {
    Kind.SUBJECT: ("#17597d", "#17597d"),
    Kind.PRODUCT: ("#ffffff", "#17597d"),
    Kind.RAW: ("#f7ecdc", "#9a5b06"),
    Kind.FILE: ("#ffffff", "#b9b3a6"),
    Kind.STEP: ("#eeebe3", "#596270"),
    Kind.MORE: (PAPER, "#b9b3a6"),
}
"""Ground and rim of each kind of node."""

ROUND: Final = 4.0


def to_svg(drawing: Drawing, title: str, link: Callable[[str], str]) -> str:
    """Write a drawing.

    Parameters
    ----------
    title
        What it shows, for those who do not see it.
    link
        From a product to the address of its page.
    """
    width, height = f"{drawing.width:.0f}", f"{drawing.height:.0f}"
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": width,
            "height": height,
            "role": "group",
            "aria-label": title,
            "font-family": FACE,
        },
    )
    ET.SubElement(root, "rect", {"class": "ground", "width": width, "height": height, "fill": PAPER})
    for path in drawing.lines:
        ET.SubElement(root, "path", {"class": "flow", "d": path, "fill": "none", "stroke": SOFT})
    for path in drawing.heads:
        ET.SubElement(root, "path", {"class": "head", "d": path, "fill": SOFT})
    for box in drawing.boxes:
        _write(root, box, link)
    return ET.tostring(root, encoding="unicode") + "\n"


def _write(root: ET.Element, box: Box, link: Callable[[str], str]) -> None:
    node = box.node
    named = {"class": f"node {node.kind}"}
    if node.product_id is not None and node.kind is not Kind.SUBJECT:
        group = ET.SubElement(root, "a", {**named, "href": link(node.product_id)})
    else:
        group = ET.SubElement(root, "g", named)
    ET.SubElement(group, "title").text = node.told
    fill, stroke = FILLS[node.kind]
    corner = box.height / 2 if node.kind is Kind.STEP else ROUND
    frame = {"x": box.x, "y": box.y, "width": box.width, "height": box.height, "rx": corner}
    rim = {"fill": fill, "stroke": stroke, **({"stroke-dasharray": "4 3"} if node.kind is Kind.MORE else {})}
    ET.SubElement(group, "rect", {**{name: f"{value:.1f}" for name, value in frame.items()}, **rim})
    middle = box.x + box.width / 2
    ink, soft = (PAPER, PAPER) if node.kind is Kind.SUBJECT else (INK, SOFT)
    _text(group, box.label, (middle, box.y + (17 if node.note else box.height / 2 + 4)), ("label", ink, "12"))
    if node.note:
        _text(group, node.note, (middle, box.y + 32), ("note", soft, "10.5"))


def _text(group: ET.Element, words: str, at: tuple[float, float], look: tuple[str, str, str]) -> None:
    name, colour, size = look
    place = {"x": f"{at[0]:.1f}", "y": f"{at[1]:.1f}", "text-anchor": "middle"}
    ET.SubElement(group, "text", {"class": name, **place, "font-size": size, "fill": colour}).text = words
