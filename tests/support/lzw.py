"""Unix compress, which Python cannot write: every byte a code of its own, as the table grows for whoever unpacks it."""

from typing import Final

MAGIC: Final = b"\x1f\x9d\x90"
"""The last byte: codes of up to 16 bits, 256 clears the table."""

FIRST_FREE: Final = 257
LARGEST: Final = 1 << 16


def compressed(content: bytes) -> bytes:
    """Bytes of a ``.Z`` file, longer than what is in it."""
    out = bytearray(MAGIC)
    width, free, start = 9, FIRST_FREE, 0
    for number, _ in enumerate(content):
        if free > (1 << width) - 1 and width < 16:
            out += _packed(content[start:number], width)
            width, start = width + 1, number
        if number and free < LARGEST:
            free += 1
    return bytes(out + _packed(content[start:], width, last=True))


def _packed(codes: bytes, width: int, *, last: bool = False) -> bytes:
    """Codes of one width, the lowest bit first; but for the last, they come in groups of eight."""
    bits = sum(code << (place * width) for place, code in enumerate(codes[-8:])) if len(codes) <= 8 else 0
    if len(codes) > 8:
        whole = len(codes) - len(codes) % 8
        groups = b"".join(_packed(codes[place : place + 8], width) for place in range(0, whole, 8))
        return groups + (_packed(codes[whole:], width, last=last) if whole < len(codes) else b"")
    return bits.to_bytes(-(-len(codes) * width // 8) if last else width, "little")
