"""Cards read fast say what astropy says; whatever the bytes, there are cards or one reason."""

import io
import re
from collections.abc import Callable
from itertools import product

import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.fits_structure import BLOCK, BrokenFits
from ingest.cards import CARD, Cards, Value, read_cards, sieve_for
from ingest.sieve import Sieve
from tests.support.archives import REAL_CUBE
from tests.support.raw_frames import CARDS, block, card, primary

FIRST_READ = 2 * BLOCK


def read(header: bytes, *, number: int = 0, first_read: int = FIRST_READ) -> Cards:
    return read_cards(io.BytesIO(header), number=number, first_read=first_read)[0]


def of(*lines: str) -> Cards:
    """The cards of a primary header that has these lines too."""
    return read(block([card("SIMPLE", value=True), *(line.ljust(CARD) for line in lines)]))


def test_every_card_of_a_real_header_says_what_astropy_says() -> None:
    theirs = fits.getheader(REAL_CUBE, 0)
    ours, rest = read_cards(io.BytesIO(REAL_CUBE.read_bytes()), number=0)
    assert len(ours.lines) == 1309
    values = {keyword: theirs[keyword] for keyword in theirs if keyword not in {"COMMENT", "HISTORY", ""}}
    assert len(values) > 1200
    for keyword, value in values.items():
        assert ours.value(keyword) == (None if isinstance(value, fits.card.Undefined) else value), keyword
        assert type(ours.value(keyword)) is type(value), keyword
    assert [line.rstrip() for line in ours.text().splitlines()] == [str(written).rstrip() for written in theirs.cards]
    assert rest.startswith(b"XTENSION=")


@pytest.mark.parametrize(
    ("line", "keyword", "value"),
    [
        pytest.param("HIERARCH ESO INS MODE        = 'WFM-AO-N' / mode", "ESO INS MODE", "WFM-AO-N", id="aligned"),
        pytest.param("HIERARCH ESO INS MODE = 'WFM-AO-N' / mode", "ESO INS MODE", "WFM-AO-N", id="unaligned"),
        pytest.param("HIERARCH ESO DET READ CURID='7' / tight", "ESO DET READ CURID", "7", id="tight"),
        pytest.param("HIERARCH ESO OBS ID = 1989464", "ESO OBS ID", 1989464, id="no-comment"),
        pytest.param("OBJECT  = 'O''Neill''s ''star'''", "OBJECT", "O'Neill's 'star'", id="quotes"),
        pytest.param("OBJECT  = 'a / b = c' / not = this / nor this", "OBJECT", "a / b = c", id="slash-and-equals"),
        pytest.param("OBJECT  = 'x' / it's = 'quoted' here", "OBJECT", "x", id="quotes-in-comment"),
        pytest.param("OBJECT  = '   '", "OBJECT", "", id="blank-text"),
        pytest.param("OBJECT  = ''", "OBJECT", "", id="empty-text"),
        pytest.param("OBJECT  = ' left'", "OBJECT", " left", id="leading-blank"),
        pytest.param("OBJECT  =                      / said nothing", "OBJECT", None, id="undefined"),
        pytest.param("OBJECT  =", "OBJECT", None, id="bare-equals"),
        pytest.param("EXPTIME =              1.5D+02 / of old", "EXPTIME", 150.0, id="D-exponent"),
        pytest.param("EXPTIME = 1.5e2", "EXPTIME", 150.0, id="small-e"),
        pytest.param("EXPTIME = -.5E-3/tight", "EXPTIME", -0.0005, id="no-leading-digit"),
        pytest.param("EXPTIME = 3.", "EXPTIME", 3.0, id="no-trailing-digit"),
        pytest.param("EXPTIME = 007", "EXPTIME", 7, id="leading-zeros"),
        pytest.param("EXPTIME = +12", "EXPTIME", 12, id="plus"),
        pytest.param("EXPTIME = 1E3", "EXPTIME", 1000.0, id="exponent-only"),
        pytest.param("HIERARCH ESO DET CHIP LIVE = T / alive", "ESO DET CHIP LIVE", True, id="true"),
        pytest.param("HIERARCH ESO DET CHIP LIVE = F/", "ESO DET CHIP LIVE", False, id="false"),
    ],
)
def test_a_card_says_what_astropy_says(line: str, keyword: str, value: Value) -> None:
    theirs = fits.Header([fits.Card.fromstring(line.ljust(CARD))])[keyword]
    assert (None if isinstance(theirs, fits.card.Undefined) else theirs) == value
    assert of(line).value(keyword) == value
    assert type(of(line).value(keyword)) is type(value)


@pytest.mark.parametrize(
    "line",
    [
        "EXPTIME = NaN", "EXPTIME = Infinity", "EXPTIME = inf", "EXPTIME = 1_000", "EXPTIME = 0x10", "EXPTIME = 12 34",
        "EXPTIME = 1.2.3", "EXPTIME = TRUE", "EXPTIME = (1.0, 2.0)", "EXPTIME = --1", "EXPTIME = E5", "EXPTIME = .",
        "EXPTIME = 'open", "EXPTIME = 'three''", "EXPTIME = 'x' y", "EXPTIME = bare words",
    ],
)  # fmt: skip
def test_what_is_no_value_of_fits_is_told(line: str) -> None:
    with pytest.raises(BrokenFits, match="EXPTIME (cannot be|is a text without end)"):
        of(line).value("EXPTIME")


def test_what_is_not_asked_for_may_be_anything() -> None:
    cards = of(
        "ODD     = NaN", "EXPTIME = 2.0", "COMMENT EXPTIME = 3.0", "HISTORY EXPTIME = 4.0", "        EXPTIME = 5.0"
    )
    assert cards.value("EXPTIME") == 2.0
    assert cards.value("ABSENT") is None
    assert "\nODD     = NaN" in cards.text()


def test_a_repeated_keyword_is_told_only_when_the_values_differ_and_it_matters() -> None:
    cards = of("RA      = 1.0 / here", "RA      =  1.0 / here", "DEC     = 1.0", "DEC     = 2.0", "COMMENT a = b")
    cards.check_repetitions(["RA", "EXPTIME"])
    with pytest.raises(BrokenFits, match="DEC is there 2 times with different values"):
        cards.check_repetitions(["RA", "DEC"])


def test_comments_are_no_repetitions() -> None:
    of("COMMENT RA = 1", "COMMENT RA = 2", "HISTORY RA = 3", "        RA = 4", "RA      = 5").check_repetitions(["RA"])


def test_a_header_may_end_with_its_block_and_be_longer_than_what_is_read_at_first() -> None:
    for count in (34, 35, 36, 71, 72, 107, 400):
        lines = [card("SIMPLE", value=True), *(card(f"KEY{n}", n) for n in range(count - 1))]
        header = block(lines)
        cards, rest = read_cards(io.BytesIO(header + b"XTENSION= data"), number=0, first_read=FIRST_READ)
        assert len(cards.lines) == count
        assert cards.value(f"KEY{count - 2}") == count - 2
        assert (b"XTENSION= data").startswith(rest) or rest.endswith(b"XTENSION= data")
        assert len(header) % BLOCK == 0


def test_the_word_end_within_cards_ends_nothing() -> None:
    cards = of("COMMENT END", "OBJECT  = 'END     '", "ENDING  = 3", "COMMENT " + "END".ljust(72))
    assert (cards.value("OBJECT"), cards.value("ENDING")) == ("END", 3)


def bad(change: Callable[[bytes], bytes]) -> bytes:
    return change(primary({**CARDS}, more=60))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(b"SIMPL", "does not begin with SIMPLE", id="shorter-than-a-card"),
        pytest.param(b"SIMPLE  = ", "truncated", id="one-word"),
        pytest.param(b"hello\n" * 600, "does not begin with SIMPLE", id="text"),
        pytest.param(bad(lambda h: h.replace(b"END" + b" " * 77, b" " * 80)), "truncated", id="no-end"),
        pytest.param(bad(lambda h: h.replace(b"END" + b" " * 77, b" END".ljust(80))), "truncated", id="end-shifted"),
        pytest.param(bad(lambda h: h.replace(b"END" + b" " * 9, b"END / done..")), "END", id="end-with-text"),
        pytest.param(bad(lambda h: h[:-80] + b"LATE    = 1".ljust(80)), "behind END", id="cards-behind-end"),
        pytest.param(bad(lambda h: h[:-BLOCK]), "truncated", id="cut-at-a-block"),
        pytest.param(bad(lambda h: h[:-7]), "truncated", id="cut-in-a-block"),
        pytest.param(bad(lambda h: h.replace(b"NGC4254", b"NGC\x004254"[:7])), "0x00", id="nul"),
        pytest.param(bad(lambda h: h.replace(b"NGC4254", b"NGC\xe9254")), "0xe9", id="latin-1"),
        pytest.param(bad(lambda h: h.replace(b"NGC4254", b"NGC\n254")), "0x0a", id="newline"),
    ],
)
def test_a_header_that_is_none_is_told(header: bytes, words: str) -> None:
    with pytest.raises(BrokenFits, match=words):
        read(header)


def test_a_header_that_goes_on_in_the_next_one_has_no_end() -> None:
    extension = block([card("XTENSION", "IMAGE"), card("BITPIX", 16), card("NAXIS", 0)])
    without = primary(CARDS).replace(b"END" + b" " * 77, b" " * 80)
    with pytest.raises(BrokenFits, match="the header of HDU 0 has no end"):
        read(without + extension)
    with pytest.raises(BrokenFits, match="the header of HDU 1 has no end"):
        read(extension.replace(b"END" + b" " * 77, b" " * 80) + extension, number=1)


def test_a_header_without_end_of_any_length_is_told_soon() -> None:
    with pytest.raises(BrokenFits, match="has no end"):
        read(card("XTENSION", "IMAGE").encode() + b" " * (8200 * BLOCK), number=1, first_read=4 * BLOCK)


MUTATION = st.tuples(
    st.sampled_from(["flip", "delete", "insert", "cut"]), st.integers(0, 1 << 20), st.binary(max_size=90)
)
KEYWORDS = ("SIMPLE", "NAXIS", "BITPIX", "ARCFILE", "RA", "MJD-OBS", "ESO OBS ID", "ESO INS MODE", "ESO TPL START")


def test_a_number_is_what_the_standard_says_however_signs_points_and_digits_stand() -> None:
    for length in range(1, 5):
        for characters in product("+-.07", repeat=length):
            written = "".join(characters)
            cards = of(f"EXPTIME = {written}")
            if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", written) is None:
                with pytest.raises(BrokenFits, match="EXPTIME cannot be"):
                    cards.value("EXPTIME")
            else:
                found = cards.value("EXPTIME")
                assert (found, type(found)) == (float(written), float if "." in written else int)


def mutated(content: bytes, mutations: list[tuple[str, int, bytes]]) -> bytes:
    """Bytes of which some were changed, left out, or put in."""
    for what, number, given_bytes in mutations:
        place = number % (len(content) + 1)
        match what:
            case "flip":
                content = content[:place] + given_bytes + content[place + len(given_bytes) :]
            case "delete":
                content = content[:place] + content[place + number % 200 :]
            case "insert":
                content = content[:place] + given_bytes + content[place:]
            case _:
                content = content[:place] if number % 3 == 0 else content
    return content


@settings(max_examples=300, deadline=None, derandomize=True)
@given(mutations=st.lists(MUTATION, min_size=1, max_size=4), number=st.sampled_from([0, 1]))
def test_whatever_the_bytes_there_are_cards_or_a_reason(mutations: list[tuple[str, int, bytes]], number: int) -> None:
    header = primary(CARDS, more=10)
    if number:
        header = header.replace(b"SIMPLE  =", b"XTENSION=")
    try:
        cards = read(mutated(header, mutations), number=number)
        values = [cards.value(keyword) for keyword in KEYWORDS]
        cards.check_repetitions(KEYWORDS)
    except BrokenFits as broken:
        said = str(broken)
    else:
        said = cards.text().replace("\n", " ")
        assert all(isinstance(value, str | int | float | None) for value in values)
    assert said.isprintable()


def told(header: bytes, sieve: Sieve | None) -> list[object]:
    """All that a header says when it is asked for a few keywords."""
    try:
        cards, _ = read_cards(io.BytesIO(header), number=0, first_read=FIRST_READ, sieve=sieve)
        cards.check_repetitions(KEYWORDS)
        return [cards.text(), *(cards.value(keyword) for keyword in KEYWORDS)]
    except BrokenFits as broken:
        return [str(broken)]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(mutations=st.lists(MUTATION, max_size=4), asked=st.sets(st.sampled_from(KEYWORDS)))
def test_a_sieve_changes_nothing_of_what_is_said(mutations: list[tuple[str, int, bytes]], asked: set[str]) -> None:
    header = mutated(primary(CARDS, more=10), mutations)
    assert told(header, sieve_for(asked)) == told(header, None)
