"""What a start, its failure and a report change in records, and when a task has certainly ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import FailedStart, LastTask, PairRecord
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.records import has_ended, with_ends_reported, with_failed_starts, with_task
from globus_sync_directory.sync.snapshot import Snapshot

from .samples import (
    BEGUN,
    FINGERPRINT,
    LOOKED,
    NO_ANSWER,
    NOW,
    OTHER,
    PAIR,
    ended,
    orphan,
    pending,
    record,
    remembered,
    scope,
    snapshot,
    success,
    task,
)


@pytest.mark.parametrize(
    ("before", "new", "after"),
    [
        (record(None), remembered(1), record(1)),
        (record(1), remembered(2), record(2, replaced=remembered(1))),
        (record(1, replaced=remembered(3)), remembered(2), record(2, replaced=remembered(1))),
        (record(2, replaced=remembered(1)), remembered(2), record(2, replaced=remembered(1))),
        (
            record(1),
            remembered(1, deadline=NOW),
            record(None, task=remembered(1, deadline=NOW)),
        ),
        (
            record(None, pending=pending(), waiting_since=NOW, success=success()),
            remembered(1),
            record(1, success=success()),
        ),
    ],
)
def test_with_task(before: PairRecord, new: LastTask, after: PairRecord) -> None:
    """The task of before is kept until its end was reported; nothing is pending or waiting any more."""
    assert with_task(before, new) == after


@pytest.mark.parametrize(
    ("known", "found", "expected"),
    [
        (record(None), LOOKED, True),
        (record(None, pending=pending()), LOOKED, False),
        (record(1), snapshot(task(1)), False),
        (record(1), snapshot(task(1, status="INACTIVE")), False),
        (record(1), snapshot(ended(1)), True),
        (record(1), snapshot(ended(1, status="FAILED")), True),
        (record(1, pending=pending()), snapshot(ended(1)), False),
        (record(1), snapshot(gone=[1]), True),
        (record(1, pending=pending()), snapshot(gone=[1]), False),
        (record(1), snapshot(unanswered={1: NO_ANSWER}), False),  # nobody knows: a second task could be started
        (record(1), LOOKED, False),
        (record(1), snapshot(gone=[2]), False),
        (orphan(1), LOOKED, False),
        (orphan(1, is_end_reported=True), LOOKED, True),
        (orphan(1, is_end_reported=True), snapshot(task(1)), False),  # Globus had forgotten it for a while
        (orphan(1, is_end_reported=True, pending=pending()), LOOKED, False),
    ],
)
def test_has_ended(known: PairRecord, found: Snapshot, expected: bool) -> None:
    """Only what Globus said, or a 404, proves an end: no answer proves nothing."""
    assert has_ended(known, found) is expected


PROBLEM, ANOTHER = Problem(reason="no directory", fix="correct src_path"), Problem(reason="permission denied")


def failed(since: datetime, problem: Problem = PROBLEM, status: PairStatus = PairStatus.BLOCKED) -> FailedStart:
    """Return a start that failed."""
    return FailedStart(status=status, problem=problem, since=since)


@pytest.mark.parametrize(
    ("before", "outcome", "after"),
    [
        (None, None, None),
        (None, Outcome(status=PairStatus.BLOCKED), None),
        (None, Outcome(status=PairStatus.BLOCKED, problem=PROBLEM), failed(NOW)),
        (None, Outcome(status=PairStatus.REJECTED, problem=PROBLEM), failed(NOW, status=PairStatus.REJECTED)),
        (failed(BEGUN), Outcome(status=PairStatus.BLOCKED, problem=PROBLEM), failed(BEGUN)),
        (
            failed(BEGUN),
            Outcome(status=PairStatus.BLOCKED, problem=replace(PROBLEM, fix="a better one")),
            failed(BEGUN, replace(PROBLEM, fix="a better one")),
        ),
        (failed(BEGUN), Outcome(status=PairStatus.BLOCKED, problem=ANOTHER), failed(NOW, ANOTHER)),
        (failed(BEGUN), Outcome(status=PairStatus.NOT_REACHED, problem=PROBLEM), failed(BEGUN)),
        (failed(BEGUN), Outcome(status=PairStatus.STARTED), None),
        (failed(BEGUN), Outcome(status=PairStatus.WAITING_FOR_ROOM, problem=PROBLEM), None),
        (failed(BEGUN), Outcome(status=PairStatus.WAITING_FOR_EARLIER_TASK, problem=PROBLEM), None),
        (failed(BEGUN), None, None),
    ],
)
def test_failed_starts(before: FailedStart | None, outcome: Outcome | None, after: FailedStart | None) -> None:
    """A start that fails for the same reason has failed since the first time; an outage says nothing about it."""
    outcomes = {FINGERPRINT: outcome} if outcome else {}
    updated = with_failed_starts({FINGERPRINT: record(1, failed_start=before)}, outcomes, scope(PAIR), NOW)
    assert updated == {FINGERPRINT: record(1, failed_start=after)}


@pytest.mark.parametrize(
    ("outcome", "waiting_since"),
    [
        (Outcome(status=PairStatus.BLOCKED, problem=PROBLEM), None),
        (Outcome(status=PairStatus.WAITING_FOR_ROOM, problem=PROBLEM), BEGUN),
        (Outcome(status=PairStatus.NOT_REACHED, problem=PROBLEM), BEGUN),
        (None, BEGUN),
    ],
)
def test_a_pair_that_cannot_be_started_waits_for_no_room(
    outcome: Outcome | None, waiting_since: datetime | None
) -> None:
    """Who is blocked loses the turn; an outage takes nobody's turn away."""
    outcomes = {FINGERPRINT: outcome} if outcome else {}
    updated = with_failed_starts({FINGERPRINT: record(1, waiting_since=BEGUN)}, outcomes, scope(PAIR), NOW)
    assert updated[FINGERPRINT].waiting_since == waiting_since


def test_failed_starts_are_of_this_run() -> None:
    """Records of other pairs stay as they are, and nothing is made up for a pair without a record."""
    known = {OTHER.fingerprint: record(1, OTHER, failed_start=failed(BEGUN))}
    outcomes = {FINGERPRINT: Outcome(status=PairStatus.BLOCKED, problem=PROBLEM)}
    assert with_failed_starts(known, outcomes, scope(PAIR, config=(PAIR, OTHER)), NOW) == known


def report(found: Task | None, before: PairReport | None = None) -> PairReport:
    """Return the report on a pair whose last task is ``found``."""
    return PairReport(fingerprint=FINGERPRINT, name="x", status=PairStatus.FAILED, at=NOW, task=found, before=before)


REPLACED = record(2, replaced=remembered(1))
GONE_BAD = orphan(2, replaced=remembered(1))


@pytest.mark.parametrize(
    ("before", "reports", "after"),
    [
        (REPLACED, [report(task(2), before=report(ended(1)))], record(2)),
        (REPLACED, [report(task(2))], REPLACED),
        (REPLACED, [report(ended(2))], REPLACED),
        (REPLACED, [], REPLACED),
        (GONE_BAD, [report(ended(2))], orphan(2, is_end_reported=True)),
        (GONE_BAD, [report(task(2))], GONE_BAD),
        (GONE_BAD, [report(None)], GONE_BAD),
    ],
)
def test_ends_are_reported_once(before: PairRecord, reports: Sequence[PairReport], after: PairRecord) -> None:
    """What was reported is forgotten; what could not be reported waits for the next run."""
    assert with_ends_reported({FINGERPRINT: before}, reports) == {FINGERPRINT: after}


def test_a_report_without_a_record() -> None:
    """A report on a pair of which nothing is remembered makes no record."""
    assert with_ends_reported({}, [report(ended(1), before=report(ended(2)))]) == {}
