"""Which flags take away which values."""

from processing.science.star_flags import SIGMA_LOST, STARS_LOST, StarFlag


def test_flags_are_bits_of_sixteen() -> None:
    values = [flag.value for flag in StarFlag]
    assert values == [1 << bit for bit in range(len(values))]
    assert sum(values) < 1 << 16


def test_what_has_no_velocity_has_no_dispersion() -> None:
    assert STARS_LOST & SIGMA_LOST == STARS_LOST


def test_a_caution_alone_takes_nothing_away() -> None:
    assert not SIGMA_LOST & (StarFlag.LOW_SN | StarFlag.ZERO_VARIANCE | StarFlag.TEMPLATES_BROADER)


def test_stars_as_sharp_as_the_instrument_keep_their_velocity() -> None:
    assert StarFlag.SIGMA_AT_ZERO & SIGMA_LOST
    assert not StarFlag.SIGMA_AT_ZERO & STARS_LOST
