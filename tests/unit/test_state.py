"""What is in the state file: nothing in it is lost, and nothing damaged is trusted."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from globus_sync_directory.errors import StateError
from globus_sync_directory.model.pair import Directory
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import (
    FailedStart,
    LastTask,
    Mailed,
    News,
    PairRecord,
    PendingSubmission,
    Success,
)
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.state import LoadedState, StateStore, decode, merge
from unit.state_samples import CLIENT, FULL, ID, LATER, NEW, NOW, failing, read, store_at, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here" / "state.json"


# Reading


def test_what_is_written_is_read_again(path: Path) -> None:
    """Every field survives, in a file that only its owner may read, whatever the umask."""
    assert all(getattr(FULL, field.name) != getattr(NEW, field.name) for field in dataclasses.fields(FULL)[2:])
    before = os.umask(0)
    try:
        write(path, f1=FULL, f2=NEW)
    finally:
        os.umask(before)
    assert read(path) == {"f1": FULL, "f2": NEW}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    document = json.loads(path.read_text(encoding="utf-8"))
    assert (document["version"], document["client_id"]) == (2, CLIENT)


def test_no_file_yet_is_no_problem(path: Path) -> None:
    assert StateStore(path, CLIENT).load() == LoadedState(is_missing=True)


def test_any_cut_is_seen(path: Path) -> None:
    """A file that ends at any byte before the last newline is never taken for a whole one."""
    write(path, f1=FULL)
    whole = path.read_bytes()
    assert decode(whole, CLIENT).records == {"f1": FULL}
    for length in range(len(whole) - 1):
        loaded = decode(whole[:length], CLIENT)
        assert loaded.must_be_kept
        assert loaded.records == {}
        assert (loaded.problem or "").startswith("is damaged: " if length else "is empty")


def document_with(record: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """A state file of one record, some of whose fields, or of the record's, are others."""
    entry = {"name": "x", "first_seen": "2026-11-24T12:00:00Z", **(record or {})}
    return json.dumps({"version": 2, "client_id": CLIENT, "pairs": {"f": entry}, **fields}).encode()


LAST_TASK = {"task_id": ID, "submitted_at": "2026-11-24T12:00:00Z"}
DAMAGED = {
    "blanks": (b" \n", "is empty"),
    "no JSON": (b"\x00\x01", "is damaged: "),
    "no UTF-8": (document_with().replace(b'"x"', b'"\xff"'), "is damaged: "),
    "not an object": (b"[]", "is damaged: "),
    "endless nesting": (b'{"version": 2, "client_id": "", "pairs": ' + b"[" * 100_000, "is damaged: "),
    "no version": (b"{}", "is damaged: "),
    "version as text": (document_with(version="2"), "is damaged: "),
    "newer": (document_with(version=3), "was written by another version of this tool (format 3, not 2)"),
    "much older": (document_with(version=0), "was written by another version of this tool (format 0, not 2)"),
    "another client": (document_with(client_id=ID), "belongs to another client id"),
    "no client": (b'{"version": 2}', "belongs to another client id"),
    "no pairs": (json.dumps({"version": 2, "client_id": CLIENT}).encode(), "is damaged: "),
    "pairs in a list": (document_with(pairs=[]), "is damaged: "),
    "a record that is text": (document_with(pairs={"f": "x"}), "is damaged: "),
    "a name that is a number": (document_with({"name": 1}), "is damaged: "),
    "a time without zone": (document_with({"first_seen": "2026-11-24T12:00:00"}), "is damaged: "),
    "a time that is none": (document_with({"first_seen": "yesterday"}), "is damaged: "),
    "a task id that is none": (document_with({"task": {**LAST_TASK, "task_id": "../.."}}), "is damaged: "),
    "a task without time": (document_with({"task": {"task_id": ID}}), "is damaged: "),
    "an unknown status": (
        document_with({"failed_start": {"status": "x", "problem": {"reason": "x"}, "since": "2026-11-24T12:00:00Z"}}),
        "is damaged: ",
    ),
    "version 1 without a field": (document_with(version=1), "is damaged: "),
    "version 1 with pairs in a list": (document_with(version=1, pairs=[]), "is damaged: "),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_what_cannot_be_used_is_kept(path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    """It gives no records and a warning; the next write keeps it, whole, under another name each time."""
    content, problem = DAMAGED[damage]
    store = StateStore(path, CLIENT)
    for number in (1, 2):
        path.write_bytes(content)
        caplog.clear()
        loaded = store.load()
        assert (loaded.must_be_kept, loaded.records, store.records) == (True, {}, {})
        assert (loaded.problem or "").startswith(problem)
        assert f"state file {path} {loaded.problem}" in caplog.messages
        with store.edit() as records:
            records["f1"] = NEW
        assert read(path) == {"f1": NEW}
        kept = list(path.parent.glob("state.json.unusable-*"))
        assert [file.read_bytes() for file in kept] == [content] * number
        assert any(f"{path} was renamed to {file}" in caplog.text for file in kept)


def test_fields_of_a_later_version_2_do_no_harm() -> None:
    assert decode(document_with({"colour": "red"}, shape="round"), CLIENT).records == {"f": replace(NEW, name="x")}


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [make_fifo, Path.mkdir])
def test_what_is_no_file_is_left_alone(path: Path, make: Callable[[Path], None]) -> None:
    """A pipe or a directory is neither waited for nor renamed; nothing can be written, and the fix is named."""
    make(path)
    inode = path.stat().st_ino
    store = StateStore(path, CLIENT)
    assert store.load() == LoadedState(problem="is not a regular file")
    with pytest.raises(StateError, match=r"is not a regular file; nothing was started\..*--state-file"):  # noqa: SIM117
        with store.edit() as records:
            records["f1"] = NEW
    assert [(left.name, left.stat().st_ino) for left in path.parent.iterdir()] == [(path.name, inode)]
    assert store.records == {}


def test_a_file_that_cannot_be_read_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the system's answer is made up."""
    write(path, f1=FULL)
    before = path.read_bytes()
    store = StateStore(path, CLIENT)
    real_open = os.open

    def open_others(name: str | Path, *arguments: int) -> int:
        return failing(errno.EACCES)() if Path(name) == path else real_open(name, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", open_others)
        assert store.load() == LoadedState(problem="cannot be read: Permission denied")
        with pytest.raises(StateError, match="cannot be read: Permission denied"), store.edit() as records:
            records["f1"] = NEW
    assert path.read_bytes() == before


# The first format

VERSION_1 = {
    "name": "läb",
    "first_seen": "2026-11-24T12:00:00+00:00",
    "source": {"collection": ID, "path": "/a"},
    "destination": {"collection": ID, "path": "/b"},
    "reservation": {"submission_id": ID, "document": {"label": "x"}, "reserved_at": "2026-11-24T12:00:00+00:00"},
    "task": {"task_id": ID, "submitted_at": "2026-11-24T12:00:00+00:00", "deadline": "2026-11-24T13:00:00+00:00"},
    "success": {"task_id": ID, "ended_at": "2026-11-24T12:00:00+00:00", "files": 3, "bytes": 4},
    "setback": None,
    "waiting_since": "2026-11-24T12:00:00+00:00",
    "mailed": {"a@example.org": {"troubles": ["FAILED: x"], "well_since": ID, "unsent": [["x", "y\nz"]]}},
}
FROM_VERSION_1 = PairRecord(
    name="läb",
    first_seen=NOW,
    source=Directory(collection=ID, path="/a"),
    destination=Directory(collection=ID, path="/b"),
    pending=PendingSubmission(submission_id=ID, document={"label": "x"}, reserved_at=NOW),
    task=LastTask(task_id=ID, submitted_at=NOW, deadline=LATER),
    success=Success(task_id=ID, ended_at=NOW, files=3, bytes=4),
    waiting_since=NOW,
    has_history=True,
    mailed={
        "a@example.org": Mailed(problems=("FAILED: x",), well_since=ID, unsent=(News(headline="x", lines=("y", "z")),))
    },
)


@pytest.mark.parametrize(
    ("verdict", "status"),
    [(None, None), ("REFUSED", PairStatus.REJECTED), ("NOT_STARTABLE", PairStatus.BLOCKED), ("FAILED", None)],
)
def test_version_1_is_read(path: Path, verdict: str | None, status: PairStatus | None) -> None:
    """A file of the first format keeps all that this version has a use for, and is written in the second."""
    old = {"verdict": verdict, "what": "a", "cure": "b", "since": "2026-11-24T12:00:00+00:00", "command": "c"}
    entry = {**VERSION_1, "setback": old if verdict else None}
    path.write_text(json.dumps({"version": 1, "client_id": CLIENT, "pairs": {"f1": entry}}), encoding="utf-8")
    problem = Problem(reason="a", fix="b", command="c")
    failed = FailedStart(status=status, problem=problem, since=NOW) if status else None
    expected = replace(FROM_VERSION_1, failed_start=failed)
    assert read(path) == {"f1": expected}
    write(path, f2=NEW)
    assert json.loads(path.read_text(encoding="utf-8"))["version"] == 2
    assert read(path) == {"f1": expected, "f2": NEW}


def test_version_1_before_it_knew_of_mail(path: Path) -> None:
    """The first files of that format had no mail, no failed start and nothing that waits."""
    entry = {key: value for key, value in VERSION_1.items() if key not in ("mailed", "setback", "waiting_since")}
    path.write_text(json.dumps({"version": 1, "client_id": CLIENT, "pairs": {"f1": entry}}), encoding="utf-8")
    assert read(path) == {"f1": replace(FROM_VERSION_1, mailed={}, waiting_since=None)}


# Changing

OURS = replace(NEW, waiting_since=NOW)
THEIRS = replace(NEW, success=FULL.success, name="renamed")
BOTH = replace(THEIRS, waiting_since=NOW)


@pytest.mark.parametrize(
    ("before", "ours", "theirs", "merged"),
    [
        (NEW, OURS, NEW, OURS),
        (NEW, OURS, THEIRS, BOTH),
        (OURS, NEW, BOTH, THEIRS),
        (None, OURS, None, OURS),
        (None, OURS, replace(THEIRS, name="other"), replace(BOTH, name="other")),
        (NEW, OURS, None, OURS),
        (NEW, None, THEIRS, None),
    ],
    ids=["alone", "both", "emptied", "added", "added by both", "they forgot it", "we forget it"],
)
def test_merge(
    before: PairRecord | None, ours: PairRecord | None, theirs: PairRecord | None, merged: PairRecord | None
) -> None:
    """Field by field, what we changed is ours, and everything else is theirs."""
    assert merge(before, ours, theirs) == merged


def test_an_edit_changes_only_what_this_run_changed(path: Path) -> None:
    """What another host wrote meanwhile survives, in other records and in other fields of the same record."""
    write(path, f1=NEW, f2=NEW, f3=NEW)
    ours = store_at(path)
    write(path, f1=replace(NEW, success=FULL.success), f4=FULL)
    with ours.edit() as records:
        records["f1"] = replace(records["f1"], waiting_since=NOW)
        del records["f3"]
    assert read(path) == {"f1": replace(NEW, success=FULL.success, waiting_since=NOW), "f2": NEW, "f4": FULL}


def test_a_file_that_has_vanished_is_written_whole(path: Path) -> None:
    write(path, f1=FULL, f2=NEW)
    store = store_at(path)
    path.unlink()
    with store.edit() as records:
        records["f3"] = NEW
    assert read(path) == {"f1": FULL, "f2": NEW, "f3": NEW}


def test_nothing_is_written_where_nothing_differs(path: Path) -> None:
    write(path, f1=FULL)
    before = (path.stat().st_ino, path.stat().st_mtime_ns)
    store = store_at(path)
    with store.edit() as records:
        records["f1"] = replace(FULL)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == before


def test_an_error_inside_the_block_writes_nothing(path: Path) -> None:
    write(path, f1=NEW)
    store = store_at(path)

    def change_and_fail(records: dict[str, PairRecord]) -> None:
        records["f1"] = FULL
        raise KeyError

    with pytest.raises(KeyError), store.edit() as records:
        change_and_fail(records)
    assert read(path) == {"f1": NEW}
    assert store.records == {"f1": NEW}


def test_text_that_no_file_can_hold(path: Path) -> None:
    """Half a character, which a name from Globus may end with, damages neither the run nor the file."""
    write(path, f1=replace(NEW, name="x\ud83d"))
    assert read(path) == {"f1": replace(NEW, name="x?")}
