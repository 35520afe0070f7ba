"""What is remembered of a pair between runs. All times are aware UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from globus_sync_directory.model.pair import Directory
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.status import PairStatus


@dataclass(frozen=True, kw_only=True)
class PendingSubmission:
    """A submission id that was, or was about to be, sent with this document; no answer is on record."""

    submission_id: str
    document: Mapping[str, Any]
    reserved_at: datetime


@dataclass(frozen=True, kw_only=True)
class FailedStart:
    """Why the last attempts to start a pair failed; forgotten when a task is started."""

    status: PairStatus  # BLOCKED or REJECTED
    problem: Problem
    since: datetime  # of the first attempt in a row that failed for this reason


@dataclass(frozen=True, kw_only=True)
class LastTask:
    """The newest task known for a pair; kept after its end so that ``-d`` can be asked twice."""

    task_id: str
    submitted_at: datetime
    deadline: datetime | None = None  # the one this tool sent


@dataclass(frozen=True, kw_only=True)
class Success:
    """The last task of a pair that ended with nothing missing."""

    task_id: str
    ended_at: datetime
    files: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class News:
    """A change that one address has not been mailed yet."""

    headline: str
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Mailed:
    """What one address knows of a pair."""

    problems: tuple[str, ...] = ()  # since the pair was last well: a key for each, made by notify/changes.py
    well_since: str | None = None  # a task id: the same task's success is no news
    unsent: tuple[News, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PairRecord:
    """All that is remembered of one pair."""

    name: str
    first_seen: datetime
    source: Directory | None = None  # unknown for a task found by its label alone; likewise the destination
    destination: Directory | None = None
    pending: PendingSubmission | None = None
    task: LastTask | None = None
    replaced: LastTask | None = None  # the task before it, until its end has been reported
    success: Success | None = None
    failed_start: FailedStart | None = None
    waiting_since: datetime | None = None  # when Globus first had no room for a task of this pair
    left_config: datetime | None = None  # when a run first found no pair in the config for it
    mailed: Mapping[str, Mailed] = field(default_factory=dict)  # by address
