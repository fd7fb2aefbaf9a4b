"""The application under gunicorn, started from within: one archive, several processes."""

import os
import socket
import struct
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from archive.archive import Archive
from server.app import create_app
from server.companion import Companion

__all__ = ["Gateway"]

THREADS = 32
TIMEOUT_SECONDS = 300
STALL_SECONDS = 60
"""A client that takes nothing for so long is left."""

SILENCE_SECONDS = 20
"""A client that has begun a request and sends nothing more for so long is left: it keeps a thread from others."""


class Gateway(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn with our options; the application is made in each process, after the fork."""

    def __init__(self, archive: Archive, *, bind: str, workers: int) -> None:
        self.archive = archive
        self.options: dict[str, Any] = {
            "bind": bind,
            "workers": workers,
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": TIMEOUT_SECONDS,
            "graceful_timeout": 10,
            "loglevel": "warning",
            "control_socket_disable": True,
            "limit_request_line": 8190,
            "when_ready": _bound_waiting,
        }
        super().__init__()

    def load_config(self) -> None:
        """Hand the options over."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application; connections that the parent opened are not used in a child."""
        self.archive.database.engine.dispose(close=False)
        return create_app(self.archive)

    def run(self) -> None:
        """Serve until a signal comes, with the worker for asynchronous queries beside."""
        environment = {**os.environ, "MUSEVAULT_BASE_URL": self.archive.settings.base_url}
        _Arbiter(self, Companion([sys.executable, "-m", "server.query_worker"], environment)).run()


class _Arbiter(Arbiter):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's master process, which looks after its workers every second, and after a companion of theirs."""

    def __init__(self, application: Gateway, companion: Companion) -> None:
        self.companion = companion
        super().__init__(application)

    def manage_workers(self) -> None:
        """Start what does not run."""
        super().manage_workers()
        self.companion.keep()

    def stop(self, graceful: bool = True) -> None:  # noqa: FBT001, FBT002  gunicorn's signature
        """End all."""
        self.companion.ask_to_end()
        super().stop(graceful)
        self.companion.await_end()


def _bound_waiting(arbiter: Any) -> None:
    """Let the kernel bound how long a thread waits for a client: connections inherit it from the socket that accepts
    them.
    """
    for listener in arbiter.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", STALL_SECONDS, 0))
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SILENCE_SECONDS, 0))
