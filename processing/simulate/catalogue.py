"""What the catalogue knows of a galaxy, as the simulator wants it: the galaxy, and its pointings with their blocks."""

import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from archive import observations, survey
from archive.archive import Archive
from archive.errors import Refused
from archive.survey import TargetRecord
from processing.simulate.exposures import Block, Place
from processing.simulate.galaxy import Galaxy
from processing.simulate.geometry import FULL_SIZE, from_plane, plane
from schema.observations import ObservingBlock, Pointing

__all__ = ["CLOSER", "chosen", "find_galaxy", "galaxy_of", "places_of", "scale_for"]

CLOSER: Final = 0.8
"""Small fields lie closer than real ones in proportion, so that they overlap by a fifth."""

MODES: Final = {"AO": "WFM-AO-N", "noAO": "WFM-NOAO-N"}
RUN: Final = "(A)"


def find_galaxy(archive: Archive, name: str) -> TargetRecord:
    """Return what the archive knows of a galaxy.

    Raises
    ------
    Refused
        It knows none of that name, or not where its centre is.
    """
    record = survey.find_target(archive.database, name)
    if record is None:
        raise Refused(f"{name} is no galaxy of the survey: `musevault ingest release` makes its galaxies known")
    if record.target.ra is None or record.target.dec is None:
        raise Refused(f"the centre of {name} is not known")
    return record


def galaxy_of(record: TargetRecord) -> Galaxy:
    """Return the galaxy; what the catalogue leaves open is as of a disk seen face on."""
    target = record.target
    return Galaxy(
        name=target.name,
        ra=float(target.ra or 0.0),
        dec=float(target.dec or 0.0),
        velocity=target.systemic_velocity or 0.0,
        position_angle=target.position_angle or 0.0,
        inclination=min(target.inclination or 0.0, 80.0),
        log_mass=target.log_stellar_mass,
        scale=target.scale,
        ebv=target.ebv,
    )


def chosen(record: TargetRecord, words: str) -> tuple[Pointing, ...]:
    """Return pointings: so many of them that lie beside each other, or those named, as in ``2`` or ``P01,P03``.

    Raises
    ------
    Refused
        There are not so many, or one is not there.
    """
    name = record.target.name
    known = {f"P{pointing.number:02d}": pointing for pointing in record.pointings}
    if words.isdecimal():
        count = int(words)
        if not 1 <= count <= len(known):
            raise Refused(f"{name} has {len(known)} pointings: {count} cannot be had")
        return _beside_each_other(list(known.values()), count)
    wanted = list(dict.fromkeys(word.strip().upper() for word in words.split(",")))
    if missing := [word for word in wanted if word not in known]:
        raise Refused(f"{name} has no pointing {', '.join(missing)}: it has {', '.join(known)}")
    return tuple(known[word] for word in wanted)


def scale_for(size: float) -> float:
    """Return how much smaller the mosaic of fields of a size, arcsec, is made."""
    return 1.0 if size >= FULL_SIZE else round(CLOSER * size / FULL_SIZE, 6)


def places_of(
    archive: Archive, record: TargetRecord, pointings: Sequence[Pointing], *, scale: float
) -> tuple[Place, ...]:
    """Return where the pointings are simulated: drawn together around the galaxy's centre by ``scale``."""
    programme = observations.main_programme(archive.database)
    ra, dec = float(record.target.ra or 0.0), float(record.target.dec or 0.0)
    return tuple(_place(record, pointing, centre=(ra, dec), scale=scale, programme=programme) for pointing in pointings)


def _place(
    record: TargetRecord, pointing: Pointing, *, centre: tuple[float, float], scale: float, programme: str | None
) -> Place:
    east, north = plane(np.array(pointing.ra), np.array(pointing.dec), *centre)
    ra, dec = from_plane(scale * east, scale * north, *centre)
    blocks = (_block(block, programme) for block in record.blocks_of(pointing.pointing_id))
    return Place(
        name=pointing.pointing_id,
        ra=float(ra),
        dec=float(dec),
        fwhm=pointing.psf_fwhm,
        ins_mode=MODES[pointing.ao_mode],
        position_angle=pointing.position_angle or 0.0,
        blocks=tuple(blocks),
    )


def _block(block: ObservingBlock, programme: str | None) -> Block:
    name = block.programme_id or programme or "SIM.0000"
    return Block(
        observing_block_id=block.observing_block_id,
        tpl_start=block.tpl_start,
        run_id=f"{name}{RUN}",
        ob_id=block.eso_ob_id or 9_000_000 + zlib.crc32(block.observing_block_id.encode()) % 1_000_000,
        ranks=tuple(int(rank) for rank in block.exposure_numbers.split("-")),
    )


def _beside_each_other(pointings: list[Pointing], count: int) -> tuple[Pointing, ...]:
    """Take the first, and again and again the one that is nearest to one of those taken."""
    taken = [pointings.pop(0)]
    while len(taken) < count:
        nearest = min(pointings, key=lambda one: min(_distance(one, other) for other in taken))
        pointings.remove(nearest)
        taken.append(nearest)
    return tuple(taken)


def _distance(one: Pointing, other: Pointing) -> float:
    east, north = plane(np.array(one.ra), np.array(one.dec), other.ra, other.dec)
    return round(float(np.hypot(east, north)), 1)
