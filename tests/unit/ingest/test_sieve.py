"""The sieve lets through what is asked for, wherever its equals sign stands, and little else."""

from archive.fits_structure import BLOCK
from ingest.sieve import CARD, Sieve
from tests.support.archives import REAL_CUBE


def real_cards() -> bytes:
    """The cards of a real primary header."""
    content = REAL_CUBE.read_bytes()[: 60 * BLOCK]
    return content[: content.index(b"END".ljust(CARD))]


def picked(sieve: Sieve, *cards: str) -> list[int]:
    return sieve.picked(b"".join(card.encode().ljust(CARD) for card in cards))


def test_of_a_real_header_every_keyword_that_is_asked_for_passes_and_few_others() -> None:
    header = real_cards()
    cards = [header[place : place + CARD] for place in range(0, len(header), CARD)]
    names = [name.rstrip() for name, equals, _ in (card.partition(b"=") for card in cards) if equals]
    assert len(cards) > 1200
    for first in range(0, len(names), 100):
        asked = set(names[first : first + 100])
        numbers = Sieve(asked).picked(header)
        bearing = [n for n, card in enumerate(cards) if card.partition(b"=")[0].rstrip() in asked]
        assert set(bearing) <= set(numbers)
        assert len(numbers) < len(bearing) + 20


def test_blanks_before_the_equals_sign_do_not_count() -> None:
    sieve = Sieve([b"RA", b"HIERARCH ESO INS MODE"])
    assert picked(sieve, "RA      = 1", "DEC     = 2", "RA=3", "HIERARCH ESO INS MODE = 4") == [0, 2, 3]
    assert picked(sieve, f"{'HIERARCH ESO INS MODE':79}=") == [0]


def test_a_card_without_value_bears_no_keyword() -> None:
    assert picked(Sieve([b"COMMENT", b"RA"]), "RA", "COMMENT RA = 1", "= 5", "") == []


def test_a_keyword_as_long_as_a_card_passes() -> None:
    name = "HIERARCH ESO " + "X" * 66
    assert picked(Sieve([name.encode()]), "RA      = 1", f"{name}=") == [1]


def test_some_cards_pass_for_how_they_begin() -> None:
    sieve = Sieve([], beginnings=[b"END ", b"XTENSION"])
    assert picked(sieve, "END", "END / of it", "ENDING  = 1", "XTENSION= 'IMAGE'", "XTENSIO = 1") == [0, 1, 3]


def test_of_no_cards_none_passes() -> None:
    assert Sieve([b"RA"]).picked(b"") == []
