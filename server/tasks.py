"""What the workers do for the service: the queries of asynchronous jobs, each into a file in the job's folder.

The same query and the same encoders as for sync.  The worker finds the task under the entry points
``musevault.tasks``.
"""

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import exc
from werkzeug.datastructures import MultiDict

from archive import jobs, uws
from archive.archive import Archive
from archive.errors import Refused
from archive.execution import Progress
from archive.faults import Interrupted
from schema.jobs import Phase
from schema.uws import UwsJob
from server import dali
from server.adql import AdqlError
from server.asked import Asked
from server.encoders import FORMATS, Format
from server.query import Queries, QueryFailed, QueryTimedOut, Result, ServiceBusy
from server.uploads.errors import UploadError
from server.uploads.gathering import gather
from server.uploads.limits import Limits

__all__ = ["TASK", "UPLOADS", "QueryRuns", "query"]

TASK: Final = "tap.query"
UPLOADS: Final = "uploads"
"""Where in the folder of a job the tables are that came with it."""

TELL_SECONDS: Final = 1.0
"""How often a query says how much it has written; how much there will be nobody knows."""


class QueryRuns:
    """The queries that one worker does."""

    def __init__(self) -> None:
        self._halted: Final = threading.Event()
        self._running: Final[dict[str, Archive]] = {}

    def run(self, archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
        """Do the query of a job.

        Raises
        ------
        Refused
            The query is wrong, or the database cannot answer it.
        Interrupted
            The database went away or the worker is to stop: the job is as it was before.
        """
        del parameters
        job = uws.find(archive.database, job_id)
        if job is None:
            return
        self._running[job_id] = archive
        try:
            self._answer(archive, job, progress)
        except QueryTimedOut as problem:
            jobs.finish(archive.database, job_id, Phase.ABORTED, error=f"{problem}, its execution duration")
        except ServiceBusy as problem:
            if _is_wanted(archive, job_id):
                raise Interrupted(str(problem)) from problem
        except (AdqlError, dali.UsageError, UploadError, QueryFailed) as problem:
            raise Refused(str(problem)) from problem
        except OSError as problem:
            if _is_wanted(archive, job_id):
                raise Refused(f"the result cannot be kept: {problem.strerror}") from problem
        finally:
            del self._running[job_id]

    def halt(self) -> None:
        """Break off what is being done; it goes back to the queue."""
        self._halted.set()
        for job_id, archive in list(self._running.items()):
            with suppress(exc.OperationalError):  # the database is gone: so is the query
                uws.end_backends(archive.database, job_id)

    def _answer(self, archive: Archive, job: UwsJob, progress: Progress) -> None:
        asked = Asked.read(MultiDict(job.parameters))
        chosen = dali.named_format(asked.format_name) if asked.format_name else FORMATS[0]
        queries = Queries.of_job(archive, job.job_id, float(job.execution_duration))
        try:
            folder = uws.folder(archive.settings, job.job_id) / UPLOADS
            files = gather(asked.uploads, folder, Limits.of(archive.settings))
            queries.prepare()
            self._check_halted()  # asked with the connection up: from here on a halt or an abort finds it
            if not _is_wanted(archive, job.job_id):
                return
            result = queries.run(asked.query, maxrec=asked.maxrec, uploads=files, account=job.owner)
            try:
                name = f"result.{chosen.suffix}"
                path = uws.folder(archive.settings, job.job_id) / name
                size, sha256 = self._write(result, chosen, path, progress)
            finally:
                result.close()
        finally:
            queries.close()
        uws.record_result(archive.database, job.job_id, uws.Result(name, chosen.media_type, size, sha256))
        shutil.rmtree(folder, ignore_errors=True)

    def _check_halted(self) -> None:
        if self._halted.is_set():
            raise Interrupted("the worker is to stop")

    def _write(self, result: Result, chosen: Format, path: Path, progress: Progress) -> tuple[int, str]:
        """Write a result; return its length and checksum.  Nothing has its name before it is whole on the disk."""
        told = time.monotonic()
        digest = hashlib.sha256()
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        try:
            with part.open("wb") as file:
                for block in chosen.encode(result):
                    self._check_halted()
                    digest.update(block)
                    file.write(block)
                    if time.monotonic() - told > TELL_SECONDS:
                        progress(0.0, f"{file.tell():,} bytes of the result are written")
                        told = time.monotonic()
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            _check_whole(result)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        return size, digest.hexdigest()


query: Final = QueryRuns().run


def _check_whole(result: Result) -> None:
    """A VOTable that ends with an error is a fine answer over HTTP, and no result of a job."""
    if result.failure is not None:
        raise result.failure


def _is_wanted(archive: Archive, job_id: str) -> bool:
    known = jobs.find(archive.database, job_id)
    return known is not None and known.phase == Phase.EXECUTING
