"""Work of all sorts in the table of jobs, as pages show it: under way, waiting, done, failed, and a client's."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from archive import claims, jobs, uws
from archive.archive import Archive
from archive.queues import INGEST
from schema.jobs import Phase

__all__ = ["PRODUCT", "Work", "at_work", "end", "many"]

PRODUCT: Final = "cube-of-the-night"
SECRET: Final = "SELECT secret FROM survey.target"
ROWS: Final = """
    INSERT INTO survey.product (product_id, kind, title, collection, calib_level, simulated, ingested)
    VALUES (:cube, 'cube', 'a cube', 'c', 2, 0, now()), (:image, 'image', 'an image', 'c', 3, 0, now());
    INSERT INTO provenance.activity (activity_id, name, job_id, parameters)
    VALUES ('a', 'band_images', :job, '{}');
    INSERT INTO provenance.used (activity_id, entity, product_id, role)
    VALUES ('a', :cube, :cube, 'CUBE'), ('a', 'filter_list.fits', NULL, 'FILTER_LIST');
    INSERT INTO provenance.was_generated_by (activity_id, product_id) VALUES ('a', :image);
"""
MANY: Final = """
    INSERT INTO jobs.job (job_id, task, parameters, work_key, phase, created, queued, started, ended, progress)
    SELECT md5(n::text), 'many.' || n % 2, '{}', n, 'COMPLETED',
           now() - interval '1 day', now() - interval '1 day', now() - interval '1 day',
           now() - interval '1 day' + n * interval '1 second', 1
    FROM generate_series(1, :number) AS n
"""


@dataclass(frozen=True)
class Work:
    """Identifiers of the jobs."""

    running: str
    waiting: str
    failed: str
    done: str
    client: str


def at_work(archive: Archive) -> Work:
    """Have jobs in all phases."""
    database = archive.database
    running = jobs.submit(database, "reduce", {"product": PRODUCT, "bands": ["white", "r"]}).job_id
    waiting = jobs.submit(database, "ingest.watch", {"folders": ["/srv/operator/incoming"]}, queue=INGEST).job_id
    failed = jobs.submit(database, "ingest.eso", {"programmes": ["1100.B-0651"]}, queue=INGEST).job_id
    done = jobs.submit(database, "band_images", {"product": PRODUCT}).job_id
    _begin(archive, running)
    jobs.progress(database, running, 0.4, "flat fields of 10 of 24 channels")
    end(archive, failed, Phase.ERROR, "cannot read /srv/operator/incoming/frame.fits: it has no data")
    end(archive, done, Phase.COMPLETED)
    caller = uws.Caller(None, None, "127.0.0.1")
    client = uws.create(archive, "tap.query", {"QUERY": [SECRET]}, caller=caller, run_id=None).job_id
    uws.start(database, client, uws.Start("query-fast", None), most=5)
    with database.transaction() as session:
        for statement in ROWS.split(";\n")[:-1]:
            session.execute(text(statement), {"cube": PRODUCT, "image": f"{PRODUCT}_white", "job": done})
    return Work(running, waiting, failed, done, client)


def end(archive: Archive, job_id: str, phase: Phase, error: str | None = None) -> None:
    """End a job as if somebody had done it."""
    _begin(archive, job_id)
    jobs.finish(archive.database, job_id, phase, error=error)


def many(archive: Archive, number: int) -> None:
    """Have so many jobs that ended, one a second, half of them of task ``many.0``, half of ``many.1``."""
    with archive.database.transaction() as session:
        session.execute(text(MANY), {"number": number})


def _begin(archive: Archive, job_id: str) -> None:
    with claims.claimed(archive.database, job_id) as job:
        assert job is not None
