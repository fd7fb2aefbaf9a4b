"""How long the calibrations of one frame take among a million exposures, against reading those within the windows.

The reference is what a script would do first: one query a kind of calibration, for everything that matches within the
time that the rules allow, by the same index, and nothing done with it.  The cascade asks six levels deep and ties
everything together.  Recording is measured a frame too, for science frames of neighbouring nights, as an ingest does.
"""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final

from sqlalchemy import text

from archive.archive import Archive, open_archive
from archive.association_rules import Mode, rules
from archive.calibrations import associations, refresh
from archive.log import configure
from archive.settings import Settings
from benchmarks.many_exposures import fill
from benchmarks.report import report
from ingest.releases import ingest_release
from tests.support.archives import SURVEY, short_folder

FRAMES: Final = 100
NEIGHBOURS: Final = 1000
LONGEST_DAYS: Final = 30.0
SPREAD: Final = """
SELECT dp_id FROM survey.exposure WHERE raw_tag = 'OBJECT' AND hashtext(dp_id) % 2000 = 0 ORDER BY mjd_obs LIMIT :count
"""
FOLLOWING: Final = (
    "SELECT dp_id FROM survey.exposure WHERE raw_tag = 'OBJECT' ORDER BY mjd_obs OFFSET 5000 LIMIT :count"
)
WINDOW: Final = """
SELECT c.dp_id, c.raw_tag, c.mjd_obs, c.ins_mode, c.detector_read_name, c.tpl_start
FROM survey.exposure AS c JOIN survey.exposure AS f ON c.mjd_obs BETWEEN f.mjd_obs - :days AND f.mjd_obs + :days
WHERE f.dp_id = :dp_id AND c.raw_tag = :tag AND c.ins_mode = f.ins_mode
"""


def main() -> None:
    """Make the archive, measure and report."""
    configure()
    with short_folder() as root, open_archive(Settings.model_validate({"root": root, "database_url": None})) as archive:
        ingest_release(archive.database, SURVEY)
        fill(archive.database)
        measure(archive)


def measure(archive: Archive) -> None:
    """Measure and report in an archive that holds the million exposures."""
    spread, following = (_named(archive, query, count) for query, count in ((SPREAD, FRAMES), (FOLLOWING, NEIGHBOURS)))
    reference = median_milliseconds(lambda dp_id: windows(archive, dp_id), spread)
    ours = median_milliseconds(lambda dp_id: one(archive, dp_id), spread)
    report("association, ms a frame among 10^6 against its windows", ours, reference, 2, more_is_better=False)
    began = perf_counter()
    assert refresh(archive.database, following) == len(following)
    recorded = (perf_counter() - began) / len(following) * 1000
    report("association, ms a frame to record against its windows", recorded, reference, 0.5, more_is_better=False)


def one(archive: Archive, dp_id: str) -> None:
    """Associate one frame."""
    (tree,) = associations(archive.database, [dp_id], Mode.RAW)
    assert tree.complete


def windows(archive: Archive, dp_id: str) -> None:
    """Read all that matches within the windows of the rules."""
    asked = {rule.tag: rule.days or LONGEST_DAYS for rule in rules(Mode.RAW, "OBJECT") if rule.raw}
    with archive.database.reading() as session:
        for tag, days in asked.items():
            session.execute(text(WINDOW), {"dp_id": dp_id, "tag": tag, "days": days}).all()


def median_milliseconds(work: Callable[[str], None], dp_ids: Sequence[str]) -> float:
    """Return the median time over frames, the first ten of which only warm up."""
    times = []
    for dp_id in [*dp_ids[:10], *dp_ids]:
        began = perf_counter()
        work(dp_id)
        times.append(perf_counter() - began)
    return sorted(times[10:])[len(dp_ids) // 2] * 1000


def _named(archive: Archive, query: str, count: int) -> list[str]:
    with archive.database.reading() as session:
        return list(session.scalars(text(query), {"count": count}))
