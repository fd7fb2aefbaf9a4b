"""The pages of exposures, nights and runs over rows of a night: they say what the catalogue says, and never fail."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote, unquote, urlencode

import pytest
import requests

from archive.archive import Archive
from archive.exposure_listing import Cone, Wanted, listing
from schema.alignment import Alignment, TrailMask
from schema.exposures import Exposure
from schema.findings import Finding
from schema.products import Product
from tests.support import archives, observed
from tests.support.observed import CUBE, FIRST, NIGHT, PROGRAMME, UNTIMED

Service = tuple[Archive, str]
ROWS = re.compile(r'<th scope="row" class="file"><a href="/exposures/([^"]+)">')


@pytest.fixture(scope="module")
def night(server: str, survey_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The services over the survey's log and a night of observations; to be read only."""
    root = tmp_path_factory.mktemp("night")
    with archives.fresh_database(server, template=survey_template) as url, archives.served(url, root) as served:
        observed.observe(served[0].database)
        yield served


def get(service: Service, path: str, status: int = 200, /, **fields: str) -> str:
    address = service[1] + path + ("?" + urlencode(fields) if fields else "")
    answer = requests.get(address, timeout=30)
    assert answer.status_code == status, address
    assert "</html>" in answer.text
    return answer.text


def listed(page: str) -> list[str]:
    return [unquote(dp_id) for dp_id in ROWS.findall(page)]


def test_the_newest_exposures_come_first_and_those_of_unknown_time_last(night: Service) -> None:
    found = listed(get(night, "/exposures"))
    assert len(found) == 15
    assert found[:-1] == sorted(found[:-1], reverse=True)
    assert found[-1] == UNTIMED


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        ({"target": "NGC4254"}, 5),
        ({"target": "NGC0628"}, 0),
        ({"night": NIGHT}, 14),
        ({"night": "2018-06-05"}, 0),
        ({"programme": PROGRAMME}, 6),
        ({"programme": PROGRAMME, "tag": "SKY"}, 2),
        ({"tag": "BIAS"}, 5),
        ({"tag": "BIAS", "target": "NGC4254"}, 0),
        ({"ra": "184.6919", "dec": "14.3991", "radius": "1"}, 4),
        ({"ra": "12:18:46.06", "dec": "+14 23 56.8"}, 4),
        ({"ra": "184.6919", "dec": "14.3991", "radius": "10"}, 6),
        ({"ra": "184.6919", "dec": "14.3991", "radius": "10", "night": NIGHT, "tag": "SKY"}, 2),
        ({"ra": "4.6919", "dec": "14.3991", "radius": "10"}, 0),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value),
)
def test_the_form_narrows_the_list(night: Service, fields: dict[str, str], number: int) -> None:
    page = get(night, "/exposures", 200, **fields)
    assert len(listed(page)) == number
    for value in fields.values():
        assert value in page


def test_a_total_stands_above_a_list_that_is_cheap_to_count(night: Service) -> None:
    assert "14 exposures" in get(night, "/exposures", night=NIGHT)
    assert "5 exposures" in get(night, "/exposures", target="NGC4254")


@pytest.mark.parametrize(
    "fields",
    [
        {"night": "2018-13-01"},
        {"night": "yesterday"},
        {"night": "\N{ARABIC-INDIC DIGIT TWO}018-06-04"},
        {"ra": "10"},
        {"radius": "1"},
        {"ra": "361", "dec": "0"},
        {"ra": "10", "dec": "-91"},
        {"ra": "nan", "dec": "0"},
        {"ra": "10", "dec": "0", "radius": "inf"},
        {"ra": "10", "dec": "0", "radius": "0"},
        {"ra": "10", "dec": "0", "radius": "1e9"},
        {"ra": "1:60:00", "dec": "0"},
        {"ra": "<b>", "dec": "0"},
        {"target": "a\0b"},
        {"after": "\0"},
    ],
    ids=str,
)
def test_what_cannot_be_searched_for_is_said_and_not_searched_for(night: Service, fields: dict[str, str]) -> None:
    page = get(night, "/exposures", 400, **fields)
    assert "<b>" not in page


@pytest.mark.parametrize("path", ["/exposures/none", "/exposures/%FF%FE", "/nights/2018-06-05", "/nights/2018-6-4x"])
def test_what_is_not_there_is_a_page_that_says_so(night: Service, path: str) -> None:
    get(night, path, 404)


@pytest.mark.parametrize("path", ["/exposures/a%00b", "/nights/2018%00", "/nights?until=%00", "/nights?until=1"])
def test_what_no_name_has_is_refused(night: Service, path: str) -> None:
    get(night, path, 400)


@pytest.mark.parametrize("fields", [{"target": "x" * 500}, {"after": "none"}, {"tag": "'; --"}, {"what": "else"}])
def test_strange_words_find_what_they_find(night: Service, fields: dict[str, str]) -> None:
    get(night, "/exposures", 200, **fields)


def test_page_after_page_shows_every_exposure_once(survey: Archive) -> None:
    begin = datetime(2020, 1, 1)
    with survey.database.transaction() as session:
        for number in range(12):
            # Three frames of every moment, and three of none: ties are where pages lose rows.
            mjd = None if number >= 9 else 58849.0 + number // 3
            session.add(
                Exposure(dp_id=f"E{number:02d}", known_from="eso", target="NGC4254", ra=184.7, dec=14.4, mjd_obs=mjd)
            )
        session.add(Exposure(dp_id="other", known_from="eso", mjd_obs=58849.5, exp_start=begin + timedelta(hours=12)))
    for wanted in (Wanted(target="NGC4254"), Wanted(cone=Cone(184.7, 14.4, 0.1))):
        seen: list[str] = []
        after = None
        while True:
            page = listing(survey.database, wanted, after=after, most=2)
            seen += [line.dp_id for line in page.exposures]
            after = page.next
            if after is None:
                break
        assert seen == [f"E{number:02d}" for number in (8, 7, 6, 5, 4, 3, 2, 1, 0, 11, 10, 9)]


def test_an_exposure_shows_everything_that_is_known_of_it(night: Service) -> None:
    page = get(night, f"/exposures/{FIRST}")
    for words in (
        "NGC4254-P06",
        "WFM-AO-N",
        "0.58 \N{PLUS-MINUS SIGN} 0.05",
        "0.71 to 0.69",
        "mean of",
        "B, within constraints, completes the block",
        "Photometric",
        "14.2 arcsec from where the log has it.",
        "The log has rank 7, there are 4.",
        "TWILIGHT_CUBE is missing",
        "ILLUM is too old",
        "MASTER_BIAS",
        "OBJECT  = &#39;NGC4254&#39;",
        f'href="/products/{CUBE}"',
        f'href="/nights/{NIGHT}"',
        f'href="/files/{quote(FIRST)}.fits.fz"',
        "24 of 24, 24 of them live",
    ):
        assert words in page, words
    assert page.count("<polygon") == 2


def test_an_exposure_that_is_only_heard_of_says_so(night: Service) -> None:
    page = get(night, f"/exposures/{UNTIMED}")
    assert "not held" in page
    assert "the header of a product made from it" in page


def test_a_night_shows_weather_reports_exposures_and_a_plot(night: Service) -> None:
    page = get(night, f"/nights/{NIGHT}")
    for words in (
        "0.45 to 1.12",
        "A good night.",
        "ThinCirrus",
        "grade B",
        "not kept",
        "not judged",
        "Clear",
        "14 exposures",
    ):
        assert words in page, words
    assert [dp_id for dp_id in listed(page) if dp_id == FIRST] == [FIRST]
    assert listed(page) == sorted(listed(page))
    assert len(listed(page)) == 6  # the calibrations by day are counted
    assert re.search(r"BIAS <span[^>]*>5<", page)
    assert re.search(r'<path class="line" d="M[\d.]+ [\d.]+L', page)
    assert 'class="exposed science"' in page


def test_the_nights_are_listed_with_what_is_known_of_them(night: Service) -> None:
    page = get(night, "/nights")
    assert f'href="/nights/{NIGHT}"' in page
    assert "Photometric, Clear, ThinCirrus" in page
    assert NIGHT in get(night, "/nights", until=NIGHT)
    assert f"/nights/{NIGHT}" not in get(night, "/nights", until="2018-06-03")


def test_the_runs_and_the_quarantine_are_shown_but_no_folder_of_the_operators(night: Service) -> None:
    page = get(night, "/runs")
    for words in ("1,234", "1,200", "75.2", "does not answer", "bad.fits is cut short"):
        assert words.replace("'", "&#39;") in page, words
    assert "/data/raw" not in page


def test_a_target_tells_how_many_exposures_are_held_of_each_block(night: Service) -> None:
    page = get(night, "/targets/NGC4254")
    assert "the archive holds 4 that belong to its observing blocks" in page
    assert "The log has rank 7, there are 4." in page
    assert "/exposures?target=NGC4254" in page


def test_a_raw_product_leads_to_its_exposure_and_back(night: Service) -> None:
    assert f'href="/exposures/{FIRST}"' in get(night, f"/products/{FIRST}")
    assert f'href="/products/{FIRST}"' in get(night, f"/exposures/{FIRST}")


def test_raw_frames_are_not_among_the_products_made_for_science(night: Service) -> None:
    assert FIRST not in get(night, "/products")
    assert CUBE in get(night, "/products")
    assert listed(get(night, "/products", kind="exposure"))
    assert "1 cube" in get(night, "/products", kind="cube")
    assert get(night, "/products", kind="calibration")


def aligned(archive: Archive, dp_id: str, *, note: str | None, **trail: float) -> None:
    """Write an exposure with its alignment, which is uncertain in its flux."""
    names = (f"{dp_id}_ALIGNMENT", "NGC4254_REFERENCE_SDSS_r")
    moment = datetime(2026, 1, 2, 3, 4, 5)
    row = Alignment(
        dp_id=dp_id, product_id=names[0], reference_id=names[1], filter="SDSS_r", ra_offset=2 / 3600,
        dec_offset=-0.25 / 3600, offset_error=0.012, rotation=-0.125, rotation_error=0.0034, flux_scale=1.0412,
        background=-3.5, sky_level=70.0, sky_factor=1.048, quality="flux", origin="by hand", note=note, made=moment,
    )  # fmt: skip
    with archive.database.transaction() as session:
        session.add(Exposure(dp_id=dp_id, known_from="header"))
        for name in names:
            session.add(
                Product(
                    product_id=name,
                    kind="alignment",
                    title=name,
                    collection="MUSE",
                    calib_level=2,
                    simulated=0,
                    ingested=moment,
                    dec=60.0,
                )
            )
        session.flush()
        session.add(row)
        if trail:
            session.add(TrailMask(dp_id=dp_id, number=1, product_id=names[0], origin="measured", **trail))


def test_an_exposure_shows_how_it_is_aligned_and_what_is_masked(service: Service) -> None:
    aligned(
        service[0], "E1", note="by <b>the</b> star",
        ra_start=184.7, dec_start=14.4, ra_stop=184.71, dec_stop=14.41, width=2.25, significance=31.4,
    )  # fmt: skip
    page = get(service, "/exposures/E1")
    for words in (
        "1.000 \N{PLUS-MINUS SIGN} 0.012",  # on the sky, at a declination of 60 degrees
        "\N{MINUS SIGN}0.250 \N{PLUS-MINUS SIGN} 0.012",
        "\N{MINUS SIGN}0.1250 \N{PLUS-MINUS SIGN} 0.0034",
        "uncertain: flux",
        "Set by hand",
        "by &lt;b&gt;the&lt;/b&gt; star",
        'href="/products/E1_ALIGNMENT"',
        'href="/products/NGC4254_REFERENCE_SDSS_r"',
        "184.70000 +14.40000",
        "measured, 31 sigma",
    ):
        assert words in page, words


def test_an_exposure_without_trails_or_alignment_shows_none(service: Service) -> None:
    aligned(service[0], "E1", note=None)
    page = get(service, "/exposures/E1")
    assert 'id="alignment"' in page
    assert 'id="trails"' not in page
    with service[0].database.transaction() as session:
        session.add(Exposure(dp_id="E2", known_from="header"))
    assert 'id="alignment"' not in get(service, "/exposures/E2")


def test_an_archive_without_observations_has_all_the_pages(service: Service) -> None:
    for path in ("/exposures", "/nights", "/runs", "/products"):
        assert "</html>" in get(service, path)


def test_what_a_header_says_cannot_become_part_of_the_page(service: Service) -> None:
    archive, _ = service
    hostile = "<script>alert(1)</script>"
    with archive.database.transaction() as session:
        session.add(
            Exposure(
                dp_id="hostile",
                known_from="header",
                object=hostile,
                raw_tag=hostile,
                ins_mode=hostile,
                night=hostile,
                ob_name=hostile,
                mjd_obs=1e300,
                exp_start=datetime(2020, 1, 1),
                exptime=1e9,
                ra=1e9,
                dec=-200.0,
            )
        )
        session.add(Finding(origin="exposures", kind=hostile, subject="hostile", message=hostile))
    for path in ("/exposures", "/exposures/hostile", "/nights"):
        assert hostile not in get(service, path)
