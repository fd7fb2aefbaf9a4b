"""Hosts for tests: network namespaces on a switch of their own, which nothing outside can reach or collide with."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest


@dataclass(frozen=True)
class Host:
    """One host: it shares the disks with the others, as hosts of one archive do."""

    name: str
    address: str
    _started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, module: str, *words: str, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a program of Python's on it."""
        command = ["ip", "netns", "exec", self.name, sys.executable, "-m", module, *words]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
        self._started.append(process)
        return process

    def kill(self) -> None:
        """Kill all that runs on it, at one blow."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self._started:
            process.wait()

    def pids(self) -> list[int]:
        """What runs on it."""
        return [int(pid) for pid in _ip("netns", "pids", self.name).split()]

    def cut_off(self) -> None:
        """Pull its cable: what runs goes on, and nobody hears of it."""
        _ip("-n", self.name, "link", "set", "eth0", "down")


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """Hosts that reach each other; all that runs on them is killed at the end."""
    if os.geteuid() != 0:
        pytest.skip("only root may make network namespaces")
    mark = f"mv-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    switch, made = f"{mark}-switch", [Host(f"{mark}-{n}", f"10.77.0.{n}") for n in range(1, count + 1)]
    try:
        _ip("netns", "add", switch)
        _ip("-n", switch, "link", "add", "bridge", "type", "bridge")
        _ip("-n", switch, "link", "set", "bridge", "up")
        for number, host in enumerate(made):
            _connect(switch, f"port{number}", host)
        yield made
    finally:
        known = _ip("netns", "list").split()
        for host in made:
            if host.name in known:
                host.kill()
        for name in (*(host.name for host in made), switch):
            if name in known:
                _ip("netns", "delete", name)


def _connect(switch: str, port: str, host: Host) -> None:
    commands: Sequence[Sequence[str]] = (
        ("netns", "add", host.name),
        ("-n", host.name, "link", "set", "lo", "up"),
        ("-n", switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host.name),
        ("-n", switch, "link", "set", port, "master", "bridge", "up"),
        ("-n", host.name, "address", "add", f"{host.address}/24", "dev", "eth0"),
        ("-n", host.name, "link", "set", "eth0", "up"),
    )
    for command in commands:
        _ip(*command)


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"this machine lets root make no hosts: ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
