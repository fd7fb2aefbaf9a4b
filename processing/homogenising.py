"""The exposures of a mosaic brought to one point spread function: which they have, which they get, what that does.

What is known of the PSF of a pointing comes from the survey's log, from the headers of its exposures and from stars in
them; all of it is kept, one of it is used.  ``science.kernels`` has the method, ``homogenised_figures`` how well it
did.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive import survey
from archive.archive import Archive
from archive.errors import Refused
from archive.survey import TargetRecord
from processing.exposure_stack import ExposureStack
from processing.fsf import read_fsf
from processing.mosaic_cards import PREFIX, common_drops
from processing.mosaic_recipe import Smoothing
from processing.names import exposure_of
from processing.science.correlated_noise import WHITE, Correlation, convolved, drizzled, inflation
from processing.science.kernels import Engine, Kernels, Recipe, around, noise_gain, target_fwhm
from processing.science.psf import BETAS, PIVOT, Psf
from processing.science.shared_noise import SharedNoise, mixtures
from processing.science.star_psf import MeasuredPsf
from processing.star_psfs import measure
from schema.observations import Pointing
from schema.products import Product
from schema.psf import PsfOrigin, PsfRow

__all__ = ["LOGGED", "SUMS", "Homogenised", "PointingPsf", "homogenise", "logged", "logged_psfs", "psf_rows", "told_at"]

LOGGED: Final = "LOGGED_PSFS"
"""Name of the fact that mosaics depend on: what the log says of the PSFs of their pointings."""

SUMS: Final = (2, 3, 5, 9, 15)
"""Widths of the blocks of spaxels whose noise is told."""

FAR: Final = 10.0 * SUMS[-1]
"""Width from which on sums are as noisy as those over a plane."""

WAVELENGTHS: Final = (4900.0, 6500.0, 9000.0)
"""Angstrom, where it is told how well it was done and what neighbours share, as far as a cube has them."""

ANGSTROMS: Final = 10.0
"""In a nanometre, the unit of the rows."""


@dataclass(frozen=True)
class PointingPsf:
    """What is known of the PSF of a pointing, by origin, and which of it is used."""

    pointing_id: str
    known: Mapping[PsfOrigin, MeasuredPsf]
    origin: PsfOrigin

    @property
    def psf(self) -> Psf:
        """The one that is used."""
        return self.known[self.origin].psf


@dataclass(frozen=True)
class PlaneNoise:
    """Noise in a plane of a pointing: factors of sums over ``SUMS`` and over all of it; its variance to that before."""

    sums: tuple[float, ...]
    plane: float
    variance: float

    @classmethod
    def of(cls, kernel: NDArray[np.float64], before: Correlation) -> "PlaneNoise":
        """Return what a kernel makes of correlated noise."""
        after = convolved(kernel, before)
        sums = tuple(after.sum_factor(width, width) for width in SUMS)
        return cls(sums, after.long_sum_factor, inflation(kernel, before) * noise_gain(kernel) ** 2)


@dataclass(frozen=True)
class Homogenised:
    """What became of the exposures of a stack.

    Parameters
    ----------
    fwhm
        Of the Gaussian, arcsec.
    pointings
        With their PSFs, in their order.
    smoothing
        Of the exposures, in theirs.
    kernels
        Of the pointings, by their identifiers.
    of_exposures
        Identifiers of the pointings of the exposures, in theirs.
    noise
        Of the pointings, by their identifiers, at ``told_at`` of the cube.
    recipe
        How kernels were made.
    spectral_sum_factor
        By what sums along wavelength are noisier than STAT says.
    """

    fwhm: float
    pointings: Sequence[PointingPsf]
    smoothing: tuple[Smoothing, ...]
    kernels: Mapping[str, Kernels]
    of_exposures: tuple[str, ...]
    noise: Mapping[str, Mapping[float, PlaneNoise]]
    recipe: Recipe
    spectral_sum_factor: float = 1.0

    @property
    def typical_noise(self) -> PlaneNoise:
        """What pointings have in their middle, at the wavelength nearest to 6484 Angstrom."""
        nearest = min(next(iter(self.noise.values())), key=lambda wavelength: abs(wavelength - PIVOT))
        found = [of[nearest] for of in self.noise.values()]
        sums = np.median([one.sums for one in found], axis=0)
        return PlaneNoise(
            tuple(map(float, sums)),
            float(np.median([one.plane for one in found])),
            float(np.median([one.variance for one in found])),
        )

    def shared_noise(self, seconds: Mapping[str, NDArray[np.float32]], *, counts: float) -> SharedNoise:
        """Return what neighbours share of the noise of the mosaic.

        Parameters
        ----------
        seconds
            Exposure of each pointing, shape (ny, nx).
        counts
            Power of its variance with which an exposure counts in the variance of the mean: 1 where weights do not
            depend on it, -1 where they are its inverse.
        """
        names = sorted(self.noise)
        wavelengths = sorted(self.noise[names[0]])
        at = [[self.noise[name][wavelength] for name in names] for wavelength in wavelengths]
        return mixtures(
            np.array([seconds[name] for name in names]),
            np.array(wavelengths),
            np.array([1.0, *SUMS, FAR]),
            np.array([[(1.0, *one.sums, one.plane) for one in row] for row in at]),
            np.array([[one.variance**counts for one in row] for row in at]),
        )

    def cards(self) -> fits.Header:
        """Return what the primary header of the mosaic says of it."""
        header = fits.Header()
        header[f"{PREFIX} PSF FWHM"] = (round(self.fwhm, 4), "[arcsec] of the round Gaussian")
        header[f"{PREFIX} PSF MU"] = (self.recipe.regularisation, "regularisation of the kernels")
        header[f"{PREFIX} PSF REACH"] = (self.recipe.reach, "[FWHM] half width of the kernels")
        noise = self.typical_noise
        for width, factor in zip(SUMS, noise.sums, strict=True):
            header[f"{PREFIX} NOISE SUM{width}"] = (round(factor, 4), "of such squares, to STAT")
        header[f"{PREFIX} NOISE PLANE"] = (round(noise.plane, 4), "of planes, to STAT")
        long = noise.plane * self.spectral_sum_factor
        header[f"{PREFIX} NOISE LONG"] = (round(long, 4), "of long sums, to STAT")
        return header


def homogenise(
    archive: Archive, inputs: Sequence[Product], stack: ExposureStack, record: TargetRecord, given: Mapping[str, Any]
) -> Homogenised:
    """Find the PSFs of a stack's exposures, and how each is brought to one.

    Parameters
    ----------
    given
        ``psf``, the origin that is used; ``fwhm`` of the Gaussian, None for the survey's rule; ``regularisation``,
        ``reach`` and ``engine`` of the kernels.

    Raises
    ------
    Refused
        The PSF of an exposure is not known from that origin, or is wider than the Gaussian that is asked for.
    """
    pointings = _pointings(archive, inputs, record)
    found = _psfs(pointings, stack, record, PsfOrigin(given["psf"]))
    wavelengths = stack.wavelengths()
    rule = target_fwhm([one.psf for one in found], wavelengths)
    fwhm = rule if given["fwhm"] is None else float(given["fwhm"])
    recipe = Recipe(float(given["regularisation"]), float(given["reach"]), Engine(given["engine"]))
    pixel = stack.first.pixel_scale()
    _check_target(fwhm, rule, found, around(wavelengths[[0, -1]]), lambda psf: Kernels(psf, fwhm, pixel, recipe))
    drops = common_drops(stack.primaries)
    before = WHITE if drops is None else drizzled(drops.sky)
    own = {one.pointing_id: Smoothing(one.psf, fwhm, pixel, recipe, before) for one in found}
    kernels = {name: Kernels(one.psf, fwhm, pixel, recipe) for name, one in own.items()}
    told = told_at(wavelengths)
    noise = {name: {at: PlaneNoise.of(one.at(at), before) for at in told} for name, one in kernels.items()}
    spectral = 1.0 if drops is None else drops.spectral_sum_factor
    smoothing = tuple(own[name] for name in pointings)
    return Homogenised(fwhm, found, smoothing, kernels, tuple(pointings), noise, recipe, spectral)


def told_at(wavelengths: NDArray[np.float64]) -> tuple[float, ...]:
    """Return where it is told of a cube with these wavelengths; at least in its middle."""
    within = tuple(one for one in WAVELENGTHS if wavelengths[0] <= one <= wavelengths[-1])
    return within or (float(wavelengths[len(wavelengths) // 2]),)


def _check_target(
    fwhm: float, rule: float, found: Sequence[PointingPsf], ends: NDArray[np.float64], of: Callable[[Psf], Kernels]
) -> None:
    """See that every PSF can become a Gaussian of this FWHM between the ends, and that noise does not grow by that.

    Raises
    ------
    Refused
        One cannot.
    """
    widest = max(found, key=lambda one: one.psf.fwhm_at(ends).max())
    widths = widest.psf.fwhm_at(ends)
    words = f"a PSF of {fwhm:.2f} arcsec cannot be had: {widest.pointing_id} has {widths.max():.2f}"
    if fwhm <= widths.max():
        raise Refused(f"{words}, so ask for {rule:.2f} or more")
    if fwhm < rule and (gain := noise_gain(of(widest.psf).at(float(ends[np.argmax(widths)])))) >= 1:
        raise Refused(f"{words}, and noise would be {gain:.2f} times what it is, so ask for {rule:.2f} or more")


def logged(archive: Archive, inputs: Sequence[Product], record: TargetRecord) -> dict[str, Psf]:
    """Return the PSFs of the pointings of exposures, as the log has them; of those that it knows."""
    rows = {one.pointing_id: one for one in record.pointings}
    found = {name for name in _found(archive, inputs, record) if name is not None}
    return {name: _logged(rows[name]) for name in sorted(found)}


def logged_psfs(archive: Archive, inputs: Sequence[Product]) -> str:
    """Return in words what the log says of the PSFs of the pointings of exposures."""
    record = survey.find_target(archive.database, str(inputs[0].target))
    if record is None:
        return ""
    rows = {one.pointing_id: one for one in record.pointings}
    seen = {n: name for n, name in enumerate(_found(archive, inputs, record)) if name is not None}
    told = {name: f"{name} {rows[name].psf_fwhm:g} {rows[name].ao_mode}" for name in seen.values()}
    counts = Counter(seen.values())
    return ", ".join(f"{counts[name]} x {told[name]}" for name in sorted(told))


def psf_rows(product_id: str, homogenised: Homogenised) -> list[PsfRow]:
    """Return what is known of the PSFs of a mosaic's pointings as rows."""
    return [
        PsfRow(
            product_id=product_id,
            pointing_id=one.pointing_id,
            origin=str(origin),
            used=int(origin is one.origin),
            fwhm=known.psf.fwhm,
            fwhm_error=known.fwhm_error or None,
            slope=known.psf.slope * ANGSTROMS,
            slope_error=known.slope_error * ANGSTROMS or None,
            wavelength=known.psf.pivot / ANGSTROMS,
            beta=known.psf.beta,
            n_stars=known.stars or None,
        )
        for one in homogenised.pointings
        for origin, known in one.known.items()
    ]


def _pointings(archive: Archive, inputs: Sequence[Product], record: TargetRecord) -> list[str]:
    """Return the pointings of the exposures.

    Raises
    ------
    Refused
        The log does not know one.
    """
    pointings = []
    for product, pointing in zip(inputs, _found(archive, inputs, record), strict=True):
        if pointing is None:
            name = exposure_of(product)
            raise Refused(f"{name} belongs to no pointing of the log, so its point spread function is not known")
        pointings.append(pointing)
    return pointings


def _found(archive: Archive, inputs: Sequence[Product], record: TargetRecord) -> list[str | None]:
    """Return the pointings of exposures: by their headers as tied to the log, else by the start of their block."""
    names = [exposure_of(one) for one in inputs]
    tied = {one.dp_id: one.pointing_id for one in survey.exposures(archive.database, inputs[0], names)}
    blocks: dict[datetime | None, str] = {one.tpl_start: one.pointing_id for one in record.blocks}
    return [tied.get(name) or blocks.get(product.tpl_start) for name, product in zip(names, inputs, strict=True)]


def _logged(pointing: Pointing) -> Psf:
    if pointing.ao_mode not in BETAS or not pointing.psf_fwhm > 0:
        known = f"{pointing.psf_fwhm:g} arcsec, {pointing.ao_mode}"
        raise Refused(f"the log's PSF of {pointing.pointing_id} is none: {known}")
    return Psf(pointing.psf_fwhm, BETAS[pointing.ao_mode])


def _psfs(
    pointings: Sequence[str],
    stack: ExposureStack,
    record: TargetRecord,
    wanted: PsfOrigin,
) -> list[PointingPsf]:
    rows = {one.pointing_id: one for one in record.pointings}
    found = []
    for name in sorted(set(pointings)):
        own = [n for n, pointing in enumerate(pointings) if pointing == name]
        own_log = _logged(rows[name])
        known = {PsfOrigin.LOG: MeasuredPsf(own_log, 0.0, 0.0, 0)}
        if (told := _told([stack.primaries[n] for n in own])) is not None:
            known[PsfOrigin.HEADER] = MeasuredPsf(told, 0.0, 0.0, 0)
        if (seen := measure(stack, own, own_log)) is not None:
            known[PsfOrigin.STARS] = seen
        if wanted not in known:
            raise Refused(f"no PSF of {name} is known from the {wanted} of its {len(own)} exposures")
        found.append(PointingPsf(name, known, wanted))
    return found


def _told(headers: Sequence[fits.Header]) -> Psf | None:
    """Return the widest PSF that the headers of exposures tell, which is what they become when combined at worst."""
    told = [psf for header in headers for psf in read_fsf(header)]
    return max(told, key=lambda psf: psf.fwhm, default=None)
