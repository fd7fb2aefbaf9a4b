"""How fast raw frames come into the catalogue, against astropy reading the same headers and writing nothing.

2,000 files whose primary headers are those of a real frame, 1,300 to 1,700 cards, with the last channel each, left
where they are.  Ours is the ingest in one process on one core: reading, checking, checksum, and every row of the
database; what follows at its end, ties and associations, stands beside.  The references are a loop of
``fits.getheader``, and one that looks at every card of what that returns.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from astropy.io import fits

from archive.archive import Archive, open_archive
from archive.settings import Settings
from benchmarks.report import report
from ingest.exposures import ingest_exposures
from ingest.outcome import Became
from tests.support import raw_frames

FILES: Final = 2000
SAMPLE: Final = 400
"""Files that the references read: they take longer, and every file takes them the same."""

REAL: Final = Path("data/mpdaf/data/sdetect/minicube.fits")
OURS: Final = ("SIMPLE", "BITPIX", "NAXIS", "EXTEND", "CHECKSUM", "DATASUM")
TEMPLATES: Final = (
    ("BIAS", 11), ("FLAT,LAMP", 11), ("WAVE", 15), ("DARK", 5), ("FLAT,SKY", 4), ("STD", 1),
    ("FLAT,LAMP,ILLUM", 1), ("OBJECT", 4), ("FLAT,LAMP,ILLUM", 1), *(("OBJECT", 4),) * 10,
)  # fmt: skip
NIGHT: Final = tuple(
    (kind, sum(count for _, count in TEMPLATES[:number]))
    for number, (kind, count) in enumerate(TEMPLATES)
    for _ in range(count)
)
"""The frames of a night in order: what each is, and the place of the first of its template."""

FIRST: Final = datetime(2018, 1, 1)  # noqa: DTZ001  UTC, as all times here
FIRST_MJD: Final = 58119.0


def main() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory(prefix="mv-") as folder:
        Path(folder).chmod(0o755)
        files = write_files(Path(folder) / "raw")
        settings = Settings.model_validate({"root": Path(folder) / "vault"})
        with open_archive(settings) as archive, on_one_core():
            sample = files[:: FILES // SAMPLE]
            headers, cards = rate(fits.getheader, sample), rate(all_cards, sample)
            visible, followed = take_in(archive, files)
            again, _ = take_in(archive, files)
    ours = FILES / visible
    report("raw frames taken in/s against astropy getheader", ours, headers, 5.0, more_is_better=True)
    report("raw frames taken in/s against astropy reading all cards", ours, cards, 20.0, more_is_better=True)
    report("raw frames followed up/s against astropy getheader", FILES / followed, headers, 5.0, more_is_better=True)
    report("raw frames known/s against astropy getheader", FILES / again, headers, 20.0, more_is_better=True)


def write_files(folder: Path) -> list[Path]:
    """Write frames with the cards of a real one, night after night."""
    folder.mkdir()
    real = {
        card.keyword: card.value
        for card in fits.getheader(REAL).cards
        if card.keyword not in OURS and not card.keyword.startswith(("ESO PRO ", "COMMENT", "HISTORY"))
    }
    files = []
    for number in range(FILES):
        night, place = divmod(number, len(NIGHT))
        kind, template = NIGHT[place]
        start = FIRST + timedelta(days=night, minutes=10 * place)
        name = f"MUSE.{start.isoformat(timespec='milliseconds')}"
        own = {
            "ARCFILE": f"{name}.fits",
            "MJD-OBS": FIRST_MJD + night + place / 144,
            "ESO TPL START": (FIRST + timedelta(days=night, minutes=10 * template)).isoformat(),
            "ESO DPR CATG": "SCIENCE" if kind == "OBJECT" else "CALIB",
            "ESO DPR TYPE": kind,
            "ESO DPR TECH": "IFU",
        }
        cards = {k: v for k, v in {**real, **own}.items() if isinstance(v, str | int | float)}
        header = raw_frames.primary(cards, more=1300 + number * 37 % 401 - len(cards) - 4)
        path = folder / f"{name}.fits"
        path.write_bytes(header + raw_frames.channel(24))
        files.append(path)
    return files


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keep our process, and so both sides of the comparison, on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def take_in(archive: Archive, files: Sequence[Path]) -> tuple[float, float]:
    """Return the seconds until every file is in the catalogue, and those that ties and associations take then."""
    outcomes = ingest_exposures(archive, files, link=True)
    begin = time.perf_counter()
    became = {next(outcomes).became for _ in files}
    visible = time.perf_counter()
    assert became <= {Became.NEW, Became.KNOWN}
    assert next(outcomes, None) is None
    return visible - begin, time.perf_counter() - visible


def all_cards(path: Path) -> dict[str, object]:
    """Read a primary header and the value of every card."""
    return {card.keyword: card.value for card in fits.getheader(path).cards}


def rate(work: Callable[[Path], object], files: Sequence[Path]) -> float:
    """Return files a second."""
    begin = time.perf_counter()
    for path in files:
        work(path)
    return len(files) / (time.perf_counter() - begin)
