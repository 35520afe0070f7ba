"""The state file on disk: it is written durably or not at all, and two runs do not write it at the same time."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import resource
import socket
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from globus_sync_directory import turn
from globus_sync_directory.errors import LockHeld, StateError
from globus_sync_directory.state import StateStore
from unit.state_samples import CLIENT, FULL, NEW, NOW, failing, read, store_at, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here" / "state.json"


# Writing durably


def test_the_order_of_a_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new contents are on disk before they get the file's name, and the directory after; no name can be guessed."""
    steps: list[str] = []
    temporaries: list[str] = []
    fsync, rename = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        is_directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("directory" if is_directory else "file")
        temporaries.extend(left.name for left in path.parent.iterdir() if left.suffix == ".tmp")
        fsync(descriptor)

    def note_rename(source: Any, target: Any) -> None:
        steps.append("rename")
        assert stat.S_IMODE(os.stat(source).st_mode) == 0o600
        rename(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_rename)
    write(path, f1=FULL)
    write(path, f1=NEW)
    assert steps == ["file", "rename", "directory"] * 2
    assert len(set(temporaries)) == 2
    assert [left.name for left in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_cannot_keep_the_file(path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """An fsync that fails is an error, the old file stays, and no temporary one."""
    write(path, f1=NEW)
    store = store_at(path)
    monkeypatch.setattr(os, "fsync", failing(number))
    with pytest.raises(StateError, match=f"{os.strerror(number)}; nothing more was started"), store.edit() as records:
        records["f1"] = FULL
    assert read(path) == {"f1": NEW}
    assert store.records == {"f1": NEW}
    assert [left.name for left in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(("number", "is_error"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_directory_that_cannot_be_synced(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_error: bool
) -> None:
    """Some network file systems cannot do that, which is no error; a disk that fails is one."""
    fsync = os.fsync

    def fail_for_directories(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_for_directories)
    if is_error:
        with pytest.raises(StateError, match="Input/output error"):
            write(path, f1=FULL)
    else:
        write(path, f1=FULL)
        assert read(path) == {"f1": FULL}


def test_a_full_disk(path: Path) -> None:
    """Where the new file does not fit the old one stays whole, nothing half-written is left, and the error names it."""
    write(path, f1=NEW)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(StateError, match="cannot be written: File too large"):
            write(path, f1=FULL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert [left.name for left in path.parent.iterdir()] == [path.name]


def test_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"No such file or directory; .*Create its directory"):
        write(tmp_path / "nowhere" / "state.json", f1=NEW)


# The lock


def test_the_lock_names_its_holder(path: Path) -> None:
    """While one run holds the lock another learns who; the lock file stays, with mode 0600, and can be taken again."""
    holder = rf"another run holds the lock: \S+ pid {os.getpid()} since 2026-"
    with StateStore(path, CLIENT).lock(NOW), pytest.raises(LockHeld, match=holder):
        StateStore(path, CLIENT).lock(NOW).__enter__()
    with StateStore(path, CLIENT).lock(NOW):
        assert stat.S_IMODE(Path(f"{path}.lock").stat().st_mode) == 0o600


def test_a_holder_without_a_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes the lock in another way, such as flock(1), holds it all the same."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(LockHeld, match="its holder is unknown"):
            StateStore(path, CLIENT).lock(NOW).__enter__()
    finally:
        os.close(descriptor)


def test_two_names_of_one_file_share_its_lock(path: Path, tmp_path: Path) -> None:
    """A link to the state file leads to the same lock, and stays a link when the file is written."""
    link = tmp_path / "link.json"
    link.symlink_to(path)
    with StateStore(path, CLIENT).lock(NOW), pytest.raises(LockHeld):
        StateStore(link, CLIENT).lock(NOW).__enter__()
    write(link, f1=NEW)
    assert link.is_symlink()
    assert read(path) == {"f1": NEW}


def test_a_lock_that_is_a_link(path: Path) -> None:
    """It is not followed: to write through it would do harm to another file."""
    target = path.with_name("target")
    Path(f"{path}.lock").symlink_to(target)
    with pytest.raises(StateError, match=f"Remove the link {path}.lock"):
        StateStore(path, CLIENT).lock(NOW).__enter__()
    assert not target.exists()


def test_a_lock_in_a_directory_of_others(path: Path, tmp_path: Path) -> None:
    """A pipe in its place is no wait; a file that a hard link leads to is neither written nor cut nor shown."""
    lock_path = Path(f"{path}.lock")
    fix = "nothing was started. Look at it and remove it, or choose another state file with --state-file"
    os.mkfifo(lock_path)
    with pytest.raises(StateError, match=f"^the lock file {lock_path} is not a regular file; {fix}$"):
        StateStore(path, CLIENT).lock(NOW).__enter__()
    assert StateStore(path, CLIENT).find_old_holder(NOW) is None
    lock_path.unlink()
    precious = tmp_path / "precious"
    precious.write_text("the results\n" * 100)
    lock_path.hardlink_to(precious)
    with pytest.raises(StateError, match=f"^the lock file {lock_path} contains something else than a lock; {fix}$"):
        StateStore(path, CLIENT).lock(NOW).__enter__()
    assert precious.read_text() == "the results\n" * 100


def test_files_in_the_place_of_others(path: Path, tmp_path: Path) -> None:
    """What a hard link in the place of the state file leads to stays as it is."""
    write(path, f1=NEW)
    copy = tmp_path / "copy"
    copy.hardlink_to(path)
    before = copy.read_bytes()
    write(path, f1=FULL)
    assert copy.read_bytes() == before
    assert read(path) == {"f1": FULL}


def test_a_lock_that_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that does not mean a file system without locks stops the run."""
    monkeypatch.setattr(fcntl, "flock", failing(errno.EIO))
    with pytest.raises(StateError, match="Input/output error"):
        StateStore(path, CLIENT).lock(NOW).__enter__()


def test_what_a_killed_run_left_is_removed(path: Path) -> None:
    """A temporary file that is older than an hour goes; a younger one may be in use, and others are not ours."""
    names = ["state.json.a.tmp", "state.json.b.tmp", "other.json.c.tmp", "state.json.unusable-x"]
    for name in names:
        path.with_name(name).touch()
        if name != "state.json.b.tmp":
            os.utime(path.with_name(name), (1, 1))
    with StateStore(path, CLIENT).lock(NOW):
        assert not path.with_name(names[0]).exists()
        assert all(path.with_name(name).exists() for name in names[1:])


@pytest.mark.parametrize("hours", [-3, 3])
def test_the_clock_of_a_file_server(path: Path, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """The age of a temporary file follows from the dates of the file server alone, whatever this host's clock shows."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + hours * 3600)
    young, old = path.with_name("state.json.a.tmp"), path.with_name("state.json.b.tmp")
    young.touch()
    old.touch()
    os.utime(old, (real() - 3700, real() - 3700))
    with StateStore(path, CLIENT).lock(NOW):
        assert young.exists()
        assert not old.exists()


def test_the_turn_of_a_killed_run(path: Path) -> None:
    """The next run on the same host does not wait for it."""
    left_over = Path(f"{path}.writing")
    left_over.write_text(f"{socket.gethostname()} pid 1 0123 with the lock")
    with StateStore(path, CLIENT).lock(NOW):
        assert not left_over.exists()


def test_no_locks_on_the_file_system(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """That is a warning; runs then take turns to write, also after one was killed in its turn, and lose nothing."""
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    monkeypatch.setattr(turn, "PAUSE_SECONDS", 0.001)
    left_over = Path(f"{path}.writing")
    left_over.touch()

    def work(number: int) -> None:
        store = StateStore(path, CLIENT)
        with store.lock(NOW):
            for step in range(5):
                with store.edit() as records:
                    records[f"f{number}-{step}"] = NEW

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    with caplog.at_level(logging.WARNING):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert f"no locks on the file system of {path}.lock (No locks available); continuing without" in caplog.messages
    assert set(read(path)) == {f"f{number}-{step}" for number in range(3) for step in range(5)}
    assert not left_over.exists()
