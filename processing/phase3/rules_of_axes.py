"""Rules for the extensions of a cube: which there are, what they hold, how they point at each other, where pixels lie.

The scheme of classes is asked of the white-light image too.
"""

from collections.abc import Callable, Iterator
from typing import Final

from astropy.wcs import WCS

from archive.errors import Refused
from archive.fits_structure import BrokenFits
from processing.phase3.asked import absent
from processing.phase3.axes import Axes
from processing.phase3.profiles import Profile
from processing.phase3.rule import CHK, CUBES, S8, Kind, Rule, Severity
from processing.phase3.submitted import SubmittedFile, SubmittedHdu
from processing.phase3.units import is_flux, is_variance

__all__ = ["RULES", "same_axes"]

MOST_EXTENSIONS: Final = 3
PROVENANCE: Final = "PHASE3PROVENANCE"
ERRORS: Final = frozenset({"MSE", "RMSE", "INVMSE", "INVRMSE"})
QUALITIES: Final = frozenset({"MASKZERO", "MASKONE", "FLAG32BIT", "FLAG16BIT"})
POINTERS: Final = {"SCIDATA": "DATA", "ERRDATA": "ERROR", "QUALDATA": "QUALITY"}
MATRIX: Final = ("CD1_1", "CD1_2", "CD2_1", "CD2_2", "CD3_3")
OTHER_FORMS: Final = tuple(f"{stem}{n}" for stem in ("CDELT", "CROTA") for n in (1, 2, 3)) + tuple(
    f"PC{i}_{j}" for i in (1, 2, 3) for j in (1, 2, 3)
)
SPECTRAL: Final = ("AWAV", "WAVE")
WAVE_UNITS: Final = frozenset({"angstrom"})
NEARLY: Final = 1e-9

CLASSED: Final = Kind("cube or white-light image", lambda file: file.is_cube or file.is_white)

FindsInHdu = Callable[[SubmittedHdu, Profile], Iterator[str]]


def _parts(file: SubmittedFile) -> tuple[SubmittedHdu, ...]:
    return tuple(hdu for hdu in file.extensions if hdu.name != PROVENANCE)


def _each(finds: FindsInHdu) -> Callable[[SubmittedFile, Profile], Iterator[str]]:
    def in_file(file: SubmittedFile, profile: Profile) -> Iterator[str]:
        for hdu in _parts(file):
            yield from (f"{hdu.label}: {message}" for message in finds(hdu, profile))

    return in_file


def _class(hdu: SubmittedHdu) -> str:
    return hdu.text("HDUCLAS2") or ""


def _few(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    count = len(_parts(file))
    if not 1 <= count <= MOST_EXTENSIONS:
        yield f"there are {count}"


def _data_first(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    order = [_class(hdu) for hdu in _parts(file)]
    if order[:1] != ["DATA"] or order.count("DATA") != 1:
        yield f"HDUCLAS2 of the extensions: {', '.join(repr(one) for one in order)}"


def _three_axes(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    shapes = {hdu.label: hdu.shape for hdu in _parts(file)}
    if any(len(shape) != 3 for shape in shapes.values()) or len(set(shapes.values())) > 1:
        yield ", ".join(f"{name} {shape}" for name, shape in shapes.items())


def _one_place(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    parts = _parts(file)
    for hdu in parts[1:]:
        if not same_axes(parts[0], hdu, file.primary):
            yield f"{hdu.label} lies elsewhere than {parts[0].label}"


def same_axes(one: SubmittedHdu, other: SubmittedHdu, primary: SubmittedHdu, *, flat: bool = False) -> bool:
    """Tell whether the pixels of two HDUs lie at the same places; ``flat``: on the sky."""
    try:
        here, there = (Axes.of(hdu.hdu.header, primary.hdu.header) for hdu in (one, other))
    except (Refused, BrokenFits, ValueError):
        return False
    if flat:
        here, there = here.flat, there.flat
    words, others = dict(_plain(here)), dict(_plain(there))
    return words.keys() == others.keys() and all(_agree(words[k], others[k]) for k in words)


def _plain(axes: Axes) -> Iterator[tuple[str, object]]:
    yield from ((keyword, value) for keyword, value, _ in axes.entries())


def _agree(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= NEARLY * max(abs(one), abs(other))
    return one == other


def _is(keyword: str, wanted: Callable[[Profile], str]) -> FindsInHdu:
    def finds(hdu: SubmittedHdu, profile: Profile) -> Iterator[str]:
        value = hdu.cards.get(keyword)
        if value != wanted(profile):
            yield f"{keyword} is {value!r}, not {wanted(profile)!r}"

    return finds


def _what(hdu: SubmittedHdu, _profile: Profile) -> Iterator[str]:
    if _class(hdu) not in {"DATA", "ERROR", "QUALITY"}:
        yield f"HDUCLAS2 is {hdu.cards.get('HDUCLAS2')!r}"


def _which(hdu: SubmittedHdu, _profile: Profile) -> Iterator[str]:
    value = hdu.cards.get("HDUCLAS3")
    allowed = {"ERROR": ERRORS, "QUALITY": QUALITIES}.get(_class(hdu))
    if allowed is not None and value not in allowed:
        yield f"HDUCLAS3 is {value!r}, HDUCLAS2 {_class(hdu)!r}"


def _partners(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    parts = _parts(file)
    names = {_class(hdu): hdu.name for hdu in parts}
    for hdu in parts:
        for pointer, kind in POINTERS.items():
            value = hdu.cards.get(pointer)
            wanted = None if _class(hdu) == kind else names.get(kind)
            if value != wanted:
                yield f"{hdu.label}: {pointer} is {value!r}" + (f", not {wanted!r}" if wanted else "")


def _unit(hdu: SubmittedHdu, _profile: Profile) -> Iterator[str]:
    value = hdu.cards.get("BUNIT")
    form = {"DATA": is_flux, "ERROR": is_variance}.get(_class(hdu))
    is_rms = hdu.cards.get("HDUCLAS3") == "RMSE"
    if form is None:
        return
    if value is None:
        yield "there is no BUNIT"
    elif not isinstance(value, str) or not (is_flux(value) if is_rms else form(value)):
        yield f"BUNIT is {value!r}"


def _types(hdu: SubmittedHdu, _profile: Profile) -> Iterator[str]:
    first, second, third = (hdu.text(f"CTYPE{n}") or "" for n in (1, 2, 3))
    if not (first.startswith("RA--") and second.startswith("DEC-") and third in SPECTRAL):
        yield f"CTYPE is {first!r}, {second!r}, {third!r}"


def _axis_units(hdu: SubmittedHdu, _profile: Profile) -> Iterator[str]:
    units = [hdu.text(f"CUNIT{n}") or "" for n in (1, 2, 3)]
    if units[:2] != ["deg", "deg"] or units[2] not in WAVE_UNITS:
        yield f"CUNIT is {', '.join(map(repr, units))}"


def _numbers(keywords: tuple[str, ...]) -> FindsInHdu:
    def finds(hdu: SubmittedHdu, _profile: Profile) -> Iterator[str]:
        lacking = [keyword for keyword in keywords if hdu.number(keyword) is None]
        if lacking:
            yield f"there is no {', '.join(lacking)}"

    return finds


def _errors_known(hdu: SubmittedHdu, _profile: Profile) -> Iterator[str]:
    for keyword in ("CSYER1", "CSYER2"):
        value = hdu.number(keyword)
        if value is not None and value < 0:
            yield f"{keyword} is {value:g}"


def _centred(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    ra, dec = file.primary.number("RA"), file.primary.number("DEC")
    cube = next((hdu for hdu in _parts(file) if len(hdu.shape) == 3), None)
    if cube is None or ra is None or dec is None or not -90 <= dec <= 90:
        return
    try:
        axes = Axes.of(cube.hdu.header, file.primary.hdu.header)
    except (Refused, BrokenFits, ValueError):
        return
    x, y = _celestial(axes).all_world2pix(ra, dec, 1)
    nx, ny = cube.shape[:2]
    if not (0.5 <= x <= nx + 0.5 and 0.5 <= y <= ny + 0.5):
        yield f"RA and DEC are at pixel {x:.1f}, {y:.1f} of {nx} x {ny}"


def _celestial(axes: Axes) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = axes.types, axes.value, axes.pixel
    wcs.wcs.cd = [axes.matrix[:2], axes.matrix[2:]]
    return wcs


def _positive_step(hdu: SubmittedHdu, _profile: Profile) -> Iterator[str]:
    step = hdu.number("CD3_3")
    if step is not None and step <= 0:
        yield f"CD3_3 is {step:g}"


def _classed(rule_id: str, asks: str, finds: FindsInHdu) -> Rule:
    return Rule(rule_id, asks, S8, CLASSED, _each(finds))


def _of_cube(
    rule_id: str, asks: str, finds: FindsInHdu, *, source: str = S8, severity: Severity = Severity.ERROR
) -> Rule:
    return Rule(rule_id, asks, source, CUBES, _each(finds), severity)


RULES: Final = (
    Rule("extensions", "a cube has one to three extensions, and PHASE3PROVENANCE", S8, CUBES, _few),
    Rule("data-first", "the first extension, and no other, is the DATA", S8, CLASSED, _data_first),
    Rule("one-shape", "all extensions have three axes of the same lengths", S8, CUBES, _three_axes),
    Rule("one-place", "all extensions have the same axes", S8, CUBES, _one_place),
    _classed("hduclass", "HDUCLASS is ESO", _is("HDUCLASS", lambda _: "ESO")),
    _classed("hdudoc", "HDUDOC is SDP", _is("HDUDOC", lambda _: "SDP")),
    _classed("hduvers", "HDUVERS is the version of the standard", _is("HDUVERS", lambda profile: profile.version)),
    _classed("hduclas1", "HDUCLAS1 is IMAGE", _is("HDUCLAS1", lambda _: "IMAGE")),
    _classed("hduclas2", "HDUCLAS2 is DATA, ERROR or QUALITY", _what),
    _classed("hduclas3", "HDUCLAS3 says which sort of error or quality it is", _which),
    Rule("partners", "SCIDATA, ERRDATA and QUALDATA name the other extensions", S8, CLASSED, _partners),
    _of_cube("bunit", "BUNIT is a flux density or its square, in ESO's syntax", _unit),
    _of_cube("ctype", "CTYPE1 and CTYPE2 are right ascension and declination, CTYPE3 AWAV or WAVE", _types),
    _of_cube("cunit", "CUNIT1 and CUNIT2 are deg, CUNIT3 is angstrom", _axis_units),
    _of_cube("crval", "CRVAL1 to 3 are there", _numbers(("CRVAL1", "CRVAL2", "CRVAL3"))),
    _of_cube("crpix", "CRPIX1 to 3 are there", _numbers(("CRPIX1", "CRPIX2", "CRPIX3"))),
    _of_cube("cd-matrix", "the CD matrix is there", _numbers(MATRIX)),
    _of_cube("wavelength-step", "CD3_3 is above 0", _positive_step),
    absent("no-cdelt", "axes have a CD matrix, and no CDELT, CROTA or PC", *OTHER_FORMS),
    _of_cube("csyer", "CSYER1 and CSYER2 are there", _numbers(("CSYER1", "CSYER2")), source=CHK),
    _of_cube("csyer-sign", "CSYER1 and CSYER2 are not negative", _errors_known, source="FITS paper I"),
    _of_cube("crder3", "CRDER3 is there", _numbers(("CRDER3",)), severity=Severity.WARNING),
    Rule("position", "RA and DEC lie on the cube", S8, CUBES, _centred),
)
