"""An association as ESO's service writes it in XML: frame and calibrations, and theirs in turn, nested."""

from typing import Final
from xml.etree import ElementTree as ET

from archive.association import Association
from archive.association_rules import Mode

__all__ = ["file_name", "to_xml"]

HEAD: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'


def to_xml(association: Association, mode: Mode) -> bytes:
    """Return the document of one frame; what is lacking stands in it as messages."""
    root = _element(association)
    root.set("mode", mode)
    ET.indent(root, space=" ")
    document: bytes = ET.tostring(root, encoding="us-ascii", xml_declaration=False)
    return HEAD + document + b"\n"


def file_name(dp_id: str, mode: Mode) -> str:
    """Return the name under which the document is sent: letters that no header or file system minds."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in ".:_-+") else "_" for c in dp_id)
    return f"{plain}_{mode.lower()}.xml"


def _element(association: Association) -> ET.Element:
    flags = {"certified": association.certified, "complete": association.complete}
    root = ET.Element("association", {"category": association.tag})
    for name, value in flags.items():
        root.set(name, str(value).lower())
    root.set("type", "main")
    files = ET.SubElement(root, "mainFiles")
    for file in association.files:
        ET.SubElement(files, "file", {"category": association.tag, "name": _printable(file.dp_id)})
    messages = ET.SubElement(root, "messages")
    for words in association.lacking:
        ET.SubElement(messages, "message").text = _printable(words)
    inner = ET.SubElement(root, "associatedFiles")
    for member in association.members:
        nested = _element(member)
        nested.set("certified", str(member.certified and member.within_rules).lower())
        nested.set("match", "calib_plan" if member.within_rules else "N/A")
        inner.append(nested)
    return root


def _printable(words: str) -> str:
    """XML has no control characters, and identifiers may be anything that somebody asked for."""
    return "".join(
        c if c >= " " and not 0xD800 <= ord(c) < 0xE000 and ord(c) & 0xFFFE != 0xFFFE else "?" for c in words
    )
