"""How the loops of this package are compiled.

The machine code is made at the first call in a process, in some 20 seconds.  It is kept on disk only where
``NUMBA_CACHE_DIR`` names a folder, and whoever sets it gives every version of the sources its own: numba notices a
change in the file of a function, not in the files of those that it calls.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba

__all__ = ["compiled"]

Function = TypeVar("Function", bound=Callable[..., Any])

REARRANGEMENTS: Final = {"reassoc", "contract", "nsz"}
"""What the compiler may do to sums so that they fill the vector units; NaN and infinity keep their meaning."""


def compiled(function: Function) -> Function:
    """Compile a function of numbers, arrays and named tuples of them; it lets other threads run meanwhile."""
    keep = bool(getattr(numba.config, "CACHE_DIR", ""))
    compile_ = numba.njit(nogil=True, error_model="numpy", fastmath=REARRANGEMENTS, cache=keep)
    return cast("Function", compile_(function))
