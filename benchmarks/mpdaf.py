"""The peer mpdaf, with whose ``CubeMosaic.pycombine`` the survey's mosaics were made, in an environment of its own.

It is fetched by pip where a registry of packages can be reached, into a folder that goes away with the benchmark, and
run as the program that it is: it is no part of this one.
"""

import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Combined", "Peer", "install"]

PACKAGES: Final = ("mpdaf", "fitsio")
INSTALL_SECONDS: Final = 300

PROGRAM: Final = """
import json, logging, sys, time, warnings
import numpy as np
warnings.simplefilter("ignore")
from mpdaf.obj import CubeMosaic
logging.disable(logging.CRITICAL)
given = json.loads(sys.argv[1])
mosaic = CubeMosaic(given["cubes"], given["grid"])
begin = time.perf_counter()
made = mosaic.pycombine(mad=True, nmax=2, nclip=5.0, nstop=2, var="propagate")
seconds = time.perf_counter() - begin
np.savez(given["result"], data=made[0].data.filled(np.nan), variance=made[0].var.filled(np.nan))
print(seconds)
"""
"""The call is that of the survey; reading the planes is part of it, opening the files and writing the mosaic is not."""


@dataclass(frozen=True)
class Combined:
    """How long the peer took, and what it made."""

    seconds: float
    data: NDArray[np.float64]
    variance: NDArray[np.float64]


@dataclass(frozen=True)
class Peer:
    """The peer, and the folder that it was installed into."""

    folder: Path

    def combine(self, cubes: Sequence[Path], grid: Path) -> Combined:
        """Combine cubes; ``grid`` is a cube of the mosaic's shape and axes."""
        result = self.folder / "result.npz"
        paths = [str(path) for path in cubes]
        given = json.dumps({"cubes": paths, "grid": str(grid), "result": str(result)})
        command = [str(self.folder / "bin" / "python"), "-c", PROGRAM, given]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"mpdaf fails: {done.stderr}")
        with np.load(result) as made:
            return Combined(float(done.stdout.split()[-1]), made["data"], made["variance"])


def install(folder: Path) -> Peer | None:
    """Install the peer, None where that cannot be done."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        done = subprocess.run([*pip, *PACKAGES], capture_output=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        print(f"mpdaf cannot be installed here: {done.stderr.decode().strip()[-200:]}", file=sys.stderr)
        return None
    return Peer(folder)
