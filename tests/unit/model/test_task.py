"""When a task is live, and what it says of its source."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from globus_sync_directory.model.task import Task, task_link

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "is_live"),
    [("ACTIVE", True), ("INACTIVE", True), ("NEW WORD", True), ("SUCCEEDED", False), ("FAILED", False)],
)
def test_is_live(status: str, is_live: bool) -> None:
    """A status that is not known yet counts as live: a second task could do harm."""
    assert Task(task_id="x", status=status, requested_at=NOW).is_live is is_live


@pytest.mark.parametrize("field", ["files_found", "files_copied", "files_in_step", "paths_skipped"])
def test_has_seen_files(field: str) -> None:
    """A file that was found, copied or in step is one at the source; a path that was skipped may be none."""
    empty = Task(task_id="x", status="SUCCEEDED", requested_at=NOW)
    assert not empty.has_seen_files
    assert replace(empty, **{field: 1}).has_seen_files is (field != "paths_skipped")  # type: ignore[arg-type]


def test_task_link() -> None:
    """The page of a task in the web app."""
    assert task_link("x") == "https://app.globus.org/activity/x"
