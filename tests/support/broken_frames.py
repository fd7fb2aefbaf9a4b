"""Raw files that are wrong in one way each, and the words by which the reason must name it."""

from collections.abc import Mapping
from typing import Final

from tests.support.raw_frames import BLOCK, CARDS, block, card, channel, primary, raw_bytes


def with_extension(*cards: str) -> bytes:
    return primary(CARDS) + block([card("XTENSION", "IMAGE"), *cards])


def many(count: int) -> bytes:
    return primary({**CARDS, "ESO DET CHIPS": 1}) + channel(1) * count


def twice(keyword: str, value: object) -> bytes:
    other = card(keyword, value).encode()
    return raw_bytes().replace(card("ORIGIN", CARDS["ORIGIN"]).encode(), other)


def saying(keyword: str, field: str) -> bytes:
    """A file in which a card says something as it stands."""
    old = card(keyword, CARDS[keyword]).encode()
    return raw_bytes().replace(old, (old[: old.index(b"=")].decode() + f"= {field}").ljust(80).encode())


BROKEN: Final[Mapping[str, tuple[bytes, str]]] = {
    "nan": (saying("EXPTIME", "NaN"), "EXPTIME cannot be NaN"),
    "infinity": (saying("RA", "Infinity"), "RA cannot be Infinity"),
    "too-large": (saying("RA", "1E999"), "RA cannot be inf"),
    "text-for-number": (raw_bytes(EXPTIME="long"), "EXPTIME cannot be 'long'"),
    "digits-as-text": (raw_bytes(EXPTIME="645.0"), "EXPTIME cannot be '645.0'"),
    "number-for-text": (raw_bytes(ESO_INS_MODE=7), "INS MODE cannot be 7"),
    "missing-number-for-text": (raw_bytes(ESO_INS_MODE=-1), "INS MODE cannot be -1"),
    "logical-for-number": (raw_bytes(MJD_OBS=True), "MJD-OBS cannot be True"),
    "logical-for-text": (raw_bytes(OBJECT=True), "OBJECT cannot be True"),
    "number-for-date": (raw_bytes(ESO_TPL_START=20180605), "TPL START cannot be 20180605"),
    "no-date": (raw_bytes(ESO_TPL_START="yesterday"), "TPL START cannot be 'yesterday'"),
    "fraction-for-whole": (raw_bytes(ESO_TPL_EXPNO=1.5), "TPL EXPNO cannot be 1.5"),
    "open-quote": (saying("OBJECT", "'NGC4254"), "OBJECT is a text without end"),
    "twice-differently": (twice("DEC", 1.0), "DEC is there 2 times"),
    "identifier-twice": (twice("ARCFILE", "MUSE.2018-06-05T01:06:59.638.fits"), "ARCFILE is there 2 times"),
    "structure-twice": (twice("NAXIS", 2), "NAXIS"),
    "no-channel": (primary(CARDS), "no channel"),
    "wrong-channels": (with_extension(card("BITPIX", 8), card("NAXIS", 0), card("EXTNAME", "CHAN25")), "no channel"),
    "other-instrument": (raw_bytes(INSTRUME="SINFONI"), "not of MUSE: the instrument is SINFONI"),
    "no-instrument": (raw_bytes(INSTRUME=None), "not of MUSE"),
    "instrument-is-a-number": (raw_bytes(INSTRUME=3), "not of MUSE"),
    "no-arcfile": (raw_bytes(ARCFILE=None), "ARCFILE.*is missing"),
    "arcfile-is-a-number": (raw_bytes(ARCFILE=12), "ARCFILE.*is no text"),
    "arcfile-empty": (raw_bytes(ARCFILE=""), "ARCFILE"),
    "arcfile-nonsense": (raw_bytes(ARCFILE="frame.fits"), "ARCFILE 'frame.fits' is no name"),
    "arcfile-no-moment": (raw_bytes(ARCFILE="MUSE.2018-13-45T99:99:99.999.fits"), "ARCFILE .* is no name"),
    "arcfile-path": (raw_bytes(ARCFILE="../MUSE.2018-06-05T01:06:58.638.fits"), "ARCFILE .* is no name"),
    "arcfile-of-master": (raw_bytes(ARCFILE="M.MUSE.2018-06-05T01:06:58.638.fits"), "there is no ESO PRO CATG"),
    "master-of-raw": (raw_bytes(ESO_PRO_CATG="MASTER_BIAS"), "no identifier of its own"),
    "product": (raw_bytes(ESO_PRO_CATG="DATACUBE_FINAL"), "DATACUBE_FINAL is no calibration"),
    "product-category-no-text": (raw_bytes(ESO_PRO_CATG=3), "PRO CATG cannot be 3"),
    "no-kind": (raw_bytes(ESO_DPR_TYPE=None), "no ESO DPR TYPE"),
    "no-exptime": (raw_bytes(EXPTIME=None), "EXPTIME is missing"),
    "no-mjd": (raw_bytes(MJD_OBS=None), "MJD-OBS is missing"),
    "ra-400": (raw_bytes(RA=400.0), "RA cannot be 400"),
    "dec-beyond": (raw_bytes(DEC=-90.5), "DEC cannot be -90.5"),
    "negative-exptime": (raw_bytes(EXPTIME=-2.0), "EXPTIME cannot be -2"),
    "mjd-is-jd": (raw_bytes(MJD_OBS=2458274.5), "MJD-OBS cannot be 2458274.5"),
    "mjd-zero": (raw_bytes(MJD_OBS=0.0), "MJD-OBS cannot be 0"),
    "mjd-in-the-future": (raw_bytes(MJD_OBS=80000.0), "MJD-OBS cannot be 80000.0: it lies in the future"),
    "bitpix-12": (with_extension(card("BITPIX", 12), card("NAXIS", 0)), "BITPIX of HDU 1 cannot be 12"),
    "no-bitpix": (with_extension(card("NAXIS", 0)), "BITPIX of HDU 1 is missing"),
    "naxis-999999": (with_extension(card("BITPIX", 8), card("NAXIS", 999999)), "NAXIS of HDU 1 cannot be 999999"),
    "naxis-negative": (with_extension(card("BITPIX", 8), card("NAXIS", -1)), "NAXIS of HDU 1 cannot be -1"),
    "naxis-text": (with_extension(card("BITPIX", 8), card("NAXIS", "2")), "NAXIS of HDU 1 cannot be '2'"),
    "naxis1-missing": (with_extension(card("BITPIX", 8), card("NAXIS", 1)), "NAXIS1 of HDU 1 is missing"),
    "naxis1-huge": (with_extension(card("BITPIX", 8), card("NAXIS", 1), card("NAXIS1", 10**12)), "more than any"),
    "naxis1-negative": (with_extension(card("BITPIX", 8), card("NAXIS", 1), card("NAXIS1", -5)), "NAXIS1 of HDU 1"),
    "pcount-huge": (with_extension(card("BITPIX", 8), card("NAXIS", 0), card("PCOUNT", 10**18)), "more than any"),
    "primary-too-long": (primary(CARDS).replace(b"NAXIS   =" + b" " * 20 + b"0", b"NAXIS   = 1" + b" " * 19), "NAXIS1"),
    "101-extensions": (many(101), "more than 100 HDUs"),
    "latin-1": (raw_bytes().replace(b"NGC4254", b"NGC\xe4254"), "byte 0xe4"),
    "nul": (raw_bytes().replace(b"NGC4254", b"NGC\x00254"), "byte 0x00"),
    "garbage-behind": (raw_bytes() + b"x" * BLOCK, "no FITS extension"),
    "end-shifted": (raw_bytes().replace(b"END" + b" " * 77, b" END" + b" " * 76, 1), "no end"),
    "end-missing": (raw_bytes().replace(b"END" + b" " * 77, b" " * 80, 1), "no end"),
    "end-with-text": (raw_bytes().replace(b"END" + b" " * 9, b"END and more", 1), "END"),
    "end-of-a-channel-missing": (many(3)[: -BLOCK].replace(b"END" + b" " * 77, b" " * 80), "no end|truncated"),
    "empty": (b"", "empty"),
    "text": (b"ceci n'est pas un FITS\n" * 200, "not a FITS file"),
    "zeros": (bytes(10 * BLOCK), "not a FITS file"),
}  # fmt: skip
"""Name -> bytes, and what the reason must say."""
