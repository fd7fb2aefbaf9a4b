"""Read a survey's folder: ``survey.toml`` and the tables of targets, pointings, observing blocks and errata."""

import csv
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from archive.errors import Refused
from ingest.release import Block, Correction, Galaxy, MuseField, PsfRange, ReleaseTables

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
    facts = _toml(folder / "survey.toml")
    return ReleaseTables(
        facts=facts["release"],
        programmes=tuple(facts["programme"]),
        naming=tuple(facts["naming"]),
        galaxies=_rows(folder / "targets.csv", _galaxy),
        fields=_rows(folder / "pointings.csv", _field),
        blocks=_rows(folder / "observing_blocks.csv", _block),
        corrections=_rows(folder / "errata.csv", lambda row: Correction(**row)),
    )


def _toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as opened:
            return tomllib.load(opened)
    except FileNotFoundError as error:
        raise Refused(f"{path} is missing") from error
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{path}: {error}") from error


def _rows(path: Path, read: Callable[[Row], Read]) -> tuple[Read, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise Refused(f"{path} is missing") from error
    skipped = sum(1 for line in lines if line.startswith("#"))
    reader = csv.DictReader(line for line in lines if not line.startswith("#"))
    found = []
    for row in reader:
        try:
            found.append(read(row))
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(f"{path}, line {reader.line_num + skipped}: {error}") from error
    return tuple(found)


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
