"""The portal in a real browser, at a desk and on a phone."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from archive import jobs
from archive.archive import Archive
from schema.jobs import Phase
from tests.support import archives, observed, work

Service = tuple[Archive, str]
OPTIONS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for option in (*OPTIONS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(option)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        yield driver
    finally:
        driver.quit()


def complaints(browser: webdriver.Chrome) -> list[str]:
    entries: list[dict[str, str]] = browser.get_log("browser")  # type: ignore[no-untyped-call]  # selenium types it not
    return [entry["message"] for entry in entries if entry["level"] in {"SEVERE", "WARNING"}]


def width(browser: webdriver.Chrome) -> int:
    return int(browser.execute_script("return document.documentElement.scrollWidth"))


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["desk", "phone"])
def test_every_page_fits_the_window_and_the_console_is_silent(
    full_service: Service, browser: webdriver.Chrome, size: tuple[int, int]
) -> None:
    archive, url = full_service
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False},
    )
    from archive import products

    cube = products.latest(archive, kind="cube")[0].product_id
    for path in ("/", "/targets/NGC1385", f"/products/{cube}", "/products", "/query"):
        browser.get(url + path)
        assert browser.find_element(By.TAG_NAME, "h1").is_displayed(), path
        assert width(browser) <= size[0], path
        assert complaints(browser) == [], path


@pytest.fixture
def night(server: str, survey_template: str, tmp_path: Path) -> Iterator[str]:
    """The services over the survey's log and a night of observations; yields the base URL."""
    with archives.fresh_database(server, template=survey_template) as url, archives.served(url, tmp_path) as served:
        observed.observe(served[0].database)
        yield served[1]


def test_every_page_of_observations_fits_the_window_and_the_console_is_silent(
    night: str, browser: webdriver.Chrome
) -> None:
    exposure, night_page = f"/exposures/{observed.FIRST}", f"/nights/{observed.NIGHT}"
    for across, down in ((1280, 900), (390, 844)):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": across, "height": down, "deviceScaleFactor": 1, "mobile": False},
        )
        for path in ("/exposures", exposure, "/nights", night_page, "/runs", f"/products/{observed.FIRST}"):
            browser.get(night + path)
            assert browser.find_element(By.TAG_NAME, "h1").is_displayed(), path
            assert width(browser) <= across, path
            assert complaints(browser) == [], path


def test_a_reader_walks_from_the_form_to_an_exposure_and_its_night(night: str, browser: webdriver.Chrome) -> None:
    browser.get(f"{night}/exposures")
    browser.find_element(By.NAME, "ra").send_keys("12:18:46.06")
    browser.find_element(By.NAME, "dec").send_keys("+14:23:56.8")
    browser.find_element(By.NAME, "dec").submit()
    assert browser.find_element(By.ID, "found").text == "4 exposures"
    browser.find_element(By.LINK_TEXT, observed.FIRST).click()
    assert browser.find_element(By.TAG_NAME, "h1").text == observed.FIRST
    browser.find_element(By.LINK_TEXT, f"night {observed.NIGHT}").click()
    drawn = browser.find_elements(By.CSS_SELECTOR, "svg[role] .line, svg[role] .exposed.science")
    assert len(drawn) == 3  # seeing, wind, and all exposures of objects
    assert all(path.size["width"] > 100 for path in drawn)


def test_a_reader_walks_from_the_sky_to_a_target_and_its_pointings(
    full_service: Service, browser: webdriver.Chrome
) -> None:
    _, url = full_service
    browser.get(url)
    browser.find_element(By.LINK_TEXT, "NGC0628").click()
    assert browser.current_url.endswith("/targets/NGC0628")
    assert "NGC0628" in browser.find_element(By.TAG_NAME, "h1").text
    drawn = browser.find_elements(By.CSS_SELECTOR, "svg polygon, svg path")
    assert len(drawn) >= 12


def test_the_preview_is_a_picture(full_service: Service, browser: webdriver.Chrome) -> None:
    archive, url = full_service
    from archive import products

    cube = products.latest(archive, kind="cube")[0].product_id
    browser.get(f"{url}/products/{cube}")
    sizes = browser.execute_script(
        "return Array.from(document.images).filter(i => i.src.endsWith('.png')).map(i => [i.naturalWidth, i.width])"
    )
    assert sizes
    assert all(natural >= 300 and shown > 100 for natural, shown in sizes)


def test_a_query_typed_into_the_form_is_answered(full_service: Service, browser: webdriver.Chrome) -> None:
    _, url = full_service
    browser.get(f"{url}/query")
    box = browser.find_element(By.NAME, "QUERY")
    box.clear()
    box.send_keys("SELECT nme FROM survey.target")
    box.submit()
    assert "unknown column 'nme'" in browser.find_element(By.CSS_SELECTOR, "[role=alert]").text
    box = browser.find_element(By.NAME, "QUERY")
    box.clear()
    box.send_keys("SELECT name, dist FROM survey.target ORDER BY name")
    box.submit()
    assert browser.find_element(By.ID, "answer").text == "19 rows"
    assert browser.find_element(By.CSS_SELECTOR, "table td").text == "IC5332"


@pytest.fixture
def busy(server: str, survey_template: str, tmp_path: Path) -> Iterator[tuple[Archive, str, work.Work]]:
    """The services over an archive with jobs in all phases."""
    with archives.fresh_database(server, template=survey_template) as url, archives.served(url, tmp_path) as served:
        yield (*served, work.at_work(served[0]))


def test_a_reader_sees_jobs_go_on_without_reloading(
    busy: tuple[Archive, str, work.Work], browser: webdriver.Chrome
) -> None:
    archive, url, known = busy
    browser.get(f"{url}/jobs/{known.running}")
    browser.execute_script("window.untouched = true")
    patience = WebDriverWait(browser, 40)
    jobs.progress(archive.database, known.running, 0.75, "sky of 18 of 24 channels")
    patience.until(lambda b: b.find_element(By.TAG_NAME, "progress").get_attribute("value") == "0.75")
    assert "sky of 18 of 24 channels" in browser.find_element(By.ID, "part-now").text
    jobs.finish(archive.database, known.running, Phase.ERROR, error="no such thing")
    patience.until(lambda b: "error" in b.find_element(By.ID, "part-now").text)
    assert browser.find_element(By.CSS_SELECTOR, "#part-story tbody tr:last-child").text.split()[2] == "failed"
    assert browser.execute_script("return window.untouched"), "nothing was reloaded"
    assert complaints(browser) == []


def test_a_list_of_jobs_goes_on_by_itself_and_keeps_its_reader_in_place(
    busy: tuple[Archive, str, work.Work], browser: webdriver.Chrome
) -> None:
    archive, url, known = busy
    browser.get(f"{url}/jobs")
    patience = WebDriverWait(browser, 40)
    browser.execute_script("document.querySelector('#part-ended a').focus()")
    jobs.submit(archive.database, "later", {})
    patience.until(lambda b: len(b.find_elements(By.CSS_SELECTOR, "#part-active tbody tr")) == 3)
    assert browser.execute_script("return document.activeElement.closest('#part-ended') !== null")
    jobs.cancel(archive.database, known.waiting)
    patience.until(lambda b: "aborted" in b.find_element(By.ID, "part-ended").text)


def test_the_pages_of_jobs_fit_the_window_and_the_console_is_silent(
    busy: tuple[Archive, str, work.Work], browser: webdriver.Chrome
) -> None:
    _, url, known = busy
    for across, down in ((1280, 900), (400, 844)):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": across, "height": down, "deviceScaleFactor": 1, "mobile": False},
        )
        for path in ("/jobs", *(f"/jobs/{job}" for job in (known.running, known.waiting, known.failed, known.done))):
            browser.get(url + path)
            assert browser.find_element(By.TAG_NAME, "h1").is_displayed(), path
            assert width(browser) <= across, path
            assert complaints(browser) == [], path
