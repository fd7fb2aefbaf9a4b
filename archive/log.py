"""Logs are facts with fields, on standard error: for people on a terminal, as JSON lines elsewhere."""

import logging
import sys

import structlog

__all__ = ["configure"]


def configure() -> None:
    """Set logging up for a command; libraries' own messages are shown from warnings on."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    people = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if people
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
