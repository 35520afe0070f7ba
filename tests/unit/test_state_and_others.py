"""The state file beside other runs: whose turn it is, what another run has removed, and what may not be written."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest

from globus_sync_directory.errors import StateError
from globus_sync_directory.state import StateStore
from unit.state_samples import CLIENT, FULL, NEW, NOW, failing, read, store_at, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here" / "state.json"


def test_whoever_has_the_lock_waits_for_a_host_without_locks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock says nothing about a host that has none: only when its turn ends is it this run's."""
    turn = Path(f"{path}.writing")
    turn.write_text("node7 pid 1 0123")
    monkeypatch.setattr(time, "sleep", lambda _: turn.unlink())
    store = StateStore(path, CLIENT)
    with store.lock(NOW), store.edit() as records:
        assert turn.exists()
        records["f1"] = NEW
    assert read(path) == {"f1": NEW}
    assert not turn.exists()


def test_a_turn_that_cannot_be_taken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without locks, a directory in which nothing can be made is an error of the state file, with its fix."""
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    store = StateStore(path, CLIENT)
    with store.lock(NOW):
        monkeypatch.setattr(os, "open", failing(errno.EACCES))
        with pytest.raises(StateError, match=r"Permission denied; .*Make its directory writable"):  # noqa: SIM117
            with store.edit() as records:
                records["f1"] = NEW
    assert store.records == {}


def test_another_run_has_set_it_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged file that is gone when it is to be renamed is no error, and nobody says that it was renamed."""
    path.write_text("{")
    store = StateStore(path, CLIENT)
    monkeypatch.setattr(Path, "rename", failing(errno.ENOENT))
    with caplog.at_level(logging.INFO), store.edit() as records:
        records["f1"] = NEW
    assert caplog.messages == []
    assert read(path) == {"f1": NEW}


def test_a_damaged_file_that_cannot_be_set_aside(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not written over."""
    path.write_text("{")
    store = StateStore(path, CLIENT)
    monkeypatch.setattr(Path, "rename", failing(errno.EACCES))
    with pytest.raises(StateError, match="Permission denied"), store.edit() as records:
        records["f1"] = NEW
    assert path.read_text() == "{"


@pytest.mark.parametrize(
    ("has_lock_file", "may_write", "number", "fix"),
    [
        (True, False, errno.EACCES, "Run the tool as the owner of {lock}"),
        (True, True, errno.EACCES, "Make its directory writable"),
        (False, False, errno.EACCES, "Make its directory writable"),
        (True, False, errno.ENOENT, "Create its directory"),
        (True, False, errno.ENOSPC, "Free some space"),
        (True, False, errno.EDQUOT, "Free some space"),
        (True, False, errno.ELOOP, "Remove the link {lock}"),
    ],
)
def test_what_to_do(
    path: Path, monkeypatch: pytest.MonkeyPatch, has_lock_file: bool, may_write: bool, number: int, fix: str
) -> None:
    """Whatever stops the lock, the error says what to do; root may do everything, so the answers are made up."""
    lock = Path(f"{path}.lock")
    if has_lock_file:
        lock.touch()

    def access(asked: Any, mode: int) -> bool:
        assert (Path(asked), mode) == (lock, os.W_OK)
        return may_write

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(os, "open", failing(number))
    with pytest.raises(StateError) as caught:
        StateStore(path, CLIENT).lock(NOW).__enter__()
    (line,) = caught.value.lines
    assert line == (
        f"state file {path} cannot be written: {os.strerror(number)}; nothing more was started. "
        f"{fix.format(lock=lock)}, or choose another file with --state-file"
    )


def test_a_temporary_file_is_known_by_its_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the next run but one hour later removes what a killed run has left."""
    left: list[Path] = []
    fsync = os.fsync

    def keep_a_copy(descriptor: int) -> None:
        for made in path.parent.glob("*.tmp"):
            copy = made.with_name(f"{made.stem}-copy.tmp")
            copy.write_bytes(b"")
            os.utime(copy, (1, 1))
            left.append(copy)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", keep_a_copy)
    write(path, f1=NEW)
    assert left
    with StateStore(path, CLIENT).lock(NOW):
        assert not any(copy.exists() for copy in left)


def test_records_that_were_added_are_written(path: Path) -> None:
    """Also where nothing else has changed; and where one is removed, it alone goes."""
    write(path, f1=NEW)
    store = store_at(path)
    store.save({"f1": NEW, "f2": FULL})
    assert read(path) == {"f1": NEW, "f2": FULL}
    store.save({"f2": FULL})
    assert (read(path), store.records) == ({"f2": FULL}, {"f2": FULL})


def test_no_file_stays_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run writes the file for each batch of answers, with a lock or without."""
    before = os.listdir("/proc/self/fd")
    for errors in ([], [errno.ENOLCK]):
        for number in errors:
            monkeypatch.setattr(fcntl, "flock", failing(number))
        store = StateStore(path, CLIENT)
        with store.lock(NOW):
            store.save({"f1": NEW})
            store.save({"f1": FULL})
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    with pytest.raises(StateError):
        store.save({})
    assert os.listdir("/proc/self/fd") == before
