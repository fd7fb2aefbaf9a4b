"""An alignment in words, for a terminal: offsets in arcsec on the sky, everything with its error."""

import math
from collections.abc import Iterator

from archive.alignments import Held

__all__ = ["to_text"]


def to_text(held: Held, dec: float) -> str:
    """Return the lines about an exposure; ``dec`` is its field's declination, degrees."""
    return "\n".join(_lines(held, dec))


def _lines(held: Held, dec: float) -> Iterator[str]:
    row = held.alignment
    east = row.ra_offset * 3600 * math.cos(math.radians(dec))
    yield f"{row.dp_id}  {row.quality}, {row.origin} {row.made:%Y-%m-%dT%H:%M:%S}"
    if row.note:
        yield f"  note         {row.note}"
    yield f"  reference    {row.reference_id} in {row.filter}"
    yield f"  RA offset    {_value(east, row.offset_error, 4)} arcsec"
    yield f"  Dec offset   {_value(row.dec_offset * 3600, row.offset_error, 4)} arcsec"
    yield f"  rotation     {_value(row.rotation, row.rotation_error, 4)} deg"
    yield f"  flux scale   {_value(row.flux_scale, row.flux_scale_error, 5)}"
    yield f"  background   {_value(row.background, row.background_error, 3)} of 1e-20 erg/s/cm2/Angstrom"
    yield f"  sky factor   {_value(row.sky_factor, row.sky_factor_error, 5)} of {row.sky_level:.3f}"
    if row.correlation is not None:
        yield f"  correlation  {row.correlation:.3f}"
    if row.n_chunks is not None:
        chi2 = "" if row.chi2 is None else f", chi2 {row.chi2:.2f}"
        yield f"  chunks       {row.n_chunks}, {row.n_rejected or 0} left out{chi2}"
    for one in held.trails:
        ends = f"{one.ra_start:.6f} {one.dec_start:.6f} to {one.ra_stop:.6f} {one.dec_stop:.6f}"
        sure = "" if one.significance is None else f", {one.significance:.0f} sigma"
        yield f"  trail {one.number}      {ends}, {one.width:.2f} arcsec wide, {one.origin}{sure}"


def _value(value: float, error: float | None, decimals: int) -> str:
    return f"{value:.{decimals}f}" + ("" if error is None else f" +- {error:.{decimals}f}")
