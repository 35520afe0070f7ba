"""One task and its log -> its status. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import MOST_EVENTS, Event, Task
from globus_sync_directory.sync.success import Skips, success_status

STUCK_AFTER = timedelta(hours=1)
# At a pause, Globus sets the deadline to this time after it. Source: Globus Transfer API, task_behavior.
PAUSED_FOR_AT_MOST = timedelta(days=90)
_DEADLINE_PRECISION = timedelta(minutes=1)


def task_status(
    task: Task,
    deadline_sent: datetime | None,
    now: datetime,
    events: Sequence[Event] = (),
    skips: Skips = Skips.GAPS,
    *,
    may_be_empty: bool = True,
) -> tuple[PairStatus, datetime | None]:
    """
    Return the status of a task, and the time since which it has this status.

    ``deadline_sent`` is the one this tool asked for; ``events`` are the newest of its log, empty if that was
    not read; ``skips``: what is known of the skipped paths; ``may_be_empty``: a source without files is all right.
    """
    if task.status == "SUCCEEDED":
        return success_status(task, skips, may_be_empty=may_be_empty), task.ended_at
    if task.status == "FAILED":
        return _failed_status(task, deadline_sent, events), task.ended_at
    if task.status == "INACTIVE":
        return PairStatus.SUSPENDED, max((event.time for event in events if event.is_error), default=None)
    if task.is_paused:
        since = task.deadline - PAUSED_FOR_AT_MOST if task.deadline else None
        return PairStatus.PAUSED, since if since and task.requested_at <= since <= now else None
    if not task.is_ok:
        progress = last_progress(task, events)
        is_stuck = now - progress >= STUCK_AFTER
        return (PairStatus.STUCK if is_stuck else PairStatus.RUNNING_WITH_ERRORS), progress
    if task.nice_status.lower() == "queued":
        return PairStatus.QUEUED, task.requested_at
    return PairStatus.RUNNING, task.requested_at


def needs_log(task: Task, status: PairStatus, now: datetime) -> bool:
    """Return whether the task's log is needed for its status, or for the reason of a bad one."""
    if task.status == "FAILED":
        return status.exit_status != ExitStatus.OK
    is_failing = not task.is_ok and not task.is_paused
    return task.is_live and is_failing and now - task.requested_at >= STUCK_AFTER


def last_progress(task: Task, events: Sequence[Event]) -> datetime:
    """
    Return when the task last made progress: its newest PROGRESS or STARTED event, or its submission.

    If the log has more events than were read, the time of the oldest event read: there may be progress just before it.
    """
    seen = [event.time for event in events if event.code in ("PROGRESS", "STARTED")]
    if not seen and len(events) >= MOST_EVENTS:
        seen = [min(event.time for event in events)]
    return max([task.requested_at, *seen])


def newest_error(events: Sequence[Event]) -> Event | None:
    """Return the newest error in a task's log."""
    errors = [event for event in events if event.is_error and event.code not in ("EXPIRED", "CANCELED")]
    return max(errors, key=lambda event: event.time, default=None)


def _failed_status(task: Task, deadline_sent: datetime | None, events: Sequence[Event]) -> PairStatus:
    codes = {task.fatal_code.upper(), *(event.code for event in events)}
    if "EXPIRED" in codes:
        # A submission that was repeated may have been accepted the first time, with the earlier deadline.
        at_limit = deadline_sent is not None and (
            task.deadline is None or task.deadline < deadline_sent + _DEADLINE_PRECISION
        )
        return PairStatus.STOPPED_AT_TIME_LIMIT if at_limit and task.files_copied else PairStatus.RAN_OUT_OF_TIME
    is_cancelled = codes & {"CANCELED", "CANCELLED"} or task.cancelled_by
    return PairStatus.CANCELLED if is_cancelled else PairStatus.FAILED
