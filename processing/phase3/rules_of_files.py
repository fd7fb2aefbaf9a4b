"""Rules for every file of a submission: name, form, checksums, category, and cards that nobody may write."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from processing.phase3.profiles import CUBE, Profile
from processing.phase3.rule import ANY, CHK, S8, Rule, Severity
from processing.phase3.submitted import SubmittedFile, ends_as_fits

__all__ = ["RULES"]

LONGEST_NAME: Final = 68
LONGEST_TEXT: Final = 68
PADDED: Final = re.compile(r"(PROV|OBID|ASSON|ASSOC|ASSOM|PROGID|TELESC|INSTR)0\d*")
RESERVED: Final = ("ARCFILE", "P3ORIG")
SCALINGS: Final = {"BSCALE": 1.0, "BZERO": 0.0}
ANCILLARIES: Final = frozenset(
    {
        "PREVIEW", "WEIGHTMAP", "GAINMAP", "MASK", "SPECTRUM", "2DSPECTRUM", "IMAGE", "IMAGE.WHITELIGHT",
        "IMAGE.COL_DENSITY", "RMSMAP", "SNRMAP", "RESMAP", "SRCMASK", "FILTERED", "EXPMAP", "VARMAP", "PIXELCOUNTMAP",
        "PIXELCOUNT3D", "CUBE.IFS", "CUBE.IFS.SKY", "CUBE.IFS.NO_TELLCORR", "MPDAF.FIELDMAP", "MUSE.PIXTABLE_REDUCED",
        "CCF", "DRIFT", "SRCTBL", "README", "TAR", "MOSSPECTRA", "MOSSPECTRA.PREVIEW", "SPECTRUM.TELLURIC",
        "SPECTRUM.CONTINUUM", "4MOST.MEC",
    }
)  # fmt: skip
CATEGORIES: Final = frozenset({CUBE, *(f"ANCILLARY.{name}" for name in ANCILLARIES)})
"""What a survey with MUSE submits, among all that ESO knows."""


def _name_length(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    if len(file.name) > LONGEST_NAME:
        yield f"the name has {len(file.name)} characters"


def _name_ending(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    if not ends_as_fits(file.name):
        yield f"the name {file.name} ends otherwise"


def _name_characters(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    odd = sorted({letter for letter in file.name if not re.match(r"[A-Za-z0-9._+-]", letter)})
    if odd:
        yield f"the name has {' '.join(map(repr, odd))}"


def _whole(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    if file.reason is not None:
        yield file.reason


def _readable(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    for hdu in file.hdus:
        if hdu.undefined:
            yield f"{hdu.label}: {', '.join(hdu.undefined)}"


def _texts(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    for hdu in file.hdus:
        words = [card.keyword for card in hdu.hdu.header.cards if card.image.startswith("CONTINUE")]
        long = [k for k, v in hdu.cards.items() if isinstance(v, str) and len(v) > LONGEST_TEXT]
        if words or long or "LONGSTRN" in hdu.keywords:
            yield f"{hdu.label}: {', '.join(long) or 'LONGSTRN'}"


def _repeated(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    for hdu in file.hdus:
        often = [word for word, count in Counter(hdu.keywords).items() if count > 1 and word != "CONTINUE"]
        if often:
            yield f"{hdu.label}: {', '.join(often)}"


def _padded(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    for hdu in file.hdus:
        found = [word for word in hdu.keywords if PADDED.fullmatch(word)]
        if found:
            yield f"{hdu.label}: {', '.join(found)}"


def _scaled(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    for hdu in file.hdus:
        for word, nothing in SCALINGS.items():
            if word in hdu.cards and hdu.number(word) != nothing:
                yield f"{hdu.label}: {word} is {hdu.cards[word]}"


def _has_checksum(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    yield from (f"{hdu.label} has none" for hdu in file.hdus if "CHECKSUM" not in hdu.keywords)


def _has_datasum(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    yield from (f"{hdu.label} has none" for hdu in file.hdus if "DATASUM" not in hdu.keywords)


def _sums(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    for hdu in file.hdus:
        if not {"CHECKSUM", "DATASUM"} & set(hdu.keywords):
            continue
        data, whole = hdu.sums()
        if "DATASUM" in hdu.keywords and str(hdu.cards.get("DATASUM", "")).strip() != str(data):
            yield f"{hdu.label}: DATASUM is not that of the data, {data}"
        elif "CHECKSUM" in hdu.keywords and whole not in {0, (1 << 32) - 1}:
            yield f"{hdu.label}: CHECKSUM is not that of the HDU"


def _category(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    if file.category not in CATEGORIES:
        yield f"PRODCATG is {file.category!r}" if file.category else "there is no PRODCATG"


def _only_in_primary(keyword: str) -> Rule:
    def finds(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
        yield from (f"{hdu.label} has it" for hdu in file.extensions if keyword in hdu.keywords)

    asks = f"{keyword} stands in no extension"
    return Rule(f"{keyword.lower()}-in-extension", asks, CHK, ANY, finds)


def _reserved(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    found = [word for word in RESERVED if word in file.primary.keywords]
    if found:
        yield f"{', '.join(found)} of an earlier life"


def _named(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    yield from (f"extension {hdu.index} has none" for hdu in file.extensions if not hdu.name)


def _named_once(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
    names = Counter(hdu.name for hdu in file.extensions if hdu.name)
    yield from (f"{count} extensions are called {name}" for name, count in names.items() if count > 1)


RULES: Final = (
    Rule("file-name-length", "the name has 68 characters at most", S8, ANY, _name_length),
    Rule("file-name-ending", "the name ends with .fits or .fits.fz", S8, ANY, _name_ending),
    Rule("file-name-characters", "the name is of letters, digits and ._+-", CHK, ANY, _name_characters),
    Rule("whole-fits", "it is a whole FITS file", CHK, ANY, _whole),
    Rule("values", "every keyword has a value that can be read and is a number where it should", S8, ANY, _readable),
    Rule("text-length", "texts have 68 characters at most, and no CONTINUE", S8, ANY, _texts),
    Rule("repeated-keyword", "no keyword stands twice in a header", "FITS standard 4", ANY, _repeated),
    Rule("padded-index", "numbers of keywords have no leading zeros", S8, ANY, _padded),
    Rule("scaled-pixels", "pixels are stored without BSCALE and BZERO", S8, ANY, _scaled, Severity.WARNING),
    Rule("checksum", "every HDU has CHECKSUM", S8, ANY, _has_checksum),
    Rule("datasum", "every HDU has DATASUM", S8, ANY, _has_datasum),
    Rule("checksums-hold", "CHECKSUM and DATASUM are those of the file", CHK, ANY, _sums, reads_pixels=True),
    Rule("prodcatg", "PRODCATG is one that ESO knows", CHK, ANY, _category),
    _only_in_primary("PRODCATG"),
    _only_in_primary("ORIGFILE"),
    Rule("reserved", "ARCFILE and P3ORIG are left to ESO", S8, ANY, _reserved, Severity.WARNING),
    Rule("extname", "every extension has EXTNAME", CHK, ANY, _named),
    Rule("extname-unique", "every extension has a name of its own", S8, ANY, _named_once),
)
