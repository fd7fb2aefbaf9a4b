"""Resolutions that somebody asks for beside the survey's own: a FWHM in arcsec, or a length at the galaxy."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from archive import survey
from archive.archive import Archive
from archive.editions import Edition
from archive.errors import Refused
from processing.cascade import TASKS
from processing.mosaic_tasks import COPT, homogenised
from processing.task import Item, Task

__all__ = ["tasks_for", "with_held"]

WIDEST: Final = 10.0
"""Arcsec: kernels reach as far to either side as a field of MUSE is wide."""

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
        own = homogenised(resolution=f"{fwhm:.2f}asec", fwhm=_checked(round(fwhm, 2), f"{fwhm} arcsec"))
    else:
        own = _physical(archive, names, str(physical))
    return _beside_copt(TASKS, [own])


def with_held(tasks: Sequence[Task], editions: Mapping[str, Edition], items: Mapping[str, Item]) -> Sequence[Task]:
    """Return the cascade, with the mosaics of other resolutions that are held: they fall due as any other product.

    Parameters
    ----------
    editions, items
        What was made here, and what there is, by the identifiers of the products.
    """
    copt = next((task for task in tasks if task.name == COPT.name), None)
    if copt is None:
        return tasks
    asked = {task.parameters["resolution"] for task in tasks if task.name == COPT.name}
    galaxies: dict[tuple[str, float], set[str]] = {}
    for name, edition in editions.items():
        resolution, fwhm = edition.parameters.get("resolution"), edition.parameters.get("fwhm")
        is_held = edition.task == COPT.name and name in items and items[name].product.kind == "cube"
        if is_held and fwhm is not None and resolution not in asked:
            galaxies.setdefault((str(resolution), float(fwhm)), set()).add(str(items[name].product.target))
    held = [
        homogenised(resolution=label, fwhm=fwhm, of=frozenset(of)) for (label, fwhm), of in sorted(galaxies.items())
    ]
    return _beside_copt(tasks, [replace(task, chosen=copt.chosen) for task in held])


def _beside_copt(tasks: Sequence[Task], more: Sequence[Task]) -> Sequence[Task]:
    where = max(n for n, task in enumerate(tasks) if task.name == COPT.name) + 1
    return (*tasks[:where], *more, *tasks[where:])


def _checked(fwhm: float, words: str) -> float:
    if not 0 < fwhm <= WIDEST:
        raise Refused(f"{words} is no resolution: a FWHM above 0, at most {WIDEST:g} arcsec is")
    return fwhm


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
    fwhm = _checked(round(parsecs / scale, 4), f"{physical} ({parsecs / scale:.3g} arcsec)")
    return homogenised(resolution=f"{found['number']}{found['unit']}", fwhm=fwhm)
