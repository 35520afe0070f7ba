"""When a task is live, and when it is a full success."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from globus_sync_directory.model.task import Task, task_link

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "paths_skipped", "is_live", "is_full_success"),
    [
        ("ACTIVE", 0, True, False),
        ("INACTIVE", 0, True, False),
        ("NEW WORD", 0, True, False),
        ("SUCCEEDED", 0, False, True),
        ("SUCCEEDED", 1, False, False),
        ("FAILED", 0, False, False),
    ],
)
def test_task(status: str, paths_skipped: int, is_live: bool, is_full_success: bool) -> None:
    """A status that is not known yet counts as live: a second task could do harm."""
    task = Task(task_id="x", status=status, requested_at=NOW, paths_skipped=paths_skipped)
    assert (task.is_live, task.is_full_success) == (is_live, is_full_success)


def test_task_link() -> None:
    """The page of a task in the web app."""
    assert task_link("x") == "https://app.globus.org/activity/x"
