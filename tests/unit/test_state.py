"""The state file: nothing is lost in it, nothing damaged is trusted, and two runs do not write it at once."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import resource
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from globus_sync_directory.errors import LockHeld, StateError
from globus_sync_directory.model.pair import Directory
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import (
    FailedStart,
    LastTask,
    LeftConfig,
    Mailed,
    News,
    PairRecord,
    PendingSubmission,
    Success,
)
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.state import StateStore, decode, merge

CLIENT = "3f2a0c52-0000-4000-8000-0000000000aa"
ID = "763d50ee-e814-4080-878b-6a8be5cf7570"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
TASK = LastTask(task_id=ID, submitted_at=NOW, deadline=LATER)
SUCCESS = Success(task_id=ID, ended_at=NOW, files=3, bytes=10**15)
FULL = PairRecord(
    name="läb [x]",
    first_seen=NOW,
    source=Directory(collection=ID, path="/a"),
    destination=Directory(collection=ID, path="/b"),
    pending=PendingSubmission(submission_id=ID, document={"label": "läb", "DATA": [{"x": 1}]}, reserved_at=NOW),
    task=TASK,
    replaced=TASK,
    success=SUCCESS,
    failed_start=FailedStart(
        status=PairStatus.REJECTED,
        problem=Problem(reason="x", fix="y", command="z", is_permanent=True),
        since=NOW,
    ),
    waiting_since=NOW,
    left_config=LeftConfig(since=NOW, is_end_reported=True),
    has_history=True,
    mailed={
        "a@example.org": Mailed(problems=("FAILED",), well_since=ID, unsent=(News(headline="x", lines=("y", "z")),))
    },
)
EMPTY = PairRecord(name="other", first_seen=NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a state file in a directory of its own."""
    (tmp_path / "here").mkdir()
    return tmp_path / "here" / "state.json"


def write(path: Path, **records: PairRecord | None) -> StateStore:
    """Change records, without having read what is there; None: forget."""
    store = StateStore(path, CLIENT)
    store.records = {key: EMPTY for key, record in records.items() if record is None}
    with store.edit() as edited:
        for key, record in records.items():
            if record is None:
                del edited[key]
            else:
                edited[key] = record
    return store


def read(path: Path) -> dict[str, PairRecord]:
    """Return the records in a file that is usable."""
    loaded = StateStore(path, CLIENT).read()
    assert (loaded.problem, loaded.must_be_kept, loaded.is_missing) == (None, False, False)
    return dict(loaded.records)


def test_what_is_written_is_read_again(path: Path) -> None:
    """Every field survives, in a file that only its owner may read."""
    assert all(getattr(FULL, part.name) for part in fields(FULL))  # a new field belongs into FULL
    write(path, f1=FULL, f2=EMPTY)
    assert read(path) == {"f1": FULL, "f2": EMPTY}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    document = json.loads(path.read_text())
    assert (document["version"], document["client_id"]) == (2, CLIENT)
    assert document["pairs"]["f1"]["failed_start"]["status"] == "rejected"
    assert [left.name for left in path.parent.iterdir()] == [path.name]


def test_nothing_is_written_where_nothing_differs(path: Path) -> None:
    """A run that learns nothing does not touch the file."""
    store = StateStore(path, CLIENT)
    with store.edit():
        pass
    assert not path.exists()
    write(path, f1=FULL)
    store.load()
    before = path.stat()
    with store.edit() as records:
        records["f1"] = replace(FULL)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_an_error_inside_the_block_changes_nothing(path: Path) -> None:
    """Half an edit is none."""
    store = write(path, f1=EMPTY)

    def stop() -> None:
        with store.edit() as records:
            records["f1"] = FULL
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert read(path) == store.records == {"f1": EMPTY}


def test_only_what_this_run_changed_is_written(path: Path) -> None:
    """A run keeps what another wrote meanwhile: other pairs, and other fields of the same pair."""
    ours = write(path, f1=EMPTY, f3=EMPTY)
    write(path, f1=replace(EMPTY, success=SUCCESS), f2=FULL)
    with ours.edit() as records:
        records["f1"] = replace(EMPTY, task=TASK)
        del records["f3"]
    assert read(path) == {"f1": replace(EMPTY, success=SUCCESS, task=TASK), "f2": FULL}
    assert ours.records == {"f1": replace(EMPTY, task=TASK)}


@pytest.mark.parametrize(
    ("before", "ours", "theirs", "merged"),
    [
        (EMPTY, None, FULL, None),
        (None, FULL, None, FULL),
        (EMPTY, FULL, None, FULL),
        (FULL, replace(FULL, pending=None), FULL, replace(FULL, pending=None)),
        (EMPTY, replace(EMPTY, task=TASK), replace(EMPTY, success=SUCCESS), replace(EMPTY, task=TASK, success=SUCCESS)),
        (replace(EMPTY, task=TASK), EMPTY, replace(EMPTY, task=TASK, success=SUCCESS), replace(EMPTY, success=SUCCESS)),
        (EMPTY, replace(EMPTY, name="new"), replace(EMPTY, task=TASK), replace(EMPTY, name="new", task=TASK)),
        (None, replace(EMPTY, task=TASK), replace(EMPTY, success=SUCCESS), replace(EMPTY, task=TASK, success=SUCCESS)),
        (None, replace(EMPTY, first_seen=LATER), EMPTY, EMPTY),  # who saw it first
    ],
)  # fmt: skip
def test_merge(
    before: PairRecord | None, ours: PairRecord | None, theirs: PairRecord | None, merged: PairRecord | None
) -> None:
    """Field by field, what we changed since we read it goes into what is there by now."""
    assert merge(before, ours, theirs) == merged


def test_any_cut_is_seen(path: Path) -> None:
    """A file cut at any byte but the last newline is never taken for a whole one."""
    write(path, f1=FULL)
    whole = path.read_bytes()
    for length in range(len(whole.rstrip()) - 1):
        loaded = decode(whole[:length], CLIENT)
        assert loaded.records == {}
        assert loaded.must_be_kept
        assert loaded.problem == "is empty" or (loaded.problem or "").startswith("is damaged: ")


def document(**changes: Any) -> str:
    """Return a state file with one pair, of whose fields some differ."""
    pair = {"name": "x", "first_seen": "2026-11-24T12:00:00Z", **changes}
    return json.dumps({"version": 2, "client_id": CLIENT, "pairs": {"f": pair}})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("[]", "is damaged"),
        ("{}", "is damaged"),
        ("null", "is damaged"),
        ('{"version": 2}', "belongs to another client id"),
        ('{"version": "2"}', "is damaged"),
        ("[" * 100_000, "is damaged"),
        ('{"version": 3, "client_id": "x"}', "was written by another version of this tool (format 3, not 2)"),
        ('{"version": 0, "client_id": "x"}', "was written by another version of this tool (format 0, not 2)"),
        (f'{{"version": 2, "client_id": "{ID}", "pairs": {{}}}}', "belongs to another client id"),
        (f'{{"version": 2, "client_id": "{CLIENT}", "pairs": []}}', "is damaged"),
        (f'{{"version": 2, "client_id": "{CLIENT}"}}', "is damaged"),
        (f'{{"version": 1, "client_id": "{CLIENT}"}}', "is damaged"),
        (f'{{"version": 1, "client_id": "{CLIENT}", "pairs": []}}', "is damaged"),
        (f'{{"version": 1, "client_id": "{CLIENT}", "pairs": {{"f": {{"name": 1}}}}}}', "is damaged"),
        (document(name=1), "is damaged: Expected `str`, got `int` - at `$.pairs[...].name`"),
        (document(first_seen="2026-11-24T12:00:00"), "is damaged"),  # no zone
        (document(task={"task_id": "../etc", "submitted_at": "2026-11-24T12:00:00Z"}), "is damaged"),
        (document(success={"task_id": ID}), "is damaged"),
        ("\x00\x01", "is damaged"),
    ],
)
def test_what_is_not_understood_is_kept_under_another_name(
    path: Path, caplog: pytest.LogCaptureFixture, content: str, problem: str
) -> None:
    """It is a warning, no record comes from it, and the next write keeps it whole beside the new file."""
    path.write_text(content)
    store = StateStore(path, CLIENT)
    loaded = store.load()
    assert (loaded.records, store.records, loaded.must_be_kept) == ({}, {}, True)
    assert (loaded.problem or "").startswith(problem)
    assert caplog.messages == [f"state file {path} {loaded.problem}"]
    with store.edit() as records:
        records["f1"] = FULL
    assert read(path) == {"f1": FULL}
    (kept,) = [left for left in path.parent.iterdir() if left != path]
    assert kept.name.startswith("state.json.unusable-")
    assert kept.read_text() == content


def test_the_first_format_is_read() -> None:
    """A file of before the second format loses nothing but what was mailed in words that have changed."""
    moment = "2026-11-24T12:00:00Z"
    old = {
        "name": "x",
        "first_seen": moment,
        "source": {"collection": ID, "path": "/a"},
        "destination": {"collection": ID, "path": "/b"},
        "reservation": {"submission_id": ID, "document": {"label": "x"}, "reserved_at": moment},
        "task": {"task_id": ID, "submitted_at": moment, "deadline": None},
        "success": {"task_id": ID, "ended_at": moment, "files": 3, "bytes": 4},
        "setback": {"verdict": "NOT_STARTABLE", "what": "no directory", "cure": "correct it", "since": moment},
        "waiting_since": None,
        "mailed": {"a@example.org": {"troubles": ["FAILED x"], "well_since": ID, "unsent": [["x", "y"]]}},
    }
    content = {"version": 1, "client_id": CLIENT, "pairs": {"f": old, "g": {**old, "setback": None, "mailed": {}}}}
    loaded = decode(json.dumps(content).encode(), CLIENT)
    assert loaded.problem is None
    expected = PairRecord(
        name="x",
        first_seen=NOW,
        source=Directory(collection=ID, path="/a"),
        destination=Directory(collection=ID, path="/b"),
        pending=PendingSubmission(submission_id=ID, document={"label": "x"}, reserved_at=NOW),
        task=LastTask(task_id=ID, submitted_at=NOW),
        success=Success(task_id=ID, ended_at=NOW, files=3, bytes=4),
        failed_start=FailedStart(
            status=PairStatus.BLOCKED, problem=Problem(reason="no directory", fix="correct it"), since=NOW
        ),
        has_history=True,
        mailed={"a@example.org": Mailed(well_since=ID)},
    )
    assert loaded.records == {"f": expected, "g": replace(expected, failed_start=None, mailed={})}


def test_a_missing_file_is_no_problem(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The first run has none."""
    loaded = StateStore(path, CLIENT).load()
    assert (loaded.records, loaded.problem, loaded.must_be_kept, loaded.is_missing) == ({}, None, False, True)
    assert caplog.messages == []


def test_a_file_that_vanishes_is_written_anew(path: Path) -> None:
    """What this run remembers is not lost with it."""
    store = write(path, f1=EMPTY)
    path.unlink()
    with store.edit() as records:
        records["f2"] = FULL
    assert read(path) == {"f1": EMPTY, "f2": FULL}


@pytest.mark.parametrize("kind", ["pipe", "directory"])
def test_what_is_no_file_is_left_alone(path: Path, kind: str) -> None:
    """To open a pipe would wait for ever; neither is renamed or written."""
    os.mkfifo(path) if kind == "pipe" else path.mkdir()
    with pytest.raises(StateError, match="is not a regular file; nothing was started"):
        write(path, f1=EMPTY)
    assert [left.name for left in path.parent.iterdir()] == [path.name]


def test_the_lock_names_its_holder(path: Path) -> None:
    """While one run holds the lock another one hears which; the lock file stays and can be taken again."""
    holder = rf"another run holds the lock: \S+ pid {os.getpid()} since 2026-.*; this run starts nothing"
    with StateStore(path, CLIENT).lock(NOW), pytest.raises(LockHeld, match=holder):
        StateStore(path, CLIENT).lock(NOW).__enter__()
    with StateStore(path, CLIENT).lock(NOW):
        assert Path(f"{path}.lock").read_text().count("\n") == 1


def test_two_names_of_one_file_share_its_lock(path: Path, tmp_path: Path) -> None:
    """A link to the state file leads to the same lock, and stays a link when the file is written."""
    link = tmp_path / "link.json"
    link.symlink_to(path)
    with StateStore(path, CLIENT).lock(NOW), pytest.raises(LockHeld):
        StateStore(link, CLIENT).lock(NOW).__enter__()
    write(link, f1=EMPTY)
    assert link.is_symlink()
    assert read(path) == {"f1": EMPTY}


def test_a_link_in_place_of_the_lock(path: Path, tmp_path: Path) -> None:
    """It is not followed: whatever it points to is somebody else's."""
    Path(f"{path}.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError, match="Remove the link"):
        StateStore(path, CLIENT).lock(NOW).__enter__()
    assert not (tmp_path / "elsewhere").exists()


@contextmanager
def without_locks(path: Path, monkeypatch: pytest.MonkeyPatch, number: int = errno.ENOLCK) -> Iterator[StateStore]:
    """Give a store whose file system knows no locks."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    store = StateStore(path, CLIENT)
    with store.lock(NOW):
        yield store


def test_no_locks(path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It is a warning; writing then takes turns by a file, which is gone afterwards."""
    turn = Path(f"{path}.writing")
    with without_locks(path, monkeypatch) as store:
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert "continuing without" in caplog.text
        with monkeypatch.context() as patch:
            patch.setattr(store, "_write", lambda changed: seen.append(turn.exists()))
            seen: list[bool] = []
            with store.edit() as records:
                records["f1"] = EMPTY
        assert seen == [True]
    assert not turn.exists()


def test_a_turn_that_was_never_given_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its run was killed: after ten seconds the next one goes on."""
    turn = Path(f"{path}.writing")
    turn.touch()
    os.utime(turn, (time.time() - 11, time.time() - 11))
    with without_locks(path, monkeypatch) as store, store.edit() as records:
        records["f1"] = FULL
    assert read(path) == {"f1": FULL}
    assert not turn.exists()


def test_a_lock_that_fails_in_another_way(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is started."""
    with pytest.raises(StateError, match="Input/output error"):
        without_locks(path, monkeypatch, errno.EIO).__enter__()


def test_full_disk(path: Path) -> None:
    """Where the new file does not fit the old one stays whole, and nothing half-written is left."""
    store = write(path, f1=EMPTY)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(StateError, match="cannot be written: File too large"), store.edit() as records:
            records["f1"] = FULL
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert store.records == {"f1": EMPTY}
    assert [left.name for left in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "Free some space"),
        (errno.EACCES, "Make its directory writable"),
        (errno.ENOENT, "Make its directory"),
        (errno.EIO, "Make its directory writable"),
    ],
)
def test_a_disk_that_cannot_keep_the_file(path: Path, monkeypatch: pytest.MonkeyPatch, number: int, fix: str) -> None:
    """It is an error with its fix, and the old file stays."""
    store = write(path, f1=EMPTY)
    before = path.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    expected = f"{os.strerror(number)}; nothing more was started. {fix}, or name another file with --state-file"
    with pytest.raises(StateError) as caught, store.edit() as records:
        records["f1"] = FULL
    assert str(caught.value) == f"state file {path} cannot be written: {expected}"
    assert path.read_bytes() == before


def test_the_directory_is_synced_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new file, before it has its name; then the directory, or a crash could lose the name."""
    synced: list[tuple[bool, bool]] = []

    def note(descriptor: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.exists()))

    monkeypatch.setattr(os, "fsync", note)
    write(path, f1=EMPTY)
    assert synced == [(False, False), (True, True)]


def test_what_killed_runs_left_is_removed(path: Path) -> None:
    """Temporary files of more than an hour; a younger one may be in use, and others are somebody else's."""
    old, young, other = (path.parent / name for name in ("state.json.a.tmp", "state.json.b.tmp", "state.jsonc.tmp"))
    for left in (old, young, other):
        left.touch()
    for left in (old, other):
        os.utime(left, (time.time() - 3700, time.time() - 3700))
    with StateStore(path, CLIENT).lock(NOW):
        assert (old.exists(), young.exists(), other.exists()) == (False, True, True)
