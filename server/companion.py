"""A process that lives and dies with the service: started again when it ends before its time."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

__all__ = ["Companion"]

log = structlog.get_logger()

BETWEEN_STARTS_SECONDS: Final = 3.0
PATIENCE_SECONDS: Final = 10.0


class Companion:
    """Runs a command for as long as somebody calls ``keep`` now and then."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command: Final = list(command)
        self._environment: Final = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = float("-inf")

    def keep(self) -> None:
        """Start the command if it does not run."""
        if self._process is not None and self._process.poll() is None:
            return
        if time.monotonic() - self._started < BETWEEN_STARTS_SECONDS:
            return
        if self._process is not None:
            log.warning("companion process died, starting it again", command=self._command[-1])
        self._started = time.monotonic()
        self._process = subprocess.Popen(self._command, env=self._environment, stdin=subprocess.DEVNULL)

    def ask_to_end(self) -> None:
        """Ask it to end in order; ``await_end`` waits for that."""
        if self._process is not None:
            self._process.terminate()

    def await_end(self) -> None:
        """Wait until it has ended, and end it when that takes too long."""
        if self._process is None:
            return
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
