"""The tasks of the chain: master calibrations, pixel tables, spectra of the sky, each from raw frames of one sort."""

from collections.abc import Mapping
from typing import Any, Final

import structlog

from archive import follow_up
from archive.archive import Archive
from archive.execution import Progress
from archive.scratch import scratch
from processing.chain.publishing import publish
from processing.chain.reduction import reduce
from processing.chain.supply import supply
from processing.order import Order, Work

__all__ = ["MASTERS", "PIXTABLES", "SKY_SPECTRA", "VERSIONS", "masters", "pixtables", "sky_spectra"]

log = structlog.get_logger()

MASTERS: Final = "masters"
PIXTABLES: Final = "pixtables"
SKY_SPECTRA: Final = "sky_spectra"
VERSIONS: Final[Mapping[str, int]] = {MASTERS: 1, PIXTABLES: 1, SKY_SPECTRA: 1}
"""Of what each computes: to be raised when that changes, so that it is made again."""

PUBLISHING: Final = 0.95
"""Fraction of the work after which all is made and only has to be published."""


def masters(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Make master calibrations of the raw frames of one template.

    Raises
    ------
    Refused
        A frame or a calibration is not there, or the pipeline fails; the text says which, and on which IFU.
    """
    _make(MASTERS, archive, parameters, job_id, progress)
    follow_up.follow_up(archive.database)


def pixtables(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Make the pixel tables of an exposure, one an IFU; fails as ``masters`` does."""
    _make(PIXTABLES, archive, parameters, job_id, progress)


def sky_spectra(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Make the continuum and the lines of an exposure of the sky; fails as ``masters`` does."""
    _make(SKY_SPECTRA, archive, parameters, job_id, progress)


def _make(task: str, archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    work = Work(archive, Order.from_parameters(task, parameters), job_id, version=VERSIONS[task])
    outstanding = work.outstanding()
    if not outstanding:
        return
    with scratch(archive.settings.root, job_id) as folder:
        supplied = supply(archive, work.order.inputs, folder / "inputs")
        reduced = reduce(
            supplied.tag,
            supplied.raw,
            supplied.calibrations,
            folder / "runs",
            ifus=supplied.ifus,
            tell=lambda fraction, words: progress(PUBLISHING * fraction, words),
        )
        for words in reduced.warnings:
            log.warning("the pipeline warns", task=task, frames=supplied.exposures[0].dp_id, words=words)
        for name, given in outstanding.items():
            publish(archive, work, name, given=given, supplied=supplied, reduced=reduced, folder=folder)
