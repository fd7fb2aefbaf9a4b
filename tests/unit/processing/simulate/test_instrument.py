"""Where a slice looks, what the detectors add, which exposures there are and what is wrong with them."""

from dataclasses import replace

import numpy as np
import pytest

from processing.simulate.detector import BAD, COSMIC_RAY, Blemishes, expose
from processing.simulate.exposures import chance, plan
from processing.simulate.geometry import Field, from_plane, layout, plane
from processing.simulate.night import SKY_LINES, SkyLight, continuum
from tests.support.simulations import BLOCK, place

CLEAN = Blemishes(0.0, 0.0, 0.0)


def test_a_whole_field_has_all_slices_of_all_ifus() -> None:
    field = layout(60.0)
    assert len(field.slices) == 24 * 48
    assert sum(one.x.size for one in field.slices) == 24 * 48 * 75
    assert {one.number for one in field.slices if one.ifu == 7} == set(range(1, 49))


@pytest.mark.parametrize(("size", "ifus", "spaxels"), [(12.0, 5, 60), (4.8, 2, 24)])
def test_a_small_field_has_fewer_ifus_and_shorter_slices(size: float, ifus: int, spaxels: int) -> None:
    field = layout(size)
    assert len(field.ifus) == ifus
    assert sum(one.x.size for one in field.slices) == spaxels**2
    assert np.ptp(field.x_limits) == pytest.approx(spaxels, abs=1.5)
    assert np.ptp(field.y_limits) == pytest.approx(spaxels, abs=1.5)


@pytest.mark.parametrize("size", [0.0, -3.0, 3.9, 61.0, float("nan")])
def test_there_is_no_field_of_such_a_size(size: float) -> None:
    with pytest.raises(ValueError, match="4 to 60 arcsec wide"):
        layout(size)


def test_without_jitter_slices_lie_on_a_regular_grid() -> None:
    field = layout(12.0, jitter=False)
    rows = np.unique([one.y[0] for one in field.slices])
    assert np.diff(rows) == pytest.approx(1.0)


@pytest.mark.parametrize(("ra", "dec", "angle"), [(54.0, -24.5, 30.0), (0.001, 10.0, 217.0), (200.0, 88.0, -45.0)])
def test_spaxels_are_found_again_on_the_sky(ra: float, dec: float, angle: float) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-150, 150, (2, 50))
    field = Field(ra, dec, angle)
    assert np.allclose(field.spaxels(*field.sky(x, y)), (x, y), atol=1e-5)


def test_columns_point_along_the_position_angle() -> None:
    field = Field(100.0, 0.0, 30.0)
    ra, dec = field.sky(np.zeros(2), np.array([0.0, 100.0]))
    assert (ra[1] - ra[0]) * 3600 == pytest.approx(20 * np.sin(np.radians(30.0)), abs=1e-3)
    assert (dec[1] - dec[0]) * 3600 == pytest.approx(20 * np.cos(np.radians(30.0)), abs=1e-3)


def test_native_angles_are_those_of_the_pipeline() -> None:
    phi, theta = Field(100.0, 0.0, 0.0).native(np.array([0.0, -100.0]), np.array([100.0, 0.0]))
    assert phi == pytest.approx([np.pi, np.pi / 2])  # north, east
    assert np.pi / 2 - theta == pytest.approx(np.radians(20 / 3600))


def test_places_in_the_plane_are_found_again_across_the_beginning_of_right_ascension() -> None:
    east, north = np.array([40.0, -300.0]), np.array([-70.0, 100.0])
    ra, dec = from_plane(east, north, 0.01, 60.0)
    assert np.allclose(plane(ra, dec, 0.01, 60.0), (east, north), atol=1e-6)


def light(level: float = 100.0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.full((200, 100), level)


AT = np.linspace(6500.0, 6623.75, 100)


def test_the_scatter_is_what_the_variance_says() -> None:
    seen = expose(light(), AT, exptime=645.0, ins_mode="WFM-NOAO-N", rng=np.random.default_rng(1), blemishes=CLEAN)
    pulls = (seen.data - 100) / np.sqrt(seen.variance)
    assert pulls.std() == pytest.approx(1.0, abs=0.02)
    assert abs(pulls.mean()) < 0.03
    assert 10 < np.sqrt(seen.variance).mean() < 30  # 1e-20 erg/s/cm2/Angstrom, as of real exposures
    assert not seen.flags.any()


def test_most_cosmic_rays_are_flagged_and_some_are_not() -> None:
    blemishes = Blemishes(cosmic_rays=0.01, found=0.8, dead=0.0)
    seen = expose(light(), AT, exptime=645.0, ins_mode="WFM-NOAO-N", rng=np.random.default_rng(1), blemishes=blemishes)
    struck = seen.data > 100 + 10 * np.sqrt(seen.variance)
    assert 0.6 < (seen.flags[struck] == COSMIC_RAY).mean() < 0.95


def test_what_is_no_number_is_flagged() -> None:
    blemishes = Blemishes(0.0, 0.0, dead=0.01)
    seen = expose(light(), AT, exptime=645.0, ins_mode="WFM-NOAO-N", rng=np.random.default_rng(1), blemishes=blemishes)
    assert np.isnan(seen.data).any()
    assert (seen.flags[np.isnan(seen.data)] == BAD).all()


def test_the_notch_filter_lets_nothing_through_and_only_with_adaptive_optics() -> None:
    at = np.linspace(5700.0, 6195.0, 100)
    inside = (at >= 5805) & (at <= 5966)
    for mode, gap in (("WFM-AO-N", True), ("WFM-NOAO-N", False)):
        seen = expose(light(1e4), at, exptime=645.0, ins_mode=mode, rng=np.random.default_rng(1), blemishes=CLEAN)
        assert (seen.flags[:, inside] == BAD).all() == gap
        assert (np.abs(seen.data[:, inside]).max() < 1000) == gap
        assert not seen.flags[:, ~inside].any()


def test_the_sky_has_its_lines_fluxes_however_wide_the_pixels_are() -> None:
    line = next(one for one in SKY_LINES if one.name == "OI 6364")
    for width in (1.25, 10.0):
        at = np.arange(6310.0, 6420.0, width)
        above = SkyLight(2.0, 1.5)(at) - 2 * continuum(at)
        near = np.abs(at - line.wavelength) < 12 + width
        assert above[near].sum() * width == pytest.approx(1.5 * line.flux, rel=1e-3)


def test_exposures_are_those_of_the_log_in_order_of_time() -> None:
    made = plan([place()], size=12.0, seed=1)
    assert [one.rank for one in made] == [1, 2, 3, 4]
    assert [one.told.position_angle for one in made] == [30.0, 120.0, 210.0, 300.0]
    assert len({one.dp_id for one in made}) == 4
    assert all(one.dp_id.startswith("MUSE.2019-10-06T08:") for one in made)
    assert len(plan([place()], size=12.0, seed=1, most=2)) == 2


def test_the_same_seed_gives_the_same_exposures_and_another_gives_others() -> None:
    first, again, other = (plan([place()], size=12.0, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert [one.ra_offset for one in first] != [one.ra_offset for one in other]


def test_what_is_wrong_with_an_exposure_does_not_depend_on_the_others() -> None:
    alone, among = (plan([place()], size=12.0, seed=5, most=most)[0] for most in (1, None))
    assert (alone.ra_offset, alone.dec_offset, alone.transparency) == (
        among.ra_offset,
        among.dec_offset,
        among.transparency,
    )


def test_offsets_rotations_and_trails_are_as_the_survey_met_them() -> None:
    blocks = tuple(
        replace(BLOCK, observing_block_id=f"B{n}", tpl_start=BLOCK.tpl_start.replace(day=n + 1)) for n in range(25)
    )
    made = plan([place(blocks=blocks)], size=12.0, seed=1)
    assert len(made) == 100
    offsets = [3600 * np.hypot(one.ra_offset * np.cos(np.radians(one.true.dec)), one.dec_offset) for one in made]
    assert max(offsets) <= 1.001
    turned = [abs(one.rotation) for one in made if one.rotation]
    assert len(turned) == 20
    assert min(turned) >= 0.1
    assert max(turned) <= 0.3
    assert sum(one.trail is not None for one in made) == 15
    assert all(abs(one.velocity) < 31 for one in made)
    assert len({one.sky_taken for one in made}) == len(blocks)


def test_offsets_go_the_short_way_around() -> None:
    made = plan([place(ra=0.00001, dec=0.0)], size=12.0, seed=1)
    assert max(abs(one.ra_offset) for one in made) < 1e-3


def test_adaptive_optics_change_the_psfs_wings() -> None:
    (quiet,), (adaptive,) = (
        plan([place(ins_mode=mode)], size=12.0, seed=1, most=1) for mode in ("WFM-NOAO-N", "WFM-AO-N")
    )
    assert (quiet.psf.beta, adaptive.psf.beta) == (2.8, 2.3)


def test_a_trail_is_a_line_through_its_ends() -> None:
    made = plan([place()], size=12.0, seed=1)
    trail = next(one.trail for one in made if one.trail is not None)
    ends = np.array(trail.ends(30.0))
    assert trail.light(ends[:, 0], ends[:, 1]) == pytest.approx(trail.flux)
    assert np.hypot(*(ends[1] - ends[0])) == pytest.approx(60.0)


def test_chance_depends_on_all_the_words() -> None:
    assert chance(1, "a", 2).uniform() == chance(1, "a", 2).uniform()
    assert len({chance(*words).uniform() for words in ((1, "a", 2), (2, "a", 2), (1, "b", 2), (1, "a", 3))}) == 4
