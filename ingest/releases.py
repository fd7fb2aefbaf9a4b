"""Take a survey's release in: a folder of tables or the text of its description, corrected and checked."""

from dataclasses import dataclass, replace
from pathlib import Path

from archive import observations, ties
from archive.database import Database
from archive.errors import Refused
from ingest import release_rows
from ingest.consistency import repeated_keys
from ingest.release import Correction, ReleaseTables, corrected
from ingest.release_folder import read_folder
from ingest.release_text import read_text
from schema.findings import Finding

__all__ = ["ReleaseReport", "ingest_release"]


@dataclass(frozen=True)
class ReleaseReport:
    """What was read, corrected and found."""

    tables: ReleaseTables
    findings: tuple[Finding, ...]
    unapplied: tuple[Correction, ...]
    changed: bool

    def counts(self) -> dict[str, int]:
        """Count what the tables hold."""
        return {
            "targets": len(self.tables.galaxies),
            "pointings": len(self.tables.fields),
            "noAO": sum(f.ao_mode == "noAO" for f in self.tables.fields),
            "AO": sum(f.ao_mode == "AO" for f in self.tables.fields),
            "observing_blocks": len(self.tables.blocks),
            "exposures": sum(len(b.exposure_numbers) for b in self.tables.blocks),
        }


def ingest_release(database: Database, path: Path, *, release_id: str | None = None) -> ReleaseReport:
    """Read a release and record it; the same release twice changes nothing.

    A folder is complete: what it no longer has goes.  A text knows neither errata nor, for sure, its release: when
    its galaxies belong to one, it speaks of that, and the errata recorded there are applied to it.  ``release_id``
    says which release it is.

    Raises
    ------
    Refused
        The source cannot be understood or contradicts itself or what is recorded; nothing was written.
    """
    complete = path.is_dir()
    tables = _read(database, path, release_id)
    repeated = repeated_keys(tables)
    if repeated:
        raise Refused(f"{path}: more than once: {', '.join(repeated)}")
    tables, unapplied = corrected(tables, tables.corrections)
    findings = release_rows.findings(tables, unapplied)
    release_id = tables.facts["release_id"]
    changed = observations.record(
        database,
        release_rows.rows(tables),
        origin=release_rows.finding_origin(release_id),
        findings=findings,
        complete=release_id if complete else None,
    )
    ties.refresh(database, None)  # also when nothing changed: an earlier run may have died between the two
    return ReleaseReport(tables, tuple(findings), unapplied, changed)


def _read(database: Database, path: Path, release_id: str | None) -> ReleaseTables:
    if path.is_dir():
        tables = read_folder(path)
        if release_id not in {None, tables.facts["release_id"]}:
            raise Refused(f"{path} is the release {tables.facts['release_id']}, not {release_id}")
        return tables
    if not path.is_file():
        raise Refused(f"{path}: there is no such file or folder")
    tables = read_text(path)
    release_id = _release_of(database, tables, release_id)
    known = {release.release_id for release in observations.releases(database)}
    # What the survey's folder told of a release stands; the title of the text may be anything.
    facts = {"release_id": release_id} if release_id in known else {**tables.facts, "release_id": release_id}
    errata = release_rows.to_corrections(observations.errata(database, release_id))
    return replace(tables, facts=facts, corrections=errata)


def _release_of(database: Database, tables: ReleaseTables, said: str | None) -> str:
    """Tell of which release a text speaks: the one that has its galaxies, else a new one named by its title."""
    recorded = observations.releases_with(database, [galaxy.name for galaxy in tables.galaxies])
    if not recorded:
        return said or str(tables.facts["release_id"])
    if said is not None and said not in recorded:
        raise Refused(f"the galaxies of the text belong to the release {' and '.join(recorded)}, not to {said}")
    if said is None and len(recorded) > 1:
        raise Refused(
            f"the galaxies of the text belong to the releases {', '.join(recorded)}: say which with --release"
        )
    return said or recorded[0]
