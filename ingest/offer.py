"""What a server says of a file in the headers of its answer: name, length, checksums, and by what it stays the same.

Pure but for ``fault``, which reads the file through.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Final, Self

__all__ = ["Offer", "continues", "fault"]

CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
SHA256_TAG: Final = re.compile(r'"([0-9a-f]{64})"')
DIGEST: Final = re.compile(r"\b(sha-256|sha-512|md5)=:?([A-Za-z0-9+/]+={0,2})", re.IGNORECASE)
UNSAFE: Final = re.compile(r"[^A-Za-z0-9._:+-]+")
LONGEST_NAME: Final = 200
WHOLE: Final = 200
PART: Final = 206

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Offer:
    """What a server says of a file.

    Parameters
    ----------
    name
        Name to keep it under, without any folder.
    size
        Its length in bytes.
    validator
        By what the server tells that the file is still the same: its entity tag, or when it was modified.
    checksums
        Hexadecimal, by the name that hashlib has for them.
    """

    name: str
    size: int | None = None
    validator: str | None = None
    checksums: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, status: int, headers: Headers, *, otherwise: str) -> Self:
        """Read an answer of status 200 or 206; ``otherwise`` is the name when the server gives none."""
        tag = headers.get("ETag", "")
        return cls(
            name=_name(headers.get("Content-Disposition")) or otherwise,
            size=_size(status, headers),
            validator=tag if tag.startswith('"') else headers.get("Last-Modified"),  # a weak tag does not do
            checksums=_checksums(status, headers),
        )


def continues(headers: Headers, *, start: int, known: Offer | None) -> bool:
    """Tell whether an answer of status 206 is the rest, from that byte on, of the file that was offered before."""
    found = CONTENT_RANGE.match(headers.get("Content-Range", ""))
    if found is None or int(found[1]) != start:
        return False
    now = Offer.read(PART, headers, otherwise="")
    same_size = known is None or None in {known.size, now.size} or known.size == now.size
    same_file = known is None or None in {known.validator, now.validator} or known.validator == now.validator
    return same_size and same_file


def fault(path: Path, offer: Offer) -> str | None:
    """Return in what a file differs from what was offered, or None."""
    size = path.stat().st_size
    if offer.size is not None and size != offer.size:
        return f"it has {size} bytes instead of {offer.size}"
    for algorithm, expected in offer.checksums.items():
        with path.open("rb") as opened:
            if hashlib.file_digest(opened, algorithm).hexdigest() != expected:
                return f"its {algorithm} checksum is not {expected}"
    return None


def _name(disposition: str | None) -> str | None:
    """The last part of the file's name, reduced to what is harmless as one: never a folder, never hidden."""
    if disposition is None:
        return None
    message = Message()
    message["Content-Disposition"] = disposition
    last = (message.get_filename() or "").replace("\\", "/").rpartition("/")[2]
    return UNSAFE.sub("_", last).lstrip(".")[-LONGEST_NAME:] or None


def _size(status: int, headers: Headers) -> int | None:
    if status == PART:
        found = CONTENT_RANGE.match(headers.get("Content-Range", ""))
        return int(found[2]) if found is not None and found[2] != "*" else None
    length = headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _checksums(status: int, headers: Headers) -> dict[str, str]:
    """RFC 9530, RFC 3230 and 1864; an entity tag that looks like a SHA-256 is one: this archive gives such tags."""
    found: dict[str, str] = {}
    for algorithm, encoded in DIGEST.findall(headers.get("Repr-Digest", "") + "," + headers.get("Digest", "")):
        _add(found, algorithm.lower().replace("-", ""), encoded)
    if status == WHOLE:  # of a part, it is the part's
        _add(found, "md5", headers.get("Content-MD5", ""))
    tag = SHA256_TAG.fullmatch(headers.get("ETag", ""))
    return found if tag is None else {**found, "sha256": tag[1]}


def _add(found: dict[str, str], algorithm: str, encoded: str) -> None:
    try:
        digest = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return
    if len(digest) == hashlib.new(algorithm, usedforsecurity=False).digest_size:
        found[algorithm] = digest.hex()
