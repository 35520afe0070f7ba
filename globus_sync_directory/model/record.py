"""
What is remembered of a pair between runs. All times are aware UTC.

``state.py`` reads and writes exactly these fields: a change here changes the format of the state file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

from globus_sync_directory.model.pair import Directory
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.status import PairStatus

Moment = Annotated[datetime, Meta(tz=True)]
Id = Annotated[str, Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


@dataclass(frozen=True, kw_only=True)
class PendingSubmission:
    """
    A submission id that was sent with this document, or was about to be, and whose answer is not known.

    ``sent_again_at``: when a later run sent it last.
    """

    submission_id: Id
    document: Mapping[str, Any]
    reserved_at: Moment
    sent_again_at: Moment | None = None


@dataclass(frozen=True, kw_only=True)
class FailedStart:
    """Why the last attempts to start a pair failed; removed when a task is started."""

    status: PairStatus  # BLOCKED or REJECTED
    problem: Problem
    since: Moment  # of the first attempt in a row that failed for this reason


@dataclass(frozen=True, kw_only=True)
class LastTask:
    """The newest task known for a pair; kept after its end, so that ``-d`` can report it again."""

    task_id: Id
    submitted_at: Moment
    deadline: Moment | None = None  # the one this tool sent


@dataclass(frozen=True, kw_only=True)
class Success:
    """The last task of a pair that copied everything."""

    task_id: Id
    ended_at: Moment
    files: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class LeftConfig:
    """The pair of this record is not in the config any more."""

    since: Moment  # when a run first noticed that
    is_end_reported: bool = False  # the end of its last task


@dataclass(frozen=True, kw_only=True)
class News:
    """A change that has not been mailed to one address yet."""

    headline: str
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Mailed:
    """What has been mailed, or is to be mailed, to one address about a pair."""

    problems: tuple[str, ...] = ()  # mailed since the pair was last well; the keys that notify/changes.py makes
    well_since: str | None = None  # the id of the task that succeeded: its success is mailed only once
    unsent: tuple[News, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PairRecord:
    """
    Everything that is remembered of one pair.

    ``source`` and ``destination`` are None for a task that was found by its label. ``replaced`` is the task before the
    last one, until a run has reported how it ended. ``had_files``: a task has found files at the source, so that it
    should not be empty. ``has_history``: our recent tasks at Globus have been
    searched for this pair. That is done once for a new record, because an older one may have been lost.
    """

    name: str
    first_seen: Moment
    source: Directory | None = None
    destination: Directory | None = None
    pending: PendingSubmission | None = None
    task: LastTask | None = None
    replaced: LastTask | None = None
    success: Success | None = None
    failed_start: FailedStart | None = None
    waiting_since: Moment | None = None  # when Globus first had no room for a task of this pair
    held_up_since: Moment | None = None  # each run since then could only say that this pair waits
    left_config: LeftConfig | None = None
    had_files: bool = False

    @property
    def last_task_succeeded(self) -> bool:
        """Whether the last task was a full success, as far as is known yet."""
        return self.task is not None and self.success is not None and self.success.task_id == self.task.task_id

    has_history: bool = False
    mailed: Mapping[str, Mailed] = field(default_factory=dict)  # by address
