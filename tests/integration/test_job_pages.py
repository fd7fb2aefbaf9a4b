"""The pages of jobs show the archive's own work as it goes, to everyone; nothing of what clients or operators own."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from archive import jobs
from archive.archive import Archive
from schema.jobs import Phase
from server.portal.job_facts import without_folders
from tests.support import archives, work
from tests.support.work import PRODUCT, Work

ROWS = re.compile(r'<th scope="row"><a href="/jobs/([0-9a-f]{32})">')
Served = tuple[Archive, str, Work]


@pytest.fixture
def served(server: str, survey_template: str, tmp_path: Path) -> Iterator[Served]:
    """The services over an archive with jobs in all phases."""
    with archives.fresh_database(server, template=survey_template) as url, archives.served(url, tmp_path) as made:
        yield (*made, work.at_work(made[0]))


def get(served: Served, path: str, status: int = 200, /, **fields: str) -> str:
    answer = requests.get(served[1] + path, fields, timeout=30)
    assert answer.status_code == status, answer.url
    assert "</html>" in answer.text
    assert "secret" not in answer.text
    assert "/srv" not in answer.text
    assert "operator" not in answer.text
    return answer.text


def test_what_is_under_way_comes_first_then_what_ended_last(served: Served) -> None:
    page = get(served, "/jobs")
    known = served[2]
    assert ROWS.findall(page) == [known.running, known.waiting, known.done, known.failed]
    assert '<progress max="1" value="0.400"' in page
    assert "flat fields of 10 of 24 channels" in page
    assert "cannot read frame.fits: it has no data" in page
    assert f'<a href="/products/{PRODUCT}">{PRODUCT}</a>' in page


def test_a_job_of_a_client_is_shown_to_nobody(served: Served) -> None:
    known = served[2]
    for fields in ({}, {"phase": "QUEUED"}, {"task": "tap.query"}):
        assert known.client not in get(served, "/jobs", 200, **fields)
    assert "<option>tap.query" not in get(served, "/jobs")
    work.end(served[0], known.client, Phase.COMPLETED)
    assert known.client not in get(served, "/jobs")
    assert "<option>tap.query" not in get(served, "/jobs")
    get(served, f"/jobs/{known.client}", 404)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"phase": "EXECUTING"}, ["running"]),
        ({"phase": "QUEUED"}, ["waiting"]),
        ({"phase": "ERROR"}, ["failed"]),
        ({"phase": "ABORTED"}, []),
        ({"task": "band_images"}, ["done"]),
        ({"task": "band_images", "phase": "ERROR"}, []),
        ({"task": "unheard"}, []),
        ({"after": "2020-01-01T00:00:00 x"}, []),
    ],
    ids=str,
)
def test_the_form_narrows_the_list(served: Served, fields: dict[str, str], names: list[str]) -> None:
    assert ROWS.findall(get(served, "/jobs", 200, **fields)) == [getattr(served[2], name) for name in names]


@pytest.mark.parametrize("fields", [{"phase": "BUSY"}, {"after": "yesterday x"}, {"after": "x"}], ids=str)
def test_what_makes_no_sense_is_told(served: Served, fields: dict[str, str]) -> None:
    get(served, "/jobs", 400, **fields)


def test_many_jobs_come_page_by_page_each_once(served: Served) -> None:
    work.many(served[0], 120)
    address, seen = "/jobs?task=many.0", []
    while address:
        page = get(served, address)
        seen.append(ROWS.findall(page))
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert [len(part) for part in seen] == [50, 10]
    assert len({job for part in seen for job in part}) == 60


def test_a_job_has_a_page_with_its_story_and_its_products(served: Served) -> None:
    known = served[2]
    page = get(served, f"/jobs/{known.done}")
    assert f'href="/products/{PRODUCT}_white"' in page
    assert "filter_list.fits" in page
    events = re.findall(r"<td>(submitted|begun|completed|failed)</td>", page)
    assert events == ["submitted", "begun", "completed"]
    assert "data-live" not in page, "it is over: there is nothing to look for any more"
    assert "data-live" in get(served, f"/jobs/{known.running}")
    assert "incoming" in get(served, f"/jobs/{known.waiting}")
    assert "cannot read frame.fits" in get(served, f"/jobs/{known.failed}")
    get(served, f"/jobs/{'0' * 32}", 404)
    get(served, "/jobs/nonsense", 404)


def test_a_job_that_waits_for_others_names_them(served: Served) -> None:
    archive, _, known = served
    with archive.database.transaction() as session:
        later = jobs.add(session, "later", {}, after=[known.running])
    assert f'It waits for <a href="/jobs/{known.running}">' in get(served, f"/jobs/{later.job_id}")
    assert ROWS.findall(get(served, "/jobs", 200, phase="PENDING")) == [later.job_id]


def test_a_page_that_did_not_change_is_not_sent_again(served: Served) -> None:
    archive, url, known = served
    address = f"{url}/jobs/{known.running}"
    tag = requests.get(address, timeout=30).headers["ETag"]
    assert requests.get(address, headers={"If-None-Match": tag}, timeout=30).status_code == 304
    jobs.progress(archive.database, known.running, 0.5, "half")
    assert requests.get(address, headers={"If-None-Match": tag}, timeout=30).status_code == 200


def test_only_these_pages_may_run_our_script(served: Served) -> None:
    for path, runs in (("/jobs", True), (f"/jobs/{served[2].done}", True), ("/", False), ("/runs", False)):
        policy = requests.get(served[1] + path, timeout=30).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert ("script-src 'self'" in policy) is runs
    assert requests.get(f"{served[1]}/portal/live.js", timeout=30).headers["Content-Type"].startswith("text/javascript")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("cannot read /data/in/a.fits: no data", "cannot read a.fits: no data"),
        ("('/data/in', \"/x/y.txt\")", "('in', \"y.txt\")"),
        ("see https://archive.eso.org/tap_obs/sync", "see https://archive.eso.org/tap_obs/sync"),
        ("10 km/s, 1/2, and/or", "10 km/s, 1/2, and/or"),
        ("~/vault/store/ab", "ab"),
        ("FileNotFoundError:/srv/in/a.fits", "FileNotFoundError:a.fits"),
        ("cannot read '/data/my night/a b.fits'", "cannot read 'a b.fits'"),
        ("the Dask scheduler tcp://10.1.0.1:8786 does not answer", "the Dask scheduler does not answer"),
        ("(tcp://10.1.0.1:8786, 'tls://h:1'): lost; tried again", "(, ''): lost; tried again"),
        (
            'the database: connection to server at "db.local" (10.0.0.5), port 5432 failed: role "x" is not; again',
            "the database could not be reached; again",
        ),
        (
            'connection failed: connection to server on socket "/run/postgresql/.s.PGSQL.5432" failed: no such file',
            "the database could not be reached",
        ),
        (
            "the database was lost: OperationalError: failed to resolve host 'db.local': [Errno -2] not known",
            "the database was lost: the database could not be reached",
        ),
        ('the database: relation "x" does not exist', 'the database: relation "x" does not exist'),
        ("/data/in/", "in/"),
        (None, ""),
    ],
)
def test_of_a_file_the_name_is_told_and_not_the_folder(words: str | None, shown: str) -> None:
    assert without_folders(words) == shown
