"""How numbers, positions, times and sizes are written on pages.  Pure; the templates call these as filters."""

from datetime import datetime, timedelta
from typing import Final

__all__ = ["declination", "modified_julian", "moment", "right_ascension", "size"]

MJD_ZERO: Final = datetime(1858, 11, 17)  # noqa: DTZ001  all times of the archive are UTC without saying so
PREFIXES: Final = ("byte", "kB", "MB", "GB", "TB", "PB")


def size(length: int) -> str:
    """Write a length in bytes for humans, in powers of a thousand: ``1.2 GB``."""
    value, step = float(length), 0
    while value >= 999.5 and step < len(PREFIXES) - 1:
        value, step = value / 1000, step + 1
    digits = 1 if step and value < 9.95 else 0
    unit = "bytes" if step == 0 and length != 1 else PREFIXES[step]
    return f"{value:.{digits}f}\N{NO-BREAK SPACE}{unit}"


def right_ascension(ra: float, digits: int = 2) -> str:
    """Write degrees as hours, minutes and seconds: ``01:36:41.73``."""
    return _sexagesimal(ra % 360 / 15, digits, wrap=24)


def declination(dec: float, digits: int = 1) -> str:
    """Write degrees as signed degrees, minutes and seconds: ``-36:06:03.9``; the sign is one that programs read."""
    return ("-" if dec < 0 else "+") + _sexagesimal(abs(dec), digits)


def moment(when: datetime) -> str:
    """Write a time to the second, as logs and headers do."""
    return when.isoformat(sep=" ", timespec="seconds")


def modified_julian(mjd: float) -> str:
    """Write a modified Julian date as a date with time; one outside the calendar's years 1 to 9999 as the number."""
    try:
        return moment(MJD_ZERO + timedelta(days=mjd))
    except (OverflowError, ValueError):  # ValueError: not a number
        return f"MJD {mjd:g}"


def _sexagesimal(value: float, digits: int, *, wrap: int | None = None) -> str:
    """Count in units of the last digit, so that 59.999 is carried and never written as 60."""
    units = 10**digits
    minutes, rest = divmod(round(value * 3600 * units), 60 * units)
    whole, minute = divmod(minutes, 60)
    if wrap is not None:
        whole %= wrap
    width = 2 if digits == 0 else digits + 3
    return f"{whole:02d}:{minute:02d}:{rest / units:0{width}.{digits}f}"
