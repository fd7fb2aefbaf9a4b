"""A process that must not outlive the one that started it."""

import ctypes
import os
import signal
import sys
import threading
import time
from typing import Final

__all__ = ["die_with_parent", "die_with_parent_and_children"]

PR_SET_PDEATHSIG: Final = 1
LOOK_SECONDS: Final = 0.2


def die_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Ask Linux for a signal when the parent dies; it may have done so already."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent or parent == 1:
        sys.exit(0)


def die_with_parent_and_children() -> None:
    """Kill the process group, which must be this process's own, when the parent dies.

    The signal of the kernel would reach this process alone, and what it started would go on.
    """
    parent = os.getppid()
    if parent == 1:
        sys.exit(0)

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=look, name="parent", daemon=True).start()
