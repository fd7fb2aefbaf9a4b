"""``musevault demo``: the survey's log, a real cube and a simulated reduction, from an empty folder to a web page.

It types the commands that an operator would type, tells how long each took, and shows where to look.  Running it
again, also after it was killed, goes on from what is there.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from musevault.selfcheck import await_health, check

__all__ = ["demo"]

PR_SET_PDEATHSIG = 1
GALAXY = "NGC1385"

EXAMPLES = """
  portal   {url}/
  TAP      {url}/tap
  SIA2     {url}/sia2

  pyvo     import pyvo
           tap = pyvo.dal.TAPService("{url}/tap")
           print(tap.search("SELECT target, COUNT(*) AS n, MIN(psf_fwhm) AS best FROM survey.pointing GROUP BY target"))

  curl     curl -s "{url}/tap/sync" -d LANG=ADQL -d RESPONSEFORMAT=csv \\
             -d "QUERY=SELECT target_name, em_min, em_max, access_url FROM ivoa.obscore"

  TOPCAT   topcat -tap {url}/tap
           (or: VO > Table Access Protocol (TAP) Query > TAP URL {url}/tap)
"""


@click.command()
@click.option("--survey", type=click.Path(path_type=Path), default=Path("surveys/phangs-muse"), show_default=True)
@click.option("--cube", type=click.Path(path_type=Path), default=Path("data/mpdaf/data/sdetect/minicube.fits"))
@click.option("--port", default=8000, show_default=True, help="Port of the service; another is taken when it is busy.")
@click.option("--quick", is_flag=True, help="Leave out the reduction of simulated exposures.")
@click.option("--exit", "leave", is_flag=True, help="Check the services and exit instead of serving on.")
def demo(*, survey: Path, cube: Path, port: int, quick: bool, leave: bool) -> None:
    """Show the whole archive on the survey's log, a real MUSE cube and exposures that are simulated and reduced."""
    begin = time.monotonic()
    for number in (
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGINT,
    ):  # also where a shell in the background ignores the latter
        signal.signal(number, _interrupt)
    try:
        _step("init", "init")
        counts = json.loads(_step("the survey's log", "ingest", "release", survey, "--json"))
        corrections, findings = len(counts["corrections"]), len(counts["findings"])
        click.echo(
            f"  {counts['targets']} targets, {counts['pointings']} pointings, {corrections} printed values corrected,"
            f" {findings} findings"
        )
        _step("a real cube", "ingest", "products", cube)
        if not quick:
            _simulated_exposures(Path(os.environ.get("MUSEVAULT_ROOT") or "vault") / "simulated")
        _step("images, and the reduction", "process", "--now")
        with _service(_free(port)) as url:
            click.echo(f"ready after {time.monotonic() - begin:.1f} s{EXAMPLES.format(url=url)}")
            if leave:
                check(url, counts)
                return
            click.echo("Ctrl-C stops it.")
            signal.pause()
    except KeyboardInterrupt:
        click.echo("stopped")


def _simulated_exposures(folder: Path) -> None:
    """Simulate two overlapping pointings of a galaxy, and take in what a night would bring."""
    if not folder.exists():
        _step("two simulated pointings", "simulate", GALAXY, folder, "--exposures", "2", "--wavelengths", "6500-6700")
    _step("pixel tables and skies", "ingest", "products", folder / "pixtables", folder / "sky", "--collection", "SIM")
    _step("calibrations", "ingest", "exposures", folder / "static")
    _step("the reference image", "ingest", "reference", folder / "reference" / f"{GALAXY}_Cousins_R.fits",
          "--target", GALAXY, "--collection", "SIM")  # fmt: skip


def _step(title: str, *words: str | Path) -> str:
    """Run one command and return what it printed; its failure is ours."""
    begin = time.monotonic()
    command = [_program(), *map(str, words)]
    click.secho(f"$ musevault {' '.join(command[1:])}", bold=True)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        click.echo(done.stdout + done.stderr, err=True)
        raise click.ClickException(f"{title}: the command above failed with status {done.returncode}")
    if "--json" not in words:
        click.echo("".join(f"  {line}\n" for line in done.stdout.splitlines()), nl=False)
    click.echo(f"  {title}: {time.monotonic() - begin:.1f} s")
    return done.stdout


@contextmanager
def _service(port: int) -> Iterator[str]:
    """Run the service while the block runs."""
    url = f"http://127.0.0.1:{port}"
    click.secho(f"$ musevault serve --port {port}", bold=True)
    begin = time.monotonic()
    # Its own session: a Ctrl-C comes to us alone, and we stop the service in order.
    command = [_program(), "serve", "--port", str(port)]
    server = subprocess.Popen(command, start_new_session=True, preexec_fn=_die_with_parent)  # noqa: PLW1509  no threads
    try:
        await_health(url, server)
        click.echo(f"  service: {time.monotonic() - begin:.1f} s")
        yield url
    finally:
        server.terminate()
        server.wait()


def _die_with_parent() -> None:
    """Ask Linux to end the service when the demo is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _program() -> str:
    beside = Path(sys.executable).with_name("musevault")
    found = str(beside) if beside.exists() else shutil.which("musevault")
    if found is None:
        raise click.ClickException("the command musevault is not installed beside this Python")
    return found


def _free(port: int) -> int:
    """Return the port, or a free one where somebody listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        chosen: int = probe.getsockname()[1]
    return chosen


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
