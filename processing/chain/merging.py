"""Calibrations of single IFUs in one file, as the pipeline takes them too: the archive keeps one file a calibration.

In a file of one IFU the primary header has its name, ``CHAN05``; in a file of several each extension begins with it,
``CHAN05.DATA``, and carries what the header said of the IFU.  One extension at a time is held.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from astropy.io import fits

from archive.errors import Refused

__all__ = ["merge"]

OF_THE_IFU: Final = "ESO "
CHANNELS: Final = frozenset(f"CHAN{number:02d}" for number in range(1, 25))
OF_THE_FORM: Final = frozenset({"EXTNAME", "CHECKSUM", "DATASUM", "DATAMD5"})


def merge(files: Sequence[Path], target: Path, *, fill: bool = False) -> Path:
    """Write the files of single IFUs into one; returns its path.

    Parameters
    ----------
    fill
        Give IFUs that are not there what the first has, and say so in a card: of some calibrations the pipeline takes
        a file of all IFUs or none, whichever the data are of.

    Raises
    ------
    Refused
        One is of no IFU, or two are of the same.
    """
    channels = [_channel(path) for path in files]
    if len(set(channels)) < len(channels):
        raise Refused(f"two files of one IFU: {', '.join(path.name for path in files)}")
    ordered = sorted(zip(channels, files, strict=True))
    fits.PrimaryHDU(header=_common([fits.getheader(path) for _, path in ordered])).writeto(target)
    for channel, path in ordered:
        _append(channel, path, target)
    if fill:
        for channel in sorted(CHANNELS - set(channels)):
            _append(channel, ordered[0][1], target, copied=ordered[0][0])
    return target


def _common(headers: Sequence[fits.Header]) -> fits.Header:
    """Return what the headers of all IFUs say alike: the pipeline believes the primary header before all others."""
    first, *others = headers
    common = first.copy()
    for keyword in list(dict.fromkeys(common)):
        if keyword in OF_THE_FORM or any(other.get(keyword) != first[keyword] for other in others):
            common.remove(keyword, remove_all=True)
    return common


def _channel(path: Path) -> str:
    channel = str(fits.getheader(path).get("EXTNAME", ""))
    if not channel.startswith("CHAN"):
        raise Refused(f"{path.name}: which IFU it is of cannot be known")
    return channel


def _append(channel: str, path: Path, target: Path, *, copied: str | None = None) -> None:
    with fits.open(path, memmap=True) as hdus:
        told = [card for card in hdus[0].header.cards if card.keyword.startswith(OF_THE_IFU)]
        for number, hdu in enumerate(hdus[1:], 1):
            part = hdu.copy()
            part.name = f"{channel}.{hdu.name}" if hdu.name and not hdu.name.startswith(channel) else channel
            if hdu.name.startswith(channel):
                part.name = hdu.name
            for keyword in OF_THE_FORM - {"EXTNAME"}:
                part.header.remove(keyword, ignore_missing=True)
            if number == 1:
                part.header.extend(told, unique=True)
            if copied is not None:
                part.header["COPIED"] = (copied, "IFU whose values these are, for want of own")
            with fits.open(target, mode="append") as several:
                several.append(part)
