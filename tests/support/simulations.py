"""Small simulations for tests: made-up spectra, one block of two exposures, a few planes."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from processing.filters import read_curve
from processing.simulate.exposures import Block, Place
from processing.simulate.galaxy import Galaxy
from processing.simulate.observation import Spectral
from processing.simulate.simulation import Request, Simulation, prepare
from processing.simulate.templates import analytic

GALAXY = Galaxy("NGC1385", 54.369, -24.5012, 1476.8, 181.3, 44.0, 9.98, 83.5, 0.018)
BLOCK = Block("TPL.2019-10-06T08:06:01", datetime(2019, 10, 6, 8, 6, 1), "1100.B-0651(A)", 2_000_001, (1, 2, 3, 4))


def place(name: str = "NGC1385-P01", **changes: Any) -> Place:
    """A pointing on the galaxy's centre."""
    given = {
        "ra": GALAXY.ra,
        "dec": GALAXY.dec,
        "fwhm": 0.7,
        "ins_mode": "WFM-NOAO-N",
        "position_angle": 30.0,
        "blocks": (BLOCK,),
    }
    return Place(name, **{**given, **changes})


def request(**changes: Any) -> Request:
    """A request for two exposures of 24 x 24 spaxels and 16 planes around H alpha."""
    given = {
        "galaxy": GALAXY,
        "places": (place(),),
        "size": 4.8,
        "scale": 0.08,
        "spectral": Spectral(6570.0, 6590.0),
        "band": read_curve(Path("data"), "Cousins_R").band,
        "populations": analytic(),
        "seed": 1,
        "most": 2,
    }
    return Request(**{**given, **changes})


def simulation(**changes: Any) -> Simulation:
    """The same, prepared."""
    return prepare(request(**changes))


def grid(half: float, step: float) -> tuple[np.ndarray[Any, np.dtype[np.float64]], ...]:
    """Places on a square around nothing, arcsec east and north, flat."""
    steps = np.arange(-half, half + step / 2, step)
    east, north = np.meshgrid(steps, steps)
    return east.ravel(), north.ravel()
