"""Normal equations of one spectrum: a continuum times a polynomial, plus lines followed only where they are.  Compiled.

The continuum's part does not depend on the lines' velocities and widths and is summed once a spectrum over all pixels;
the lines' part is summed over their windows, anew for each trial.  The unknowns stand in the order polynomial
coefficients, free fluxes, velocity of each group, variance of each group.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.science.cholesky import Equations
from processing.science.compiled import compiled
from processing.science.profiles import BY_FLUX, Lines, fill_profile, place

__all__ = ["Grid", "Sizes", "Spectrum", "Sums", "add_lines", "fill_continuum", "fill_derivatives", "fill_fluxes"]
__all__ += ["COUNT", "FIRST", "sum_lines"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

FIRST: Final = 0
COUNT: Final = 1
TOUCHING: Final = 2


class Grid(NamedTuple):
    """The pixels: their edges in Angstrom, shape (pixels + 1), and the Legendre polynomials (order + 1, pixels)."""

    edges: Array
    legendre: Array


class Sizes(NamedTuple):
    """How many polynomial coefficients, free fluxes and groups there are; all linear unknowns, and all."""

    polynomial: int
    amplitudes: int
    groups: int
    linear: int
    total: int


class Spectrum(NamedTuple):
    """One spectrum, shape (pixels): its weights (1/variance; 0 where a pixel is not used), continuum, and products.

    ``square`` is chi2 without any model.
    """

    weight: Array
    continuum: Array
    weighted_continuum: Array
    weighted_flux: Array
    square: float


class Sums(NamedTuple):
    """What the lines' windows add up to at one set of velocities and variances.

    ``windows`` (lines, 3) holds a line's first pixel, the number of its pixels, and how far on the list lie lines that
    overlap it; ``columns`` (lines, 3, widest window) its profile and derivatives there.  ``products`` (lines, 3,
    order + 2) are theirs with the polynomials and, last, the flux; ``pairs`` (lines, lines, 3, 3) with each other.
    """

    windows: Integers
    columns: Array
    products: Array
    pairs: Array


@compiled
def fill_continuum(spectrum: Spectrum, grid: Grid, equations: Equations) -> None:
    """Fill the block of the polynomial's coefficients."""
    product = np.zeros(spectrum.weight.size)
    for row in range(grid.legendre.shape[0]):
        value = 0.0
        for pixel in range(product.size):
            model = spectrum.continuum[pixel] * grid.legendre[row, pixel]
            product[pixel] = spectrum.weighted_continuum[pixel] * model
            value += spectrum.weighted_flux[pixel] * model
        equations.vector[row] = value
        for column in range(row + 1):
            value = 0.0
            for pixel in range(product.size):
                value += product[pixel] * grid.legendre[column, pixel]
            equations.matrix[row, column] = equations.matrix[column, row] = value


@compiled
def sum_lines(lines: Lines, kinematics: Array, spectrum: Spectrum, grid: Grid, sums: Sums) -> None:
    """Fill the sums at velocities and variances ``kinematics``, shape (2 groups)."""
    groups = kinematics.size // 2
    for line in range(lines.wavelength.size):
        group = lines.group[line]
        where = place(lines, line, kinematics[group], kinematics[groups + group])
        first, count = fill_profile(where, grid.edges, sums.columns[line])
        sums.windows[line, FIRST], sums.windows[line, COUNT] = first, count
        for kind in range(3):
            _multiply_by_polynomials(sums, line, kind, spectrum, grid)
    for line in range(lines.wavelength.size):
        for other in range(line, lines.wavelength.size):
            if _multiply(sums, line, other, spectrum.weight):
                sums.windows[line, TOUCHING] = other - line + 1


@compiled
def _multiply_by_polynomials(sums: Sums, line: int, kind: int, spectrum: Spectrum, grid: Grid) -> None:
    first, count, last = sums.windows[line, FIRST], sums.windows[line, COUNT], grid.legendre.shape[0]
    value = 0.0
    for k in range(count):
        value += sums.columns[line, kind, k] * spectrum.weighted_flux[first + k]
    sums.products[line, kind, last] = value
    for power in range(last):
        value = 0.0
        for k in range(count):
            weighted = sums.columns[line, kind, k] * spectrum.weighted_continuum[first + k]
            value += weighted * grid.legendre[power, first + k]
        sums.products[line, kind, power] = value


@compiled
def _multiply(sums: Sums, line: int, other: int, weight: Array) -> bool:
    """Fill the products of two lines; return whether they overlap."""
    first, other_first = sums.windows[line, FIRST], sums.windows[other, FIRST]
    start = max(first, other_first)
    stop = min(first + sums.windows[line, COUNT], other_first + sums.windows[other, COUNT])
    for kind in range(3):
        for other_kind in range(3):
            value = 0.0
            for pixel in range(start, stop):
                left = sums.columns[line, kind, pixel - first] * weight[pixel]
                value += left * sums.columns[other, other_kind, pixel - other_first]
            sums.pairs[line, other, kind, other_kind] = value
    return bool(start < stop or line == other)


@compiled
def fill_fluxes(lines: Lines, sums: Sums, sizes: Sizes, equations: Equations) -> None:
    """Fill the rows and columns of the free fluxes."""
    matrix, vector = equations
    for row in range(sizes.polynomial, sizes.linear):
        vector[row] = 0.0
        for column in range(sizes.linear):
            matrix[row, column] = matrix[column, row] = 0.0
    for line in range(lines.wavelength.size):
        row = sizes.polynomial + lines.amplitude[line]
        _add_products(sums.products[line, BY_FLUX], row, lines.ratio[line], equations)
        for other in range(line, line + sums.windows[line, TOUCHING]):
            value = lines.ratio[line] * lines.ratio[other] * sums.pairs[line, other, BY_FLUX, BY_FLUX]
            column = sizes.polynomial + lines.amplitude[other]
            matrix[row, column] += value
            if line != other:
                matrix[column, row] += value


@compiled
def fill_derivatives(lines: Lines, sums: Sums, sizes: Sizes, unknowns: Array, equations: Equations) -> None:
    """Fill the rows and columns of the velocities and variances, whose columns are the derivatives times the flux."""
    matrix, vector = equations
    for row in range(sizes.linear, sizes.total):
        vector[row] = 0.0
        for column in range(sizes.total):
            matrix[row, column] = matrix[column, row] = 0.0
    for line in range(lines.wavelength.size):
        flux = unknowns[sizes.polynomial + lines.amplitude[line]] * lines.ratio[line]
        for kind in range(1, 3):
            _add_products(sums.products[line, kind], _unknown(lines, line, kind, sizes), flux, equations)
        for other in range(line, line + sums.windows[line, TOUCHING]):
            other_flux = unknowns[sizes.polynomial + lines.amplitude[other]] * lines.ratio[other]
            for pair in range(1, 9):
                kind, other_kind = pair // 3, pair % 3
                scale = (flux if kind else lines.ratio[line]) * (other_flux if other_kind else lines.ratio[other])
                value = scale * sums.pairs[line, other, kind, other_kind]
                row, column = _unknown(lines, line, kind, sizes), _unknown(lines, other, other_kind, sizes)
                matrix[row, column] += value
                if line != other:
                    matrix[column, row] += value


@compiled
def _add_products(products: Array, row: int, scale: float, equations: Equations) -> None:
    """Add a line's column, times ``scale``, to its unknown's products with the polynomials and the flux."""
    last = products.size - 1
    for power in range(last):
        value = scale * products[power]
        equations.matrix[row, power] += value
        equations.matrix[power, row] += value
    equations.vector[row] += scale * products[last]


@compiled
def _unknown(lines: Lines, line: int, kind: int, sizes: Sizes) -> int:
    """Return the unknown that a column of a line belongs to."""
    if kind == BY_FLUX:
        return int(sizes.polynomial + lines.amplitude[line])
    return int(sizes.linear + (kind - 1) * sizes.groups + lines.group[line])


@compiled
def add_lines(lines: Lines, sums: Sums, sizes: Sizes, unknowns: Array, model: Array) -> None:
    """Add the lines to a model spectrum."""
    for line in range(lines.wavelength.size):
        flux = unknowns[sizes.polynomial + lines.amplitude[line]] * lines.ratio[line]
        for k in range(sums.windows[line, COUNT]):
            model[sums.windows[line, FIRST] + k] += flux * sums.columns[line, BY_FLUX, k]
