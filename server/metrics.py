"""``/metrics``: the archive's numbers as Prometheus reads them, fresh from the database at every visit."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from archive import gauges
from archive.archive import Archive
from archive.database import Database
from schema.intake import Run

__all__ = ["blueprint"]


def blueprint(archive: Archive) -> Blueprint:
    """Return the route."""
    routes = Blueprint("metrics", __name__)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_ArchiveCollector(archive.database))

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return routes


class _ArchiveCollector(Collector):
    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every metric."""
        found = gauges.read(self._database)
        yield _one("exposures", "Raw frames that are known; an estimate when many.", found.exposures)
        yield _one("master_calibrations", "Master calibrations; an estimate when many.", found.master_calibrations)
        yield _by("products", "Products made for science.", "kind", found.products)
        yield _one("findings", "What disagrees or is odd; an estimate when many.", found.findings)
        yield _one("store_bytes", "Length of all files; an estimate when many.", found.store_bytes)
        yield _one("files_lost", "Files that were missing when last verified.", found.lost_files)
        yield _one("files_quarantined", "Files that were refused and not taken since.", found.quarantined_files)
        yield _by("jobs", "Jobs by phase.", "phase", found.jobs)
        yield _files(found.last_runs)
        took = {run.kind: run.seconds for run in found.last_runs if run.seconds is not None}
        yield _by("last_run_seconds", "How long the last run took; absent while it is at work.", "kind", took)
        failed = {run.kind: int(run.error is not None) for run in found.last_runs}
        yield _by("last_run_failed", "1 when the last run ended before its time.", "kind", failed)
        success = {kind: _seconds(ended) for kind, ended in found.last_success.items()}
        yield _by("last_success_timestamp_seconds", "When the last run that went well ended.", "kind", success)


def _one(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"musevault_{name}", words, value=value)


def _by(name: str, words: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"musevault_{name}", words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _files(last_runs: Iterable[Run]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "musevault_last_run_files", "What became of what the last run saw.", labels=["kind", "became"]
    )
    for run in last_runs:
        counts = {"seen": run.seen, "new": run.new, "changed": run.changed, "refused": run.refused}
        for became, number in {**counts, "postponed": run.postponed}.items():
            family.add_metric([run.kind, became], number)
    return family


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()
