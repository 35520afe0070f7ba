"""Which exit status a report asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.report import Check, CheckResult, PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
LIVE = Task(task_id="x", status="INACTIVE", requested_at=NOW - DAY)
ENDED = replace(LIVE, status="FAILED")
FRESH, OLD = NOW - DAY, NOW - DAY - timedelta(seconds=1)


def report(status: PairStatus, counts_from: datetime | None = FRESH, task: Task | None = None) -> PairReport:
    """Return a report on a pair whose last success may be a day old."""
    return PairReport(fingerprint="f", name="x", status=status, at=NOW, task=task, counts_from=counts_from, max_age=DAY)


@pytest.mark.parametrize(
    ("made", "is_too_old", "exit_status"),
    [
        (report(PairStatus.RUNNING), False, 0),
        (report(PairStatus.RUNNING, OLD), True, 3),
        (report(PairStatus.FAILED), False, 1),
        (report(PairStatus.FAILED, OLD), True, 1),
        (report(PairStatus.NOT_REACHED), False, 75),
        (report(PairStatus.NOT_REACHED, OLD), True, 3),
        (report(PairStatus.SIGN_IN_REJECTED, OLD), True, 4),
        (report(PairStatus.RUNNING, None), False, 0),
        (replace(report(PairStatus.RUNNING, OLD), max_age=None), False, 0),
        (replace(report(PairStatus.RUNNING), needs_attention=True), False, 1),
        (replace(report(PairStatus.RUNNING, OLD), needs_attention=True), True, 1),
    ],
)
def test_exit_status(made: PairReport, is_too_old: bool, exit_status: int) -> None:
    """That of the status, or TOO_OLD where that is more urgent."""
    assert (made.is_too_old, made.exit_status) == (is_too_old, ExitStatus(exit_status))


@pytest.mark.parametrize(
    ("max_age", "waits", "exit_status"),
    [
        (None, None, 75),
        (None, timedelta(0), 75),
        (None, 2 * DAY, 75),
        (None, 2 * DAY + SECOND, 1),
        (3 * DAY, 3 * DAY, 75),
        (3 * DAY, 3 * DAY + SECOND, 1),
        (DAY, DAY, 75),
        (DAY, DAY + SECOND, 1),
    ],
)
def test_waits_too_long(max_age: timedelta | None, waits: timedelta | None, exit_status: int) -> None:
    """A pair that waits for longer than max_age, or two days without one, needs attention."""
    waits_since = None if waits is None else NOW - waits
    made = replace(report(PairStatus.NOT_REACHED), max_age=max_age, waits_since=waits_since)
    assert (made.exit_status, made.waits_too_long) == (ExitStatus(exit_status), exit_status == 1)
    assert replace(made, status=PairStatus.SIGN_IN_REJECTED).exit_status is ExitStatus.SIGN_IN_REJECTED


def test_waits_too_long_and_is_too_old() -> None:
    """A wait that is too long comes first: it says what to do."""
    made = replace(report(PairStatus.QUEUED, OLD), waits_since=OLD)
    assert (made.is_too_old, made.exit_status) == (True, ExitStatus.ATTENTION)


@pytest.mark.parametrize(
    ("task", "is_orphaned", "known_by_label", "exit_status"),
    [
        (LIVE, False, False, 1),
        (ENDED, False, False, 1),
        (LIVE, True, False, 1),
        (ENDED, True, False, 0),
        (None, True, False, 1),
        (LIVE, True, True, 0),
        (ENDED, True, True, 0),
    ],
)
def test_orphans(task: Task | None, is_orphaned: bool, known_by_label: bool, exit_status: int) -> None:
    """What has ended holds nothing up, and what is known by its label may belong to another config."""
    made = replace(report(PairStatus.FAILED, task=task), is_orphaned=is_orphaned, known_by_label=known_by_label)
    assert made.exit_status is ExitStatus(exit_status)


@pytest.mark.parametrize(
    ("result", "exit_status"), [(CheckResult.OK, 0), (CheckResult.NOTE, 0), (CheckResult.FAIL, 75)]
)
def test_check(result: CheckResult, exit_status: int) -> None:
    """Only a check that failed asks for its status."""
    check = Check(result=result, sentence="x", status_if_failed=ExitStatus.TRY_LATER)
    assert check.exit_status is ExitStatus(exit_status)
