"""What a worker does by the clock: ESO's listings and files, with a record as of the command."""

from pathlib import Path

from archive import jobs, run_listing
from archive.archive import Archive
from archive.tasks import installed
from archive.worker import drain
from ingest.exposures import ingest_exposures
from schema.jobs import Phase
from tests.support.network import Eso
from tests.support.raw_frames import write_raw

PROGRAMME = "1100.B-0651"


def test_a_job_brings_listings_and_files_here(eso: Eso, here: Archive, tmp_path: Path) -> None:
    (outcome,) = ingest_exposures(eso.archive, [write_raw(tmp_path)])
    jobs.submit(here.database, "ingest.eso", {"programmes": [PROGRAMME], "download": True})
    drain(here, installed)
    (job,) = jobs.latest(here.database, limit=1)
    assert (job.phase, job.error, job.progress_text) == (Phase.COMPLETED, None, "2 new")
    (run,) = run_listing.latest(here.database)
    assert (run.kind, run.source, run.new, run.error) == ("eso", PROGRAMME, 2, None)  # an entry and a file
    assert set(here.store.names()) <= set(eso.archive.store.names())
    assert (outcome.became, len(set(here.store.names()))) == ("new", 1)
