"""The queues that workers take jobs from, and procrastinate's face of them."""

from typing import Final

import procrastinate

__all__ = ["INGEST", "PRIORITY", "PROCESSING", "QUERY_FAST", "QUERY_SLOW", "TASK", "WORK", "application"]

INGEST: Final = "ingest"
PROCESSING: Final = "processing"
QUERY_FAST: Final = "query-fast"
QUERY_SLOW: Final = "query-slow"
"""Queries of clients that are short, and those that are not: the short never wait for the others."""

WORK: Final = (INGEST, PROCESSING)
"""What ``musevault worker`` takes; the queries are taken by the service's own worker."""

PRIORITY: Final = {PROCESSING: 0, INGEST: 5, QUERY_SLOW: 10, QUERY_FAST: 20}
"""A worker that takes from several takes the higher number first; files that come in are few and quick."""

TASK: Final = "musevault.run"
"""The one task that procrastinate knows; what is to be done stands in the job's row."""


def application(connector: procrastinate.BaseConnector) -> procrastinate.App:
    """Return procrastinate's face of the queues."""
    return procrastinate.App(connector=connector)
