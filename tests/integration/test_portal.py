"""The portal's pages over a real archive: they say what the catalogue says, and need no script."""

import re
from html.parser import HTMLParser

import pytest
import requests

from archive import products
from archive.archive import Archive
from schema.products import Product
from schema.provenance import Activity

Service = tuple[Archive, str]


class Links(HTMLParser):
    """The addresses that a page leads to or loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.found |= {v for k, v in attrs if k in {"href", "src"} and v and v.startswith("/")}


def get(url: str) -> str:
    answer = requests.get(url, timeout=30)
    assert answer.status_code == 200, url
    return answer.text


def test_the_home_page_has_the_survey_at_a_glance(full_service: Service) -> None:
    page = get(f"{full_service[1]}/")
    for fact in ("168", "190", "676", "19", "NGC7496", f"{full_service[1]}/tap"):
        assert fact in page


def test_every_link_of_the_portal_leads_somewhere(full_service: Service) -> None:
    _, url = full_service
    seen: set[str] = set()
    waiting = {"/"}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = requests.get(url + path, timeout=60)
        assert answer.status_code == 200, path
        if answer.headers["Content-Type"].startswith("text/html") and len(seen) < 200:
            links = Links()
            links.feed(answer.text)
            waiting |= {link.partition("#")[0] for link in links.found} - seen - {""}
    assert sum(path.startswith("/targets/") for path in seen) == 19
    assert sum(path.startswith("/products/") and "/provenance." not in path for path in seen) == 7
    assert sum("/provenance." in path for path in seen) == 21


def test_a_target_shows_its_pointings_and_what_was_corrected(full_service: Service) -> None:
    page = get(f"{full_service[1]}/targets/NGC1385")
    assert "2019-12-31" in page
    assert "NGC1385-P03" in page
    assert "exposure dictionary" in page
    assert page.count("<polygon") >= 5


def test_a_product_shows_headers_provenance_and_download(full_service: Service) -> None:
    archive, url = full_service
    (cube,) = products.latest(archive, kind="cube")
    page = get(f"{url}/products/{cube.product_id}")
    for words in ("muse_exp_combine", "muse_scibasic", "MUSE.2014-12-08T02:48:56.798", "WFM-NOAO-N", "STAT says"):
        assert words in page
    assert cube.artifacts[0].sha256 in page
    assert f"/files/{cube.product_id}.png" in page
    image = get(f"{url}/products/{cube.product_id}_IMAGE_SDSS_r")
    assert "band_images" in image


@pytest.mark.parametrize("path", ["/targets/NGC9999", "/products/none", "/nowhere"])
def test_what_is_not_there_is_a_page_that_says_so(full_service: Service, path: str) -> None:
    answer = requests.get(full_service[1] + path, timeout=30)
    assert answer.status_code == 404
    assert "</html>" in answer.text


def test_pages_run_no_script_and_load_nothing_from_elsewhere(full_service: Service) -> None:
    answer = requests.get(full_service[1], timeout=30)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for path in ("/", "/query", "/products", "/targets/IC5332"):
        page = get(full_service[1] + path)
        assert "<script" not in page
        assert not re.search(r'(src|href)="https?://(?!127\.0\.0\.1)[^"]*\.(css|js|png|woff)', page)
        assert 'style="' not in page


def test_what_a_header_says_cannot_become_part_of_the_page(service: Service) -> None:
    archive, url = service
    hostile = "<script>alert(1)</script>"
    product = Product(
        product_id="p", kind="cube", title=hostile, collection=hostile, calib_level=2, simulated=0, target_name=hostile
    )
    activity = Activity(activity_id="a", name=hostile, parameters={hostile: hostile})
    products.publish(archive, products.Publication(product=product, files=[], activity=activity))
    for path in ("/", "/products", "/products/p"):
        assert hostile not in get(url + path)
