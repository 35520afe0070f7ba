"""The log on stderr: one cleaned line an entry, with local time and zone."""

from __future__ import annotations

import logging
from datetime import datetime

from globus_sync_directory.text import sanitize

_LONGEST_LINE = 1000


def log_to_stderr(*, verbose: bool, quiet: bool) -> None:
    """Send this package's log to stderr from now on: all of it, warnings and news, or with ``quiet`` errors alone."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line())
    logger = logging.getLogger("globus_sync_directory")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else logging.INFO)
    logging.raiseExceptions = False  # a stderr that went away must not stop a run


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="seconds")
        return f"{moment} {record.levelname} {sanitize(record.getMessage(), _LONGEST_LINE)}"
