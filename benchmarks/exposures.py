"""How long the portal takes to find exposures among a million, with as many raw products, against a limit of 20 ms.

The catalogue is of rows only, in a real archive in a temporary folder.  What is timed are the functions that the pages
call, and the pages themselves, over HTTP from ``musevault serve`` in a process of its own; every search is for another
target, night or place than the one before.  Each search must be answered through an index, which is looked at too.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection
from statistics import median
from typing import Final
from urllib.parse import urlencode

from sqlalchemy import select, text

from archive.archive import open_archive
from archive.database import Database
from archive.exposure_listing import Cone, Wanted, listing
from archive.log import configure
from archive.settings import Settings
from benchmarks.many_exposures import fill
from benchmarks.report import report
from benchmarks.tap import service
from ingest.releases import ingest_release
from schema.exposures import Exposure
from schema.observations import Pointing
from tests.support.archives import SURVEY, short_folder

LIMIT: Final = 20.0
"""Milliseconds."""

ARCMIN: Final = 1 / 60
SEARCHES: Final = 30
PAGES: Final = ("/", "/products", "/exposures", "/nights", "/runs")


def main() -> None:
    """Measure and report."""
    configure()
    with short_folder() as root, open_archive(Settings.model_validate({"root": root, "database_url": None})) as archive:
        ingest_release(archive.database, SURVEY)
        assert fill(archive.database) >= 1_000_000
        searches = wanted(archive.database)
        for title, asked in searches.items():
            scans = [scan for one in asked[:3] for scan in full_scans(archive.database, one)]
            assert not scans, scans
            tell(f"exposures, ms of a query by {title} among a million", timed(queries(archive.database, asked)))
        with service(root, workers=1) as (port, _):
            for title, asked in searches.items():
                tell(f"exposures, ms of a page by {title} among a million", timed(pages(port, map(address, asked))))
            slowest = max(timed(pages(port, [path] * SEARCHES)) for path in PAGES)
            tell("exposures, ms of the slowest page without a search", slowest)
            for title, paths in records(archive.database).items():
                tell(f"exposures, ms of a page of one {title}", timed(pages(port, paths)))


def tell(name: str, milliseconds: float) -> None:
    """Report a time against the limit."""
    report(name, milliseconds, LIMIT, 1.0, more_is_better=False)


def wanted(database: Database) -> dict[str, list[Wanted]]:
    """Return searches of each sort, as they are spread over the catalogue."""
    with database.reading() as session:
        fields = session.scalars(select(Pointing).order_by(Pointing.number, Pointing.target).limit(SEARCHES)).all()
    return {
        "target": [Wanted(target=field.target) for field in fields],
        "night": [Wanted(night=night) for night in nights()],
        "cone": [Wanted(cone=Cone(field.ra, field.dec, ARCMIN)) for field in fields],
        "programme and type": [Wanted(programme="99.B-0001", tag=tag) for tag in ("OBJECT", "SKY", "BIAS")] * 10,
    }


def nights() -> list[str]:
    """Return nights of twenty months; the site's monitors were read in the first three of those of June 2018."""
    return [f"{year}-{month:02d}-{day:02d}" for year in (2016, 2018) for month in (2, 4, 6, 8, 10) for day in (4, 6, 8)]


def records(database: Database) -> dict[str, list[str]]:
    """Return the addresses of single exposures, nights, targets and raw products."""
    asked = nights()
    with database.reading() as session:
        query = select(Exposure.dp_id, Exposure.target).where(Exposure.night.in_(asked), Exposure.raw_tag == "OBJECT")
        frames = session.execute(query.limit(SEARCHES)).all()
    return {
        "exposure": [f"/exposures/{dp_id}" for dp_id, _ in frames],
        "night": [f"/nights/{night}" for night in asked],
        "target": [f"/targets/{target}" for _, target in frames],
        "raw product": [f"/products/{dp_id}" for dp_id, _ in frames],
    }


def queries(database: Database, asked: Sequence[Wanted]) -> Iterator[Callable[[], None]]:
    """Yield the calls that the page makes for each search."""
    for one in asked:

        def ask(one: Wanted = one) -> None:
            listing(database, one)

        yield ask


def pages(port: int, paths: Iterator[str] | Sequence[str]) -> Iterator[Callable[[], None]]:
    """Yield the requests of pages, each on a connection of its own."""
    for path in paths:

        def ask(path: str = path) -> None:
            connection = HTTPConnection("127.0.0.1", port)
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            connection.close()
            assert response.status == 200, path

        yield ask


def address(one: Wanted) -> str:
    """Return the address of a search."""
    fields = {"target": one.target, "night": one.night, "programme": one.programme, "tag": one.tag}
    if one.cone is not None:
        fields |= {"ra": f"{one.cone.ra}", "dec": f"{one.cone.dec}", "radius": f"{one.cone.radius / ARCMIN}"}
    return "/exposures?" + urlencode({name: value for name, value in fields.items() if value is not None})


def timed(asks: Iterator[Callable[[], None]]) -> float:
    """Return the median of the milliseconds, each the better of two in a row: the second finds its pages in memory."""
    return median(min(milliseconds(ask) for _ in range(2)) for ask in asks)


def milliseconds(ask: Callable[[], None]) -> float:
    """Return how long a call takes."""
    begin = time.perf_counter()
    ask()
    return (time.perf_counter() - begin) * 1000


def full_scans(database: Database, one: Wanted) -> list[str]:
    """Return the lines of the plan of a search, newest first, that read the whole table."""
    query = select(Exposure.dp_id).where(*one.conditions()).order_by(Exposure.mjd_obs.desc()).limit(51)
    with database.reading() as session:
        statement = query.compile(database.engine, compile_kwargs={"literal_binds": True})
        return [line for line in session.scalars(text(f"EXPLAIN {statement}")) if "Seq Scan" in line]


if __name__ == "__main__":
    main()
