"""
Whose turn it is to write the state file: one run at a time, also if one host has locks and another one has none.

The run that creates ``<state file>.writing`` has the turn, and removes the file afterwards. The file holds one line,
which no other turn has. The turn of a killed run is recognised by a line that stays: no clock is compared, neither with
that of another host nor with that of a file server.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path

PAUSE_SECONDS = 0.05
_LOOKS = 200  # at the same line; a turn usually takes milliseconds
_LOOKS_AT_NOTHING = 20  # a run writes its line as soon as it has created the file
_WITH_LOCK = " with the lock"


@contextlib.contextmanager
def turn_to_write(state_file: Path, *, has_lock: bool) -> Iterator[None]:
    """Wait until nobody else writes ``state_file``; within the block it is this run's turn. Raises OSError."""
    path = _path(state_file)
    line = f"{_this_host()}pid {os.getpid()} {secrets.token_hex(8)}{_WITH_LOCK if has_lock else ''}"
    _take(path, line.encode())
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if _read(path) == line.encode():  # else another run took this one for killed
                path.unlink()


def remove_left_over(state_file: Path) -> None:
    """Remove the turn of a killed run that had the lock; only called by the run of this host that has it now."""
    path = _path(state_file)
    line = _read(path) or b""
    if line.startswith(_this_host().encode()) and line.endswith(_WITH_LOCK.encode()):
        path.unlink(missing_ok=True)


def _path(state_file: Path) -> Path:
    return Path(f"{state_file}.writing")


def _this_host() -> str:
    return f"{socket.gethostname()} "


def _take(path: Path, line: bytes) -> None:
    seen, looks = None, 0
    while not _create(path, line):
        found = _read(path)
        looks = looks + 1 if found == seen else 0
        seen = found
        if found is not None and looks >= (_LOOKS if found else _LOOKS_AT_NOTHING):
            path.unlink(missing_ok=True)
        time.sleep(PAUSE_SECONDS)


def _create(path: Path, line: bytes) -> bool:
    """Create the file with this line, and return True; False if there is one."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return False
    try:
        os.write(descriptor, line)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    return True


def _read(path: Path) -> bytes | None:
    """Return the line in the file, None if there is no file. Opened each time: only then a file server is asked."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError:
        return b""  # of another user, or a link
    try:
        return os.read(descriptor, 1000)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
