"""The functions that are no part of ADQL, as the service declares them: form and one sentence."""

from typing import Final

__all__ = ["DECLARED"]

DECLARED: Final = {
    "eso_dateadd_sec(seconds DOUBLE, moment TIMESTAMP) -> TIMESTAMP": "A moment so many seconds later, as ESO has it.",
    "eso_intersection(region1 REGION, region2 REGION) -> DOUBLE": (
        "The area that two shapes share, in square degrees, as ESO has it; polygons must be convex."
    ),
    "eso_substring(string VARCHAR, start INTEGER, length INTEGER) -> VARCHAR": (
        "A part of a text, the first letter being number 1, as ESO has it."
    ),
    "gavo_to_jd(moment TIMESTAMP) -> DOUBLE": "Julian date of a moment.",
    "gavo_to_mjd(moment TIMESTAMP) -> DOUBLE": "Modified Julian date of a moment.",
    "getdate() -> TIMESTAMP": "Now, UTC, as ESO has it.",
    "ivo_hashlist_has(hashlist VARCHAR, item VARCHAR) -> INTEGER": "1 when the item is one of a list joined by #.",
    "ivo_hasword(haystack VARCHAR, needle VARCHAR) -> INTEGER": "1 when the words are in the text, in any inflection.",
    "ivo_interval_overlaps(l1 DOUBLE, h1 DOUBLE, l2 DOUBLE, h2 DOUBLE) -> INTEGER": "1 when two intervals overlap.",
    "ivo_string_agg(expression VARCHAR, delimiter VARCHAR) -> VARCHAR": "The texts of a group, joined.",
    "mv_header(dp_id VARCHAR, keyword VARCHAR) -> VARCHAR": (
        "Value of a keyword, such as ESO OBS NAME, in the primary header of a raw frame or product, without quotes."
    ),
    "ivo_to_jd(moment TIMESTAMP) -> DOUBLE": "Julian date of a moment.",
    "ivo_to_mjd(moment TIMESTAMP) -> DOUBLE": "Modified Julian date of a moment.",
    "ivo_nocasematch(value VARCHAR, pattern VARCHAR) -> INTEGER": "1 when ILIKE would say so.",
    "ivo_healpix_index(order INTEGER, ra DOUBLE, dec DOUBLE) -> BIGINT": (
        "The cell of HEALPix, nested, that a position is in; the order is from 0 to 29."
    ),
    "ivo_healpix_index(order INTEGER, position POINT) -> BIGINT": "The cell of HEALPix, nested, that a point is in.",
    "ivo_healpix_center(order INTEGER, index BIGINT) -> POINT": "The centre of a cell of HEALPix, nested.",
    "ivo_histogram(value DOUBLE, lower DOUBLE, upper DOUBLE, nbins INTEGER) -> BIGINT": (
        "An array of nbins + 2 counts: of values below lower, in each of nbins equal bins, and from upper on; NULL and"
        " NaN are not counted.  The limits and the number of bins are written out."
    ),
    "gavo_specconv(value DOUBLE, unit VARCHAR) -> DOUBLE": (
        "A wavelength, frequency or energy of light, in vacuum, in another spectral unit, such as keV for nm."
    ),
    "gavo_specconv(value DOUBLE, value_unit VARCHAR, unit VARCHAR) -> DOUBLE": (
        "The same of a value whose unit is not known, or another."
    ),
    "MOC(cells VARCHAR) -> MOC": "A coverage map written out, such as 4/30-33 38 7/324-934.",
    "MOC(order INTEGER, shape REGION) -> MOC": (
        "The cells of an order that a shape touches; the order is written out, polygons must be convex."
    ),
    "gavo_mocunion(moc1 MOC, moc2 MOC) -> MOC": "What is in one or the other coverage map.",
    "gavo_mocintersect(moc1 MOC, moc2 MOC) -> MOC": "What is in both coverage maps.",
}
