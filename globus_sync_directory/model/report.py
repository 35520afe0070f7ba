"""Reports: what a command found out, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from globus_sync_directory.errors import ExitStatus, worst
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import Success
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import SkippedPath, Task

_LONGEST_WAIT = timedelta(days=2)  # of a pair without max_age


@dataclass(frozen=True, kw_only=True)
class PairReport:
    """
    How one pair is doing; times are aware UTC.

    ``is_orphaned``: the pair of this task is not in the config any more. ``known_by_label``: it may even belong to
    another config of the same application. ``needs_attention``: also where the status by itself is no reason for a
    person to act. ``before``: the report on the task that this run replaced or
    was to replace.
    """

    fingerprint: str
    name: str
    status: PairStatus
    at: datetime  # the moment the report is about
    since: datetime | None = None
    task_id: str | None = None
    task: Task | None = None
    problem: Problem | None = None
    skipped: tuple[SkippedPath, ...] = ()
    notes: tuple[str, ...] = ()
    success: Success | None = None
    counts_from: datetime | None = None  # the age counts from here: the last success, or when the pair was first seen
    max_age: timedelta | None = None
    waits_since: datetime | None = None  # with a status that waits
    is_orphaned: bool = False
    known_by_label: bool = False
    needs_attention: bool = False
    before: PairReport | None = None
    document: Mapping[str, Any] | None = None  # with --dry-run: what would be submitted

    @property
    def has_live_task(self) -> bool:
        """Whether the task of this report has not ended."""
        return self.task.is_live if self.task else self.status is PairStatus.STARTED

    @property
    def is_too_old(self) -> bool:
        """Whether the last success is older than the pair's max_age allows."""
        if self.max_age is None or self.counts_from is None:
            return False
        return self.at - self.counts_from > self.max_age

    @property
    def longest_wait(self) -> timedelta:
        """How long the pair may wait."""
        return self.max_age or _LONGEST_WAIT

    @property
    def waits_too_long(self) -> bool:
        """Whether the pair has waited for so long that a person has to look."""
        return self.waits_since is not None and self.at - self.waits_since > self.longest_wait

    @property
    def exit_status(self) -> ExitStatus:
        """The exit status that this pair needs; OK for an orphaned task that has ended or may be of another config."""
        if self.known_by_label or (self.is_orphaned and self.task and not self.task.is_live):
            return ExitStatus.OK
        too_old = ExitStatus.TOO_OLD if self.is_too_old else ExitStatus.OK
        own = ExitStatus.ATTENTION if self.needs_attention or self.waits_too_long else ExitStatus.OK
        return worst([self.status.exit_status, too_old, own])


class CheckResult(Enum):
    """The outcome of one check, as printed."""

    OK = "ok"
    FAIL = "FAIL"
    NOTE = "note"  # worth knowing, neither good nor bad


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that ``check`` looked at; the fix is empty if there is nothing to do."""

    result: CheckResult
    sentence: str
    fix: str = ""
    command: str = ""
    pair: str | None = None
    status_if_failed: ExitStatus = ExitStatus.ATTENTION

    @property
    def exit_status(self) -> ExitStatus:
        """The exit status that this check needs."""
        return self.status_if_failed if self.result is CheckResult.FAIL else ExitStatus.OK


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """Everything that one command found out; it is shown as text, JSON or mail."""

    exit_status: ExitStatus
    errors: tuple[str, ...] = ()  # lines about the run as a whole
    unsent_mail: tuple[str, ...] = ()  # lines that were logged as warnings already, which --quiet keeps back
    pairs: tuple[PairReport, ...] = ()
    checks: tuple[Check, ...] = ()
    closing_line: str = ""  # shown at the end, to people only
