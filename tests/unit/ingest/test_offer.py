"""What a server says of a file is read with care: it may say anything."""

import hashlib
from pathlib import Path

import pytest

from ingest.offer import Offer, continues, fault

SHA = hashlib.sha256(b"content").hexdigest()


def read(status: int = 200, **headers: str) -> Offer:
    return Offer.read(status, {name.replace("_", "-"): value for name, value in headers.items()}, otherwise="x.fits")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("attachment; filename=MUSE.2018-06-05T01:06:59.418.fits.fz", "MUSE.2018-06-05T01:06:59.418.fits.fz"),
        ('attachment; filename="with blank.fits"', "with_blank.fits"),
        ("filename=plain.fits", "plain.fits"),
        ("attachment; filename=../../etc/passwd", "passwd"),
        (r'attachment; filename="..\\..\\evil.fits"', "evil.fits"),
        ("attachment; filename=/etc/cron.d/evil", "evil"),
        ("attachment; filename=..", "x.fits"),
        ("attachment; filename=.hidden", "hidden"),
        ('attachment; filename=""', "x.fits"),
        ("attachment; filename*=UTF-8''n%C3%A4me.fits", "n_me.fits"),
        ("attachment", "x.fits"),
    ],
    ids=range(11),
)
def test_a_name_never_leads_out_of_the_folder(given: str, name: str) -> None:
    assert read(Content_Disposition=given).name == name


def test_a_name_is_not_too_long_for_a_file_system() -> None:
    assert len(read(Content_Disposition=f"attachment; filename={'x' * 999}.fits").name) == 200


def test_the_length_of_a_part_is_that_of_the_whole() -> None:
    assert read(Content_Length="12").size == 12
    assert read(206, Content_Length="12", Content_Range="bytes 8-19/20").size == 20
    assert read(206, Content_Range="bytes 8-19/*").size is None
    assert read(Content_Length="many").size is None


def test_checksums_are_taken_wherever_a_server_gives_one() -> None:
    digest = "7XACtDnprIRfIjV9giusFERzD7AoErGgAAAAAAAAAAA="
    assert read(ETag=f'"{SHA}"').checksums == {"sha256": SHA}
    assert list(read(Repr_Digest=f"sha-256=:{digest}:").checksums) == ["sha256"]
    assert list(read(Digest=f"SHA-256={digest},unixsum=30637").checksums) == ["sha256"]
    assert read(Content_MD5="mgNkuembtIDdJeHwKEyFVQ==").checksums == {"md5": "9a0364b9e99bb480dd25e1f0284c8555"}
    assert read(206, Content_MD5="mgNkuembtIDdJeHwKEyFVQ==").checksums == {}
    assert read(Digest="md5=short", Content_MD5="???", ETag='"abc"').checksums == {}


def test_only_a_strong_tag_tells_that_a_file_is_the_same() -> None:
    assert read(ETag='"a"', Last_Modified="yesterday").validator == '"a"'
    assert read(ETag='W/"a"', Last_Modified="yesterday").validator == "yesterday"
    assert read().validator is None


@pytest.mark.parametrize(
    ("headers", "goes_on"),
    [
        ({"Content-Range": "bytes 5-9/10", "ETag": '"a"'}, True),
        ({"Content-Range": "bytes 5-9/*"}, True),
        ({"Content-Range": "bytes 4-9/10", "ETag": '"a"'}, False),
        ({"Content-Range": "bytes 5-9/11", "ETag": '"a"'}, False),
        ({"Content-Range": "bytes 5-9/10", "ETag": '"b"'}, False),
        ({}, False),
    ],
    ids=["same", "says little", "elsewhere", "longer", "another", "says nothing"],
)
def test_a_part_must_belong_to_the_file_that_was_begun(headers: dict[str, str], *, goes_on: bool) -> None:
    assert continues(headers, start=5, known=Offer("x", 10, '"a"')) is goes_on


def test_a_file_is_held_against_its_offer(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    assert fault(path, Offer("x", 7, None, {"sha256": SHA})) is None
    assert fault(path, Offer("x", 8)) == "it has 7 bytes instead of 8"
    assert fault(path, Offer("x", 7, None, {"md5": "0"})) == "its md5 checksum is not 0"
