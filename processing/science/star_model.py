"""What all spectra of a call to the stellar fits share: pixels, polynomials, and the templates prepared for both."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.errors import NoOverlap
from processing.science.legendre import polynomials
from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.splines import sample
from processing.science.star_spectra import StarSettings, StarSpectra
from processing.science.stellar_templates import Library, Sight, Templates, prepare

__all__ = ["StarModel", "continuum_of", "model_of"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FARTHEST: Final = 5.0
"""Sigmas after which a Gaussian is nothing."""


@dataclass(frozen=True)
class StarModel:
    """Attributes.

    usable
        Pixels to fit, shape (pixels).
    polynomials
        Legendre's over the range fitted, shape (order + 1, pixels); beyond it they mean nothing.
    templates, place
        To fit with, and where the pixels lie on them.
    whole, whole_place
        The same templates as far as library and pixels reach, and where the pixels lie; NaN beyond.
    broader
        Pixels where the templates are broader than the LSF, shape (pixels).
    """

    usable: Mask
    polynomials: Array
    templates: Templates
    place: Array
    whole: Templates
    whole_place: Array
    broader: Mask


def model_of(spectra: StarSpectra, library: Library, settings: StarSettings) -> StarModel:
    """Prepare for a call.

    Raises
    ------
    NoOverlap
        Too few pixels lie in the range to fit, or the library does not cover it.
    """
    at_rest, usable = spectra.at_rest, settings.usable(spectra)
    if usable.sum() < settings.fewest:
        low, high = settings.wavelengths
        raise NoOverlap(
            f"{usable.sum()} pixels between {at_rest[0]:.0f} and {at_rest[-1]:.0f} Angstrom at rest are none to fit "
            f"{low:g} to {high:g} with: {settings.fewest} are needed"
        )
    first, last = (float(end) for end in at_rest[usable][[0, -1]])
    redshift = spectra.systemic_velocity / SPEED_OF_LIGHT
    sight = Sight(settings.lsf, float(np.median(np.diff(spectra.wavelength))), redshift)
    margin = settings.velocity_range + FARTHEST * settings.largest_sigma
    step = settings.velocity_scale
    templates = prepare(library, sight, (first, last), step=step, margin=margin)
    reach = np.exp((margin + 5 * settings.velocity_scale) / SPEED_OF_LIGHT)
    low, high = max(at_rest[0], library.wavelength[0] * reach), min(at_rest[-1], library.wavelength[-1] / reach)
    whole = prepare(library, sight, (float(low), float(high)), step=step, margin=margin, normal=templates.normal)
    return StarModel(
        usable=usable,
        polynomials=polynomials(at_rest, (first, last), settings.order),
        templates=templates,
        place=templates.place(at_rest),
        whole=whole,
        whole_place=np.where((at_rest >= low) & (at_rest <= high), whole.place(at_rest), np.nan),
        broader=sight.lacking(at_rest, library.fwhm) < 0,
    )


def continuum_of(model: StarModel, weights: Array, velocity: float, variance: float) -> Array:
    """Return the templates' sum on all pixels, NaN where the library does not reach."""
    taking_part = weights > 0
    mixed = (weights[taking_part, np.newaxis] * model.whole.spectra[taking_part]).sum(axis=0, keepdims=True)
    covered = np.isfinite(model.whole_place)
    place = model.whole_place[covered] - velocity / SPEED_OF_LIGHT / model.whole.step
    values = np.empty((1, place.size))
    sample(model.whole.broadened(mixed, variance), place, np.ones(place.size), values)
    continuum = np.full(covered.size, np.nan)
    continuum[covered] = values[0]
    return continuum
