"""The lock of the state file: who holds it, for how long, and that a look at it disturbs nobody."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from globus_sync_directory import lock
from globus_sync_directory.errors import LockHeld

from .state_samples import failing

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json.lock"


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a lock file as a run does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def held(path: Path, line: str | None = None, since: datetime = NOW) -> Iterator[None]:
    """Hold the lock, signed at ``since`` or with another line; the file was changed at ``since``."""
    with opened(path) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if line is None:
            lock.sign(descriptor, since)
        else:
            os.pwrite(descriptor, line.encode(), 0)
        os.utime(path, (since.timestamp(), since.timestamp()))
        yield


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.mark.parametrize(
    ("line", "age", "is_old"),
    [
        (None, timedelta(0), False),
        (None, DAY, False),
        (None, DAY + SECOND, True),
        (None, -9 * DAY, False),  # another host's clock
        ("", DAY, False),
        ("", DAY + SECOND, True),
        ("host pid 1 since last summer", DAY + SECOND, True),
        ("host pid 1 since 0001-01-01T00:00:00+14:00", DAY, False),
    ],
)
def test_old(path: Path, line: str | None, age: timedelta, is_old: bool) -> None:
    """A run is old after a day by its own signature, else by the time of the file; both ways to look say the same."""
    with held(path, line, NOW - age), opened(path) as descriptor:
        with pytest.raises(LockHeld) as caught:
            lock.take(descriptor, NOW)
        seen = lock.find_old_holder(path, NOW)
    assert caught.value.is_old is is_old
    assert ("for longer than a day" in str(caught.value)) is is_old
    assert str(seen) == (str(caught.value) if is_old else "None")


def test_what_is_said(path: Path) -> None:
    """The holder by host and process, since when, and what to do."""
    with held(path, "node7 pid 4711 since 2026-11-22T01:00:00+13:00\n"):
        said = lock.find_old_holder(path, NOW)
    assert str(said) == (
        "another run holds the lock: node7 pid 4711 since 2026-11-22T01:00:00+13:00, for longer than a day; "
        "nothing is started until it ends; look at that process, and end it if it hangs"
    )


def test_a_lock_that_nobody_holds(path: Path) -> None:
    """However old its line is, it says nothing; where there is no file, none is made."""
    assert lock.find_old_holder(path, NOW) is None
    assert not path.exists()
    with held(path, since=NOW - 9 * DAY):
        pass
    before = (path.read_bytes(), path.stat().st_mtime_ns, stat.S_IMODE(path.stat().st_mode))
    assert lock.find_old_holder(path, NOW) is None
    assert (path.read_bytes(), path.stat().st_mtime_ns, stat.S_IMODE(path.stat().st_mode)) == before


def test_a_look_at_a_young_holder_does_not_try_the_lock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever begins in that instant cannot notice it."""
    with held(path):
        monkeypatch.setattr(fcntl, "flock", failing(errno.EIO))
        assert lock.find_old_holder(path, NOW) is None


def test_a_look_never_stops_a_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that begins while others look tries again until they have ended."""
    with held(path, since=NOW - 9 * DAY):
        pass
    looking = os.open(path, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    assert lock.find_old_holder(path, NOW) is None  # two may look at once
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            os.close(looking)

    monkeypatch.setattr(time, "sleep", sleep)
    with opened(path) as descriptor:
        lock.take(descriptor, NOW)
    assert len(pauses) == 2


def test_a_holder_that_has_not_signed_yet(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of last night's run does not make the run that has just begun an old one."""
    with held(path, since=NOW - 2 * DAY), opened(path) as descriptor:
        monkeypatch.setattr(time, "sleep", lambda _: path.write_text(f"node7 pid 1 since {NOW.isoformat()}\n"))
        with pytest.raises(LockHeld, match=r"node7 pid 1 since .*; this run starts nothing") as caught:
            lock.take(descriptor, NOW)
    assert not caught.value.is_old


def test_no_locks_on_the_file_system(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nobody can hold one."""
    with held(path, since=NOW - 9 * DAY):
        monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
        assert lock.find_old_holder(path, NOW) is None


@pytest.mark.parametrize(
    ("content", "is_lock"),
    [
        (b"", True),
        (b"\0" * 60, True),  # of a host that crashed
        (b"node7 pid 1 since 2026-11-22T01:00:00+13:00\n", True),
        (
            b"node7 pid 1 since 2026-11-22T01:00:00+13:00\n4:00\n",
            True,
        ),  # killed before the end of a longer line was cut
        (b"c2VjcmV0LXNlY3JldA==\n", False),
        (b"{}", False),
        (b"\xff", False),
    ],
)
def test_what_may_be_a_lock_file(path: Path, content: bytes, is_lock: bool) -> None:
    """A file that holds anything else is no lock file: it is not written, and its content is not shown."""
    path.write_bytes(content)
    with opened(path) as descriptor:
        assert lock.find_problem(descriptor) == (None if is_lock else "contains something else than a lock")
        with opened(path) as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(LockHeld) as caught:
                lock.take(descriptor, NOW)
    shown = "node7 pid 1 since 2026-11-22T01:00:00+13:00" if b"pid" in content else "its holder is unknown"
    assert f"another run holds the lock: {shown}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
