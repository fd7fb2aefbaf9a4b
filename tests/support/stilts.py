"""STILTS, the command line of TOPCAT, as an astronomer types it."""

import subprocess

__all__ = ["stilts", "stilts_refuses"]


def stilts(*words: str) -> str:
    """Run a task of STILTS to its good end; return what it printed."""
    done = _run(words)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def stilts_refuses(*words: str) -> str:
    """Run a task that fails; return what it says of it."""
    done = _run(words)
    assert done.returncode != 0, done.stdout
    return done.stderr


def _run(words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["stilts", *words], capture_output=True, text=True, check=False, timeout=120)
