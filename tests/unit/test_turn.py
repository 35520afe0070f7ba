"""Turns to write the state file: one after the other, on hosts with and without locks, whatever their clocks show."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from globus_sync_directory import turn
from globus_sync_directory.turn import remove_left_over, turn_to_write
from unit.state_samples import CLIENT, failing, read

HERE = socket.gethostname()
RECORDS = 15
# Writes records one by one, as a run on a host with this clock, and with locks or without.
RUN = """
import fcntl, sys, time
from datetime import UTC, datetime
from pathlib import Path
path, client, name, has_locks, ahead, records = sys.argv[1:]
real = time.time
time.time = lambda: real() + float(ahead)
def reject(*_):
    raise OSError(37, "No locks available")
if has_locks == "no":
    fcntl.flock = reject
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.state import StateStore
store = StateStore(Path(path), client)
now = datetime.now(UTC)
with store.lock(now):
    store.load()
    for number in range(int(records)):
        with store.edit() as edited:
            edited[f"{name}-{number}"] = PairRecord(name=name, first_seen=now)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here" / "state.json"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "PAUSE_SECONDS", 0.0005)


def file_of(path: Path) -> Path:
    return Path(f"{path}.writing")


@pytest.mark.promise(4, "two hosts with one state file, of which one has locks")
def test_hosts_that_write_at_the_same_time(path: Path) -> None:
    """Two without locks, one of them with a clock that is ahead of the file server's, and one with: nothing is lost."""
    hosts = {"a": ("yes", 0), "b": ("no", 0), "c": ("no", 30)}
    runs = [
        subprocess.Popen([sys.executable, "-c", RUN, str(path), CLIENT, name, has_locks, str(ahead), str(RECORDS)])
        for name, (has_locks, ahead) in hosts.items()
    ]
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]
    assert set(read(path)) == {f"{name}-{number}" for name in hosts for number in range(RECORDS)}
    assert not file_of(path).exists()


def test_a_turn(path: Path) -> None:
    """While it lasts the file says whose it is; afterwards there is none. No two lines are the same."""
    lines = []
    for has_lock in (True, False, False):
        with turn_to_write(path, has_lock=has_lock):
            lines.append(file_of(path).read_text())
        assert not file_of(path).exists()
    assert all(line.startswith(f"{HERE} pid {os.getpid()} ") for line in lines)
    assert [line.endswith(" with the lock") for line in lines] == [True, False, False]
    assert len(set(lines)) == 3


@pytest.mark.parametrize(
    ("line", "pauses"), [("node7 pid 1 0123", 200), (f"{HERE} pid 1 0123 with the lock", 200), ("", 20)]
)
@pytest.mark.parametrize("seconds", [0, 10**9])
def test_a_run_that_was_killed_in_its_turn(
    path: Path, monkeypatch: pytest.MonkeyPatch, line: str, pauses: int, seconds: int
) -> None:
    """A line that stays for ten seconds, or a second's nothing, ends the wait; the file's date says nothing."""
    file_of(path).write_text(line)
    os.utime(file_of(path), (time.time() + seconds, time.time() - seconds))
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    with turn_to_write(path, has_lock=False):
        assert file_of(path).read_text() != line
    assert pauses <= len(slept) <= pauses + 1


def test_turns_of_others_that_follow_each_other(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long that lasts, none of them is taken for killed."""
    file_of(path).write_text("0")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) % 150 == 0:
            assert file_of(path).exists()
            file_of(path).write_text(str(len(slept)))
        if len(slept) == 1000:
            file_of(path).unlink()

    monkeypatch.setattr(time, "sleep", sleep)
    with turn_to_write(path, has_lock=True):
        assert len(slept) == 1000


def test_a_turn_that_was_taken_away(path: Path) -> None:
    """A run that was stopped in its turn does not remove that of another."""
    with turn_to_write(path, has_lock=False):
        file_of(path).write_text("another")
    assert file_of(path).read_text() == "another"


@pytest.mark.parametrize(
    ("line", "is_removed"),
    [
        (f"{HERE} pid 1 0123 with the lock", True),
        (f"{HERE} pid 1 0123", False),
        ("node7 pid 1 0123 with the lock", False),
        ("", False),
    ],
)
def test_what_the_next_run_with_the_lock_removes(path: Path, line: str, is_removed: bool) -> None:
    """The turn of a run on this host that had the lock too: it must have been killed. Any other may go on."""
    file_of(path).write_text(line)
    remove_left_over(path)
    assert file_of(path).exists() is not is_removed


def test_nothing_left_over(path: Path) -> None:
    """Usually there is nothing to remove."""
    remove_left_over(path)
    assert not file_of(path).exists()


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_something_else_in_its_place(path: Path, kind: str) -> None:
    """It is neither followed nor waited for, but removed like the turn of a killed run."""
    target = path.with_name("target")
    target.write_text("x")
    if kind == "link":
        file_of(path).symlink_to(target)
    else:
        os.mkfifo(file_of(path))
    with turn_to_write(path, has_lock=True):
        assert not file_of(path).is_symlink()
    assert target.read_text() == "x"


def test_a_full_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that cannot be named is none, and leaves nothing."""
    monkeypatch.setattr(os, "write", failing(errno.ENOSPC))
    with pytest.raises(OSError, match="No space"), turn_to_write(path, has_lock=True):
        pass
    assert not file_of(path).exists()
