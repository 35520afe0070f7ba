"""
What is remembered of a pair between runs. All times are aware UTC.

``state.py`` reads and writes these values as they are here, so each field's type is also the rule for the file.
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
    """A submission id that was, or was about to be, sent with this document; no answer is on record."""

    submission_id: Id
    document: Mapping[str, Any]
    reserved_at: Moment


@dataclass(frozen=True, kw_only=True)
class FailedStart:
    """Why the last attempts to start a pair failed; forgotten when a task is started."""

    status: PairStatus  # BLOCKED or REJECTED
    problem: Problem
    since: Moment  # of the first attempt in a row that failed for this reason


@dataclass(frozen=True, kw_only=True)
class LastTask:
    """The newest task known for a pair; kept after its end so that ``-d`` can be asked twice."""

    task_id: Id
    submitted_at: Moment
    deadline: Moment | None = None  # the one this tool sent


@dataclass(frozen=True, kw_only=True)
class Success:
    """The last task of a pair that ended with nothing missing."""

    task_id: Id
    ended_at: Moment
    files: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class LeftConfig:
    """That the config has no such pair any more."""

    since: Moment  # when a run first noticed
    is_end_reported: bool = False  # of its last task


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
    """
    All that is remembered of one pair.

    ``source`` and ``destination`` are None for a task found by its label alone. ``replaced`` is the task before the
    last one, until a run has reported how it ended. ``has_history``: Globus' own list of our tasks has been searched
    for this pair, since a record that is new may be one that was lost.
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
    left_config: LeftConfig | None = None
    has_history: bool = False
    mailed: Mapping[str, Mailed] = field(default_factory=dict)  # by address
