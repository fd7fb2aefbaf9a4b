"""The history of the real cube as the world gets it: drawn on its page, as PROV-JSON, as PROV-N, by command."""

import json
from collections.abc import Callable, Iterator
from xml.etree import ElementTree as ET

import pytest
import requests
import structlog
from click.testing import CliRunner, Result
from prov.model import ProvDocument

from archive import products
from archive.archive import Archive
from archive.provenance_cli import provenance

Service = tuple[Archive, str]
RAW = "MUSE.2014-12-08T02:48:56.798"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def cube(full_service: Service) -> str:
    (found,) = products.latest(full_service[0], kind="cube")
    return found.product_id


@pytest.fixture
def ask(full_service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """What runs ``musevault provenance`` on the archive."""
    archive, address = full_service
    monkeypatch.setenv("MUSEVAULT_ROOT", str(archive.settings.root))
    monkeypatch.setenv("MUSEVAULT_DATABASE_URL", archive.database.url)
    monkeypatch.setenv("MUSEVAULT_BASE_URL", address)
    yield lambda *words: CliRunner().invoke(provenance, words)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("shape", "media_type"),
    [
        ("json", "application/json"),
        ("provn", "text/provenance-notation; charset=utf-8"),
        ("svg", "image/svg+xml; charset=utf-8"),
    ],
)
def test_each_shape_has_its_media_type_and_a_missing_product_none(
    full_service: Service, cube: str, shape: str, media_type: str
) -> None:
    answer = requests.get(f"{full_service[1]}/products/{cube}/provenance.{shape}", timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type)
    for path in (f"none/provenance.{shape}", f"{cube}/provenance.{shape}x"):
        assert requests.get(f"{full_service[1]}/products/{path}", timeout=30).status_code == 404


def test_both_notations_say_the_same_and_lead_from_the_image_to_the_raw_frame(full_service: Service, cube: str) -> None:
    address = f"{full_service[1]}/products/{cube}_IMAGE_SDSS_r/provenance"
    from_json = ProvDocument.deserialize(content=requests.get(f"{address}.json", timeout=30).text, format="json")
    from_provn = ProvDocument.deserialize(content=requests.get(f"{address}.provn", timeout=30).text, format="provn")
    assert from_json == from_provn
    told = requests.get(f"{address}.json", timeout=30).json()
    assert f"product:{RAW}" in told["entity"]
    assert told["prefix"]["product"] == "ivo://musevault/ID?"
    labels = {activity["prov:label"] for activity in told["activity"].values()}
    assert labels == {"band_images", "muse_exp_combine", "muse_scipost", "muse_scibasic"}
    assert len(told["wasInformedBy"]) == 2
    assert len(told["wasGeneratedBy"]) == 2


def test_the_page_has_the_drawing_and_leads_to_the_others(full_service: Service, cube: str) -> None:
    page = requests.get(f"{full_service[1]}/products/{cube}_IMAGE_SDSS_r", timeout=30).text
    assert f'href="/products/{cube}"' in page
    for words in ("<svg", "muse_scibasic", f"{RAW}</text>", "24 \N{MULTIPLICATION SIGN} PIXTABLE_OBJECT"):
        assert words in page
    for shape in ("json", "provn", "svg"):
        assert f'href="/products/{cube}_IMAGE_SDSS_r/provenance.{shape}"' in page


def test_the_drawing_alone_is_svg_that_needs_no_style_sheet(full_service: Service, cube: str) -> None:
    svg = requests.get(f"{full_service[1]}/products/{cube}/provenance.svg", timeout=30).text
    assert ET.fromstring(svg).tag == f"{SVG}svg"  # noqa: S314  our own
    assert "style=" not in svg
    assert "<style" not in svg


def test_the_command_tells_rows_and_raw_frames(ask: Callable[..., Result], cube: str) -> None:
    rows = ask(cube).output
    assert [line.split()[0] for line in rows.splitlines() if line[0] != " "] == [
        "muse_exp_combine", "muse_scipost", "muse_scibasic",
    ]  # fmt: skip
    assert "MASTER_BIAS" in rows
    raw = ask(f"{cube}_IMAGE_SDSS_r", "--raw")
    assert (raw.exit_code, raw.output.split()[:2]) == (0, [RAW, "OBJECT"])
    (frame,) = map(json.loads, ask(cube, "--raw", "--format", "json").output.splitlines())
    assert (frame["dp_id"], frame["is_held"]) == (RAW, False)


def test_the_command_tells_what_falls_with_a_bad_frame(ask: Callable[..., Result], cube: str) -> None:
    told = [json.loads(line) for line in ask(RAW, "--affected", "--format", "json").output.splitlines()]
    assert [one["name"] for one in told] == [
        "muse_scibasic", "muse_scipost", "muse_exp_combine", *["band_images"] * 4, "stars", "maps",
    ]  # fmt: skip
    made = {product["product_id"] for one in told for product in one["products"]}
    images = {f"{cube}_IMAGE_{band}" for band in ("white", "SDSS_g", "SDSS_r", "SDSS_i")}
    assert made == {cube, f"{cube}_STARS", f"{cube}_MAPS"} | images
    assert f"{cube}_IMAGE_white" in ask(RAW, "--affected").output
    assert ask("MUSE.of.nowhere", "--affected").output == ""


def test_the_command_writes_what_the_service_serves(
    ask: Callable[..., Result], full_service: Service, cube: str
) -> None:
    for shape in ("json", "provn"):
        served = requests.get(f"{full_service[1]}/products/{cube}/provenance.{shape}", timeout=30).text
        assert ask(cube, "--format", shape).output == served
    assert ask(cube, "--format", "svg").output.startswith("<svg")


def test_the_command_refuses_what_makes_no_sense(ask: Callable[..., Result], cube: str) -> None:
    assert ask(cube, "--raw", "--format", "svg").exit_code == 2
    assert "there is no product" in ask("nothing").output
    assert "there is no product" in ask("nothing", "--raw").output
