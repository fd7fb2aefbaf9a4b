"""An index on a column of an account's table: asked for by a job, made by the workers."""

from collections.abc import Mapping
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from archive import jobs, user_rows, user_tables, uws
from archive.archive import Archive
from archive.errors import Refused
from archive.execution import Progress
from archive.user_rows import Index, Quota, TookTooLong
from schema.accounts import UserTable
from schema.jobs import Phase
from schema.published import PublishedColumn
from schema.uws import UwsJob
from server.uploads.positions import circle_of, point_of, polygon_of
from server.user_tables.names import BadName, NotYours, own_name

__all__ = ["TASK", "index", "wanted"]

TASK: Final = "tap.index"
TRUE: Final = frozenset({"true", "1", "yes"})


def index(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Make the index that a job asks for.

    Raises
    ------
    Refused
        Its account has no such table or column any more, or the values cannot be indexed.
    """
    del parameters, progress
    job = uws.find(archive.database, job_id)
    if job is None:
        return
    table, made = wanted(archive, job)
    quota, seconds = Quota.of(archive.settings), job.execution_duration
    try:
        user_rows.index(archive.database, table, made, quota=quota, job_id=job_id, seconds=seconds)
    except TookTooLong:
        words = f"the index took longer than {seconds} s, its execution duration"
        jobs.finish(archive.database, job_id, Phase.ABORTED, error=words)


def wanted(archive: Archive, job: UwsJob) -> tuple[UserTable, Index]:
    """Return the table and what is to be indexed of it.

    Raises
    ------
    Refused, NoSuchTable
        There is no such table or column, or it cannot be indexed.
    """
    given = MultiDict(job.parameters)
    if job.owner is None:
        raise Refused("only accounts have tables")
    try:
        table = user_tables.get(archive.database, job.owner, own_name(given.get("TABLE", ""), job.owner))
    except (BadName, NotYours) as error:
        raise Refused(str(error)) from error
    return table, _index(table, given.get("INDEX", ""), unique=given.get("UNIQUE", "").lower() in TRUE)


def _index(table: UserTable, name: str, *, unique: bool) -> Index:
    columns = user_tables.published(table).columns
    meant = name[1:-1].replace('""', '"') if name.startswith('"') and name.endswith('"') else name
    found = [place for place, column in enumerate(columns) if column.name.lower() == meant.lower()]
    if not found:
        raise Refused(f"the table {table.owner}.{table.name} has no column '{name[:60]}'")
    expression = _expression(columns[found[0]])
    if unique and "(" in expression:
        raise Refused("an index of places cannot be unique")
    return Index(found[0], expression, unique)


def _expression(column: PublishedColumn) -> str:
    if column.arraysize is None or column.datatype in {"char", "unicodeChar"}:
        return f'"{column.stored}"'
    place = point_of(column) or circle_of(column) or polygon_of(column)
    if place is None:
        raise Refused(f"column '{column.name}' is an array, which cannot be indexed")
    return place
