"""Globus tasks as this tool uses them; ``globus/documents.py`` makes them from what Globus sends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MOST_EVENTS = 1000  # how many of the newest entries of a task's log are read. Source: Globus SDK, largest page


@dataclass(frozen=True, kw_only=True)
class Task:
    """
    One transfer task as Globus described it; times are aware UTC, text is as it came.

    ``status`` is ACTIVE, INACTIVE (suspended), SUCCEEDED or FAILED (also cancelled or expired). ``cancelled_by``: the
    side, SOURCE, DESTINATION or BOTH, whose administrator cancelled it, and ``cancel_message`` what that person wrote.
    ``kind`` is TRANSFER or DELETE; the paths are what its items have in common, empty where Globus does not show them.
    Source: Globus Transfer API, task, task document.
    """

    task_id: str
    status: str
    requested_at: datetime
    kind: str = ""
    label: str = ""
    ended_at: datetime | None = None
    deadline: datetime | None = None
    is_ok: bool = True
    is_paused: bool = False
    nice_status: str = ""
    fatal_code: str = ""
    fatal_description: str = ""
    cancelled_by: str = ""
    cancel_message: str = ""
    files_found: int = 0
    files_copied: int = 0
    files_in_step: int = 0  # the same on both sides, so not copied
    paths_skipped: int = 0  # because of errors
    bytes_copied: int = 0
    bytes_per_second: int = 0
    faults: int = 0
    source_collection: str = ""
    destination_collection: str = ""
    source_path: str = ""
    destination_path: str = ""
    source_name: str = ""
    destination_name: str = ""

    @property
    def is_live(self) -> bool:
        """Whether it has not ended; an unknown status counts as live."""
        return self.status not in ("SUCCEEDED", "FAILED")

    @property
    def has_seen_files(self) -> bool:
        """Whether it has found a file at the source; files that are excluded do not count."""
        return bool(self.files_found or self.files_copied or self.files_in_step)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One entry of a task's log."""

    code: str = ""
    is_error: bool = False
    time: datetime
    description: str = ""
    details: str = ""


@dataclass(frozen=True, kw_only=True)
class SkippedPath:
    """One path that a task left out because of an error."""

    code: str = ""
    source_path: str = ""
    details: str = ""
    is_directory: bool = False


@dataclass(frozen=True, kw_only=True)
class Pause:
    """One reason why a task is paused: the collection, if known, and the message its administrator left."""

    collection: str = ""
    message: str = ""


def task_link(task_id: str) -> str:
    """Return the address of a task's page in the Globus web app."""
    return f"https://app.globus.org/activity/{task_id}"
