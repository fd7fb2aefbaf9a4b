"""Mosaics against a plain reference: every mean, variance and outlier is worked out once more, value by value."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from processing.science.mosaic import SURVEY, Clipping, Combination, Footprint, Planes, Weighting

Floats = NDArray[np.float32]

UNCLIPPED = Clipping(rounds=0, limit=5.0, least=2)
WHOLE = Footprint(0, 0, 5, 4)


def combined(
    exposures: list[Floats],
    variances: list[Floats] | None = None,
    *,
    footprints: list[Footprint] | None = None,
    seconds: list[float] | None = None,
    shape: tuple[int, int] = (4, 5),
    **rules: Any,
) -> tuple[Combination, Planes]:
    """Combine exposures of some planes each; variances are 1 and times 600 s where none are given."""
    places = footprints or [Footprint(0, 0, each.shape[2], each.shape[1]) for each in exposures]
    depth = len(exposures[0])
    combination = Combination(places, seconds or [600.0] * len(exposures), shape, depth=depth, **rules)
    for number, data in enumerate(exposures):
        variance = np.ones_like(data) if variances is None else variances[number]
        combination.put(number, data, variance)
    return combination, combination.combine(depth)


def flat(value: float, shape: tuple[int, int, int] = (2, 4, 5)) -> Floats:
    return np.full(shape, value, np.float32)


def plain(
    values: NDArray[np.float64],
    variances: NDArray[np.float64],
    seconds: NDArray[np.float64],
    weighting: Weighting,
    clipping: Clipping,
) -> tuple[float, float, NDArray[np.bool_]]:
    """Do for one voxel what the module says, as simply as can be: mean, variance, and which values survive."""
    kept = np.isfinite(values) & np.isfinite(variances) & (variances > 0)
    variances = np.where(kept, variances, 1.0)
    for _ in range(clipping.rounds):
        if not kept.any():
            break
        middle = np.median(values[kept])
        limit = clipping.limit * 1.4826 * np.median(np.abs(values[kept] - middle))
        away = np.abs(values - middle)
        near = kept & ((away < limit) | (away**2 < clipping.noise**2 * variances))
        if near.sum() == kept.sum() or near.sum() < max(clipping.least, 1):
            break
        kept = near
    if not kept.any():
        return np.nan, np.nan, kept
    weights = {
        Weighting.EXPOSURE_TIME: seconds,
        Weighting.INVERSE_VARIANCE: 1 / variances,
        Weighting.NONE: np.ones_like(values),
    }[weighting][kept]
    mean = (weights * values[kept]).sum() / weights.sum()
    return mean, (weights**2 * variances[kept]).sum() / weights.sum() ** 2, kept


def test_exposures_that_agree_give_what_they_agree_on() -> None:
    _, planes = combined([flat(7.0), flat(7.0), flat(7.0)])
    assert (planes.data == 7).all()
    assert planes.variance == pytest.approx(1 / 3, rel=1e-6)
    assert not planes.mask.any()


def test_a_slope_stays_a_slope_wherever_its_exposures_lie() -> None:
    y, x = np.mgrid[:30, :40]
    sky = (3.0 * x - 2.0 * y).astype(np.float32)
    places = [Footprint(0, 0, 25, 30), Footprint(15, 0, 25, 20), Footprint(10, 5, 20, 25)]
    parts = [sky[np.newaxis, each.y : each.y + each.ny, each.x : each.x + each.nx] for each in places]
    _, planes = combined(parts, footprints=places, shape=(30, 40))
    seen = planes.mask[0] == 0
    assert planes.data[0][seen] == pytest.approx(sky[seen], abs=1e-5)
    assert np.isnan(planes.data[0][~seen]).all()
    assert np.isnan(planes.variance[0][~seen]).all()
    assert not seen[29, 39]


@settings(max_examples=60)
@given(data=st.data())
def test_any_exposures_give_what_the_plain_reference_gives(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    shape = (data.draw(st.integers(1, 9)), data.draw(st.integers(1, 300)))
    weighting = data.draw(st.sampled_from(Weighting))
    clipping = Clipping(
        rounds=data.draw(st.integers(0, 4)),
        limit=data.draw(st.sampled_from([2.0, 3.0, 5.0])),
        least=data.draw(st.integers(0, 4)),
        noise=data.draw(st.sampled_from([0.0, 1.0, 3.0])),
    )
    places, stacks = [], []
    for _ in range(data.draw(st.integers(1, 12))):
        nx, ny = int(rng.integers(1, shape[1] + 1)), int(rng.integers(1, shape[0] + 1))
        places.append(Footprint(int(rng.integers(-3, shape[1])), int(rng.integers(-3, shape[0])), nx, ny))
        variance = rng.uniform(0.5, 4, (2, ny, nx))
        values = rng.normal(10, np.sqrt(variance))
        values[rng.random(values.shape) < 0.05] += 50
        values[rng.random(values.shape) < 0.05] = np.nan
        variance[rng.random(values.shape) < 0.03] = rng.choice([np.nan, 0.0, -1.0, np.inf])
        stacks.append((values.astype(np.float32), variance.astype(np.float32)))
    seconds = rng.uniform(100, 900, len(places))
    combination, planes = combined(
        [values for values, _ in stacks],
        [variance for _, variance in stacks],
        footprints=places,
        seconds=seconds.tolist(),
        shape=shape,
        weighting=weighting,
        clipping=clipping,
    )
    all_values, all_variances = np.full((2, len(places), 2, *shape), np.nan)
    frame = Footprint(0, 0, shape[1], shape[0])
    for number, (place, exposure) in enumerate(zip(places, stacks, strict=True)):
        inside = place.shared_with(frame)
        if inside is not None:
            there, here = (slice(None), *frame.window(inside)), (slice(None), *place.window(inside))
            all_values[number][there], all_variances[number][there] = (each[here] for each in exposure)
    kept = 0
    for voxel in np.ndindex(2, *shape):
        mine = (slice(None), *voxel)
        mean, spread, survivors = plain(all_values[mine], all_variances[mine], seconds, weighting, clipping)
        kept += int(survivors.sum())
        assert planes.data[voxel] == pytest.approx(mean, rel=1e-5, nan_ok=True)
        assert planes.variance[voxel] == pytest.approx(spread, rel=1e-5, nan_ok=True)
        assert planes.mask[voxel] == (0 if survivors.any() else 1)
    assert sum(each.good * (1 - each.rejected) for each in combination.shares()) == pytest.approx(kept, abs=1e-6)


def test_a_cosmic_ray_in_one_exposure_leaves_no_trace() -> None:
    rng = np.random.default_rng(3)
    exposures = [rng.normal(100, 1, (1, 4, 5)).astype(np.float32) for _ in range(6)]
    exposures[2][0, 1, 3] += 5000
    combination, planes = combined(exposures)
    assert planes.data[0, 1, 3] == pytest.approx(100, abs=2)
    assert planes.variance[0, 1, 3] == pytest.approx(1 / 5, rel=1e-6)
    assert combination.shares()[2].rejected >= 1 / 20


def test_of_two_exposures_nothing_is_left_out_however_they_differ() -> None:
    combination, planes = combined([flat(0.0), flat(1000.0)])
    assert (planes.data == 500).all()
    assert [each.rejected for each in combination.shares()] == [0, 0]


def test_values_within_their_own_noise_stay_where_that_is_asked() -> None:
    exposures = [flat(10.0), flat(10.01), flat(11.5)]
    _, planes = combined(exposures, weighting=Weighting.NONE)
    assert planes.data == pytest.approx(10.005, abs=1e-5)
    _, planes = combined(exposures, weighting=Weighting.NONE, clipping=replace(SURVEY, noise=3.0))
    assert planes.data == pytest.approx((10 + 10.01 + 11.5) / 3, abs=1e-5)


def test_a_longer_exposure_weighs_more_by_default() -> None:
    _, planes = combined([flat(0.0), flat(3.0)], seconds=[200.0, 400.0])
    assert planes.data == pytest.approx(2.0)
    assert planes.variance == pytest.approx(1 / 9 + 4 / 9)


def test_a_noisier_exposure_weighs_less_where_variances_decide() -> None:
    _, planes = combined([flat(0.0), flat(3.0)], [flat(2.0), flat(1.0)], weighting=Weighting.INVERSE_VARIANCE)
    assert planes.data == pytest.approx(2.0)
    assert planes.variance == pytest.approx(1 / (1 / 2 + 1))


@pytest.mark.parametrize("weighting", Weighting)
def test_the_variance_is_the_scatter_of_many_realisations(weighting: Weighting) -> None:
    rng = np.random.default_rng(7)
    sigmas, seconds = np.array([1.0, 2.0, 1.5, 3.0]), [600.0, 300.0, 450.0, 600.0]
    exposures = [rng.normal(50, sigma, (50, 30, 40)).astype(np.float32) for sigma in sigmas]
    variances = [flat(sigma**2, (50, 30, 40)) for sigma in sigmas]
    _, planes = combined(exposures, variances, seconds=seconds, shape=(30, 40), weighting=weighting, clipping=UNCLIPPED)
    assert planes.data.mean() == pytest.approx(50, abs=0.03)
    assert planes.data.std(axis=0).mean() / np.sqrt(planes.variance.mean()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_clipping_as_the_survey_does_keeps_the_variance_true_to_a_tenth(count: int) -> None:
    rng = np.random.default_rng(count)
    exposures = [rng.normal(0, 1, (50, 30, 40)).astype(np.float32) for _ in range(count)]
    _, planes = combined(exposures, shape=(30, 40), clipping=SURVEY)
    scatter = float(planes.data.std() / np.sqrt(planes.variance.mean()))
    assert 0.97 < scatter < 1.06


def test_an_exposure_of_nothing_but_holes_gives_nothing() -> None:
    combination, planes = combined([flat(np.nan), flat(4.0)])
    assert (planes.data == 4).all()
    assert [each.good for each in combination.shares()] == [0, 40]
    assert (combination.coverage().count == 1).all()


def test_where_all_is_bad_there_is_a_hole_that_says_so() -> None:
    data = flat(4.0)
    combination = Combination([WHOLE], [600.0], (4, 5), depth=2)
    mask = np.zeros(data.shape, np.bool_)
    mask[:, 2, 3] = True
    combination.put(0, data, np.ones_like(data), mask)
    planes = combination.combine(2)
    assert np.isnan(planes.data[:, 2, 3]).all()
    assert (planes.mask == mask).all()
    assert (planes.data[~mask] == 4).all()


def test_a_single_exposure_is_its_own_mosaic() -> None:
    rng = np.random.default_rng(1)
    data, variance = rng.normal(0, 1, (2, 2, 4, 5)).astype(np.float32)
    _, planes = combined([data], [np.abs(variance)])
    assert (planes.data == data).all()
    assert planes.variance == pytest.approx(np.abs(variance), rel=1e-6)


def test_an_exposure_beside_the_mosaic_takes_no_part() -> None:
    combination, planes = combined([flat(4.0), flat(1000.0)], footprints=[WHOLE, Footprint(50, 50, 5, 4)], shape=(4, 5))
    assert (planes.data == 4).all()
    assert combination.shares()[1].good == 0
    assert (combination.coverage().count == 1).all()


def test_threads_change_nothing() -> None:
    rng = np.random.default_rng(5)
    places = [Footprint(int(x), int(y), 60, 50) for x, y in rng.integers(0, 200, (9, 2))]
    made = []
    for threads in (None, 3):
        combination = Combination(places, [600.0] * 9, (250, 260), depth=2)
        for number in range(9):
            values = np.random.default_rng(number).normal(0, 1, (2, 50, 60)).astype(np.float32)
            combination.put(number, values, np.ones_like(values))
        if threads is None:
            planes = combination.combine(2)
        else:
            with ThreadPoolExecutor(threads) as pool:
                planes = combination.combine(2, pool)
        made.append((planes.data.tobytes(), planes.variance.tobytes(), combination.shares()))
    assert made[0] == made[1]


def test_the_exposure_map_is_in_seconds_and_knows_no_outliers() -> None:
    rng = np.random.default_rng(2)
    places = [Footprint(0, 0, 4, 4), Footprint(2, 0, 4, 4), Footprint(2, 0, 4, 4), Footprint(2, 0, 4, 4)]
    combination = Combination(places, [600.0, 300.0, 300.0, 300.0], (4, 8), depth=5)
    for start in range(0, 15, 5):
        for number in range(4):
            data = rng.normal(0, 1, (5, 4, 4)).astype(np.float32)
            if start == 5:
                data[:] = np.nan  # the laser's gap, in all of them
            if number == 1 and start == 0:
                data[0] = 1e6
            combination.put(number, data, np.ones_like(data))
        assert combination.combine(5).start == start
    coverage = combination.coverage()
    assert coverage.seconds[0].tolist() == [600, 600, 1500, 1500, 900, 900, 0, 0]
    assert coverage.count[3].tolist() == [1, 1, 4, 4, 3, 3, 0, 0]
    assert coverage.typical == 900


def test_a_mosaic_of_nothing_has_no_typical_time() -> None:
    combination, _ = combined([flat(np.nan)])
    assert np.isnan(combination.coverage().typical)


@pytest.mark.parametrize(
    ("places", "seconds", "shape"),
    [
        ([], [], (4, 5)),
        ([WHOLE], [600.0, 600.0], (4, 5)),
        ([WHOLE], [0.0], (4, 5)),
        ([WHOLE], [float("nan")], (4, 5)),
        ([WHOLE], [600.0], (0, 5)),
        ([Footprint(0, 0, 0, 4)], [600.0], (4, 5)),
    ],
)
def test_what_makes_no_mosaic_is_refused(places: list[Footprint], seconds: list[float], shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="exposure"):
        Combination(places, seconds, shape, depth=1)


def test_planes_of_another_shape_are_refused() -> None:
    combination = Combination([WHOLE], [600.0], (4, 5), depth=2)
    with pytest.raises(ValueError, match="exposure 0: planes of shape"):
        combination.put(0, flat(1.0, (2, 5, 4)), flat(1.0, (2, 5, 4)))
    with pytest.raises(ValueError, match="exposure 0: planes of shape"):
        combination.put(0, flat(1.0, (3, 4, 5)), flat(1.0, (3, 4, 5)))
    with pytest.raises(ValueError, match="exposure 0: planes of shape"):
        combination.put(0, flat(1.0), flat(1.0, (1, 4, 5)))


def test_an_exposure_that_did_not_put_in_its_planes_is_missed() -> None:
    combination = Combination([WHOLE, WHOLE], [600.0, 600.0], (4, 5), depth=2)
    combination.put(0, flat(1.0), flat(1.0))
    with pytest.raises(ValueError, match=r"have put in \[2, 0\]"):
        combination.combine(2)
    combination.put(1, flat(1.0), flat(1.0))
    combination.combine(2)
    with pytest.raises(ValueError, match=r"have put in \[0, 0\]"):
        combination.combine(2)


@pytest.mark.parametrize("changes", [{"rounds": -1}, {"limit": 0.0}, {"limit": float("nan")}, {"noise": -1.0}])
def test_a_senseless_way_of_clipping_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no way of clipping"):
        replace(SURVEY, **changes)
