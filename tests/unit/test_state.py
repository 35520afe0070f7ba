"""The state file: nothing is lost in it, nothing damaged is trusted, and two runs do not write it at once."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from globus_sync_directory import state as state_module
from globus_sync_directory.errors import LockHeld, StateError
from globus_sync_directory.model.pair import Directory
from globus_sync_directory.state import FailedStart, LastTask, Mailed, PairRecord, PendingSubmission, StateFile, Success

CLIENT = "3f2a0c52-0000-4000-8000-0000000000aa"
ID = "763d50ee-e814-4080-878b-6a8be5cf7570"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FULL = PairRecord(
    name="läb [x]",
    first_seen=NOW,
    source=Directory(collection=ID, path="/a"),
    destination=Directory(collection=ID, path="/b"),
    reservation=PendingSubmission(submission_id=ID, document={"label": "läb", "DATA": [{"x": 1}]}, reserved_at=NOW),
    task=LastTask(task_id=ID, submitted_at=NOW, deadline=NOW + timedelta(hours=1)),
    success=Success(task_id=ID, ended_at=NOW, files=3, bytes=10**15),
    setback=FailedStart(verdict="REFUSED", reason="x", fix="y", since=NOW),
    waiting_since=NOW,
    mailed={"a@example.org": Mailed(troubles=("FAILED",), unsent=(("x: failed", "x: failed"),))},
)
EMPTY = PairRecord(name="other", first_seen=NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here" / "state.json"


def test_what_is_written_is_read_again(path: Path) -> None:
    """Every field survives, in a file that only its owner may read."""
    StateFile(path, CLIENT).update({"f1": FULL, "f2": EMPTY})
    recall = StateFile(path, CLIENT).read()
    assert recall.usable
    assert recall.memories == {"f1": FULL, "f2": EMPTY}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {field.name for field in dataclasses.fields(PairRecord)} == set(json.loads(path.read_text())["pairs"]["f1"])


def test_only_named_pairs_are_changed(path: Path) -> None:
    """A run keeps what another wrote meanwhile about pairs it does not touch, and forgets what it is told to."""
    ours, theirs = StateFile(path, CLIENT), StateFile(path, CLIENT)
    ours.update({"f1": EMPTY, "f3": EMPTY})
    ours.read()
    theirs.update({"f2": FULL})
    ours.update({"f1": FULL, "f3": None})
    assert StateFile(path, CLIENT).read().memories == {"f1": FULL, "f2": FULL}


def test_any_cut_is_seen(path: Path) -> None:
    """A file cut at any byte but the last newline is never taken for a whole one."""
    StateFile(path, CLIENT).update({"f1": FULL})
    whole = path.read_bytes()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        recall = StateFile(path, CLIENT).read()
        assert not recall.usable
        assert recall.to_set_aside
        assert recall.trouble in ("is damaged", "is empty")


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        ("[]", "is damaged"),
        ("{}", "is damaged"),
        ('{"version": 1}', "another client id"),
        ("[" * 100_000, "is damaged"),
        ('{"version": 2, "client_id": "x", "pairs": {}}', "another version of this tool (format 2, not 1)"),
        (f'{{"version": 1, "client_id": "{ID}", "pairs": {{}}}}', "belongs to another client id"),
        (f'{{"version": 1, "client_id": "{CLIENT}", "pairs": []}}', "is damaged"),
        (f'{{"version": 1, "client_id": "{CLIENT}", "pairs": {{"f": {{"name": 1}}}}}}', "is damaged"),
        ("\x00\x01", "is damaged"),
    ],
)
def test_not_understood_is_set_aside(path: Path, content: str, trouble: str) -> None:
    """What cannot be understood is unusable and is kept, whole, under another name."""
    path.write_text(content)
    file = StateFile(path, CLIENT)
    recall = file.read()
    assert not recall.usable
    assert trouble in (recall.trouble or "")
    kept = file.set_aside(NOW)
    assert kept is not None
    assert kept.read_text() == content
    assert not path.exists()
    path.write_text("again")
    assert file.set_aside(NOW) not in (None, kept)


def test_missing_is_no_trouble(path: Path) -> None:
    """A file that is not there yet is unusable without a complaint."""
    recall = StateFile(path, CLIENT).read()
    assert (recall.usable, recall.trouble, recall.to_set_aside) == (False, None, False)


def test_the_lock_names_its_holder(path: Path) -> None:
    """While one run holds the lock another is told by whom; the lock file stays and can be taken again."""
    holder = rf"another run holds the lock: \S+ pid {os.getpid()} since 2026-"
    with StateFile(path, CLIENT).lock(NOW), pytest.raises(LockHeld, match=holder):
        StateFile(path, CLIENT).lock(NOW).__enter__()
    with StateFile(path, CLIENT).lock(NOW):
        assert Path(f"{path}.lock").exists()


def test_two_names_of_one_file_share_its_lock(path: Path, tmp_path: Path) -> None:
    """A link to the state file leads to the same lock, and stays a link when the file is written."""
    link = tmp_path / "link.json"
    link.symlink_to(path)
    with StateFile(path, CLIENT).lock(NOW), pytest.raises(LockHeld):
        StateFile(link, CLIENT).lock(NOW).__enter__()
    StateFile(link, CLIENT).update({"f1": EMPTY})
    assert link.is_symlink()
    assert StateFile(path, CLIENT).read().usable


def test_full_disk(path: Path) -> None:
    """Where the new file does not fit the old one stays whole, nothing half-written is left, and the error names it."""
    file = StateFile(path, CLIENT)
    file.update({"f1": EMPTY})
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(StateError, match="cannot be written: File too large"):
            file.update({"f1": FULL})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert [left.name for left in path.parent.iterdir()] == [path.name]


def test_fsync_that_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that cannot promise to keep the file is an error, and the old file stays."""
    file = StateFile(path, CLIENT)
    file.update({"f1": EMPTY})
    before = path.read_bytes()

    def failing(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(state_module.os, "fsync", failing)
    with pytest.raises(StateError, match="Input/output error"):
        file.update({"f1": FULL})
    assert path.read_bytes() == before
