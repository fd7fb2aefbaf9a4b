"""The application under gunicorn, started from within: one archive, several processes."""

import socket
import struct
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from archive.archive import Archive
from server.app import create_app

__all__ = ["Gateway"]

THREADS = 32
TIMEOUT_SECONDS = 300
STALL_SECONDS = 60
"""A client that takes nothing for so long is left."""


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
            "when_ready": _bound_sending,
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


def _bound_sending(arbiter: Any) -> None:
    """Let the kernel bound how long a send may take: connections inherit it from the socket that accepts them."""
    for listener in arbiter.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", STALL_SECONDS, 0))
