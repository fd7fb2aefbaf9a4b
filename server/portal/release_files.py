"""The files that a release has of a galaxy by its naming rules, and which of them the archive holds.  Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from schema.observations import Target
from schema.products import NamingRule, Product

__all__ = ["ReleaseFile", "release_files"]

ENDING: Final = re.compile(r"\.fits(\.\w+)?$")
OWN_MARK: Final = re.compile(r"-[0-9a-f]{8}$")
"""The archive makes identifiers unique with the beginning of a checksum."""


@dataclass(frozen=True)
class ReleaseFile:
    """A file that the release names; ``filter`` may be empty, ``product_id`` is the product that holds it, if any."""

    name: str
    kind: str
    resolution: str
    filter: str
    product_id: str | None


def release_files(target: Target, rules: Iterable[NamingRule], products: Iterable[Product]) -> list[ReleaseFile]:
    """Return the files of one galaxy in the order of the rules."""
    held: dict[str, str] = {}
    for product in products:
        for artifact in product.artifacts:
            held.setdefault(_stem(artifact.file_name), product.product_id)
    return [_file(target, rule, band, held) for rule in rules for band in rule.filters or [""]]


def _file(target: Target, rule: NamingRule, band: str, held: Mapping[str, str]) -> ReleaseFile:
    name = _filled(rule.pattern, target, band)
    return ReleaseFile(name, rule.kind, rule.resolution, band, held.get(_stem(name)))


def _filled(pattern: str, target: Target, band: str) -> str:
    """Fill a pattern in; plain replacement, since what else ``str.format`` can reach is nobody's business."""
    filled = pattern.replace("{target}", target.name).replace("{psf}", f"{target.copt_fwhm:.2f}")
    return filled.replace("{filter}", band)


def _stem(file_name: str) -> str:
    return OWN_MARK.sub("", ENDING.sub("", file_name))
