"""The sky without the Earth's: a galaxy and foreground stars, and how they look through a PSF.  Pure.

Light is flux per spaxel of 0.2 arcsec, 1e-20 erg/s/cm2/Angstrom, above the atmosphere; wavelengths are in air and
barycentric.  The brightness of each kind of star and gas is seen through the PSF at a few wavelengths and interpolated
between them; velocities, dispersions and dust are those of the place that is looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.psf import Psf
from processing.simulate.extinction import RV, transmission
from processing.simulate.galaxy import YOUNG, Galaxy
from processing.simulate.gas import EQUIVALENT_WIDTH, REGIONS, Regions, add_lines, regions_of
from processing.simulate.stars import Star, scatter
from processing.simulate.stellar import SpectrumTable
from processing.simulate.templates import Population

__all__ = ["SPAXEL_AREA", "Disc", "Light", "Scene", "barycentric", "make_scene"]

Array = NDArray[np.float64]

SPAXEL_AREA: Final = 0.04
"""Square arcsec."""

PIXEL: Final = 0.1
"""Of the maps that are convolved, arcsec."""

WINGS: Final = 8.0
"""How far the light of the galaxy is spread, arcsec: 99.9 per cent of a PSF are within."""

FARTHEST_STAR: Final = 25.0
NODE_SPACING: Final = 1300.0
"""Of the wavelengths at which the PSF is applied, Angstrom; the polynomial through them is good to 1e-4."""

STARS_IN_DUST: Final = 0.44
"""Part of the gas's extinction that the stars suffer (Calzetti)."""

POPULATIONS: Final = 3
H_ALPHA: Final = 6562.79
GASES: Final = 2


@dataclass(frozen=True)
class Disc:
    """A place on the sky, arcsec east and north of the galaxy's centre, and the radius of what is to be seen of it."""

    east: float
    north: float
    radius: float


@dataclass(frozen=True)
class Scene:
    """What there is to be seen between two wavelengths in Angstrom."""

    galaxy: Galaxy
    regions: Regions
    stars: tuple[Star, ...]
    populations: tuple[Population, ...]
    wavelengths: tuple[float, float]

    @cached_property
    def spectra(self) -> SpectrumTable:
        """The spectra of the stars for any velocity and dispersion."""
        return SpectrumTable(self.populations, self.wavelengths, self.galaxy.velocity)

    def through(self, psf: Psf, disc: Disc) -> "Light":
        """Return how the scene looks through a PSF."""
        low, high = self.wavelengths
        nodes = np.linspace(low, high, 2 + int(np.ceil((high - low) / NODE_SPACING)))
        return Light(self, psf, disc, nodes)


@dataclass(frozen=True)
class Light:
    """The scene through one PSF, good within a disc: arcsec and Angstrom in, flux per spaxel out."""

    scene: Scene
    psf: Psf
    disc: Disc
    nodes: Array
    _maps: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        maps = _maps(self.scene, self.disc)
        half = int(np.ceil(WINGS / PIXEL))
        steps = PIXEL * np.arange(-half, half + 1)
        radius = np.hypot(steps[:, np.newaxis], steps)
        kernels = [self.psf.density(radius, float(node)) * PIXEL**2 for node in self.nodes]
        seen = [[signal.fftconvolve(one, kernel, mode="same") for kernel in kernels] for one in maps]
        # Splines are made once, to be asked many times.
        splines = np.array([[ndimage.spline_filter(one, order=3) for one in nodes] for nodes in seen])
        object.__setattr__(self, "_maps", splines.astype(np.float32))

    def __call__(self, east: Array, north: Array, wavelengths: Array) -> Array:
        """Return the flux at n places and m wavelengths that increase evenly: shape (n, m).

        Emission lines are integrated over the step between the wavelengths.
        """
        galaxy = self.scene.galaxy
        width = float(np.median(np.diff(wavelengths))) if wavelengths.size > 1 else 1.25
        brightness = self._seen(east, north, _lagrange(self.nodes, wavelengths))
        dust = galaxy.dust(east, north)
        spectra = self.scene.spectra(
            wavelengths, galaxy.stellar_velocity(east, north), galaxy.stellar_dispersion(east, north)
        )
        stars = np.einsum("pnm,pnm->nm", brightness[:POPULATIONS], spectra)
        stars *= transmission(wavelengths, STARS_IN_DUST * dust)
        lines = np.zeros_like(stars)
        radius = galaxy.disk(east, north)[0] / galaxy.scale_length
        add_lines(
            lines,
            wavelengths,
            width,
            fluxes=brightness[POPULATIONS:],
            radius=radius,
            velocity=galaxy.gas_velocity(east, north),
        )
        lines *= transmission(wavelengths, dust)
        seen: Array = stars + lines
        seen *= transmission(wavelengths, np.array([RV * galaxy.ebv]))[0]
        return seen + self.stars(east, north, wavelengths)

    def h_alpha(self, east: Array, north: Array) -> Array:
        """Return the flux of all gas in H alpha behind its dust, 1e-20 erg/s/cm2 per spaxel, at n places: shape (n)."""
        galaxy = self.scene.galaxy
        at = np.array([H_ALPHA * (1 + galaxy.velocity / SPEED_OF_LIGHT)])
        flux = self._seen(east, north, _lagrange(self.nodes, at))[POPULATIONS:, :, 0].sum(axis=0)
        behind: Array = flux * transmission(at, galaxy.dust(east, north) + RV * galaxy.ebv)[:, 0]
        return behind

    def stars(self, east: Array, north: Array, wavelengths: Array) -> Array:
        """Return the light of the foreground stars alone: shape (n, m)."""
        total = np.zeros((east.size, wavelengths.size))
        basis = _lagrange(self.nodes, wavelengths)
        for star in self.scene.stars:
            distance = np.hypot(east - star.east, north - star.north)
            near = distance < FARTHEST_STAR
            if not near.any():
                continue
            at_nodes = np.stack([self.psf.density(distance[near], float(node)) for node in self.nodes], axis=1)
            total[near] += (at_nodes @ basis) * (SPAXEL_AREA * star.spectrum(wavelengths))
        return total

    def _seen(self, east: Array, north: Array, basis: Array) -> Array:
        """Return the brightness of each kind of stars and gas: shape (kinds, n, m)."""
        middle = (self._maps.shape[-1] - 1) / 2
        places = np.stack([(north - self.disc.north) / PIXEL + middle, (east - self.disc.east) / PIXEL + middle])
        values = np.array(
            [
                [ndimage.map_coordinates(one, places, order=3, prefilter=False, mode="nearest") for one in nodes]
                for nodes in self._maps
            ]
        )
        seen: Array = np.einsum("kan,am->knm", values.astype(np.float64), basis, optimize=True)
        return seen


def make_scene(
    galaxy: Galaxy,
    populations: Sequence[Population],
    *,
    fields: Sequence[tuple[float, float]],
    size: float,
    wavelengths: tuple[float, float],
    rng: np.random.Generator,
) -> Scene:
    """Make a scene with stars in each field.

    Parameters
    ----------
    fields
        Centres, arcsec east and north of the galaxy's.
    size
        Their side, arcsec.
    wavelengths
        First and last that will be looked at, barycentric, Angstrom.
    rng
        Where regions and stars are is chance; the galaxy is not.
    """
    regions = regions_of(galaxy, rng)
    return Scene(galaxy, regions, scatter(fields, size, rng), tuple(populations), wavelengths)


def _maps(scene: Scene, disc: Disc) -> Array:
    """Return the brightness of bulge, disk, young stars, diffuse gas and regions per spaxel, before the PSF."""
    half = int(np.ceil((disc.radius + WINGS) / PIXEL))
    steps = PIXEL * np.arange(-half, half + 1)
    east, north = np.broadcast_arrays(disc.east + steps, (disc.north + steps)[:, np.newaxis])
    maps = np.zeros((POPULATIONS + GASES, steps.size, steps.size))
    maps[:POPULATIONS] = scene.galaxy.stars(east, north)
    maps[POPULATIONS] = scene.galaxy.diffuse(east, north)
    _add_regions(maps[POPULATIONS + REGIONS], scene.regions, disc, half)
    maps[YOUNG] += maps[POPULATIONS + REGIONS] / EQUIVALENT_WIDTH
    return maps


def _add_regions(image: Array, regions: Regions, disc: Disc, half: int) -> None:
    """Stamp Gaussians onto an image."""
    for east, north, flux, sigma in zip(regions.east, regions.north, regions.flux, regions.sigma, strict=True):
        x, y = (east - disc.east) / PIXEL + half, (north - disc.north) / PIXEL + half
        reach = int(np.ceil(5 * sigma / PIXEL))
        if not (-reach <= x < image.shape[1] + reach and -reach <= y < image.shape[0] + reach):
            continue
        columns = np.arange(max(0, round(x) - reach), min(image.shape[1], round(x) + reach + 1))
        rows = np.arange(max(0, round(y) - reach), min(image.shape[0], round(y) + reach + 1))
        if not columns.size or not rows.size:
            continue
        across, up = (np.exp(-0.5 * ((each) * PIXEL / sigma) ** 2) for each in (columns - x, rows - y))
        image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += (
            flux * SPAXEL_AREA / (2 * np.pi * sigma**2) * np.outer(up, across)
        )


def _lagrange(nodes: Array, wavelengths: Array) -> Array:
    """Return the weights of the nodes' values at wavelengths in a polynomial through them: shape (nodes, m)."""
    weights = np.ones((nodes.size, wavelengths.size))
    for n, node in enumerate(nodes):
        for m, other in enumerate(nodes):
            if m != n:
                weights[n] *= (wavelengths - other) / (node - other)
    return weights


def barycentric(wavelengths: Array, velocity: float) -> Array:
    """Return the barycentric wavelengths of what is seen at wavelengths on a moving Earth; velocity in km/s."""
    return wavelengths * (1 + velocity / SPEED_OF_LIGHT)
