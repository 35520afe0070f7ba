"""Records with and without content, and the few lines by which tests read and write a state file."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
from globus_sync_directory.state import StateStore

CLIENT = "3f2a0c52-0000-4000-8000-0000000000aa"
ID = "763d50ee-e814-4080-878b-6a8be5cf7570"
OTHER_ID = "9d6d994a-6d04-11e5-ba46-22000b92c6ec"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
FULL = PairRecord(
    name="läb [x]",
    first_seen=NOW,
    source=Directory(collection=ID, path="/a"),
    destination=Directory(collection=ID, path="/b"),
    pending=PendingSubmission(submission_id=ID, document={"label": "läb", "DATA": [{"x": 1}]}, reserved_at=NOW),
    task=LastTask(task_id=ID, submitted_at=NOW, deadline=LATER),
    replaced=LastTask(task_id=OTHER_ID, submitted_at=NOW),
    success=Success(task_id=ID, ended_at=NOW, files=3, bytes=10**15),
    failed_start=FailedStart(status=PairStatus.REJECTED, problem=Problem(reason="x", fix="y", command="z"), since=NOW),
    waiting_since=NOW,
    held_up_since=NOW,
    left_config=LeftConfig(since=NOW, is_end_reported=True),
    had_files=True,
    has_history=True,
    mailed={
        "a@example.org": Mailed(problems=("FAILED",), well_since=ID, unsent=(News(headline="x", lines=("a", "b")),))
    },
)
NEW = PairRecord(name="other", first_seen=NOW)


def store_at(path: Path) -> StateStore:
    """A store that has loaded its file."""
    store = StateStore(path, CLIENT)
    store.load()
    return store


def write(path: Path, **records: PairRecord) -> None:
    with store_at(path).edit() as edited:
        edited |= records


def read(path: Path) -> dict[str, PairRecord]:
    loaded = StateStore(path, CLIENT).read()
    assert loaded.problem is None
    return dict(loaded.records)


def failing(number: int) -> Callable[..., Any]:
    """A function that ends with this error of the system."""

    def fail(*_: object, **__: object) -> Any:
        raise OSError(number, os.strerror(number))

    return fail
