"""The UPLOAD parameter."""

import pytest

from server.uploads.errors import UploadError
from server.uploads.sources import Source, parse


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("t,param:x", (("t", "param:x"),)),
        (" t , param:x ; u,https://example.org/a,b;", (("t", "param:x"), ("u", "https://example.org/a,b"))),
        ('"My; ""own"", table",http://h/x', (('My; "own", table', "http://h/x"),)),
        ("T_1,PARAM:x", (("T_1", "PARAM:x"),)),
        ("", ()),
    ],
    ids=["one", "two", "delimited", "capitals", "none"],
)
def test_names_and_uris_are_told_apart(value: str, expected: tuple[tuple[str, str], ...]) -> None:
    assert parse([value]) == tuple(Source(*one) for one in expected)


def test_the_parameter_may_be_repeated_but_not_a_name() -> None:
    assert [source.name for source in parse(["a,param:a", "b,param:b"])] == ["a", "b"]
    with pytest.raises(UploadError, match="'A' twice"):
        parse(["a,param:a", '"A",param:b'])
    with pytest.raises(UploadError, match="at most 10"):
        parse([f"t{n},param:x" for n in range(11)])


@pytest.mark.parametrize("value", ["t", "t,", ",param:x", "1t,param:x", '"",param:x', '"a\nb",param:x', "a.b,param:x"])
def test_what_is_no_name_and_uri_is_refused(value: str) -> None:
    with pytest.raises(UploadError, match="UPLOAD"):
        parse([value])


def test_only_parts_and_web_addresses_are_sources() -> None:
    assert parse(["t,Param:x"])[0].part == "x"
    assert parse(["t,http://h/x"])[0].part is None
    for uri in ("file:///etc/passwd", "ftp://h/x", "vos:x", "/x"):
        with pytest.raises(UploadError, match="takes param"):
            parse([f"t,{uri}"])
