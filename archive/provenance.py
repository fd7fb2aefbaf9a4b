"""Provenance: how a product was made, which raw frames are behind it, and what was made of a frame.

Each question is one recursive query of ``provenance_queries``; ``MOST_STEPS`` bounds what it follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import RowMapping, func, select, text
from sqlalchemy.orm import Session

from archive.archive import Archive
from archive.layering import layers
from archive.provenance_queries import AFFECTED, HISTORY, RAW_FRAMES
from schema.provenance import Activity, Used, WasGeneratedBy

__all__ = [
    "MOST_STEPS",
    "Affected",
    "Input",
    "Made",
    "RawFrame",
    "Step",
    "affected",
    "history",
    "made_of",
    "raw_frames",
]

MOST_STEPS: Final = 100_000
"""Activities that one question follows at most, the nearest ones."""

RAW_NAME: Final = r"^[A-Z]+\.\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$"
"""How ESO calls a raw frame, whether the archive has heard of it or not."""


@dataclass(frozen=True)
class Input:
    """What an activity used: a product, a frame, or the name of something that the archive does not hold.

    Parameters
    ----------
    name
        Product or frame, else the file's name: what joins it with what was made.
    kind, title
        Of the product, where the archive holds it.
    made_by
        Activity that made it, where that is known.
    is_exposure
        Whether it is a raw frame.
    """

    name: str
    role: str
    md5: str | None
    kind: str | None
    title: str | None
    made_by: str | None
    is_exposure: bool

    @property
    def product_id(self) -> str | None:
        """The product, where the archive holds it."""
        return None if self.kind is None else self.name

    def identity(self, activity_id: str) -> str:
        """Return what tells it from everything else; pipelines give one name to many files.

        A file that the archive does not know is told by its checksum too, or else by the activity that used it.
        """
        is_known = self.kind is not None or self.is_exposure or self.made_by is not None
        return self.name if is_known else f"{self.name}/{self.md5 or activity_id}"


@dataclass(frozen=True)
class Step:
    """One activity of a history.

    Parameters
    ----------
    made
        What it made, or else what those made that built on it.
    generated
        Everything of this history that it made.
    builds_on
        Activities whose results it used without their names being kept.
    """

    made: str
    generated: tuple[str, ...]
    activity: Activity
    used: tuple[Input, ...]
    builds_on: tuple[str, ...]


@dataclass(frozen=True)
class RawFrame:
    """A raw frame behind a product, with everything that it was used as."""

    dp_id: str
    roles: str
    object: str | None
    is_held: bool


@dataclass(frozen=True)
class Made:
    """A product that an activity made."""

    product_id: str
    kind: str
    title: str


@dataclass(frozen=True)
class Affected:
    """An activity that must be done again with what it made; ``stage`` 0 first, then those that need its results."""

    stage: int
    activity_id: str
    name: str
    products: tuple[Made, ...]


def history(archive: Archive, product_id: str) -> list[Step]:
    """Return the activities behind a product, the nearest first, down to raw exposures and calibrations."""
    rows = _asked(archive, HISTORY, product_id, raw_name=RAW_NAME)
    used = {row["activity_id"]: tuple(Input(*one) for one in row["used"] or ()) for row in rows}
    generated = _generated(rows, used, product_id)
    made = _what_for(rows, generated, product_id)
    columns = [column.name for column in Activity.__table__.columns]
    return [
        Step(
            made=made[row["activity_id"]],
            generated=tuple(generated[row["activity_id"]]),
            activity=Activity(**{name: row[name] for name in columns}),
            used=used[row["activity_id"]],
            builds_on=tuple(row["builds_on"]),
        )
        for row in rows
    ]


def raw_frames(archive: Archive, product_id: str) -> list[RawFrame]:
    """Return the raw frames, science and calibrations, that a product was made from through any number of steps."""
    return [RawFrame(**row) for row in _asked(archive, RAW_FRAMES, product_id, raw_name=RAW_NAME)]


def affected(archive: Archive, entity: str) -> list[Affected]:
    """Return everything that was made from a frame, a product or a named file, in the order to do it again."""
    rows = _asked(archive, AFFECTED, entity)
    names = [row["activity_id"] for row in rows]
    stages = layers(names, ((row["activity_id"], later) for row in rows for later in row["later"]))
    found = [
        Affected(
            stage=stages[row["activity_id"]],
            activity_id=row["activity_id"],
            name=row["name"],
            products=tuple(Made(*one) for one in row["products"] or ()),
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: one.stage)


def made_of(archive: Archive, product_id: str) -> list[str]:
    """Return the products that were made directly from one."""
    query = (
        select(WasGeneratedBy.product_id)
        .join(Used, Used.activity_id == WasGeneratedBy.activity_id)
        .where(func.coalesce(Used.product_id, Used.entity) == product_id)
        .order_by(WasGeneratedBy.product_id)
    )
    with archive.database.reading() as session:
        return list(session.scalars(query.distinct()))


def _asked(archive: Archive, question: str, subject: str, **given: str) -> list[RowMapping]:
    with archive.database.reading() as session:
        _compile_nothing(session)
        rows = session.execute(text(question), {"subject": subject, "most": MOST_STEPS, **given})
        return list(rows.mappings())


def _compile_nothing(session: Session) -> None:
    """The planner cannot know how far a recursion goes: where it fears the worst, compiling costs more than asking."""
    session.execute(text("SET LOCAL jit = off"))


def _generated(rows: list[RowMapping], used: Mapping[str, tuple[Input, ...]], product_id: str) -> dict[str, list[str]]:
    """Return by activity what it made, as far as it is of this history: the product itself, and inputs of others."""
    found: dict[str, dict[str, None]] = {row["activity_id"]: {} for row in rows}
    for row in rows:
        if row["is_last"]:
            found[row["activity_id"]][product_id] = None
        for one in used[row["activity_id"]]:
            if one.made_by in found:
                found[one.made_by][one.name] = None
    return {activity: list(names) for activity, names in found.items()}


def _what_for(rows: list[RowMapping], generated: Mapping[str, list[str]], product_id: str) -> dict[str, str]:
    """A step whose result has no name counts to what those made that built on it."""
    made = {activity: names[0] for activity, names in generated.items() if names}
    for row in rows:
        mine = made.setdefault(row["activity_id"], product_id)
        for informant in row["builds_on"]:
            made.setdefault(informant, mine)
    return made
