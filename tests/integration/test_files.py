"""Files come as they were taken in, whole or in parts, also when a client left off in the middle."""

import hashlib

import pytest
import requests

from archive.archive import Archive
from tests.support.archives import REAL_CUBE

Service = tuple[Archive, str]


@pytest.fixture
def url(full_service: Service) -> str:
    answer = requests.get(
        f"{full_service[1]}/tap/sync",
        {"QUERY": "SELECT access_url FROM ivoa.obscore WHERE dataproduct_type = 'cube'", "FORMAT": "csv"},
        timeout=30,
    )
    return answer.text.splitlines()[1].strip('"')


def test_a_file_downloads_byte_for_byte(url: str) -> None:
    original = REAL_CUBE.read_bytes()
    answer = requests.get(url, timeout=60)
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(original).digest()
    assert answer.headers["Content-Disposition"] == "attachment; filename=minicube.fits"
    assert answer.headers["ETag"] == f'"{hashlib.sha256(original).hexdigest()}"'


@pytest.mark.parametrize(
    ("asked", "part"), [("0-2879", slice(2880)), ("2880-", slice(2880, None)), ("-100", slice(-100, None))]
)
def test_a_part_is_that_part(url: str, asked: str, part: slice) -> None:
    original = REAL_CUBE.read_bytes()
    answer = requests.get(url, headers={"Range": f"bytes={asked}"}, timeout=60)
    assert answer.status_code == 206
    assert answer.content == original[part]
    assert answer.headers["Content-Range"].endswith(f"/{len(original)}")


def test_a_part_beyond_the_end_cannot_be_had(url: str) -> None:
    assert requests.get(url, headers={"Range": "bytes=999999999-"}, timeout=30).status_code == 416


def test_a_download_goes_on_only_with_the_same_file(url: str) -> None:
    tag = requests.head(url, timeout=30).headers["ETag"]
    same = requests.get(url, headers={"Range": "bytes=10-19", "If-Range": tag}, timeout=30)
    other = requests.get(url, headers={"Range": "bytes=10-19", "If-Range": '"other"'}, timeout=60, stream=True)
    assert (same.status_code, other.status_code) == (206, 200)
    other.close()


def test_what_the_client_has_is_not_sent_again(url: str) -> None:
    tag = requests.head(url, timeout=30).headers["ETag"]
    assert requests.get(url, headers={"If-None-Match": tag}, timeout=30).status_code == 304


@pytest.mark.parametrize("name", ["nothing.fits", "..%2F..%2Fetc%2Fpasswd", "%00"])
def test_what_is_not_there_is_not_found(full_service: Service, name: str) -> None:
    assert requests.get(f"{full_service[1]}/files/{name}", timeout=30).status_code in {400, 404}


def test_a_file_that_the_store_lost_is_an_error_of_the_service(service: Service) -> None:
    from ingest.products import ingest_products

    archive, url = service
    (outcome,) = ingest_products(archive, [REAL_CUBE], collection="MUSE")
    for sha256 in list(archive.store.names()):
        archive.store.path(sha256).unlink()
    answer = requests.get(f"{url}/files/{outcome.key}.fits", timeout=30)
    assert answer.status_code == 503
