"""gzip for a stream: each block can be read as soon as it is sent."""

import zlib
from collections.abc import Iterator
from typing import Final

__all__ = ["gzipped"]

LEVEL: Final = 1
"""The quickest: a network is slower still, a processor is not ours alone."""
GZIP: Final = 16 + zlib.MAX_WBITS


def gzipped(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a stream compressed; one that breaks off lacks its end, which readers notice."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    for block in blocks:
        yield packer.compress(block) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()
