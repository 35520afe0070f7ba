"""Task documents -> one verdict a pair, as design tables 'Verdicts' and 'exit statuses' have it. No I/O in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from globus_sync_directory.globus.explain import Problem
from globus_sync_directory.errors import (
    EXIT_ATTENTION,
    EXIT_OK,
    EXIT_SIGN_IN_REJECTED,
    EXIT_TOO_OLD,
    EXIT_TRY_LATER,
    worst,
)
from globus_sync_directory.state import Success
from globus_sync_directory.model.task import MOST_EVENTS, Event, Skipped, Task

NO_PROGRESS_FOR = timedelta(hours=1)
PAUSED_FOR_AT_MOST = timedelta(days=90)  # from the pause to the deadline. Source: Globus Transfer API, task_behavior
_DEADLINE_PRECISION = timedelta(minutes=1)


class PairStatus(Enum):
    """How a pair stands: the words for it and the exit status it asks for."""

    STARTED = ("started", EXIT_OK)
    RUNNING = ("running", EXIT_OK)
    QUEUED = ("queued", EXIT_OK)
    RUNNING_WITH_ERRORS = ("running with errors", EXIT_OK)
    STUCK = ("stuck", EXIT_ATTENTION)
    PAUSED = ("paused", EXIT_ATTENTION)
    SUSPENDED = ("suspended", EXIT_ATTENTION)
    SUCCEEDED = ("succeeded", EXIT_OK)
    SUCCEEDED_WITH_GAPS = ("succeeded with gaps", EXIT_ATTENTION)
    STOPPED_AT_TIME_LIMIT = ("stopped at its time limit", EXIT_OK)
    RAN_OUT_OF_TIME = ("ran out of time without progress", EXIT_ATTENTION)
    FAILED = ("failed", EXIT_ATTENTION)
    CANCELLED = ("cancelled", EXIT_ATTENTION)
    WAITING_FOR_ROOM = ("waiting for room", EXIT_OK)
    WAITING_FOR_EARLIER_TASK = ("waiting for the earlier task", EXIT_OK)
    NEVER_RUN = ("never run", EXIT_OK)
    UNKNOWN_TO_GLOBUS = ("unknown to Globus", EXIT_OK)
    REJECTED = ("refused", EXIT_ATTENTION)
    BLOCKED = ("not startable", EXIT_ATTENTION)
    START_UNCONFIRMED = ("start unconfirmed", EXIT_TRY_LATER)
    NOT_REACHED = ("not reached", EXIT_TRY_LATER)
    SIGN_IN_REJECTED = ("sign-in refused", EXIT_SIGN_IN_REJECTED)
    WOULD_START = ("would start", EXIT_OK)

    def __init__(self, words: str, status: int) -> None:
        self.words = words
        self.status = status


@dataclass(frozen=True, kw_only=True)
class PairReport:
    """What a run or a look found out about one pair; times are aware UTC."""

    name: str
    verdict: PairStatus
    left_over: bool = False  # no pair of the config stands behind it any more
    known_by_label: bool = False  # a left-over that may as well be of another config of this application
    task_id: str | None = None
    task: Task | None = None
    since: datetime | None = None
    cause: Problem | None = None
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    success: Success | None = None
    counts_from: datetime | None = None  # the last success, or when the pair was first seen
    max_age: timedelta | None = None
    at: datetime | None = None  # the moment the finding is about

    @property
    def is_too_old(self) -> bool:
        """Whether the last success is older than the pair's max_age allows."""
        if self.max_age is None or self.counts_from is None or self.at is None:
            return False
        return self.at - self.counts_from > self.max_age

    @property
    def status(self) -> int:
        """The exit status this finding asks for; a left-over that nobody waits for asks for none."""
        if self.known_by_label or (self.left_over and self.task and not self.task.is_live):
            return EXIT_OK
        return worst([self.verdict.status, EXIT_TOO_OLD if self.is_too_old else EXIT_OK])


def needs_log(task: Task, verdict: PairStatus, now: datetime) -> bool:
    """Return whether the task's log is needed for its verdict, or for the reason behind a bad one."""
    if task.status == "FAILED":
        return verdict.status != EXIT_OK
    failing = not task.is_ok and not task.is_paused
    return task.is_live and failing and now - task.requested_at >= NO_PROGRESS_FOR


def task_status(
    task: Task, deadline_sent: datetime | None, now: datetime, events: Sequence[Event] = (), skips_source: bool = False
) -> tuple[PairStatus, datetime | None]:
    """
    Return the verdict on a task and since when it holds.

    ``deadline_sent`` is the one this tool asked for; ``events`` are the newest of its log, empty before it was asked
    for; ``skips_source`` tells that the source directory itself was skipped by an error.
    """
    if task.status == "SUCCEEDED":
        if not task.skipped_by_error:
            return PairStatus.SUCCEEDED, task.ended_at
        return (PairStatus.FAILED if skips_source else PairStatus.SUCCEEDED_WITH_GAPS), task.ended_at
    if task.status == "FAILED":
        return _judge_failed(task, deadline_sent, events), task.ended_at
    if task.status == "INACTIVE":
        return PairStatus.SUSPENDED, max((event.time for event in events if event.is_error), default=None)
    if task.is_paused:
        since = task.deadline - PAUSED_FOR_AT_MOST if task.deadline else None
        return PairStatus.PAUSED, since if since and task.requested_at <= since <= now else None
    if not task.is_ok:
        progress = last_progress(task, events)
        return (PairStatus.STUCK if now - progress >= NO_PROGRESS_FOR else PairStatus.RUNNING_WITH_ERRORS), progress
    if task.nice_status.lower() == "queued":
        return PairStatus.QUEUED, task.requested_at
    return PairStatus.RUNNING, task.requested_at


def _judge_failed(task: Task, deadline_sent: datetime | None, events: Sequence[Event]) -> PairStatus:
    codes = {task.fatal_code.upper(), *(event.code for event in events if event.code in ("CANCELED", "EXPIRED"))}
    if "EXPIRED" in codes:
        # A start that was repeated may have been accepted the first time, with the earlier deadline.
        at_ours = deadline_sent is not None and (
            task.deadline is None or task.deadline < deadline_sent + _DEADLINE_PRECISION
        )
        return PairStatus.STOPPED_AT_TIME_LIMIT if at_ours and task.files_done else PairStatus.RAN_OUT_OF_TIME
    return PairStatus.CANCELLED if codes & {"CANCELED", "CANCELLED"} else PairStatus.FAILED


def last_progress(task: Task, events: Sequence[Event]) -> datetime:
    """
    Return when the task last got on: its newest PROGRESS or STARTED event, or its submission.

    Where the newest events are too many to see that, the oldest of them: it may have got on just before.
    """
    seen = [event.time for event in events if event.code in ("PROGRESS", "STARTED")]
    if not seen and len(events) >= MOST_EVENTS:
        seen = [min(event.time for event in events)]
    return max([task.requested_at, *seen])


def newest_error(events: Sequence[Event]) -> Event | None:
    """Return the newest error in a task's log."""
    errors = [event for event in events if event.is_error and event.code not in ("EXPIRED", "CANCELED")]
    return max(errors, key=lambda event: event.time, default=None)
