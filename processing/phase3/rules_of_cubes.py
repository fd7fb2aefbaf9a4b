"""Rules for the primary header of a cube: what was observed, by whom, when, how deep, and what it was made of."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from processing.phase3.asked import absent, number, one_of, text, whole
from processing.phase3.profiles import Profile
from processing.phase3.rule import CHK, CUBES, OWN, S8, Rule, Severity
from processing.phase3.submitted import SubmittedFile, SubmittedHdu, ends_as_fits

__all__ = ["RULES"]

SECONDS_A_DAY: Final = 86400.0
TOLERANCE: Final = 0.01
"""Of the sums of exposure times, s."""

MJD_OF_1970: Final = 40587.0
ROUNDED: Final = 1.1
"""The telescope often rounds DATE-OBS to the second."""

MOST_INDEX: Final = 9999
DATE: Final = r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?"
MOMENT: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?"
RUN: Final = re.compile(r"\d{2,4}\.[A-Z]-\d{4}(\([A-Z]\))?|\d{3}\.[0-9A-Z]{4}\.\d{3}")
BIBCODE: Final = r"\d{4}[A-Za-z&.]{5}[\w.]{9}[A-Z.]"
RAW: Final = re.compile(r"[A-Z]+\.\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}")
ARCHIVED: Final = re.compile(r"ADP\.\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}")
MD5: Final = re.compile(r"[0-9a-f]{32}")
NON_FITS: Final = frozenset(
    f"ANCILLARY.{name}"
    for name in (
        "PREVIEW", "README", "TAR", "SRCTBL", "HARPSTAR", "FEROSTAR", "MOSSPECTRA.PREVIEW", "2DECHELLE.TAR",
        "FORS2TAR", "CUBE.LMV", "CRIRESPTAR",
    )
)  # fmt: skip
FRAMES: Final = ("TOPOCENT", "GEOCENTR", "BARYCENT", "HELIOCEN", "LSRK", "LSRD", "GALACTOC", "LOCALGRP", "CMBDIPOL")
FORBIDDEN: Final = ("FILTER", "SPEC_BIN", "RA_ERR", "DEC_ERR")
OF_OTHERS: Final = (
    "M_EPOCH", "PSF_FWHM", "SNR", "PHOTZP", "FLUXERR", "TOT_FLUX", "CONTNORM", "EXT_OBJ", "DIT",
)  # fmt: skip


def _no_pixels(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    if file.primary.hdu.data_size:
        yield f"it has an image of {file.primary.shape}"


def _eso(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    origin, foreign = file.primary.text("ORIGIN"), file.primary.cards.get("NOESODAT")
    if origin is None:
        yield "there is no ORIGIN"
    elif origin not in {"ESO", "ESO-PARANAL"} and foreign is not True:
        yield f"ORIGIN is {origin!r} without NOESODAT = T"


def _foreign(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    foreign = file.primary.cards.get("NOESODAT", None)
    origin = file.primary.text("ORIGIN") or ""
    if foreign is not None and (foreign is not True or origin.startswith("ESO")):
        yield f"NOESODAT is {foreign!r}, ORIGIN {origin!r}"


def _named(keyword: str, stem: str) -> Rule:
    """Return the rule for TELESCOP and INSTRUME: a name, or MULTI with a list of names."""

    def finds(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
        value, several = file.primary.text(keyword), file.primary.numbered(stem)
        if not value:
            yield f"there is no {keyword}"
        elif (value == "MULTI") != (len(several) > 1):
            yield f"{keyword} is {value!r}, and there are {len(several)} {stem}i"

    asks = f"{keyword} is a name, or MULTI with {stem}1, {stem}2 ..."
    return Rule(keyword.lower(), asks, S8, CUBES, finds)


def _frame(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    value = file.primary.text("RADESYS") or file.primary.text("RADECSYS")
    if value not in {"FK5", "ICRS"}:
        yield f"RADESYS is {value!r}" if value else "there is no RADESYS"


def _equinox(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    value = file.primary.number("EQUINOX")
    frame = file.primary.text("RADESYS") or file.primary.text("RADECSYS")
    if value is None and (frame == "FK5" or "EQUINOX" in file.primary.keywords):
        yield "there is no EQUINOX that is a number"
    elif value not in {None, 2000.0}:
        yield f"EQUINOX is {value:g}"


def _not_longer(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    typical, total = file.primary.number("EXPTIME"), file.primary.number("TEXPTIME")
    if typical is not None and total is not None and typical > total + TOLERANCE:
        yield f"EXPTIME is {typical:g} s, TEXPTIME {total:g} s"


def _within(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    begin, end = file.primary.number("MJD-OBS"), file.primary.number("MJD-END")
    total = file.primary.number("TEXPTIME")
    if begin is None or end is None or total is None:
        return
    spent = (end - begin) * SECONDS_A_DAY
    if total > spent + TOLERANCE:
        yield f"TEXPTIME is {total:g} s, from MJD-OBS to MJD-END are {spent:g} s"


def _ordered(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    begin, end = file.primary.number("MJD-OBS"), file.primary.number("MJD-END")
    if begin is not None and end is not None and end < begin:
        yield f"MJD-END is {end!r}, MJD-OBS {begin!r}"


def _past(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    end = file.primary.number("MJD-END")
    if end is not None and end > datetime.now(UTC).timestamp() / SECONDS_A_DAY + MJD_OF_1970:
        yield f"MJD-END is {end!r}"


def _one_moment(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    begin, written = file.primary.number("MJD-OBS"), file.primary.text("DATE-OBS")
    try:
        moment = datetime.fromisoformat(written or "").replace(tzinfo=UTC)
    except ValueError:
        return
    if begin is not None:
        apart = abs(moment.timestamp() - (begin - MJD_OF_1970) * SECONDS_A_DAY)
        if apart > ROUNDED:
            yield f"they are {apart:.1f} s apart"


def _run(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    value, several = file.primary.text("PROG_ID"), file.primary.numbered("PROGID")
    if not value:
        yield "there is no PROG_ID"
    elif (value == "MULTI") != (len(several) > 1):
        yield f"PROG_ID is {value!r}, and there are {len(several)} PROGIDi"


def _run_form(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    given = [file.primary.text("PROG_ID"), *file.primary.numbered("PROGID").values()]
    for run in given:
        if run not in {None, "", "MULTI"} and not (isinstance(run, str) and RUN.fullmatch(run)):
            yield f"{run!r} is none"


def _counted(stem: str) -> Rule:
    """Return the rule that stem1, stem2 ... leave no number out, are few enough and all different."""

    def finds(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
        found = file.primary.numbered(stem)
        if found and (list(found) != list(range(1, len(found) + 1)) or len(found) > MOST_INDEX):
            yield f"the numbers are {', '.join(map(str, found))}"
        values = [str(value) for value in found.values()]
        if twice := sorted({value for value in values if values.count(value) > 1}):
            yield f"{', '.join(twice)} is there more than once"

    asks = f"{stem}1, {stem}2 ... leave no number out, and all are different"
    return Rule(f"{stem.lower()}-list", asks, S8, CUBES, finds)


def _block(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    found = file.primary.numbered("OBID")
    if 1 not in found:
        yield "there is no OBID1"
    odd = [str(value) for value in found.values() if type(value) is not int or value <= 0]
    if odd:
        yield f"{', '.join(odd)} is no whole number above 0"


def _source(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    if 1 not in file.primary.numbered("PROV") and file.primary.cards.get("PROVXTN") is not True:
        yield "there is no PROV1"


def _source_table(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    said = file.primary.cards.get("PROVXTN")
    is_there = any(hdu.name == "PHASE3PROVENANCE" for hdu in file.extensions)
    if (said is True) != is_there or (said is not None and type(said) is not bool):
        yield f"PROVXTN is {said!r}, the table is {'' if is_there else 'not '}there"


def _source_form(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    for number_, value in file.primary.numbered("PROV").items():
        is_raw = isinstance(value, str) and (RAW.fullmatch(value) or ARCHIVED.fullmatch(value))
        is_file = isinstance(value, str) and ends_as_fits(value) and not RAW.match(value)
        if not (is_raw or is_file):
            yield f"PROV{number_} is {value!r}"


def _associated(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    if 1 not in file.primary.numbered("ASSON"):
        yield "there is no ASSON1"


def _associated_form(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    names, kinds, sums = (file.primary.numbered(stem) for stem in ("ASSON", "ASSOC", "ASSOM"))
    for n in sorted({*names, *kinds, *sums}):
        yield from _non_fits(n, names.get(n), kinds.get(n), sums.get(n))


def _non_fits(n: int, name: Any, kind: Any, md5: Any) -> Iterator[str]:
    if not isinstance(name, str):
        yield f"ASSON{n} is {name!r}"
    elif ends_as_fits(name):
        if kind is not None or md5 is not None:
            yield f"ASSON{n} is a FITS file: it has its category itself"
    elif kind not in NON_FITS or not (isinstance(md5, str) and MD5.fullmatch(md5)):
        yield f"ASSON{n} is no FITS file: ASSOC{n} is {kind!r}, ASSOM{n} {md5!r}"


def _increasing(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    low, high = file.primary.number("WAVELMIN"), file.primary.number("WAVELMAX")
    if low is not None and high is not None and low > high:
        yield f"WAVELMIN is {low:g}, WAVELMAX {high:g}"


def _reached(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    axis = _axis(file)
    for keyword in ("WAVELMIN", "WAVELMAX"):
        value = file.primary.number(keyword)
        if axis is not None and value is not None and not axis[0] <= value <= axis[1]:
            yield f"{keyword} is {value:g} nm, the axis goes from {axis[0]:g} to {axis[1]:g}"


def _axis(file: SubmittedFile) -> tuple[float, float] | None:
    """Return the first and the last wavelength of the cube with half a plane beside them, nm."""
    cube: SubmittedHdu | None = next((one for one in file.images if len(one.shape) == 3), None)
    if cube is None:
        return None
    value, pixel, step = (cube.number(word) for word in ("CRVAL3", "CRPIX3", "CD3_3"))
    unit = (cube.text("CUNIT3") or "").lower()
    if value is None or pixel is None or step is None or unit not in {"angstrom", "angstroms"}:
        return None
    first = value + (0.5 - pixel) * step
    return first / 10, (first + cube.shape[2] * step) / 10


def _one_exposure(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    begin, end = file.primary.number("MJD-OBS"), file.primary.number("MJD-END")
    exptime = file.primary.number("EXPTIME")
    if begin is None or end is None or exptime is None or file.primary.number("NCOMBINE") != 1:
        return
    if (end - begin) * SECONDS_A_DAY + TOLERANCE < exptime:
        yield f"one exposure of {exptime:g} s between {begin!r} and {end!r}"


RULES: Final = (
    Rule("primary-empty", "the primary HDU has no pixels", S8, CUBES, _no_pixels),
    Rule("origin", "ORIGIN is ESO or ESO-PARANAL, or NOESODAT is T", S8, CUBES, _eso),
    Rule("noesodat", "NOESODAT is T, and only where ORIGIN is not ESO", S8, CUBES, _foreign),
    _named("TELESCOP", "TELESC"),
    _named("INSTRUME", "INSTR"),
    text("OBJECT", "OBJECT names the target"),
    number("RA", 0, 360),
    number("DEC", -90, 90),
    Rule("radesys", "RADESYS is FK5 or ICRS", S8, CUBES, _frame),
    Rule("equinox", "EQUINOX is 2000; with FK5 it is there", S8, CUBES, _equinox),
    one_of("TIMESYS", "UTC", "TAI", optional=True),
    number("EXPTIME", 0, above=True),
    number("TEXPTIME", 0, above=True),
    Rule("exptime-texptime", "EXPTIME is no longer than TEXPTIME", S8, CUBES, _not_longer),
    Rule("texptime-span", "TEXPTIME fits between MJD-OBS and MJD-END", S8, CUBES, _within),
    number("MJD-OBS", MJD_OF_1970, source=CHK),
    number("MJD-END", MJD_OF_1970, source=CHK),
    Rule("mjd-order", "MJD-END is not before MJD-OBS", S8, CUBES, _ordered),
    Rule("mjd-past", "MJD-END is over", CHK, CUBES, _past),
    Rule("mjd-end-exposure", "MJD-END is not before the end of the exposure", S8, CUBES, _one_exposure),
    text("DATE-OBS", "DATE-OBS is a date with time", form=MOMENT, source=CHK),
    Rule("date-obs-mjd", "DATE-OBS and MJD-OBS are one moment", OWN, CUBES, _one_moment, Severity.WARNING),
    text("DATE", "DATE is a date, yyyy-MM-dd, with a time or without", form=DATE, source=CHK),
    Rule("prog-id", "PROG_ID is a run, or MULTI with PROGID1, PROGID2 ...", S8, CUBES, _run),
    Rule("prog-id-form", "runs look like 1100.B-0651(A) or 106.20Y7.001", S8, CUBES, _run_form),
    _counted("PROGID"),
    Rule("obid", "OBID1 is there; all OBIDi are whole numbers", S8, CUBES, _block),
    _counted("OBID"),
    whole("NCOMBINE", 1),
    one_of("OBSTECH", "IFU"),
    one_of("FLUXCAL", "ABSOLUTE", "UNCALIBRATED"),
    text("PROCSOFT", "PROCSOFT names the program"),
    text("REFERENC", "REFERENC is a DOI, a bibcode or empty", form=rf"|doi:10\..+|{BIBCODE}"),
    Rule("prov", "PROV1 is there, or PROVXTN is T", CHK, CUBES, _source),
    Rule("provxtn", "PROVXTN is T where there is a table PHASE3PROVENANCE, and only there", S8, CUBES, _source_table),
    Rule("prov-form", "PROVi are raw frames without .fits, products with it, or ADP ids", S8, CUBES, _source_form),
    _counted("PROV"),
    Rule("asson", "ASSON1 is there", CHK, CUBES, _associated),
    Rule("asson-form", "what is no FITS file has ASSOCi and ASSOMi, and nothing else", S8, CUBES, _associated_form),
    _counted("ASSON"),
    one_of("SPECSYS", *FRAMES),
    number("WAVELMIN", 455, 941, source=CHK),
    number("WAVELMAX", 455, 941, source=CHK),
    Rule("wavelength-order", "WAVELMIN is not above WAVELMAX", S8, CUBES, _increasing),
    Rule("wavelength-axis", "WAVELMIN and WAVELMAX lie on the axis of the cube", S8, CUBES, _reached),
    number("SPEC_RES", 1500, 4000, source=CHK),
    number("SKY_RES", 0, 99, above=True),
    number("SKY_RERR", 0, 99, optional=True),
    number("ABMAGLIM", 0, 99, above=True),
    number("PIXNOISE", 0),
    number("STREHL", 0, 1, above=True, optional=True),
    number("ELLIPTIC", 0, 1, optional=True),
    absent("forbidden", "keywords that ESO refuses are not there", *FORBIDDEN),
    absent("of-other-products", "keywords of other sorts of products are not there", *OF_OTHERS,
           severity=Severity.WARNING),
)  # fmt: skip
