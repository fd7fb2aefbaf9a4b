"""The configuration for SLURM is understood, and what would be submitted brings workers up."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import dask
from dask_jobqueue import SLURMCluster
from distributed import Client

from archive.settings import Settings
from processing.compute import pool
from tests.support.mosaics import touch

HERE: dict[str, Any] = {"host": "127.0.0.1", "port": 0, "dashboard_address": "127.0.0.1:0"}


@contextmanager
def cluster(**changed: Any) -> Iterator[SLURMCluster]:
    """A cluster as an operator gets it with the file in /etc/dask, but on this machine only; nothing is submitted."""
    given = dask.config.collect(["deploy/dask-slurm.yaml"], env={})
    with (
        dask.config.set(dask.config.merge(dask.config.config, given)),
        SLURMCluster(scheduler_options=HERE, **changed) as made,
    ):
        yield made


@contextmanager
def running(script: Path, log: Path) -> Iterator[None]:
    """What SLURM does with a script on a node."""
    with log.open("wb") as output:
        process = subprocess.Popen(["bash", str(script)], stdout=output, stderr=output, start_new_session=True)
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def test_the_configuration_becomes_a_script_for_slurm() -> None:
    with cluster() as made:
        script = made.job_script()
    lines = script.splitlines()
    assert {"#SBATCH -J musevault", "#SBATCH -p normal", "#SBATCH --cpus-per-task=16", "#SBATCH -t 08:00:00"} <= set(
        lines
    )
    assert "#SBATCH --mem=60G" in lines  # 64 GB, as SLURM counts
    words = shlex.split(lines[-1])
    assert words[:3] == ["/opt/musevault/.venv/bin/python", "-m", "distributed.cli.dask_worker"]
    told = dict(pairwise(words))
    assert (told["--nworkers"], told["--nthreads"], told["--lifetime"]) == ("16", "1", "465m")
    assert "--no-dashboard" in words
    assert any("OMP_NUM_THREADS=1" in line for line in lines)


def test_the_script_brings_workers_up_that_compute_tiles(tmp_path: Path) -> None:
    nodes = {"python": sys.executable, "local_directory": str(tmp_path), "log_directory": str(tmp_path)}
    with cluster(cores=2, processes=2, memory="2GB", **nodes) as made:
        script = tmp_path / "job.sh"
        script.write_text(made.job_script())
        settings = Settings.model_validate({"dask_scheduler": made.scheduler_address})
        with running(script, tmp_path / "job.log"), Client(made) as client:
            client.wait_for_workers(2, timeout=120)
            with pool(settings, cores=1, memory=0, folder=tmp_path) as workers:
                numbers = {n for n in workers.each(partial(touch, tmp_path), range(6)) if n is not None}
    assert numbers == set(range(6))
    assert sorted(path.name for path in tmp_path.glob("tile-*")) == [f"tile-{n}" for n in range(6)]
