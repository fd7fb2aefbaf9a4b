"""What a raw file of MUSE, or a calibration made from such files, says of itself: its headers read and judged.

Only header blocks are read.  A frame of which something essential is wrong is refused with the one reason; what is
merely odd, a channel that is missing or a name that disagrees, is told beside the facts.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from archive.fits_structure import BLOCK, BrokenFits
from archive.products import HeaderText
from ingest import headers
from ingest.cards import Cards, read_cards, sieve_for
from ingest.cube_facts import Oddity
from ingest.raw_kinds import MASTER_TAGS, raw_tag
from ingest.raw_sky import footprint, moon
from ingest.raw_stream import RawStream, opened
from ingest.sieve import Sieve

__all__ = ["RawFrame", "read_raw_frame"]

IDENTIFIER: Final = re.compile(r"(?:M\.)?MUSE\.\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?")
CHANNEL: Final = re.compile(r"CHAN(0[1-9]|1\d|2[0-4])")
CHANNELS: Final = frozenset(f"{number:02d}" for number in range(1, 25))
MOST_HDUS: Final = 100
MOST_DATA: Final = 1 << 33
"""Bytes of data that no raw frame nor calibration reaches: eight times those of 24 detectors."""

EXTENSION_READ: Final = 4 * BLOCK
MJD_EPOCH: Final = datetime(1858, 11, 17)  # noqa: DTZ001  the archive's times are UTC without a zone
MJD_RANGE: Final = (51544.0, 88069.0)
"""From 2000 to 2100: MUSE saw first light in 2014."""

SAME_MOMENT: Final = timedelta(seconds=2)
CLOCKS_DIFFER: Final = timedelta(days=1)
STRUCTURE: Final = ("BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "EXTNAME", "ESO DET CHIP LIVE")
IDENTITY: Final = ("INSTRUME", "ARCFILE", "ESO PRO CATG", "ESO DET CHIPS", "ESO TEL MOON RA", "ESO TEL MOON DEC")
"""What must not be there twice with different values, beside the facts."""

BITS: Final = frozenset({8, 16, 32, 64, -32, -64})
RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "mjd_obs": MJD_RANGE,
    "ra": (0.0, 360.0),
    "dec": (-90.0, 90.0),
    "exptime": (0.0, 86400.0),
}


@dataclass(frozen=True)
class RawFrame:
    """One raw frame or calibration.

    ``facts`` are columns of ``survey.exposure`` or, for a calibration (``master``), of ``survey.master_calibration``.
    """

    dp_id: str
    master: bool
    facts: dict[str, Any]
    headers: tuple[HeaderText, ...]
    oddities: tuple[Oddity, ...]


@dataclass(frozen=True)
class _Hdu:
    name: str
    cards: Cards
    live: bool


def read_raw_frame(path: Path) -> RawFrame:
    """Read the headers of a file.

    Raises
    ------
    BrokenFits
        It is no whole FITS file, or a value that matters cannot be what it is.
    OSError
        It cannot be read.
    """
    with opened(path) as stream:
        primary, rest = read_cards(stream, number=0, sieve=_sieve())
        stream.give_back(rest)
        dp_id = _identifier(primary)
        master = primary.value("ESO PRO CATG") is not None
        stream.skip(_padded_size(primary, number=0))
        extensions = _extensions(stream)
    facts, oddities = (_master_facts(primary), ()) if master else _exposure_facts(primary, extensions)
    _check_plausible(dp_id, facts["mjd_obs"], master=master)
    texts = [HeaderText(0, None, primary.text())]
    texts += [HeaderText(n, hdu.name or None, hdu.cards.text()) for n, hdu in enumerate(extensions, 1)]
    told = (*oddities, *_name_oddity(path, dp_id), *_time_oddity(dp_id, facts["mjd_obs"]))
    return RawFrame(dp_id, master, facts, tuple(texts), told)


@cache
def _sieve() -> Sieve:
    """Return the sieve for all that a primary header is asked for."""
    facts = (keyword.name for keyword in (*headers.EXPOSURE.values(), *headers.MASTER.values()))
    return sieve_for([*facts, *STRUCTURE, *IDENTITY])


def _identifier(primary: Cards) -> str:
    instrument = primary.value("INSTRUME")
    if instrument != "MUSE":
        raise BrokenFits(f"not of MUSE: the instrument is {instrument or 'not named'}")
    archived = primary.value("ARCFILE")
    if not isinstance(archived, str):
        raise BrokenFits("ARCFILE, by which frames are known, " + ("is missing" if archived is None else "is no text"))
    found = headers.strip_ending(archived.strip())
    if IDENTIFIER.fullmatch(found) is None or headers.moment(_named_moment(found)) is None:
        raise BrokenFits(f"ARCFILE {archived!r} is no name that ESO gives to files of MUSE")
    return found


def _named_moment(dp_id: str) -> str:
    return dp_id.rpartition("MUSE.")[2]


def _check_plausible(dp_id: str, mjd: float | None, *, master: bool) -> None:
    if master and not dp_id.startswith("M."):
        raise BrokenFits(f"a calibration whose ARCFILE names the raw frame {dp_id}: it has no identifier of its own")
    if not master and dp_id.startswith("M."):
        raise BrokenFits(f"ARCFILE says {dp_id}, a calibration, but there is no ESO PRO CATG")
    if mjd is not None and _moment(mjd) > datetime.now(UTC).replace(tzinfo=None) + CLOCKS_DIFFER:
        raise BrokenFits(f"MJD-OBS cannot be {mjd}: it lies in the future")


def _extensions(stream: RawStream) -> list[_Hdu]:
    found: list[_Hdu] = []
    data = 0
    while beginning := stream.read(EXTENSION_READ):
        number = len(found) + 1
        if number > MOST_HDUS:
            raise BrokenFits(f"more than {MOST_HDUS} HDUs")
        stream.give_back(beginning)
        cards, rest = read_cards(stream, number=number, first_read=EXTENSION_READ)
        stream.give_back(rest)
        cards.check_repetitions(STRUCTURE)
        size = _padded_size(cards, number=number)
        data += size
        if data > MOST_DATA:
            raise BrokenFits(f"the headers promise {data} bytes of data, more than any frame of MUSE has")
        stream.skip(size)
        found.append(_Hdu(_text(cards, "EXTNAME"), cards, cards.value("ESO DET CHIP LIVE") is not False))
    return found


def _padded_size(cards: Cards, *, number: int) -> int:
    """Bytes that the data of an HDU take, up to the end of their last block (FITS Standard 4.0, section 4.4.1)."""
    bits = _count(cards, "BITPIX", number, least=-64)
    if bits not in BITS:
        raise BrokenFits(f"BITPIX of HDU {number} cannot be {bits}")
    axes = _count(cards, "NAXIS", number)
    if axes > 999:
        raise BrokenFits(f"NAXIS of HDU {number} cannot be {axes}")
    elements = math.prod(_count(cards, f"NAXIS{axis}", number) for axis in range(1, axes + 1)) if axes else 0
    heap = _count(cards, "PCOUNT", number, absent=0)
    size = abs(bits) // 8 * _count(cards, "GCOUNT", number, absent=1) * (heap + elements)
    if size > MOST_DATA:
        raise BrokenFits(f"HDU {number} promises {size} bytes of data, more than any frame of MUSE has")
    return -(-size // BLOCK) * BLOCK


def _count(cards: Cards, keyword: str, number: int, *, least: int = 0, absent: int | None = None) -> int:
    value = cards.value(keyword)
    if value is None and absent is not None:
        return absent
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BrokenFits(f"{keyword} of HDU {number} " + ("is missing" if value is None else f"cannot be {value!r}"))
    return value


def _text(cards: Cards, keyword: str) -> str:
    value = cards.value(keyword)
    return value.strip().upper() if isinstance(value, str) else ""


def _exposure_facts(primary: Cards, extensions: list[_Hdu]) -> tuple[dict[str, Any], tuple[Oddity, ...]]:
    facts = _strict(primary, headers.EXPOSURE)
    if facts["dp_type"] is None:
        raise BrokenFits("neither a raw frame nor a calibration: there is no ESO DPR TYPE nor ESO PRO CATG")
    for field in ("mjd_obs", "exptime"):
        if facts[field] is None:
            raise BrokenFits(f"{headers.EXPOSURE[field].name} is missing")
    channels = {match[1]: hdu.live for hdu in extensions if (match := CHANNEL.fullmatch(hdu.name))}
    if not channels:
        raise BrokenFits("no channel is there: no extension is named CHAN01 to CHAN24")
    _check_not_cut(primary, channels)
    start = _moment(facts["mjd_obs"])
    tag = raw_tag(facts["dp_cat"], facts["dp_type"])
    mode = facts["ins_mode"]
    facts |= {
        "programme_id": headers.programme_of(facts["run_id"]),
        "raw_tag": tag,
        "exp_start": start,
        "night": f"{start - timedelta(hours=12):%Y-%m-%d}",
        "ao_mode": None if mode is None else "noAO" if "NOAO" in mode else "AO",
        "channels_present": len(channels),
        "channels_live": sum(channels.values()),
        "sparta_tables": int(any(hdu.name.startswith("SPARTA") for hdu in extensions)),
        "footprint": footprint(tag, facts),
        **moon(facts, *(headers.number(primary.value(f"ESO TEL MOON {name}")) for name in ("RA", "DEC"))),
    }
    return facts, _channel_oddity(channels)


def _check_not_cut(primary: Cards, channels: Mapping[str, bool]) -> None:
    """A file that was cut between two channels is whole FITS, but its last channels are not there."""
    promised = primary.value("ESO DET CHIPS")
    expected = promised if isinstance(promised, int) and not isinstance(promised, bool) else len(CHANNELS)
    if len(channels) < expected and max(channels) == f"{len(channels):02d}":
        raise BrokenFits(f"truncated: {expected} channels should be there, the last one is CHAN{len(channels):02d}")


def _moment(mjd: float) -> datetime:
    """The moment of a modified Julian date, to the millisecond: MJD-OBS has eight decimals."""
    return MJD_EPOCH + timedelta(milliseconds=round(mjd * 86_400_000))


def _master_facts(primary: Cards) -> dict[str, Any]:
    facts = _strict(primary, headers.MASTER)
    if facts["tag"] not in MASTER_TAGS:
        raise BrokenFits(f"{facts['tag']} is no calibration of the pipeline; products go in by `ingest products`")
    return facts


def _strict(primary: Cards, keywords: Mapping[str, headers.Keyword]) -> dict[str, Any]:
    try:
        facts = {field: headers.strict(keyword, primary.value(keyword.name)) for field, keyword in keywords.items()}
    except ValueError as error:
        raise BrokenFits(str(error)) from error
    primary.check_repetitions([*(keyword.name for keyword in keywords.values()), *STRUCTURE, *IDENTITY])
    for field, (least, most) in RANGES.items():
        value = facts.get(field)
        if value is not None and not least <= value <= most:
            raise BrokenFits(f"{keywords[field].name} cannot be {value}")
    return facts


def _channel_oddity(channels: Mapping[str, bool]) -> tuple[Oddity, ...]:
    missing = sorted(CHANNELS - set(channels))
    dead = sorted(name for name, live in channels.items() if not live)
    words = [f"{what} {', '.join(names)}" for what, names in (("missing", missing), ("dead", dead)) if names]
    return (Oddity("channels", f"channels {'; '.join(words)}"),) if words else ()


def _name_oddity(path: Path, dp_id: str) -> tuple[Oddity, ...]:
    """ESO names files by their identifier, with underscores where a file system takes no colons."""
    called = headers.strip_ending(path.name).replace("_", ":")
    if IDENTIFIER.fullmatch(called) is None or called == dp_id:
        return ()
    return (Oddity("name", f"the file is called {path.name}, its ARCFILE says {dp_id}"),)


def _time_oddity(dp_id: str, mjd: float | None) -> tuple[Oddity, ...]:
    """A raw frame bears the moment of its start, that of MJD-OBS."""
    named = datetime.fromisoformat(_named_moment(dp_id))
    if dp_id.startswith("M.") or mjd is None or abs(_moment(mjd) - named) <= SAME_MOMENT:
        return ()
    return (Oddity("time", f"MJD-OBS says {_moment(mjd).isoformat(timespec='milliseconds')}, the identifier {named}"),)
