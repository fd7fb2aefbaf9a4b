"""The map of the sky: places whose position on it is known."""

import math

import pytest

from server.portal.labels import place_labels
from server.portal.sky import HEIGHT, MARGIN, WIDTH, Place, best_centre, draw, project

MIDDLE = (MARGIN + WIDTH / 2, MARGIN + HEIGHT / 2)
LEFT, RIGHT = MARGIN, MARGIN + WIDTH


def place(name: str, ra: float, dec: float) -> Place:
    return Place(name=name, href=f"/{name}", ra=ra, dec=dec, kind="held", note="")


@pytest.mark.parametrize("centre", [0.0, 90.0, 180.0, 270.0])
def test_the_centre_of_the_map_is_in_its_middle(centre: float) -> None:
    assert project(centre, 0.0, centre=centre) == pytest.approx(MIDDLE)


def test_east_is_left_and_north_is_up() -> None:
    assert project(10.0, 0.0)[0] < MIDDLE[0] < project(350.0, 0.0)[0]
    assert project(0.0, 10.0)[1] < MIDDLE[1] < project(0.0, -10.0)[1]


@pytest.mark.parametrize("ra", [0.0, 77.0, 180.0, 359.9])
def test_the_poles_are_single_points_whatever_the_right_ascension(ra: float) -> None:
    assert project(ra, 90.0) == pytest.approx((MIDDLE[0], MARGIN))
    assert project(ra, -90.0) == pytest.approx((MIDDLE[0], MARGIN + HEIGHT))


def test_neighbours_across_the_cut_stand_at_opposite_edges() -> None:
    assert project(179.999, 0.0, centre=0.0)[0] == pytest.approx(LEFT, abs=0.1)
    assert project(180.001, 0.0, centre=0.0)[0] == pytest.approx(RIGHT, abs=0.1)
    assert project(359.999, 0.0, centre=180.0)[0] == pytest.approx(LEFT, abs=0.1)
    assert project(0.001, 0.0, centre=180.0)[0] == pytest.approx(RIGHT, abs=0.1)


def test_right_ascension_0_and_360_are_one() -> None:
    assert project(0.0, 30.0, centre=90.0) == pytest.approx(project(360.0, 30.0, centre=90.0))


def test_every_place_is_inside_the_ellipse() -> None:
    for ra in range(0, 360, 15):
        for dec in range(-90, 91, 15):
            x, y = project(ra, dec, centre=90.0)
            reach = math.hypot((x - MIDDLE[0]) / (WIDTH / 2), (y - MIDDLE[1]) / (HEIGHT / 2))
            assert reach <= 1 + 1e-9


@pytest.mark.parametrize(("ra", "dec"), [(10.0, 0.0), (100.0, 20.0), (250.0, -50.0), (170.0, 70.0)])
def test_equal_areas_of_the_sky_are_equal_areas_of_the_map(ra: float, dec: float) -> None:
    step = 0.01
    x, y = project(ra, dec)
    east = project(ra + step / math.cos(math.radians(dec)), dec)
    north = project(ra, dec + step)
    area = abs((east[0] - x) * (north[1] - y) - (east[1] - y) * (north[0] - x))
    whole_sky, whole_map = 4 * math.pi * math.degrees(1) ** 2, math.pi * WIDTH / 2 * HEIGHT / 2
    assert area / whole_map == pytest.approx(step**2 / whole_sky, rel=1e-3)


def test_the_cut_goes_where_nothing_is() -> None:
    assert best_centre([353.0, 10.0, 60.0, 140.0, 200.0]) == 90.0
    assert best_centre([180.0, 170.0, 190.0]) == 180.0
    assert best_centre([]) == 0.0


def test_the_milky_way_goes_through_the_galactic_centre() -> None:
    # Sgr A*: 266.417, -29.008; the map is centred near it so that the plane is not cut there.
    sky = draw([place("centre", 266.417, -29.008)])
    x, y = sky.marks[0].x, sky.marks[0].y
    plane = [
        tuple(map(float, pair.split())) for part in sky.milky_way.split("M")[1:] for pair in part.strip().split("L")
    ]
    assert min(math.hypot(px - x, py - y) for px, py in plane) < 5


def test_close_neighbours_get_labels_that_do_not_overlap() -> None:
    virgo = [place(f"NGC{4254 + i}", 184.7 + i * 0.7, 14.4 - i) for i in range(6)]
    labels = [mark.label for mark in draw(virgo).marks]
    rows = sorted((round(label.y), label.anchor) for label in labels if label is not None)
    assert len(rows) == len(set(rows)) == 6


def test_a_name_without_room_gets_no_label() -> None:
    assert place_labels([(10.0, 10.0)], ["a name that is wider than the picture"], bounds=(60.0, 20.0)) == [None]


def test_an_empty_archive_has_an_empty_map() -> None:
    assert draw([]).marks == ()
