"""Records + snapshot + outcomes -> status: a row for every way in which a pair gets its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import FailedStart, PairRecord
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.sync.assess import assess
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.snapshot import Snapshot

from .assessing import LOST, NOTHING_KNOWN, findings, report_on_pair
from .samples import (
    BEGUN,
    DAY,
    ENDED,
    FINGERPRINT,
    HOUR,
    NO_ANSWER,
    NO_TOKEN,
    NOW,
    PAIR,
    ended,
    new_id,
    pending,
    record,
    rejected,
    remembered,
    snapshot,
    success,
    task,
)

BLOCKED = Problem(reason="there is no such directory", fix="correct src_path", command="ls")
FAILED_START = FailedStart(status=PairStatus.BLOCKED, problem=BLOCKED, since=NOW - DAY)
NOT_LISTED = ("Globus does not list this task yet",)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is remembered of a pair and what Globus says, and the report that this makes."""

    name: str
    known: PairRecord | None
    found: Snapshot = NOTHING_KNOWN
    status: PairStatus
    since: datetime | None = None
    task_id: str | None = None
    problem: Problem | None = None
    notes: tuple[str, ...] = ()
    outcome: Outcome | None = field(default=None)


TO_COME = record(pending=pending())
LOOKING = [
    Case(name="no record", known=None, status=PairStatus.NEVER_RUN),
    Case(name="no task", known=record(None), status=PairStatus.NEVER_RUN),
    Case(
        name="its task",
        known=record(),
        found=snapshot(task()),
        status=PairStatus.RUNNING,
        since=BEGUN,
        task_id=new_id(1),
    ),
    Case(
        name="its task has ended",
        known=record(),
        found=snapshot(ended()),
        status=PairStatus.SUCCEEDED,
        since=ENDED,
        task_id=new_id(1),
    ),
    Case(name="pending", known=TO_COME, status=PairStatus.START_UNCONFIRMED, problem=LOST),
    Case(
        name="pending, after a task that has ended",
        known=TO_COME,
        found=snapshot(ended()),
        status=PairStatus.START_UNCONFIRMED,
        problem=LOST,
    ),
    Case(
        name="pending is more than waiting for room and a failed start",
        known=replace(TO_COME, waiting_since=NOW - DAY, failed_start=FAILED_START),
        status=PairStatus.START_UNCONFIRMED,
        problem=LOST,
    ),
    Case(
        name="a live task is more than all these",
        known=replace(TO_COME, waiting_since=NOW - DAY, failed_start=FAILED_START),
        found=snapshot(task()),
        status=PairStatus.RUNNING,
        since=BEGUN,
        task_id=new_id(1),
    ),
    Case(
        name="waiting for room is more than a failed start and an ended task",
        known=record(waiting_since=NOW - DAY, failed_start=FAILED_START),
        found=snapshot(ended()),
        status=PairStatus.WAITING_FOR_ROOM,
        since=NOW - DAY,
    ),
    Case(
        name="a failed start is more than an ended task",
        known=record(failed_start=FAILED_START),
        found=snapshot(ended()),
        status=PairStatus.BLOCKED,
        since=NOW - DAY,
        problem=BLOCKED,
    ),
    Case(
        name="rejected",
        known=record(None, failed_start=replace(FAILED_START, status=PairStatus.REJECTED)),
        status=PairStatus.REJECTED,
        since=NOW - DAY,
        problem=BLOCKED,
    ),
    Case(
        name="gone from Globus' records",
        known=record(),
        found=snapshot(gone=[1]),
        status=PairStatus.UNKNOWN_TO_GLOBUS,
        since=BEGUN,
        task_id=new_id(1),
    ),
    Case(
        name="no answer about its task",
        known=record(),
        found=snapshot(unanswered={1: NO_ANSWER}),
        status=PairStatus.NOT_REACHED,
        task_id=new_id(1),
        problem=Problem(reason=NO_ANSWER.reason, fix="nothing is lost; the next run tries again"),
    ),
    Case(
        name="the question about its task was rejected",
        known=record(),
        found=snapshot(unanswered={1: rejected("Odd", "not\n now")}),
        status=PairStatus.NOT_REACHED,
        task_id=new_id(1),
        problem=Problem(
            reason="Globus rejected the request: not now",
            fix="the next run asks again; if this persists, report it to Globus support",
        ),
    ),
    Case(
        name="it was rejected without a message",
        known=record(),
        found=snapshot(unanswered={1: rejected("Odd")}),
        status=PairStatus.NOT_REACHED,
        task_id=new_id(1),
        problem=Problem(
            reason="Globus rejected the request: Odd",
            fix="the next run asks again; if this persists, report it to Globus support",
        ),
    ),
    Case(
        name="the sign-in was rejected meanwhile",
        known=record(),
        found=snapshot(unanswered={1: NO_TOKEN}),
        status=PairStatus.SIGN_IN_REJECTED,
        task_id=new_id(1),
        problem=Problem(reason=NO_TOKEN.reason, fix=NO_TOKEN.fix),
    ),
    Case(
        name="not listed yet",
        known=record(),
        status=PairStatus.STARTED,
        since=BEGUN,
        task_id=new_id(1),
        notes=NOT_LISTED,
    ),
]
STARTING = [
    Case(
        name="started",
        known=record(2),
        outcome=Outcome(status=PairStatus.STARTED, notes=("a doubt",)),
        status=PairStatus.STARTED,
        since=BEGUN,
        task_id=new_id(2),
        notes=("a doubt",),
    ),
    Case(
        name="waiting for room",
        known=record(waiting_since=NOW - DAY),
        outcome=Outcome(status=PairStatus.WAITING_FOR_ROOM, problem=BLOCKED),
        status=PairStatus.WAITING_FOR_ROOM,
        since=NOW - DAY,
        problem=BLOCKED,
    ),
    Case(
        name="blocked, and since when",
        known=record(failed_start=FAILED_START),
        outcome=Outcome(status=PairStatus.BLOCKED, problem=BLOCKED),
        status=PairStatus.BLOCKED,
        since=NOW - DAY,
        problem=BLOCKED,
    ),
    Case(
        name="blocked in a dry run, rejected before",
        known=record(failed_start=replace(FAILED_START, status=PairStatus.REJECTED)),
        outcome=Outcome(status=PairStatus.BLOCKED, problem=BLOCKED),
        status=PairStatus.BLOCKED,
        problem=BLOCKED,
    ),
    Case(
        name="blocked in a dry run for the first time",
        known=record(),
        outcome=Outcome(status=PairStatus.BLOCKED, problem=BLOCKED),
        status=PairStatus.BLOCKED,
        problem=BLOCKED,
    ),
    Case(
        name="waiting for an orphaned task",
        known=record(),
        outcome=Outcome(status=PairStatus.WAITING_FOR_EARLIER_TASK, problem=BLOCKED),
        status=PairStatus.WAITING_FOR_EARLIER_TASK,
        problem=BLOCKED,
    ),
    Case(
        name="unconfirmed",
        known=TO_COME,
        outcome=Outcome(status=PairStatus.START_UNCONFIRMED, problem=LOST),
        status=PairStatus.START_UNCONFIRMED,
        problem=LOST,
    ),
    Case(
        name="found running already",
        known=record(),
        outcome=Outcome(status=PairStatus.RUNNING, task=task(1, nice_status="Queued"), notes=("a doubt",)),
        status=PairStatus.QUEUED,
        since=BEGUN,
        task_id=new_id(1),
        notes=("a doubt",),
    ),
    Case(
        name="found running already, and nothing is remembered",
        known=None,
        outcome=Outcome(status=PairStatus.RUNNING, task=task(1)),
        status=PairStatus.RUNNING,
        since=BEGUN,
        task_id=new_id(1),
    ),
    Case(
        name="started, and nothing is remembered",
        known=None,
        outcome=Outcome(status=PairStatus.STARTED),
        status=PairStatus.STARTED,
    ),
    Case(
        name="an outcome is more than the task of before",
        known=record(),
        found=snapshot(task()),
        outcome=Outcome(status=PairStatus.REJECTED, problem=BLOCKED),
        status=PairStatus.REJECTED,
        problem=BLOCKED,
    ),
]


@pytest.mark.parametrize("case", [*LOOKING, *STARTING], ids=lambda case: case.name)
def test_pair(case: Case) -> None:
    """What this run did for a pair comes first; then its live task, what holds up its start, its last task."""
    made = report_on_pair(case.known, case.found, case.outcome)
    assert made.status is case.status
    assert (made.since, made.task_id, made.problem, made.notes) == (case.since, case.task_id, case.problem, case.notes)
    assert (made.fingerprint, made.name, made.at) == (FINGERPRINT, "microscope", NOW)
    assert made.before is None
    assert not made.is_orphaned


@pytest.mark.parametrize(("age", "is_too_old"), [(HOUR, False), (2 * DAY, True)])
def test_the_task_before_is_as_old_as_the_pair(age: timedelta, is_too_old: bool) -> None:
    """A success of long ago is too old only where the pair has no younger one."""
    pair = replace(PAIR, max_age=DAY)
    known = record(2, replaced=remembered(1), success=success(2, at=NOW - age))
    found = snapshot(ended(1, ended_at=NOW - 3 * DAY), task(2))
    (made,) = assess(findings({FINGERPRINT: known}, found, config=(pair,)))
    assert made.before is not None
    assert (made.is_too_old, made.before.is_too_old) == (is_too_old, is_too_old)
