"""A folder of a job's own for the files of programs that it runs: empty when it begins, gone when it ends.

What a job that was killed left there is gone when it is begun again, or with the checkpoints that nobody goes on with.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archive.checkpoints import folder_of

__all__ = ["scratch"]


@contextmanager
def scratch(root: Path, job_id: str) -> Iterator[Path]:
    """Make the folder for a job, and remove it however the block ends."""
    own = folder_of(root.absolute(), job_id)
    folder = own / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(own, ignore_errors=True)
