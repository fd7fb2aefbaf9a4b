"""The sphere in plain numpy, to check pgSphere against: unit vectors, winding numbers, distances to edges, areas.

Written from the definitions, slow and independent: an edge is the shorter arc between two vertices, and the inside
of a polygon is what it winds around, whichever way its vertices go.
"""

import numpy as np
from astropy.coordinates import angular_separation
from numpy.typing import NDArray

__all__ = ["area", "distance_to_edges", "inside", "regular", "separation", "vectors"]

Numbers = NDArray[np.float64]


def vectors(positions: Numbers) -> Numbers:
    """Return unit vectors, shape (..., 3), of longitudes and latitudes in degrees, shape (..., 2)."""
    longitude, latitude = np.radians(positions[..., 0]), np.radians(positions[..., 1])
    across = np.cos(latitude)
    stacked: Numbers = np.stack([across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude)], axis=-1)
    return stacked


def separation(first: Numbers, second: Numbers) -> Numbers:
    """Return the angles between positions, degrees."""
    radians = angular_separation(*(np.radians(one[..., axis]) for one in (first, second) for axis in (0, 1)))
    return np.asarray(np.degrees(radians))


def inside(points: Numbers, polygon: Numbers) -> NDArray[np.bool_]:
    """Tell which points, shape (n, 2), a polygon, shape (m, 2), winds around."""
    here, corners = vectors(points)[:, None, :], vectors(polygon)[None, :, :]
    following = np.roll(corners, -1, axis=1)
    turned = np.arctan2(
        np.sum(here * np.cross(corners, following), axis=-1),
        np.sum(corners * following, axis=-1) - np.sum(here * corners, axis=-1) * np.sum(here * following, axis=-1),
    )
    wound = np.abs(np.sum(turned, axis=1)) > np.pi
    middle = vectors(polygon).mean(axis=0)
    return np.asarray(wound & (vectors(points) @ middle > 0))


def distance_to_edges(points: Numbers, polygon: Numbers) -> Numbers:
    """Return the angle from each point, shape (n, 2), to the nearest edge of a polygon, shape (m, 2), degrees."""
    here, corners = vectors(points)[:, None, :], vectors(polygon)[None, :, :]
    following = np.roll(corners, -1, axis=1)
    pole = np.cross(corners, following)
    pole /= np.linalg.norm(pole, axis=-1, keepdims=True)
    height = np.sum(here * pole, axis=-1)
    foot = here - height[..., None] * pole
    between = (np.sum(np.cross(corners, foot) * pole, axis=-1) >= 0) & (
        np.sum(np.cross(foot, following) * pole, axis=-1) >= 0
    )
    across = np.abs(np.degrees(np.arcsin(np.clip(height, -1, 1))))
    to_corners = separation(points[:, None, :], polygon[None, :, :])
    ends = np.minimum(to_corners, np.roll(to_corners, -1, axis=1))
    return np.asarray(np.where(between, across, ends).min(axis=1))


def area(polygon: Numbers) -> float:
    """Return the area of a convex polygon, shape (m, 2), square degrees: triangles about its middle."""
    corners = vectors(polygon)
    middle = corners.mean(axis=0)
    middle /= np.linalg.norm(middle)
    first, second = corners, np.roll(corners, -1, axis=0)
    volume = np.abs(np.sum(middle * np.cross(first, second), axis=1))
    below = 1 + first @ middle + second @ middle + np.sum(first * second, axis=1)
    return float(np.degrees(np.degrees(2 * np.sum(np.arctan2(volume, below)))))


def regular(centre: tuple[float, float], radius: float, corners: int, turn: float = 0.0) -> Numbers:
    """Return a regular polygon, shape (corners, 2), degrees: its vertices lie at ``radius`` from ``centre``."""
    bearing = np.radians(turn) + 2 * np.pi * np.arange(corners)[:, None] / corners
    longitude = np.radians(centre[0])
    middle = vectors(np.array(centre))
    east = np.array([-np.sin(longitude), np.cos(longitude), 0.0])
    north = np.cross(middle, east)
    angle = np.radians(radius)
    corner = np.cos(angle) * middle + np.sin(angle) * (np.cos(bearing) * north + np.sin(bearing) * east)
    across = np.hypot(corner[:, 0], corner[:, 1])
    around = np.degrees(np.arctan2(corner[:, 1], corner[:, 0])) % 360
    return np.stack([around, np.degrees(np.arctan2(corner[:, 2], across))], axis=1)
