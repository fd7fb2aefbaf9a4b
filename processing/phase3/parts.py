"""From the HDUs of a product's file to those of a submission: which go, as what, and with which headers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import structlog
from astropy.io import fits

from archive.errors import Refused
from archive.fits_structure import Hdu, text
from processing.phase3.axes import Axes
from processing.phase3.collection import Piece
from processing.phase3.facts import Facts
from processing.phase3.fits_copy import Part
from processing.phase3.headers import Content, Extension, extension_header, headers_for, primary_header
from processing.phase3.profiles import Profile, Role
from processing.phase3.units import SECONDS, VARIANCE, flux_unit

__all__ = ["kept_cards", "parts_of"]

log = structlog.get_logger()

LONGEST: Final = 68
NOT_IN_EXTENSIONS: Final = ("PRODCATG", "ORIGFILE")


def parts_of(piece: Piece, hdus: Sequence[Hdu], profile: Profile, facts: Facts) -> list[Part]:
    """Return the HDUs of a piece with the headers that they are to have.

    Raises
    ------
    Refused
        Its pixels are not where they should be, or in another unit.
    """
    return _maps(piece, hdus, profile, facts) if piece.role is Role.MAPS else _pixels(piece, hdus, profile, facts)


def _pixels(piece: Piece, hdus: Sequence[Hdu], profile: Profile, facts: Facts) -> list[Part]:
    """Return the parts of a cube, an image or an exposure map."""
    images = [hdu for hdu in hdus[1:] if hdu.is_image and hdu.data_size]
    if hdus[0].data_size:
        if piece.role is not Role.EXPMAP:
            raise Refused(f"{piece.product.product_id}: its pixels are in the primary HDU")
        return [_single(hdus[0], profile, facts)]
    described = [_described(piece, hdu, images[0], hdus[0]) for hdu in images]
    known = [(hdu, one) for hdu, one in zip(images, described, strict=True) if one is not None]
    if not known:
        raise Refused(f"{piece.product.product_id}: it has no extension DATA")
    headers = headers_for(profile, piece.role, facts, [one for _, one in known])
    headers[0].extend(kept_cards(hdus[0].header), end=True)
    return [Part(hdu, header) for hdu, header in zip([hdus[0], *(hdu for hdu, _ in known)], headers, strict=True)]


def _single(hdu: Hdu, profile: Profile, facts: Facts) -> Part:
    """An exposure map in the primary HDU: one header says it all."""
    extension = Extension("", Content.DATA, Axes.of(hdu.header, hdu.header).flat, SECONDS)
    header = primary_header(profile, Role.EXPMAP, facts)
    said = set(header)
    own = extension_header(profile, facts, extension, [extension])
    header.extend([card for card in own.cards if card.keyword not in said and card.keyword != "EXTNAME"], end=True)
    return Part(hdu, header)


def _described(piece: Piece, hdu: Hdu, data: Hdu, primary: Hdu) -> Extension | None:
    """Return what an extension is; None for one that no standard product has."""
    axes = Axes.of((hdu if "CTYPE1" in hdu.header else data).header, primary.header)
    if piece.role is Role.EXPMAP:
        return Extension(hdu.name or "DATA", Content.DATA, axes, SECONDS)
    unit = text(data.header, "BUNIT")
    match hdu.name:
        case "DATA":
            return Extension("DATA", Content.DATA, axes, flux_unit(unit))
        case "STAT":
            return Extension("STAT", Content.VARIANCE, axes, VARIANCE)
        case "DQ":
            return Extension("DQ", Content.MASK if hdu.dtype.itemsize == 1 else Content.FLAGS, axes)
        case _:
            log.info("left out", product=piece.product.product_id, extension=hdu.name)
            return None


def _maps(piece: Piece, hdus: Sequence[Hdu], profile: Profile, facts: Facts) -> list[Part]:
    """Return the parts of maps, whose extensions stay as they are."""
    header = primary_header(profile, piece.role, facts)
    header.extend(kept_cards(hdus[0].header), end=True)
    parts = [Part(hdus[0], header)]
    for hdu in hdus[1:]:
        own = hdu.header.copy()
        for keyword in NOT_IN_EXTENSIONS:
            own.remove(keyword, ignore_missing=True, remove_all=True)
        parts.append(Part(replace(hdu, header=own), None))
    return parts


def kept_cards(header: fits.Header) -> Iterator[fits.Card]:
    """Yield ESO's own hierarchical keywords, which belong to the data, as far as the standard lets them be."""
    said: set[str] = set()
    for card in header.cards:
        if not card.keyword.startswith("ESO ") or card.keyword in said:
            continue
        said.add(card.keyword)
        try:
            value = card.value
        except (ValueError, fits.VerifyError):
            continue
        if isinstance(value, fits.card.Undefined) or (isinstance(value, str) and len(value) > LONGEST):
            continue
        if len(card.image) <= fits.Card.length:
            yield card
