"""A monitoring system sees how full the archive is, how its work goes, and when an ingest last went well."""

import time
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from archive import gauges, jobs, old_jobs, tally
from archive.archive import Archive
from archive.errors import Refused
from archive.products import get
from archive.queues import INGEST
from archive.runs import recorded
from archive.verify import faults
from archive.worker import drain
from ingest.exposures import ingest_exposures
from ingest.products import ingest_products
from tests.support.cubes import write_cube
from tests.support.raw_frames import write_raw
from tests.support.tasks import table

Samples = dict[tuple[str, ...], float]


def scrape(url: str) -> Samples:
    """What Prometheus reads: values by name and labels, these in the order of their names."""
    answer = requests.get(f"{url}/metrics", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    samples = [s for family in text_string_to_metric_families(answer.text) for s in family.samples]
    return {
        (s.name.removeprefix("musevault_"), *(s.labels[label] for label in sorted(s.labels))): s.value for s in samples
    }


def test_the_numbers_follow_what_the_archive_holds_and_does(service: tuple[Archive, str], tmp_path: Path) -> None:
    archive, url = service
    before = scrape(url)
    assert (before["exposures",], before["store_bytes",], before["jobs", "QUEUED", "processing"]) == (0, 0, 0)
    (tmp_path / "text.fits").write_text("no FITS file")
    raw, cube = write_raw(tmp_path), write_cube(tmp_path / "cube.fits")
    began = time.time()
    with recorded(archive.database, "exposures", str(tmp_path)) as tally:
        for frame in ingest_exposures(archive, [raw, tmp_path / "text.fits"]):
            tally.count(frame.became)
    (outcome,) = ingest_products(archive, [cube], collection="MUSE")
    jobs.submit(archive.database, "note", {})
    found = scrape(url)
    assert found["exposures",] == 2  # the raw frame, and the one that the cube was made of
    assert (found["products", "cube"], found["jobs", "QUEUED", "processing"], found["files_quarantined",]) == (1, 1, 1)
    assert found["store_bytes",] == raw.stat().st_size + cube.stat().st_size
    assert found["findings",] >= before["findings",] > 0
    seen, new, refused = (found["last_run_files", b, "exposures"] for b in ("seen", "new", "refused"))
    assert (seen, new, refused, found["last_run_failed", "exposures"]) == (2, 1, 1, 0)
    assert found["last_success_timestamp_seconds", "exposures"] == pytest.approx(began, abs=60)

    archive.store.get(get(archive, outcome.key or "").artifacts[0].sha256).unlink()
    assert len(list(faults(archive))) == 1
    assert (found["files_lost",], scrape(url)["files_lost",]) == (0, 1)


def test_a_run_that_failed_leaves_the_time_of_the_last_success(service: tuple[Archive, str]) -> None:
    archive, url = service
    with recorded(archive.database, "eso", "1100.B-0651"):
        assert ("last_run_seconds", "eso") not in scrape(url)
    success = scrape(url)["last_success_timestamp_seconds", "eso"]
    with pytest.raises(Refused), recorded(archive.database, "eso", "1100.B-0651"):
        raise Refused("ESO is away")
    found = scrape(url)
    assert (found["last_run_failed", "eso"], found["last_success_timestamp_seconds", "eso"]) == (1, success)


def test_the_work_is_counted_by_queue_and_task_and_stays_counted(service: tuple[Archive, str]) -> None:
    archive, url = service
    database = archive.database
    good = [jobs.submit(database, "nothing", {"n": n}) for n in range(3)]
    bad = jobs.submit(database, "refuse", {}, queue=INGEST)
    drain(archive, table)
    last = jobs.submit(database, "nothing", {})
    with database.transaction() as session:
        session.execute(
            text("UPDATE jobs.job SET queued = queued - interval '1 hour' WHERE job_id = :j"), {"j": last.job_id}
        )
    found = scrape(url)
    assert (found["jobs", "QUEUED", "processing"], found["jobs", "QUEUED", "ingest"]) == (1, 0)
    assert found["jobs_oldest_queued_seconds", "processing"] == pytest.approx(3600, abs=120)
    assert found["jobs_oldest_queued_seconds", "ingest"] == 0
    assert found["jobs_ended_total", "COMPLETED", "processing", "nothing"] == len(good)
    assert found["jobs_ended_total", "ERROR", "ingest", "refuse"] == 1
    assert (found["jobs_failed_last_hour", "ingest"], found["jobs_failed_last_hour", "processing"]) == (1, 0)
    known = [jobs.find(database, job.job_id) for job in good]
    took = sum((job.ended - job.started).total_seconds() for job in known if job and job.ended and job.started)
    assert found["job_seconds_count", "processing", "nothing"] == len(good)
    assert found["job_seconds_sum", "processing", "nothing"] == pytest.approx(took)
    assert found["workers", "processing", "alive"] == 0
    with database.transaction() as session:
        session.execute(text("UPDATE jobs.job SET ended = ended - interval '91 days' WHERE ended IS NOT NULL"))
    assert old_jobs.remove(database, days=90) == len(good) + 1
    after = scrape(url)
    assert after["jobs_ended_total", "ERROR", "ingest", "refuse"] == 1
    assert after["jobs_failed_last_hour", "ingest"] == 0
    assert jobs.find(database, bad.job_id) is None


def test_counts_are_summed_up_when_there_are_many(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MOST_ROWS", 10)
    with archive.database.transaction() as session:
        session.execute(
            text("""
            INSERT INTO jobs.tally (queue, task, phase, jobs, seconds)
            SELECT 'ingest', 't' || n % 3, 'COMPLETED', 1, 0.5 FROM generate_series(0, 29) AS n
            """)
        )
        before = tally.counts(session)
        tally.sum_up(session)
        assert tally.counts(session) == before
        assert [(count.task, count.jobs, count.seconds) for count in before] == [(f"t{n}", 10, 5.0) for n in range(3)]
        assert session.scalar(text("SELECT count(*) FROM jobs.tally")) == 3


def test_of_many_files_a_sample_tells_their_length(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.amounts.MOST_COUNTED", 100)
    monkeypatch.setattr(gauges, "MOST_SUMMED", 10_000)
    with archive.database.transaction() as session:
        session.execute(
            text("""
            INSERT INTO survey.product (product_id, kind, title, collection, calib_level, simulated, ingested)
                VALUES ('p', 'cube', 't', 'c', 2, 0, now());
            INSERT INTO survey.artifact
                (artifact_id, product_id, role, file_name, media_type, file_size, sha256, stored)
                SELECT n, 'p', 'this', n, 'application/fits', 1000, n, now() FROM generate_series(1, 30000) AS n;
            """)
        )
    with archive.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE survey.artifact"))
    assert gauges.read(archive.database).store_bytes == pytest.approx(30e6, rel=0.3)
