"""
The lock that keeps two runs apart: who holds it, and for how long.

It is a ``flock`` on a file that is never removed. The file holds one line about the run that took the lock last.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from globus_sync_directory.errors import LockHeld

_OLD = timedelta(days=1)  # no run takes that long; ``--wait`` gives the lock back before it waits
_ATTEMPTS, _PAUSE_SECONDS = 20, 0.025
_SIGNATURE = re.compile(r"\S+ pid \d+ since .*")


def find_problem(descriptor: int) -> str | None:
    """
    Return why this open file cannot be a lock file, which is written to; None if it can.

    In a directory that others can write to, its name may lead to a pipe, or by a hard link to another file.
    """
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return "is not a regular file"
    written = os.pread(descriptor, 300, 0).strip(b"\0\n ")  # a host that crashed may leave zeros
    return "contains something else than a lock" if written and not _read(descriptor) else None


def take(descriptor: int, now: datetime) -> None:
    """
    Take the lock of an open lock file; it is free again once the file is closed.

    Raises LockHeld if another run holds it, and OSError where the file system has no locks. As long as the file names
    no young run, it tries again, for half a second: the holder may not have signed yet, or ``find_old_holder`` may have
    the lock for an instant.
    """
    for _ in range(_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(descriptor)
            if holder and not _is_old(descriptor, now):
                break
            time.sleep(_PAUSE_SECONDS)
        else:
            return
    raise _held(descriptor, now)


def sign(descriptor: int, now: datetime) -> None:
    """Write into the lock file who holds the lock since when."""
    since = now.astimezone().isoformat(timespec="seconds")
    line = f"{socket.gethostname()} pid {os.getpid()} since {since}\n".encode()
    with contextlib.suppress(OSError):  # it only tells others who holds the lock
        os.pwrite(descriptor, line, 0)  # before truncation, so that no reader finds it empty
        os.ftruncate(descriptor, len(line))


def find_old_holder(path: Path, now: datetime) -> LockHeld | None:
    """
    Return what is to be said if a run has held the lock in the file ``path`` for longer than a day; writes nothing.

    Only where the file names no young run is the lock tried, shared with others who look. A run that begins in that
    instant tries again, see ``take``.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if _is_old(descriptor, now):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _held(descriptor, now)
    except OSError:
        return None  # a file system without locks
    finally:
        os.close(descriptor)
    return None


def _held(descriptor: int, now: datetime) -> LockHeld:
    holder = _read(descriptor) or "its holder is unknown"
    if not _is_old(descriptor, now):
        return LockHeld(f"another run holds the lock: {holder}; this run starts nothing")
    return LockHeld(
        f"another run holds the lock: {holder}, for longer than a day; nothing is started until it ends; look at that "
        "process, and end it if it hangs",
        is_old=True,
    )


def _is_old(descriptor: int, now: datetime) -> bool:
    """Return whether the run that took the lock last did so more than a day ago."""
    _, _, since = _read(descriptor).rpartition(" since ")
    try:
        signed_at = datetime.fromisoformat(since).astimezone(UTC)
    except (ValueError, OverflowError):
        signed_at = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
    return now - signed_at > _OLD


def _read(descriptor: int) -> str:
    """Return the line about the run that took the lock last; empty if there is none."""
    first, _, _ = os.pread(descriptor, 300, 0).decode(errors="replace").partition("\n")
    return first if _SIGNATURE.fullmatch(first) else ""
