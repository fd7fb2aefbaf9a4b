"""Which calibrations belong to which frame: worked out, kept as rows, brought up to date when calibrations come in.

The rules are in ``association_rules``, how they are applied in ``association``, how calibrations are found in
``calibration_search``.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

import structlog
from sqlalchemy import bindparam, delete, func, select, text
from sqlalchemy.orm import Session

from archive.association import Association as Tree
from archive.association import Cascade, Frame
from archive.association_rules import REACH_DAYS, SCIENCE, Mode
from archive.bulk import copy_rows, table_of
from archive.calibration_search import SEARCH_DAYS, find_frames, search
from archive.database import Database
from schema.base import Base
from schema.calibrations import Association, AssociationMember

__all__ = ["affected", "associations", "refresh"]

log = structlog.get_logger()

REFRESH_LOCK: Final = 0x6D757361
"""Key of the advisory lock under which associations are written."""

BATCH: Final = 200
"""Frames that are worked out together: those of a few nights share most of their calibrations."""

STANDARDS: Final = """
    SELECT ins_mode,
        (SELECT max(s.mjd_obs) FROM {table} AS s
         WHERE s.{tag} = '{standard}' AND s.ins_mode = m.ins_mode AND s.mjd_obs < :low) AS earlier,
        (SELECT min(s.mjd_obs) FROM {table} AS s
         WHERE s.{tag} = '{standard}' AND s.ins_mode = m.ins_mode AND s.mjd_obs > :high) AS later
    FROM (SELECT DISTINCT ins_mode FROM {table} WHERE {tag} = '{standard}' AND mjd_obs BETWEEN :low AND :high) AS m
"""
AFFECTED: Final = text(f"""
WITH standards AS (
    {STANDARDS.format(table="survey.exposure", tag="raw_tag", standard="STD")}
    UNION ALL
    {STANDARDS.format(table="survey.master_calibration", tag="tag", standard="STD_RESPONSE")}
)
SELECT dp_id FROM survey.exposure WHERE raw_tag = ANY(:tags) AND mjd_obs BETWEEN :low AND :high
UNION
SELECT e.dp_id FROM standards AS s JOIN survey.exposure AS e ON e.ins_mode = s.ins_mode
WHERE e.raw_tag = ANY(:tags) AND e.mjd_obs BETWEEN coalesce(s.earlier, '-inf') AND coalesce(s.later, 'inf')
UNION
SELECT e.dp_id FROM survey.exposure AS e LEFT JOIN survey.association AS a USING (dp_id)
WHERE e.raw_tag = ANY(:tags) AND e.mjd_obs BETWEEN :low - :search AND :high + :search
    AND coalesce(a.complete, 0) = 0
""")
"""A standard star within reach concerns the frames between the ones before and after it, of the same mode."""

ALL: Final = text("SELECT dp_id FROM survey.exposure WHERE raw_tag = ANY(:tags)")


def associations(database: Database, dp_ids: Sequence[str], mode: Mode) -> list[Tree]:
    """Return frames with their calibrations, as the archive stands now, in the order asked; unknown ones are not there.

    The frames may be calibrations themselves.
    """
    with database.reading() as session:
        trees = {tree.files[0].dp_id: tree for tree in _trees(session, find_frames(session, dp_ids), mode)}
    return [trees[dp_id] for dp_id in dict.fromkeys(dp_ids) if dp_id in trees]


def refresh(database: Database, dp_ids: Iterable[str]) -> int:
    """Bring the recorded associations of frames up to date; returns of how many frames anything changed.

    Only frames of science, sky, standards and astrometry have recorded associations; others may be among them.  Safe to
    repeat: what stays as it was is not written.
    """
    changed = 0
    for batch in _batches(sorted(set(dp_ids))):
        with database.transaction() as session:
            session.execute(select(func.pg_advisory_xact_lock(REFRESH_LOCK)))
            changed += _refresh(session, batch)
    log.info("associations refreshed", changed=changed)
    return changed


def affected(database: Database, mjd_min: float, mjd_max: float, *, statics: bool = False) -> list[str]:
    """Return the frames whose association may change when calibrations of these times have come in.

    Those within reach of the rules; those between the standard stars before and after, which have no time limit; and
    those not complete so far.  With ``statics`` all: what holds from its date on may concern any frame.
    """
    limits = {"low": mjd_min - REACH_DAYS, "high": mjd_max + REACH_DAYS, "search": SEARCH_DAYS}
    with database.reading() as session:
        tags = {"tags": list(SCIENCE)}
        found = session.scalars(ALL, tags) if statics else session.scalars(AFFECTED, {**tags, **limits})
        return sorted(found)


def _trees(session: Session, frames: Sequence[Frame], mode: Mode) -> list[Tree]:
    cascade = Cascade(mode, search(session, frames, mode))
    return [cascade.associate(frame) for frame in frames]


def _batches(dp_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(dp_ids), BATCH):
        yield dp_ids[start : start + BATCH]


def _refresh(session: Session, dp_ids: Sequence[str]) -> int:
    frames = [frame for frame in find_frames(session, dp_ids) if frame.tag in SCIENCE]
    rows: dict[type[Base], set[tuple[Any, ...]]] = {Association: set(), AssociationMember: set()}
    for mode in Mode:
        for tree in _trees(session, frames, mode):
            rows[Association].add(_row(tree, mode))
            rows[AssociationMember].update(_members(tree, mode))
    changed = [_bring_up_to_date(session, table, dp_ids, rows[table]) for table in rows]
    return len(set().union(*changed))


def _row(tree: Tree, mode: Mode) -> tuple[Any, ...]:
    """Return a row of ``survey.association``, in the order of its columns."""
    lacking = "; ".join(tree.lacking) or None
    return tree.files[0].dp_id, mode.value, int(tree.complete), int(tree.certified), lacking


def _members(tree: Tree, mode: Mode) -> Iterator[tuple[Any, ...]]:
    """Iterate over the rows of ``survey.association_member``, in the order of its columns."""
    (frame,) = tree.files
    for (tag, file_id), (file, within) in tree.calibrations.items():
        delta = None if file.mjd is None or frame.mjd is None else file.mjd - frame.mjd
        yield frame.dp_id, mode.value, tag, file_id, delta, int(within)


def _bring_up_to_date(
    session: Session, mapped: type[Base], dp_ids: Sequence[str], rows: AbstractSet[tuple[Any, ...]]
) -> set[str]:
    """Make a table's rows of these frames be what they should; returns the frames of which any was not."""
    table = table_of(mapped)
    held = session.execute(select(table).where(table.c.dp_id.in_(dp_ids)))
    old = {tuple(row) for row in held}
    keys = list(table.primary_key.columns)
    gone = [dict(zip(table.columns.keys(), row, strict=True)) for row in old - rows]
    missing = [dict(zip(table.columns.keys(), row, strict=True)) for row in rows - old]
    if gone:
        same = (column == bindparam(f"old_{column.name}") for column in keys)
        named = [{f"old_{column.name}": row[column.name] for column in keys} for row in gone]
        session.connection().execute(delete(table).where(*same), named)
    copy_rows(session, mapped, missing)
    return {row["dp_id"] for row in gone + missing}
