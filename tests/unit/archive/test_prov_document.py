"""The history of a product in the W3C's words: what goes in comes out of prov's own reader."""

import json
from datetime import datetime

import pytest
from prov.model import ProvActivity, ProvAgent, ProvDerivation, ProvDocument, ProvEntity, ProvGeneration, ProvUsage

from archive.prov_document import Names, document, to_json, to_provn
from archive.provenance import Input, Step
from schema.products import Product
from schema.provenance import Activity

RAW = "MUSE.2018-06-05T01:06:59.418"
NAMES = Names(authority="archive.example", base_url="https://archive.example")
PRODUCT = Product(product_id="image", kind="image", title="An image", collection="MUSE", target_name=None)
PROGRAMS = "musevault/0.1.0 numpy/2.0"


def used(name: str, *, kind: str | None = None, made_by: str | None = None, raw: bool = False) -> Input:
    title = None if kind is None else f"The {kind}"
    return Input(name, "ROLE", "0" * 32, kind, title, made_by, is_exposure=raw)


def activity(name: str, **parameters: object) -> Activity:
    started, ended = datetime(2026, 3, 1, 12), datetime(2026, 3, 1, 12, 5, 30)
    return Activity(activity_id=name, name=name, software=PROGRAMS, started=started, ended=ended, parameters=parameters)


STEPS = (
    Step(
        "image",
        ("image",),
        activity("images", filter="r", planes=[1, 2]),
        (used("cube", kind="cube", made_by="post"),),
        (),
    ),
    Step("cube", ("cube",), activity("post", skymethod="model"), (used("pix table (1).fits"),), ("basic",)),
    Step("cube", (), activity("basic", nifu=-1, saturate=None), (used(RAW, raw=True), used(RAW, raw=True)), ()),
)


@pytest.fixture(scope="module")
def made() -> ProvDocument:
    return document(PRODUCT, STEPS, NAMES)


def test_what_is_written_as_json_reads_back_the_same(made: ProvDocument) -> None:
    assert ProvDocument.deserialize(content=to_json(made), format="json") == made


def test_what_is_written_as_provn_reads_back_the_same(made: ProvDocument) -> None:
    assert ProvDocument.deserialize(content=to_provn(made), format="provn") == made


def test_everything_that_was_done_and_used_is_named_under_the_authority(made: ProvDocument) -> None:
    named = {
        kind: {str(record.identifier.uri) for record in made.get_records(kind) if record.identifier is not None}
        for kind in (ProvEntity, ProvActivity, ProvAgent)
    }
    assert named[ProvEntity] == {
        "ivo://archive.example/ID?image",
        "ivo://archive.example/ID?cube",
        f"ivo://archive.example/ID?{RAW}",
        f"ivo://archive.example/file?pix%20table%20(1).fits/{'0' * 32}",
    }
    assert named[ProvActivity] == {f"ivo://archive.example/activity?{name}" for name in ("images", "post", "basic")}
    assert named[ProvAgent] == {
        "ivo://archive.example",
        "ivo://archive.example/software?musevault/0.1.0",
        "ivo://archive.example/software?numpy/2.0",
    }


def test_every_relation_is_told_once_a_record(made: ProvDocument) -> None:
    assert len(list(made.get_records(ProvUsage))) == 4
    assert len(list(made.get_records(ProvGeneration))) == 2
    assert len(list(made.get_records(ProvDerivation))) == 2
    assert "wasInformedBy(activity:post, activity:basic)" in to_provn(made)


def test_times_are_of_utc_and_parameters_have_their_types(made: ProvDocument) -> None:
    told = json.loads(to_json(made))["activity"]
    assert told["activity:images"]["prov:startTime"] == "2026-03-01T12:00:00+00:00"
    assert told["activity:images"]["parameter:planes"] == "[1, 2]"
    assert told["activity:basic"]["parameter:nifu"] in (-1, {"$": "-1", "type": "xsd:int"})
    assert told["activity:basic"]["parameter:saturate"] == "null"


def test_a_product_of_unknown_origin_has_a_document_too() -> None:
    told = json.loads(to_json(document(PRODUCT, (), NAMES)))
    assert list(told["entity"]) == ["product:image"]
    assert told["entity"]["product:image"]["prov:location"] == "https://archive.example/products/image"
