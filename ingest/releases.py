"""Take a survey's release in: a folder of tables or the text of its description, corrected and checked."""

from dataclasses import dataclass, replace
from pathlib import Path

from archive import observations
from archive.database import Database
from archive.errors import Refused
from ingest import release_rows
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


def ingest_release(database: Database, path: Path) -> ReleaseReport:
    """Read a release and record it; the same release twice changes nothing.

    A text knows no errata: those that are recorded for its release are applied to it.

    Raises
    ------
    Refused
        The source cannot be understood or contradicts itself; nothing was written.
    """
    tables = _read(database, path)
    tables, unapplied = corrected(tables, tables.corrections)
    findings = release_rows.findings(tables, unapplied)
    origin = release_rows.finding_origin(tables.facts["release_id"])
    changed = observations.record(database, release_rows.rows(tables), origin=origin, findings=findings)
    return ReleaseReport(tables, tuple(findings), unapplied, changed)


def _read(database: Database, path: Path) -> ReleaseTables:
    if path.is_dir():
        return read_folder(path)
    if not path.is_file():
        raise Refused(f"{path}: there is no such file or folder")
    tables = read_text(path)
    release_id = tables.facts["release_id"]
    known = {release.release_id for release in observations.releases(database)}
    if release_id in known:  # what the survey's folder told of it stands
        tables = replace(tables, facts={"release_id": release_id})
    return replace(tables, corrections=release_rows.to_corrections(observations.errata(database, release_id)))
