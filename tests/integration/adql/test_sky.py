"""Geometry against astropy, plain spherical trigonometry and mocpy: poles, the seam, shapes of every size."""

from collections.abc import Iterable

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from mocpy import MOC

from tests.integration.adql import sphere
from tests.integration.adql.lab import Lab
from tests.integration.adql.sky import SKY

ARCSEC = 1 / 3600
CENTRES = [(10.0, 20.0), (0.0, 0.0), (359.99, -45.0), (180.0, 89.9), (77.0, 90.0), (123.0, -90.0), (300.0, -89.5)]
RADII = [1e-6, ARCSEC, 0.5, 10.0, 45.0, 89.999, 90.0, 90.001, 120.0, 179.0, 180.0]
ALL = set(range(1, len(SKY) + 1))


def ids(chosen: Iterable[bool]) -> set[int]:
    return {number for number, one in enumerate(chosen, start=1) if one}


def written(polygon: sphere.Numbers) -> str:
    return "POLYGON(" + ", ".join(repr(float(number)) for number in polygon.ravel()) + ")"


def around(centre: tuple[float, float], radius: float, count: int = 150) -> sphere.Numbers:
    """Return positions in and about a small circle."""
    rng = np.random.default_rng(int(1e6 * (centre[0] + abs(centre[1]) + radius)))
    return np.concatenate(
        [
            sphere.regular(centre, r, 1, t)
            for r, t in zip(rng.uniform(0, 2 * radius, count), rng.uniform(0, 360, count), strict=True)
        ]
    )


@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("centre", CENTRES)
def test_a_circle_holds_the_points_that_are_near_enough(known: Lab, centre: tuple[float, float], radius: float) -> None:
    far = sphere.separation(SKY, np.array(centre))
    clear = np.abs(far - radius) > 1e-9
    found = set(
        known.rows(
            f"SELECT id FROM lab.sky WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE({centre[0]}, {centre[1]}, {radius}))"
        )
    )
    outside = set(
        known.rows(
            f"SELECT id FROM lab.sky WHERE CONTAINS(POINT(ra, dec), CIRCLE({centre[0]}, {centre[1]}, {radius})) = 0"
        )
    )
    assert found & ids(clear) == ids((far < radius) & clear)
    assert found | outside == ALL
    assert not found & outside


@pytest.mark.parametrize("radius", [ARCSEC, 0.5, 60.0, 120.0])
def test_a_circle_of_columns_is_the_same_circle(known: Lab, radius: float) -> None:
    text = "SELECT id FROM lab.sky WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(c.lon, c.lat, c.r))"
    text = text.replace(
        "lab.sky", f"lab.sky, (SELECT n * 10.0 AS lon, n * 20.0 AS lat, n * {radius!r} AS r FROM lab.one) AS c"
    )
    near = sphere.separation(SKY, np.array((10.0, 20.0))) < radius
    assert set(known.rows(text)) == ids(near)


@pytest.mark.parametrize("limit", [1e-5, 0.5, 45.0, 89.0, 120.0])
@pytest.mark.parametrize("centre", CENTRES)
def test_a_distance_is_that_of_astropy(known: Lab, centre: tuple[float, float], limit: float) -> None:
    where = f"DISTANCE(POINT(ra, dec), POINT({centre[0]}, {centre[1]}))"
    found = np.array([row[1] for row in known.rows(f"SELECT id, {where} FROM lab.sky ORDER BY id")])
    expected = sphere.separation(SKY, np.array(centre))
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-6 * ARCSEC)
    assert set(known.rows(f"SELECT id FROM lab.sky WHERE {where} < {limit}")) == ids(found < limit)


POLYGONS = [
    ((10.0, 20.0), 5.0, 4), ((0.0, 10.0), 8.0, 5), ((359.9, -60.0), 20.0, 7), ((200.0, 89.0), 5.0, 6),
    ((40.0, 90.0), 10.0, 3), ((40.0, -90.0), 3.0, 12), ((90.0, 45.0), 60.0, 4), ((180.0, 0.0), 85.0, 6),
    ((271.0, -30.0), 65.0, 3), ((5.0, 88.0), 40.0, 9),
]  # fmt: skip


@pytest.mark.parametrize("orientation", [1, -1], ids=["anticlockwise", "clockwise"])
@pytest.mark.parametrize(("centre", "radius", "corners"), POLYGONS)
def test_a_polygon_holds_the_points_that_it_winds_around(
    known: Lab, centre: tuple[float, float], radius: float, corners: int, orientation: int
) -> None:
    polygon = sphere.regular(centre, radius, corners, turn=17.0)[::orientation]
    clear = sphere.distance_to_edges(SKY, polygon) > 1e-8
    found = set(known.rows(f"SELECT id FROM lab.sky WHERE CONTAINS(POINT(ra, dec), {written(polygon)}) = 1"))
    assert found & ids(clear) == ids(sphere.inside(SKY, polygon) & clear)


@pytest.mark.parametrize(("centre", "radius", "corners"), [one for one in POLYGONS if one[1] <= 20])
def test_a_polygon_agrees_with_mocpy(known: Lab, centre: tuple[float, float], radius: float, corners: int) -> None:
    polygon = sphere.regular(centre, radius, corners, turn=17.0)
    moc = MOC.from_polygon(Longitude(polygon[:, 0] * u.deg), Latitude(polygon[:, 1] * u.deg), max_depth=9)
    clear = sphere.distance_to_edges(SKY, polygon) > 0.3
    covered = moc.contains_lonlat(SKY[:, 0] * u.deg, SKY[:, 1] * u.deg)
    found = set(known.rows(f"SELECT id FROM lab.sky WHERE CONTAINS(POINT(ra, dec), {written(polygon)}) = 1"))
    assert found & ids(clear) == ids(covered & clear)


@pytest.mark.parametrize("radius", [0.1 * ARCSEC, ARCSEC, 60 * ARCSEC])
@pytest.mark.parametrize("centre", [(10.0, 20.0), (0.0, -5.0), (100.0, 89.999), (0.0, -90.0)])
def test_a_tiny_polygon_is_no_point(known: Lab, centre: tuple[float, float], radius: float) -> None:
    polygon = sphere.regular(centre, radius, 5)
    points = around(centre, radius)
    tests = ", ".join(f"CONTAINS(POINT({a!r}, {d!r}), {written(polygon)})" for a, d in points.tolist())
    (found,) = known.rows(f"SELECT {tests} FROM lab.one")
    clear = sphere.distance_to_edges(points, polygon) > 0.01 * radius
    assert clear.sum() > 100
    assert np.array(found, bool)[clear].tolist() == sphere.inside(points, polygon)[clear].tolist()


@pytest.mark.parametrize(("centre", "radius", "corners"), POLYGONS)
def test_a_circle_meets_a_polygon_that_is_near_enough(
    known: Lab, centre: tuple[float, float], radius: float, corners: int
) -> None:
    polygon = sphere.regular(centre, radius, corners, turn=17.0)
    points, sizes = SKY[::16], np.random.default_rng(1).uniform(0.1, 20, len(SKY[::16]))
    tests = ", ".join(
        f"INTERSECTS(CIRCLE({a!r}, {d!r}, {r!r}), {written(polygon)})"
        for (a, d), r in zip(points.tolist(), sizes.tolist(), strict=True)
    )
    (found,) = known.rows(f"SELECT {tests} FROM lab.one")
    gap = sphere.distance_to_edges(points, polygon)
    clear = np.abs(gap - sizes) > 1e-6
    meets = sphere.inside(points, polygon) | (gap < sizes)
    assert np.array(found, bool)[clear].tolist() == meets[clear].tolist()


@pytest.mark.parametrize(("centre", "radius", "corners"), POLYGONS)
def test_the_area_and_the_centroid_of_a_polygon(
    known: Lab, centre: tuple[float, float], radius: float, corners: int
) -> None:
    polygon = sphere.regular(centre, radius, corners, turn=17.0)
    for one in (polygon, polygon[::-1]):
        ((square, middle),) = known.rows(f"SELECT AREA({written(one)}), CENTROID({written(one)}) FROM lab.one")
        assert square == pytest.approx(sphere.area(polygon), rel=1e-6)
        assert sphere.separation(np.array(middle), np.array(centre)) < 1e-6


@pytest.mark.parametrize("radius", [1e-7, ARCSEC, 1.0, 90.0, 150.0, 180.0])
def test_the_area_of_a_circle_is_exact(known: Lab, radius: float) -> None:
    exact = 4 * np.pi * np.sin(np.radians(radius) / 2) ** 2 * np.degrees(1) ** 2
    assert known.value(f"AREA(CIRCLE(10, 20, {radius!r}))") == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ("BOX(0, 10, 2, 2)", {9, 10}),
        ("BOX('ICRS', 0, 10, 0.05, 2)", set()),
        ("BOX(POINT(359.95, 10), 0.15, 1)", {10}),
        ("POLYGON(359, 9, 1, 9, 1, 11, 359, 11)", {9, 10}),
        ("POLYGON('ICRS', 359, 9, 359, 11, 1, 11, 1, 9)", {9, 10}),
        ("POLYGON(-1, 9, 1, 9, 1, 11, -1, 11)", {9, 10}),
        ("POLYGON(POINT(0, 80), POINT(120, 80), POINT(240, 80))", {5}),
        ("REGION('POLYGON ICRS 0 -80 90 -80 180 -80 270 -80')", {6}),
        ("REGION('CIRCLE J2000 101.3 -16.7 0.1')", {1}),
        ("REGION('BOX ICRS 0 10 2 2')", {9, 10}),
        ("CIRCLE('J2000', 279.2347, 38.7837, 0)", {4}),
        ("CIRCLE(-80.7653, 38.7837, 0.001)", {4}),
        ("CIRCLE(POINT(639.2347, 38.7837), 0.001)", {4}),
        ("CIRCLE(0, 90, 1)", {5}),
        ("CIRCLE(0, 90, 178.9)", set(range(1, 11)) - {6}),
        ("CAST('0 -90 2' AS CIRCLE)", {6}),
        ("CAST('95 -53 97 -53 97 -52 95 -52' AS POLYGON)", {2}),
        ("MOC('0/0-3')", {3, 4, 5, 8}),
        ("MOC(4, CIRCLE(101.3, -16.7, 1))", {1}),
        ("gavo_mocunion(MOC(6, CIRCLE(0, 10, 0.2)), MOC(6, POINT(279.2347, 38.7837)))", {4, 9, 10}),
        ("gavo_mocintersect(MOC('0/0-3'), MOC(4, CIRCLE(0, 90, 1)))", {5}),
    ],
)
def test_a_shape_finds_its_stars_however_it_is_spelt(known: Lab, shape: str, found: set[int]) -> None:
    for test in (f"1 = CONTAINS(POINT('ICRS', ra, dec), {shape})", f"INTERSECTS({shape}, POINT(ra, dec)) = 1"):
        assert set(known.rows(f"SELECT id FROM lab.star WHERE {test}")) == found
    missed = set(known.rows(f"SELECT id FROM lab.star WHERE CONTAINS(POINT(ra, dec), {shape}) = 0"))
    assert missed == set(range(1, 11)) - found


@pytest.mark.parametrize("column", ["outline", "words"])
@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("CONTAINS(POINT(0, 90), {}) = 1", [1]),
        ("CONTAINS(POINT(0.05, 10), {}) = 1", [2]),
        ("CONTAINS(POINT(0.05, 10), {}) = 0", [1, 3]),
        ("INTERSECTS({}, CIRCLE(60, 30, 80)) = 1", [1, 2, 3]),
        ("INTERSECTS(CIRCLE(101.5, -20, 2.1), {}) = 1", [3]),
        ("INTERSECTS({}, BOX(0, 10, 30, 2)) = 1", [2]),
        ("INTERSECTS({}, POINT(101, -16)) = 1", [3]),
        ("CONTAINS({}, CIRCLE(101.5, -16.5, 3)) = 1", [3]),
        ("CONTAINS(CIRCLE(0, 90, 9), {}) = 1", []),
        ("CONTAINS(CIRCLE(0, 90, 7), {}) = 1", [1]),
        ("{} IS NULL", [4]),
        ("AREA({}) > 8", [1, 3]),
        ("DISTANCE(CENTROID({}), POINT(0, 90)) < 0.001", [1]),
        ("ABS(COORD1(CENTROID({})) - 101.5) < 0.01", [3]),
        ("ESO_INTERSECTION({}, CIRCLE(0, 10, 0.5)) BETWEEN 0.75 AND 0.8", [2]),
        ("INTERSECTS({}, MOC(8, POINT(0.05, 10))) = 1", [2]),
        ("CONTAINS({}, MOC('0/0-3')) = 1", [1]),
        ("CONTAINS(MOC(12, POINT(101, -16)), {}) = 1", [3]),
    ],
)
def test_a_field_is_asked_by_its_outline_or_its_region(
    known: Lab, condition: str, found: list[int], column: str
) -> None:
    plain = f"SELECT id FROM lab.field WHERE {condition.format(column)} ORDER BY id"
    derived = (
        f"SELECT id FROM (SELECT id, {column} AS q FROM lab.field) AS f WHERE {condition.format('f.q')} ORDER BY id"
    )
    distinct = derived.replace("(SELECT id,", "(SELECT DISTINCT id,")
    assert [known.rows(text) for text in (plain, derived, distinct)] == [found] * 3


def test_a_region_is_told_as_a_text_and_an_outline_as_numbers(known: Lab) -> None:
    numbers = [359.0, 9.0, 1.0, 9.0, 1.0, 11.0, 359.0, 11.0]
    assert known.rows("SELECT outline, words FROM lab.field WHERE id = 2") == [
        (numbers, "POLYGON ICRS 359 9 1 9 1 11 359 11")
    ]
    assert known.value("CIRCLE(1, 2, 3)") == [1.0, 2.0, 3.0]
    assert known.value("BOX(10, 20, 2, 4)") == [9.0, 18.0, 11.0, 18.0, 11.0, 22.0, 9.0, 22.0]
    assert known.value("COORD2(POINT(10, -20))") == pytest.approx(-20)


@pytest.mark.parametrize("order", [0, 1, 5, 12, 29])
def test_a_cell_of_healpix_is_that_of_mocpy(known: Lab, order: int) -> None:
    query = f"SELECT id, ivo_healpix_index({order}, ra, dec), ivo_healpix_index({order}, POINT(ra, dec)) FROM lab.sky"
    for number, by_numbers, by_point in known.rows(f"{query} WHERE MOD(id, 8) = 1"):
        longitude, latitude = SKY[number - 1]
        (cell,) = MOC.from_lonlat([longitude] * u.deg, [latitude] * u.deg, max_norder=order).flatten()
        assert by_numbers == by_point
        assert by_numbers == cell or near_a_border(longitude, latitude)


def near_a_border(longitude: float, latitude: float) -> bool:
    """Tell whether a position is on a line where cells of every order meet: rounding decides there."""
    return longitude % 45 == 0 or abs(latitude) == 90


@pytest.mark.parametrize("order", [0, 3, 17, 29])
def test_the_centre_of_a_cell_is_in_it(known: Lab, order: int) -> None:
    centred = f"ivo_healpix_center({order}, ivo_healpix_index({order}, ra, dec))"
    query = f"SELECT ivo_healpix_index({order}, ra, dec), ivo_healpix_index({order}, {centred}), {centred}, ra, dec"
    for cell, again, centre, longitude, latitude in known.rows(f"{query} FROM lab.sky WHERE MOD(id, 8) = 1"):
        assert cell == again
        assert sphere.separation(np.array(centre), np.array((longitude, latitude))) < 60 / 2**order
    assert known.value("ivo_healpix_center(0, 4)") == pytest.approx([0, 0], abs=1e-9)
    assert known.value("ivo_healpix_center(0, 0)") == pytest.approx([45, np.degrees(np.arcsin(2 / 3))])


@pytest.mark.parametrize(
    ("centre", "radius", "order"), [((10, 20), 1.0, 8), ((0, 0), 5.0, 7), ((77, 89.5), 3.0, 7), ((200, -60), 0.01, 14)]
)
def test_the_moc_of_a_circle_is_that_of_mocpy(
    known: Lab, centre: tuple[float, float], radius: float, order: int
) -> None:
    made = MOC.from_string(known.value(f"MOC({order}, CIRCLE({centre[0]}, {centre[1]}, {radius}))"))
    theirs = MOC.from_cone(
        lon=Longitude(centre[0] * u.deg),
        lat=Latitude(centre[1] * u.deg),
        radius=radius * u.deg,
        max_depth=order,
        delta_depth=8,
    )
    assert theirs.difference(made).empty()
    assert made.difference(theirs).sky_fraction <= 0.02 * theirs.sky_fraction
    assert known.value(f"AREA(MOC('{made.to_string(format='ascii')}'))") == pytest.approx(
        made.sky_fraction * 4 * np.pi * np.degrees(1) ** 2
    )


@pytest.mark.parametrize(
    ("function", "together"), [("gavo_mocunion", MOC.union), ("gavo_mocintersect", MOC.intersection)]
)
def test_mocs_are_joined_and_cut_as_by_mocpy(known: Lab, function: str, together: object) -> None:
    first, second = "3/10 12 4/60-70 6/1", "2/5 4/61 64 5/300 6/1-2"
    made = MOC.from_string(known.value(f"{function}(MOC('{first}'), MOC('{second}'))"))
    assert callable(together)
    assert made == together(MOC.from_string(first), MOC.from_string(second))
