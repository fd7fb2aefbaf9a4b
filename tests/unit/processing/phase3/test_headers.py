"""Headers as a profile has them: golden ones, and what cannot be written."""

from dataclasses import replace
from pathlib import Path

import pytest
from astropy.io import fits

from archive.errors import Refused
from archive.fits_structure import BrokenFits
from processing.phase3.axes import Axes
from processing.phase3.facts import Contribution, Facts
from processing.phase3.headers import Content, Extension, headers_for, primary_header
from processing.phase3.profiles import PROFILES, RELEASE_2021, SDPS8, Profile, Role, profile_named
from processing.phase3.units import FLUX, VARIANCE, flux_unit
from tests.support.submissions import AXES, FACTS, facts_of

GOLDEN = Path("tests/golden")


def written(profile: Profile) -> str:
    extensions = [
        Extension("DATA", Content.DATA, AXES, FLUX),
        Extension("STAT", Content.VARIANCE, AXES, VARIANCE),
        Extension("DQ", Content.MASK, AXES),
    ]
    headers = headers_for(profile, Role.CUBE, facts_of(profile, Role.CUBE), extensions)
    return "\n\n".join(header.tostring(sep="\n", endcard=False, padding=False) for header in headers) + "\n"


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_the_headers_of_a_cube_are_those_of_the_profile(profile: Profile) -> None:
    golden = (GOLDEN / f"phase3-cube-{profile.name}.txt").read_text()
    assert [line.rstrip() for line in written(profile).splitlines()] == golden.splitlines()


def test_no_card_is_longer_than_a_card_and_no_comment_is_lost_in_silence() -> None:
    for role in Role:
        for card in primary_header(SDPS8, role, facts_of(SDPS8, role)).cards:
            assert len(card.image) == 80
            assert card.comment


def test_a_single_run_needs_no_list() -> None:
    header = primary_header(SDPS8, Role.CUBE, replace(FACTS, contributions=FACTS.contributions[:2]))
    assert header["PROG_ID"] == "1100.B-0651(A)"
    assert "PROGID1" not in header
    assert (header["OBID1"], header["NCOMBINE"]) == (200000001, 2)


def test_times_are_those_of_the_first_and_the_last_exposure_however_they_come() -> None:
    header = primary_header(SDPS8, Role.CUBE, replace(FACTS, contributions=FACTS.contributions[::-1]))
    assert header["MJD-OBS"] == 58150.04166809
    assert header["MJD-END"] == 58152.09028691
    assert header["PROV1"] == "MUSE.2018-02-01T01:00:00.123"
    assert header["DATE-OBS"] == "2018-02-01T01:00:00.123"


def test_what_was_simulated_says_so_and_is_not_of_eso() -> None:
    header = primary_header(SDPS8, Role.CUBE, replace(FACTS, simulated=True))
    assert (header["ORIGIN"], header["NOESODAT"], header["SIMULATE"]) == ("SIM", True, True)
    assert not {"NOESODAT", "SIMULATE"} & set(primary_header(SDPS8, Role.CUBE, FACTS))


def test_only_maps_say_what_their_velocities_are_relative_to() -> None:
    assert primary_header(SDPS8, Role.MAPS, FACTS)["REDSHIFT"] == 1636.0
    assert "REDSHIFT" not in primary_header(SDPS8, Role.CUBE, FACTS)


def test_the_white_image_is_told_from_others_today_and_was_not_in_2021() -> None:
    assert primary_header(SDPS8, Role.WHITE, FACTS)["PRODCATG"] == "ANCILLARY.IMAGE.WHITELIGHT"
    assert primary_header(RELEASE_2021, Role.WHITE, FACTS)["PRODCATG"] == "ANCILLARY.IMAGE"


def test_a_cube_on_which_nothing_was_measured_gets_no_header() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        primary_header(SDPS8, Role.CUBE, replace(FACTS, measured=None))


def test_a_text_that_no_card_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="ASSON1 would be longer"):
        primary_header(SDPS8, Role.CUBE, replace(FACTS, associated=("x" * 69,)))
    primary_header(SDPS8, Role.CUBE, replace(FACTS, associated=("x" * 68,)))


def test_a_number_that_is_none_is_refused() -> None:
    assert FACTS.measured is not None
    with pytest.raises(ValueError, match="PIXNOISE is not known"):
        primary_header(SDPS8, Role.CUBE, replace(FACTS, measured=replace(FACTS.measured, pixel_noise=float("nan"))))


def test_facts_without_exposures_or_time_are_none() -> None:
    with pytest.raises(ValueError, match="no exposure"):
        replace(FACTS, contributions=())
    with pytest.raises(ValueError, match="exposure time"):
        replace(FACTS, exptime=float("nan"))


def test_ten_exposures_are_numbered_without_zeros() -> None:
    many = tuple(Contribution(f"MUSE.2018-02-01T0{n // 6}:{n % 6}0:00.000", 58150 + n / 144, 500.0) for n in range(12))
    header = primary_header(SDPS8, Role.CUBE, replace(FACTS, contributions=many))
    assert header["PROV12"] == "MUSE.2018-02-01T01:50:00.000"
    assert "PROV01" not in header
    assert not any(word.startswith(("PROG_ID", "OBID")) for word in header)


def test_there_are_no_other_profiles() -> None:
    with pytest.raises(Refused, match="release-2021, sdps8"):
        profile_named("sdps9")


@pytest.mark.parametrize(
    "unit",
    [
        "10**(-20)*erg/s/cm**2/Angstrom",
        "1e-20 erg/s/cm2/Angstrom",
        "1e-20 erg s-1 cm-2 Angstrom-1",
        "1E-20 erg / s / cm^2 / Angstrom",
        FLUX,
    ],
)
def test_a_flux_is_known_however_it_is_written(unit: str) -> None:
    assert flux_unit(unit) == FLUX


@pytest.mark.parametrize("unit", ["", "counts", "erg/s/cm2/Angstrom", "1e-17 erg/s/cm2/Angstrom", VARIANCE])
def test_another_unit_is_refused(unit: str) -> None:
    with pytest.raises(Refused, match="is not 1e-20"):
        flux_unit(unit)


def header_of(**cards: object) -> fits.Header:
    base = {
        "NAXIS": 3, "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": -5.0, "CRPIX1": 3.0,
        "CRPIX2": 4.0, "CTYPE3": "AWAV", "CUNIT3": "nm", "CRVAL3": 475.0, "CRPIX3": 1.0, "CD3_3": 0.125,
    }  # fmt: skip
    return fits.Header({**base, **cards})


def test_whatever_form_the_axes_had_they_become_a_matrix_in_angstrom() -> None:
    scale = 0.2 / 3600
    by_matrix = Axes.of(header_of(CD1_1=-scale, CD2_2=scale, CDELT1=1.0, CDELT2=1.0), fits.Header())
    by_pc = Axes.of(header_of(CDELT1=-scale, CDELT2=scale, PC1_1=1.0), fits.Header())
    by_steps = Axes.of(header_of(CDELT1=-scale, CDELT2=scale), fits.Header())
    assert by_matrix == by_pc == by_steps
    assert by_matrix.spectral is not None
    assert (by_matrix.spectral.value, by_matrix.spectral.step) == (4750.0, 1.25)
    assert "CD1_1" in {keyword for keyword, _, _ in by_matrix.entries()}


@pytest.mark.parametrize(
    "cards",
    [{"CTYPE1": "GLON-TAN"}, {"CTYPE3": "VELO"}, {"CUNIT1": "arcsec"}, {"CD1_1": 0.0}, {"CRVAL1": "ten"}],
    ids=str,
)
def test_axes_of_another_sort_are_refused(cards: dict[str, object]) -> None:
    with pytest.raises((Refused, BrokenFits)):
        Axes.of(header_of(**{"CD1_1": -5e-5, "CD2_2": 5e-5, **cards}), fits.Header())


def test_facts_of_an_image_are_those_of_its_cube_but_for_what_was_measured() -> None:
    image: Facts = FACTS.ancillary(sources=("cube.fits",), band="white")
    assert (image.measured, image.sources, image.filter) == (None, ("cube.fits",), "white")
    assert image.contributions == FACTS.contributions
