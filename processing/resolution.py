"""Resolutions that somebody asks for beside the survey's own: a FWHM in arcsec, or a length at the galaxy."""

import re
from collections.abc import Sequence
from typing import Final

from archive import survey
from archive.archive import Archive
from archive.errors import Refused
from processing.cascade import TASKS
from processing.mosaics import COPT, homogenised
from processing.task import Task

__all__ = ["tasks_for"]

LENGTH: Final = re.compile(r"(?P<number>\d+(\.\d+)?) *(?P<unit>pc|kpc)")


def tasks_for(
    archive: Archive, names: Sequence[str], *, fwhm: float | None = None, physical: str | None = None
) -> Sequence[Task]:
    """Return the cascade, with mosaics of another resolution if one is asked for.

    Parameters
    ----------
    names
        Products or galaxies that it is for.
    fwhm
        Of a point source, arcsec.
    physical
        The same as a length at the galaxy: 150pc.

    Raises
    ------
    Refused
        Both are given, or what is given is no width; or the length is not for one galaxy of the survey.
    """
    if fwhm is None and physical is None:
        return TASKS
    if fwhm is not None and physical is not None:
        raise Refused("a resolution is a FWHM in arcsec or a length at the galaxy, not both")
    if fwhm is not None:
        if not 0 < fwhm < 60:
            raise Refused(f"{fwhm} arcsec is no resolution")
        own = homogenised(resolution=f"{fwhm:.2f}asec", fwhm=round(fwhm, 2))
    else:
        own = _physical(archive, names, str(physical))
    where = TASKS.index(COPT) + 1
    return (*TASKS[:where], own, *TASKS[where:])


def _physical(archive: Archive, names: Sequence[str], physical: str) -> Task:
    found = LENGTH.fullmatch(physical.strip())
    if found is None or float(found["number"]) == 0:
        raise Refused(f"{physical} is no length: give one like 150pc")
    records = {name: survey.find_target(archive.database, name) for name in names}
    if len(records) != 1 or None in records.values():
        raise Refused("a length at the galaxy needs the name of one galaxy of the survey")
    (record,) = records.values()
    parsecs = float(found["number"]) * (1000 if found["unit"] == "kpc" else 1)
    scale = float(record.target.scale) if record is not None else 0.0
    return homogenised(resolution=f"{found['number']}{found['unit']}", fwhm=round(parsecs / scale, 4))
