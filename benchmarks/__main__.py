"""``python -m benchmarks [NAME ...]``: the benchmarks of those names, or all of them."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

NAMES: Final = (
    "bands", "mosaic", "convolution", "lines", "engines", "tiles", "adql", "tap", "formats", "raw_headers", "exposures",
    "provenance", "jobs", "binning", "maps", "maps_rows",
)  # fmt: skip


def main(names: Sequence[str]) -> None:
    """Run benchmarks one after the other; each is imported alone, so that none weighs on another's memory."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise SystemExit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    print("name | ours | reference | ratio | target | verdict", flush=True)
    for name in names or NAMES:
        import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
