"""``/metrics``: the archive's numbers as Prometheus reads them, fresh from the database at every visit."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from archive import gauges, job_gauges
from archive.archive import Archive
from archive.job_gauges import JobGauges
from schema.intake import Run
from schema.jobs import Phase

__all__ = ["blueprint"]


def blueprint(archive: Archive) -> Blueprint:
    """Return the route."""
    routes = Blueprint("metrics", __name__)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_ArchiveCollector(archive))

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return routes


class _ArchiveCollector(Collector):
    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        database, timeout = self._archive.database, self._archive.settings.worker_timeout
        found = gauges.read(database)
        yield _one("exposures", "Raw frames that are known; an estimate when many.", found.exposures)
        yield _one("master_calibrations", "Master calibrations; an estimate when many.", found.master_calibrations)
        yield _by("products", "Products made for science.", "kind", found.products)
        yield _one("findings", "What disagrees or is odd; an estimate when many.", found.findings)
        yield _one("store_bytes", "Length of all files; an estimate when many.", found.store_bytes)
        yield _one("files_lost", "Files that were missing when last verified.", found.lost_files)
        yield _one("files_quarantined", "Files that were refused and not taken since.", found.quarantined_files)
        yield from _jobs(job_gauges.read(database, timeout=timeout))
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


def _jobs(found: JobGauges) -> Iterator[Metric]:
    active = GaugeMetricFamily("musevault_jobs", "Jobs that have not ended.", labels=["phase", "queue"])
    for line in found.active:
        active.add_metric([line.phase, line.queue], line.jobs)
    yield active
    waits = {line.queue: line.waits for line in found.active if line.phase == Phase.QUEUED}
    yield _by("jobs_oldest_queued_seconds", "How long the oldest queued job waits.", "queue", waits)
    yield _by("jobs_failed_last_hour", "Jobs that ended in ERROR within an hour.", "queue", found.failed_lately)
    ended = CounterMetricFamily("musevault_jobs_ended", "Jobs that ended.", labels=["phase", "queue", "task"])
    seconds = SummaryMetricFamily(
        "musevault_job_seconds", "How long jobs took that completed.", labels=["queue", "task"]
    )
    for count in found.ended:
        ended.add_metric([count.phase, count.queue, count.task], count.jobs)
        if count.phase == Phase.COMPLETED:
            seconds.add_metric([count.queue, count.task], count_value=count.jobs, sum_value=count.seconds)
    yield from (ended, seconds)
    workers = GaugeMetricFamily("musevault_workers", "Workers that take jobs.", labels=["queue", "state"])
    for queue, state, number in found.workers:
        workers.add_metric([queue, state], number)
    yield workers


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
