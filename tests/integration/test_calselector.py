"""The association service as ESO's clients use it: one frame as XML, many as parts, rows on request."""

import io
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
import requests
from astropy.io.votable import parse_single_table

from archive.calibrations import refresh
from tests.support import archives
from tests.support.calibrations import ILLUM, MASTERS, SCIENCE, add, add_masters, frames, master_id

LONE = ("OBJECT", "2018-08-20T10:30:00.000")
OBJECTS = [SCIENCE, "MUSE.2018-06-05T01:18:59.418", "MUSE.2018-06-05T01:30:59.418"]


@pytest.fixture(scope="module")
def url(server: str, empty_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The service over a night with everything and a frame, weeks later, that has nothing near; to be read only."""
    root = tmp_path_factory.mktemp("calselector")
    with archives.fresh_database(server, template=empty_template) as made, archives.served(made, root) as served:
        archive, address = served
        add(archive.database, *frames(), *frames(((*LONE, 1, 0),)))
        add_masters(archive)
        refresh(archive.database, OBJECTS)
        yield f"{address}/calselector/v1/associations"


def parts(answer: requests.Response) -> list[Message]:
    """The parts, with the content type put in front as ESO's own clients do."""
    whole = f"Content-Type: {answer.headers['Content-Type']}\r\n".encode() + answer.content
    message = BytesParser().parsebytes(whole)
    assert message.is_multipart()
    assert not message.defects
    return [part for part in message.get_payload() if isinstance(part, Message)]


def parsed(document: bytes) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314  our own


def names(document: bytes) -> set[str]:
    return {element.attrib["name"] for element in parsed(document).iter("file")}


def payload(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    assert isinstance(found, bytes)
    return found


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("mode", ["Raw2Raw", "raw2raw", "RAW2RAW"])
def test_one_frame_is_one_document(url: str, method: str, mode: str) -> None:
    asked = {"dp_id": SCIENCE, "mode": mode}
    answer = requests.get(url, asked, timeout=30) if method == "get" else requests.post(url, asked, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/xml; content=calselector"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{SCIENCE}_raw2raw.xml"'
    root = parsed(answer.content)
    assert (root.tag, root.attrib) == (
        "association",
        {"category": "OBJECT", "certified": "true", "complete": "true", "type": "main", "mode": "Raw2Raw"},
    )
    assert [file.attrib for file in root.findall("mainFiles/file")] == [{"category": "OBJECT", "name": SCIENCE}]
    flat = root.find("associatedFiles/association[@category='FLAT']")
    assert flat is not None
    assert len(flat.findall("mainFiles/file")) == 11
    assert [own.attrib["category"] for own in flat.findall("associatedFiles/association")] == ["BIAS", "DARK"]


def test_masters_come_on_request(url: str) -> None:
    root = parsed(requests.get(url, {"DP_ID": SCIENCE, "MODE": "Raw2Master"}, timeout=30).content)
    found = {file.attrib["category"]: file.attrib["name"] for file in root.findall("associatedFiles/*/mainFiles/file")}
    assert found == {"ILLUM": ILLUM, **{tag: master_id(number) for number, tag in enumerate(MASTERS)}}
    assert root.attrib["certified"] == "true"


def test_several_frames_are_parts_with_file_names(url: str) -> None:
    answer = requests.post(url, {"dp_id": OBJECTS, "mode": "Raw2Master"}, timeout=30)
    assert answer.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    found = parts(answer)
    assert [part.get_filename() for part in found] == [f"{dp_id}_raw2master.xml" for dp_id in OBJECTS]
    assert all(part.get_content_type() == "application/xml" for part in found)
    for dp_id, part in zip(OBJECTS, found, strict=True):
        assert int(part["Content-Length"]) == len(payload(part).rstrip()) + 1
        assert names(payload(part)) == {dp_id, ILLUM, *(master_id(number) for number, _ in enumerate(MASTERS))}


def test_the_same_frame_named_twice_is_one_frame(url: str) -> None:
    answer = requests.get(url, {"dp_id": [SCIENCE, SCIENCE], "mode": "Raw2Raw"}, timeout=30)
    assert answer.headers["Content-Type"].startswith("application/xml")


def test_what_a_frame_lacks_stands_in_the_document(url: str) -> None:
    root = parsed(requests.get(url, {"dp_id": f"MUSE.{LONE[1]}", "mode": "Raw2Raw"}, timeout=30).content)
    assert (root.attrib["complete"], root.attrib["certified"]) == ("true", "false")
    words = "BIAS: nearest is 76.0 d away, the rules allow 3"
    assert words in [message.text for message in root.findall("messages/message")]
    bias = root.find("associatedFiles/association[@category='BIAS']")
    assert bias is not None
    assert (bias.attrib["match"], bias.attrib["certified"]) == ("N/A", "false")


def test_an_unknown_frame_is_not_found(url: str) -> None:
    answer = requests.get(url, {"dp_id": "MUSE.1999-01-01T00:00:00.000", "mode": "Raw2Raw"}, timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/plain; charset=utf-8")
    assert answer.text == "there is no frame MUSE.1999-01-01T00:00:00.000\n"


@pytest.mark.parametrize("name", ["nothing", "<&\"'>", "\x01", "ü\ud7ff", 'x"\r\nX-Evil: 1'], ids=range(5))
def test_an_unknown_frame_among_several_says_so(url: str, name: str) -> None:
    body = f"dp_id={SCIENCE}&dp_id={quote(name)}&mode=Raw2Raw"
    answer = requests.post(url, body, headers={"Content-Type": "application/x-www-form-urlencoded"}, timeout=30)
    known, unknown = parts(answer)
    assert parsed(payload(known)).attrib["complete"] == "true"
    assert unknown.keys() == ["Content-Disposition", "Content-Type", "Content-Length"]
    root = parsed(payload(unknown))
    assert root.attrib["complete"] == "false"
    assert root.findtext("messages/message") == "the archive has no such frame"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"mode": "Raw2Raw"}, "dp_id is missing"),
        ({"dp_id": SCIENCE, "mode": "Raw2Cooked"}, "mode must be Raw2Raw or Raw2Master, not 'Raw2Cooked'"),
        ({"dp_id": SCIENCE, "responseformat": "pdf"}, "responseformat must be xml or votable, not 'pdf'"),
        ({"dp_id": [f"x{number}" for number in range(1001)]}, "dp_id: 1001 frames are more than the 1000"),
    ],
    ids=["no frame", "mode", "format", "too many"],
)
def test_a_wrong_request_is_refused_in_words(url: str, asked: dict[str, str | list[str]], words: str) -> None:
    answer = requests.post(url, asked, timeout=30)
    assert (answer.status_code, words in answer.text) == (400, True)
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_the_recorded_calibrations_come_as_rows(url: str) -> None:
    asked = {"dp_id": [*OBJECTS[:2], "it's unknown"], "mode": "Raw2Master", "responseformat": "votable"}
    table = parse_single_table(io.BytesIO(requests.get(url, asked, timeout=30).content)).to_table()
    assert len(table) == 2 * 17
    assert set(table["tag"]) == {"ILLUM", *MASTERS}
