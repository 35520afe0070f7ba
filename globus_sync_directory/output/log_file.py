"""A text file that several processes append to at the same time, and that never grows beyond its limit."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from pathlib import Path

_LARGEST_BYTES = 4 * 1024 * 1024
_LONGEST_WAIT_SECONDS = 2.0


class LogFile:
    """
    A file of whole lines: FILE, and FILE.1 with older lines. Nobody but its owner may read it.

    Every append opens the file, so that a file which another process has renamed in between is not written to.
    """

    def __init__(self, path: Path, largest_bytes: int = _LARGEST_BYTES) -> None:
        self.path = Path(os.path.realpath(path))
        self._largest_bytes = largest_bytes

    def append(self, text: str) -> None:
        """
        Append ``text`` as one piece; a file that would become larger than the limit is renamed first.

        Raises OSError where the file cannot be written or is not a regular file.
        """
        data = text.encode("utf-8", "backslashreplace")
        while not self._appended(data):
            pass

    def _appended(self, data: bytes) -> bool:
        """Append ``data`` and return True; return False if the path now leads to another file, which is to be tried."""
        descriptor = _open_regular_file(self.path)
        try:
            is_our_turn = _wait_for_turn(descriptor)
            size = os.fstat(descriptor).st_size
            if is_our_turn:
                if not self._leads_to(descriptor):
                    return False
                if size and size + len(data) > self._largest_bytes:
                    # Where the directory is read-only the file has to grow: a line is worth more than the limit.
                    with contextlib.suppress(OSError):
                        os.replace(self.path, f"{self.path}.1")
                        return False
            _write(descriptor, data, size)
            return True
        finally:
            os.close(descriptor)  # gives the lock back

    def _leads_to(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.lstat(self.path), os.fstat(descriptor))
        except FileNotFoundError:
            return False


def _open_regular_file(path: Path) -> int:
    # O_NONBLOCK: a FIFO without a reader is an error instead of a wait.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ELOOP):
            raise OSError(error.errno, "not a regular file") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file")
    return descriptor


def _wait_for_turn(descriptor: int) -> bool:
    """Lock the file and return True; return False if another process keeps the lock unusually long."""
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.001)
        except OSError:  # a file system without locks; O_APPEND alone has to keep the lines apart
            return True
        else:
            return True
    return False


def _write(descriptor: int, data: bytes, size_before: int) -> None:
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        os.ftruncate(descriptor, size_before)  # the next line must not follow half of this one
        raise
