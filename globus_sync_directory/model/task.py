"""Globus' documents about a task -> frozen values. Nothing else reads the service's field names for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from dateutil.parser import isoparse

from globus_sync_directory.text import sanitize

MOST_EVENTS = 1000  # of a task's log that are looked at, the newest. Source: Globus SDK, largest page
LIVE_STATUSES = ("ACTIVE", "INACTIVE")
_MOST = 2**63  # of anything that is counted: more is nonsense, and cannot be shown
_LONGEST_DETAILS = 20_000  # characters of an entry of a task's log


class NotATask(ValueError):
    """What came back in place of a task document has no task in it."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """
    One transfer task as Globus described it; times are aware UTC, text is as it came.

    ``status`` is ACTIVE, INACTIVE (suspended), SUCCEEDED or FAILED (also cancelled or expired).
    Source: Globus Transfer API, task, task document.
    """

    task_id: str
    status: str
    label: str
    requested_at: datetime
    ended_at: datetime | None
    deadline: datetime | None
    is_ok: bool
    is_paused: bool
    nice_status: str
    fatal_code: str
    fatal_description: str
    files: int
    files_done: int
    files_in_step: int
    bytes_done: int
    bytes_per_second: int
    faults: int
    skipped_by_error: int
    source_collection: str
    destination_collection: str
    source_name: str
    destination_name: str

    @property
    def is_live(self) -> bool:
        """Whether Globus still works on it or waits with it; an unknown status counts as live."""
        return self.status not in ("SUCCEEDED", "FAILED")

    @property
    def is_clean_success(self) -> bool:
        """Whether it ended with nothing missing."""
        return self.status == "SUCCEEDED" and self.skipped_by_error == 0


@dataclass(frozen=True, kw_only=True)
class Event:
    """One entry of a task's log."""

    code: str
    is_error: bool
    time: datetime
    description: str
    details: str


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """One path that a task left out because of an error."""

    code: str
    source_path: str
    details: str


@dataclass(frozen=True, kw_only=True)
class Pause:
    """One reason why a task is paused: at which collection, where that is told, and the message left there."""

    collection: str
    message: str


def read_task(document: Any) -> Task:
    """Return the task in ``document``; raises NotATask when there is none."""
    if not isinstance(document, Mapping) or not document.get("task_id") or not document.get("status"):
        raise NotATask("no task_id and status")
    requested_at = _time(document.get("request_time"))
    if requested_at is None:
        raise NotATask("no request_time")
    fatal = document.get("fatal_error")
    fatal = fatal if isinstance(fatal, Mapping) else {}
    try:
        task_id = str(UUID(str(document["task_id"])))
    except ValueError:
        raise NotATask("no usable task_id") from None
    return Task(
        task_id=task_id,
        status=str(document["status"]),
        label=_text(document.get("label")),
        requested_at=requested_at,
        ended_at=_time(document.get("completion_time")),
        deadline=_time(document.get("deadline")),
        is_ok=document.get("is_ok") is not False,
        is_paused=document.get("is_paused") is True,
        nice_status=_text(document.get("nice_status")),
        fatal_code=_text(fatal.get("code")),
        fatal_description=_text(fatal.get("description")),
        files=_count(document.get("files")),
        files_done=_count(document.get("files_transferred")),
        files_in_step=_count(document.get("files_skipped")),
        bytes_done=_count(document.get("bytes_transferred")),
        bytes_per_second=_count(document.get("effective_bytes_per_second")),
        faults=_count(document.get("faults")),
        skipped_by_error=_count(document.get("subtasks_skipped_errors")),
        source_collection=_text(document.get("source_endpoint_id")).lower(),
        destination_collection=_text(document.get("destination_endpoint_id")).lower(),
        source_name=_text(document.get("source_endpoint_display_name")),
        destination_name=_text(document.get("destination_endpoint_display_name")),
    )


def read_event(document: Mapping[str, Any]) -> Event | None:
    """Return the event in ``document``, or None where it has no time."""
    moment = _time(document.get("time"))
    if moment is None:
        return None
    return Event(
        code=_text(document.get("code")),
        is_error=document.get("is_error") is True,
        time=moment,
        description=_text(document.get("description")),
        details=_text(document.get("details"))[:_LONGEST_DETAILS],
    )


def read_skipped(document: Mapping[str, Any]) -> Skipped:
    """Return the skipped path in ``document``."""
    return Skipped(
        code=_text(document.get("error_code")),
        source_path=_text(document.get("source_path")),
        details=_text(document.get("error_details")),
    )


def read_pauses(document: Mapping[str, Any], task: Task) -> list[Pause]:
    """Return the pauses in a task's "pause_info" document, those with a message first."""
    rules = document.get("pause_rules")
    pauses = [
        Pause(collection=_text(rule.get("endpoint_id")).lower(), message=_text(rule.get("message")))
        for rule in (rules if isinstance(rules, list) else [])
        if isinstance(rule, Mapping)
    ]
    for side, collection in (("source", task.source_collection), ("destination", task.destination_collection)):
        for key in (f"{side}_pause_message", f"{side}_pause_message_share"):
            if document.get(key):
                pauses.append(Pause(collection=collection, message=_text(document[key])))
    return sorted(pauses, key=lambda pause: not pause.message)


def task_link(task_id: str) -> str:
    """Return the address of a task's page in the Globus web app."""
    return f"https://app.globus.org/activity/{sanitize(task_id)}"


def _time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = isoparse(value.replace(" ", "T"))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if 1971 < moment.year < 9999 else None  # others cannot be shown in every zone


def _count(value: object) -> int:
    return min(max(0, value), _MOST) if isinstance(value, int) and not isinstance(value, bool) else 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
