"""Read a survey's folder: ``survey.toml`` and the tables of targets, pointings, observing blocks and errata."""

import csv
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from archive.errors import Refused
from ingest.release import Block, Correction, Galaxy, MuseField, PsfRange, ReleaseTables
from ingest.survey_file import read_survey, read_utf8

__all__ = ["read_folder"]

Row = dict[str, str]
Read = TypeVar("Read")

ORIENTATION = ("ra", "dec", "systemic_velocity", "position_angle", "inclination")


def read_folder(folder: Path) -> ReleaseTables:
    """Read a survey's folder.

    Raises
    ------
    Refused
        A file is missing, or a row cannot be understood (the text names file and line).
    """
    facts, programmes, naming = read_survey(folder / "survey.toml")
    return ReleaseTables(
        facts=facts,
        programmes=programmes,
        naming=naming,
        galaxies=_rows(folder / "targets.csv", _galaxy),
        fields=_rows(folder / "pointings.csv", _field),
        blocks=_rows(folder / "observing_blocks.csv", _block),
        corrections=_rows(folder / "errata.csv", lambda row: Correction(**row)),
    )


def _rows(path: Path, read: Callable[[Row], Read]) -> tuple[Read, ...]:
    lines = read_utf8(path).splitlines()
    skipped = sum(1 for line in lines if line.startswith("#"))
    reader = csv.DictReader(line for line in lines if not line.startswith("#"))
    try:
        return tuple(read(row) for row in reader)
    except (AttributeError, KeyError, TypeError, ValueError, csv.Error) as error:
        # The None that stands for what a short row lacks has no attributes and is no number.
        raise Refused(f"{path}, line {reader.line_num + skipped}: {error}") from error


def _galaxy(row: Row) -> Galaxy:
    return Galaxy(
        name=row["name"],
        distance=float(row["distance_mpc"]),
        log_stellar_mass=float(row["log_stellar_mass"]),
        log_sfr=float(row["log_sfr"]),
        ebv=float(row["ebv"]),
        scale=float(row["scale_pc_per_arcsec"]),
        psf=PsfRange(float(row["psf_fwhm"]), float(row["psf_fwhm_plus"]), float(row["psf_fwhm_minus"])),
        copt_fwhm=float(row["copt_fwhm"]),
        orientation={name: float(row[name]) for name in ORIENTATION},
    )


def _field(row: Row) -> MuseField:
    return MuseField(
        target=row["target"],
        number=int(row["number"]),
        ra=float(row["ra"]),
        dec=float(row["dec"]),
        psf_fwhm=float(row["psf_fwhm"]),
        ao_mode=row["ao_mode"],
    )


def _block(row: Row) -> Block:
    numbers = tuple(int(n) for n in row["exposure_numbers"].split("-"))
    pointing = row["pointing"].replace(" ", "-")
    return Block(datetime.fromisoformat(row["tpl_start"]), pointing, pointing, numbers)
