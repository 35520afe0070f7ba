"""
The log of a run: on stderr, and with ``--log-file`` in a file, which holds the report too.

Each run in the file begins with a header line and ends with its exit status. Every line is sanitised here.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import shlex
import stat
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from globus_sync_directory.text import sanitize

_LARGEST_BYTES = 4 * 1024 * 1024

log = logging.getLogger(__name__)
_package_log = logging.getLogger("globus_sync_directory")


def log_to(*, stderr_level: int, file: Path | None = None, arguments: Sequence[str] = ()) -> None:
    """
    Send the package's log to stderr, from ``stderr_level`` up, and to ``file``, at least from INFO up.

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
        rotate(file)
        _package_log.addHandler(_LogFileHandler(file))
        job = os.environ.get("SLURM_JOB_ID")
        where = f"{os.uname().nodename} [{os.getpid()}]{f' Slurm job {job}' if job else ''}"
        command = shlex.join(["globus-sync-directory", *arguments])
        log_report(["", f"==== {_local_time(time.time())} {where}: {command}"])


def log_report(lines: Sequence[str]) -> None:
    """Append the lines of a report to the log file as one piece; without a log file nothing happens."""
    for handler in _package_log.handlers:
        if isinstance(handler, _LogFileHandler):
            handler.write(lines)


def log_end(exit_status: int) -> None:
    """Append the exit status of the run to the log file; without a log file nothing happens."""
    log_report([f"---- {_local_time(time.time())} [{os.getpid()}] exit status {exit_status:d}"])


def append(path: Path, text: str) -> None:
    """
    Append ``text`` in one piece to a file that only its owner may read; several processes may append.

    Raises OSError where it cannot be written or is not a regular file.
    """
    with open(path, "ab", opener=_open_private) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        file.write(text.encode("utf-8", "backslashreplace"))


def rotate(path: Path, largest_bytes: int = _LARGEST_BYTES) -> None:
    """
    Rename a file that is larger than the limit to FILE.1; a file that cannot be renamed grows on.

    It waits for nobody: a file whose lock somebody else holds is left to that run.
    """
    real_path = os.path.realpath(path)
    with contextlib.suppress(OSError), open(real_path, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        except OSError:  # some file systems have no locks
            pass
        # Since this run opened the file, another one may have renamed it.
        if os.path.getsize(real_path) > largest_bytes and os.path.samefile(real_path, file.fileno()):
            os.replace(real_path, f"{real_path}.1")


class _OneLine(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return _local_time(record.created)

    def format(self, record: logging.LogRecord) -> str:
        return sanitize(super().format(record))


class _LogFileHandler(logging.Handler):
    """Appends to a log file until that fails; then it gives a warning and writes nothing more."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.setFormatter(_OneLine("%(asctime)s [%(process)d] %(levelname)s %(message)s"))
        self._path: Path | None = path

    def emit(self, record: logging.LogRecord) -> None:
        self.write([self.format(record)])

    def write(self, lines: Sequence[str]) -> None:
        """Append these lines in one piece, so that no other process writes between them."""
        path = self._path
        try:
            if path and lines:
                append(path, "".join(f"{sanitize(line)}\n" for line in lines))
        except OSError as error:
            self._path = None
            log.warning("%s: cannot write the log file: %s; the run continues without it", path, error.strerror)


def _local_time(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp).astimezone().isoformat(timespec="seconds")


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK, 0o600)  # O_NONBLOCK: does not wait for the reader of a FIFO
