"""
The log of a run: on stderr, and with ``--log-file`` in a file, which holds the report too.

Each run in the file begins with a header line and ends with its exit status. Every line is sanitized here.
"""

from __future__ import annotations

import logging
import os
import shlex
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from globus_sync_directory.output.log_file import LogFile
from globus_sync_directory.text import sanitize

log = logging.getLogger(__name__)
_package_log = logging.getLogger("globus_sync_directory")


def log_to(*, stderr_level: int, file: Path | None = None, arguments: Sequence[str] = ()) -> None:
    """
    Send the package's log to stderr, from ``stderr_level`` up, and to ``file``, from INFO up or as much as stderr gets.

    The file gets a header line with ``arguments``. A file that cannot be written is a warning; the run continues.
    """
    handler = logging.StreamHandler()
    handler.setLevel(stderr_level)
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    logging.raiseExceptions = False  # a stderr that was closed must not stop a run
    _package_log.propagate = False
    _package_log.handlers[:] = [handler]
    _package_log.setLevel(stderr_level)
    if file is not None:
        _package_log.setLevel(min(stderr_level, logging.INFO))
        file_handler = _LogFileHandler(LogFile(file))
        _package_log.addHandler(file_handler)
        file_handler.write("", _header(arguments))


def log_report(lines: Sequence[str]) -> None:
    """Append the lines of a report to the log file as one piece; without a log file nothing happens."""
    for handler in _file_handlers():
        handler.write(*lines)


def log_end(exit_status: int) -> None:
    """Append the exit status of the run to the log file; without a log file nothing happens."""
    for handler in _file_handlers():
        handler.write(f"---- {_local_time(time.time())} [{os.getpid()}] exit status {exit_status:d}")


class _OneLine(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return _local_time(record.created)

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        record.asctime = self.formatTime(record)
        return sanitize(self.formatMessage(record))


class _LogFileHandler(logging.Handler):
    """Appends to a log file until that fails; then it gives a warning and writes nothing more."""

    def __init__(self, file: LogFile) -> None:
        super().__init__()
        self.setFormatter(_OneLine("%(asctime)s [%(process)d] %(levelname)s %(message)s"))
        self._file = file
        self._is_writable = True

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.write(self.format(record))
        except Exception:  # noqa: BLE001  # like every handler of the standard library
            self.handleError(record)

    def write(self, *lines: str) -> None:
        """Append these lines, with nobody else's between them."""
        if not (self._is_writable and lines):
            return
        try:
            self._file.append("".join(f"{sanitize(line)}\n" for line in lines))
        except OSError as error:
            self._is_writable = False
            log.warning(
                "%s: cannot write the log file: %s; the run continues without it", self._file.path, error.strerror
            )


def _file_handlers() -> list[_LogFileHandler]:
    return [handler for handler in _package_log.handlers if isinstance(handler, _LogFileHandler)]


def _header(arguments: Sequence[str]) -> str:
    job = os.environ.get("SLURM_JOB_ID")
    where = f"{os.uname().nodename} [{os.getpid()}]{f' Slurm job {job}' if job else ''}"
    return f"==== {_local_time(time.time())} {where}: {shlex.join(['globus-sync-directory', *arguments])}"


def _local_time(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp).astimezone().isoformat(timespec="seconds")
