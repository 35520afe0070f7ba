"""Records + snapshot + outcomes + details -> reports: a row for every way in which a pair gets its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.answer import Failure
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import FailedStart, PairRecord
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.sync.assess import Findings, assess, assess_without_globus
from globus_sync_directory.sync.details import Details
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.snapshot import Snapshot

from .samples import (
    BEGUN,
    DAY,
    ENDED,
    FINGERPRINT,
    HOUR,
    MINUTE,
    NO_ANSWER,
    NO_TOKEN,
    NOW,
    ONE,
    OTHER,
    PAIR,
    THIRD,
    ended,
    event,
    expired,
    new_id,
    orphan,
    pending,
    record,
    rejected,
    remembered,
    scope,
    snapshot,
    success,
    task,
)

BLOCKED = Problem(reason="there is no such directory", fix="correct src_path", command="ls")
FAILED_START = FailedStart(status=PairStatus.BLOCKED, problem=BLOCKED, since=NOW - DAY)
LOST = Problem(reason="the answer of Globus was lost", fix="nothing to do; the next run resolves it")
NOT_LISTED = ("Globus does not list this task yet",)
NOTHING_KNOWN = snapshot()


def findings(
    records: Mapping[str, PairRecord],
    found: Snapshot = NOTHING_KNOWN,
    outcomes: Mapping[str, Outcome] | None = None,
    details: Mapping[str, Details] | None = None,
    config: Sequence[Pair] = (PAIR,),
    pairs: Sequence[Pair] | None = None,
) -> Findings:
    """Return what a run has found out."""
    return Findings(
        scope=scope(*(config if pairs is None else pairs), config=config),
        records=records,
        snapshot=found,
        outcomes=outcomes or {},
        details=details or {},
        now=NOW,
    )


def report_on_pair(
    known: PairRecord | None,
    found: Snapshot = NOTHING_KNOWN,
    outcome: Outcome | None = None,
    details: Mapping[str, Details] | None = None,
) -> PairReport:
    """Return the report on PAIR."""
    outcomes = {FINGERPRINT: outcome} if outcome else {}
    (made,) = assess(findings({FINGERPRINT: known} if known else {}, found, outcomes, details))
    return made


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


def test_the_deadline_that_was_sent_counts() -> None:
    """A task that this tool limited has stopped as asked for; one that was found running already is judged alike."""
    known = record(task=remembered(deadline=ENDED))
    assert report_on_pair(known, snapshot(expired())).status is PairStatus.STOPPED_AT_TIME_LIMIT
    assert report_on_pair(record(), snapshot(expired())).status is PairStatus.RAN_OUT_OF_TIME
    adopted = Outcome(status=PairStatus.RUNNING, task=expired())
    assert report_on_pair(known, outcome=adopted).status is PairStatus.STOPPED_AT_TIME_LIMIT


def test_details_of_the_task_are_used() -> None:
    """The details of a task reach the report on it."""
    details = {new_id(1): Details(events=(event("CANCELED", details="the disk is full"),))}
    made = report_on_pair(record(), snapshot(ended(status="FAILED")), details=details)
    assert made.status is PairStatus.CANCELLED
    assert made.problem is not None
    assert made.problem.reason == "the disk is full"


def test_names_of_collections_in_reasons() -> None:
    """The names that a task carries stand beside the ids of its collections."""
    details = {new_id(1): Details(events=(event("AUTH", is_error=True, details=f"Endpoint: x ({ONE})"),))}
    made = report_on_pair(record(), snapshot(ended(status="FAILED", source_name="Lab PC")), details=details)
    assert made.problem is not None
    assert f"collection 'Lab PC' ({ONE})" in made.problem.reason


def test_two_live_tasks() -> None:
    """A note for every other live task of the pair; tasks that ended and those of other pairs get none."""
    found = snapshot(task(1), task(2), task(3, OTHER), ended(4))
    made = report_on_pair(record(1), found)
    (note,) = made.notes
    assert made.task_id == new_id(1)
    assert note == f"another task of this pair is running too: https://app.globus.org/activity/{new_id(2)}"


@pytest.mark.parametrize(
    ("known", "max_age", "found", "expected"),
    [
        (record(success=success(at=NOW - DAY)), DAY, NOTHING_KNOWN, False),
        (record(success=success(at=NOW - DAY - MINUTE)), DAY, NOTHING_KNOWN, True),
        (record(success=success(at=NOW - 9 * DAY)), None, NOTHING_KNOWN, False),
        (record(success=success(at=NOW - 9 * DAY)), DAY, snapshot(ended()), False),
        (record(success=success(at=NOW - 9 * DAY)), DAY, snapshot(ended(paths_skipped=1)), True),
        (record(first_seen=NOW - DAY), DAY, NOTHING_KNOWN, False),
        (record(first_seen=NOW - DAY - MINUTE), DAY, NOTHING_KNOWN, True),
        (record(first_seen=NOW - 9 * DAY, success=success(at=NOW - HOUR)), DAY, NOTHING_KNOWN, False),
        (None, DAY, NOTHING_KNOWN, False),
    ],
)
def test_too_old(known: PairRecord | None, max_age: timedelta | None, found: Snapshot, expected: bool) -> None:
    """max_age counts from the last success, or from when the pair was first seen."""
    pair = replace(PAIR, max_age=max_age)
    (made,) = assess(findings({FINGERPRINT: known} if known else {}, found, config=(pair,)))
    assert made.is_too_old is expected
    assert made.success == (known.success if known else None)


RUN_BEFORE = record(2, replaced=remembered(1, deadline=ENDED))


@pytest.mark.parametrize(
    ("known", "outcome", "before"),
    [
        (RUN_BEFORE, Outcome(status=PairStatus.STARTED), PairStatus.STOPPED_AT_TIME_LIMIT),
        (RUN_BEFORE, None, PairStatus.STOPPED_AT_TIME_LIMIT),
        (replace(RUN_BEFORE, replaced=remembered(1)), None, PairStatus.RAN_OUT_OF_TIME),
        (replace(RUN_BEFORE, replaced=remembered(8)), None, None),
        (record(1), Outcome(status=PairStatus.STARTED), None),
        (record(1), Outcome(status=PairStatus.WOULD_START), PairStatus.RAN_OUT_OF_TIME),
        (RUN_BEFORE, Outcome(status=PairStatus.WOULD_START), None),
        (record(None), Outcome(status=PairStatus.WOULD_START), None),
        (record(1), Outcome(status=PairStatus.BLOCKED), PairStatus.RAN_OUT_OF_TIME),
        (record(1), Outcome(status=PairStatus.WAITING_FOR_ROOM), PairStatus.RAN_OUT_OF_TIME),
        (record(1), Outcome(status=PairStatus.START_UNCONFIRMED), PairStatus.RAN_OUT_OF_TIME),
        (record(1, replaced=remembered(3)), Outcome(status=PairStatus.BLOCKED), PairStatus.RAN_OUT_OF_TIME),
        (record(2), Outcome(status=PairStatus.RUNNING, task=task(2)), None),
        (record(1), None, None),
    ],
)
def test_the_task_before(known: PairRecord, outcome: Outcome | None, before: PairStatus | None) -> None:
    """A report tells how the replaced task ended; where none could be started, the last one, which is not replaced."""
    made = report_on_pair(known, snapshot(expired(1), task(2), ended(3)), outcome)
    assert (made.before.status if made.before else None) is before
    if made.before:
        assert (made.before.name, made.before.fingerprint, made.before.at) == ("microscope", FINGERPRINT, NOW)


@pytest.mark.parametrize(("age", "is_too_old"), [(HOUR, False), (2 * DAY, True)])
def test_the_task_before_is_as_old_as_the_pair(age: timedelta, is_too_old: bool) -> None:
    """A success of long ago is too old only where the pair has no younger one."""
    pair = replace(PAIR, max_age=DAY)
    known = record(2, replaced=remembered(1), success=success(2, at=NOW - age))
    found = snapshot(ended(1, ended_at=NOW - 3 * DAY), task(2))
    (made,) = assess(findings({FINGERPRINT: known}, found, config=(pair,)))
    assert made.before is not None
    assert (made.is_too_old, made.before.is_too_old) == (is_too_old, is_too_old)


def test_dry_run() -> None:
    """The document that would be submitted is part of the report."""
    outcome = Outcome(status=PairStatus.WOULD_START, notes=("why",), document={"label": "x"})
    made = report_on_pair(record(), snapshot(ended()), outcome)
    assert (made.status, made.notes, made.document) == (PairStatus.WOULD_START, ("why",), {"label": "x"})


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """A record whose pair is not in the config, and the report it makes, if any."""

    name: str
    known: PairRecord
    found: Snapshot = NOTHING_KNOWN
    status: PairStatus | None
    exit_status: ExitStatus = ExitStatus.OK
    by_label: bool = False


ORPHANS = [
    Orphan(name="running", known=orphan(), found=snapshot(task()), status=PairStatus.RUNNING),
    Orphan(
        name="suspended",
        known=orphan(),
        found=snapshot(task(status="INACTIVE")),
        status=PairStatus.SUSPENDED,
        exit_status=ExitStatus.ATTENTION,
    ),
    Orphan(
        name="found by its label alone: it may belong to another config",
        known=orphan(source=None, destination=None),
        found=snapshot(task(status="INACTIVE")),
        status=PairStatus.SUSPENDED,
        by_label=True,
    ),
    Orphan(
        name="failed: it is said, and costs nothing",
        known=orphan(),
        found=snapshot(ended(status="FAILED")),
        status=PairStatus.FAILED,
    ),
    Orphan(
        name="failed, and nobody has noticed yet that its pair left",
        known=record(1),
        found=snapshot(ended(status="FAILED")),
        status=PairStatus.FAILED,
    ),
    Orphan(
        name="ended with gaps",
        known=orphan(),
        found=snapshot(ended(paths_skipped=1)),
        status=PairStatus.SUCCEEDED_WITH_GAPS,
    ),
    Orphan(name="succeeded", known=orphan(), found=snapshot(ended()), status=None),
    Orphan(
        name="failed, reported already",
        known=orphan(is_end_reported=True),
        found=snapshot(ended(status="FAILED")),
        status=None,
    ),
    Orphan(name="gone", known=orphan(), found=snapshot(gone=[1]), status=None),
    Orphan(name="never run", known=orphan(None), status=None),
    Orphan(name="not listed yet", known=orphan(), status=PairStatus.STARTED),
    Orphan(
        name="no answer",
        known=orphan(),
        found=snapshot(unanswered={1: NO_ANSWER}),
        status=PairStatus.NOT_REACHED,
        exit_status=ExitStatus.TRY_LATER,
    ),
    Orphan(
        name="pending",
        known=orphan(pending=pending()),
        found=snapshot(ended()),
        status=PairStatus.START_UNCONFIRMED,
        exit_status=ExitStatus.TRY_LATER,
    ),
    Orphan(
        name="pending, and nothing else",
        known=orphan(None, pending=pending()),
        status=PairStatus.START_UNCONFIRMED,
        exit_status=ExitStatus.TRY_LATER,
    ),
    Orphan(
        name="pending, and its task is running", known=orphan(pending=pending()), found=snapshot(task()),
        status=PairStatus.RUNNING,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", ORPHANS, ids=lambda case: case.name)
def test_orphan(case: Orphan) -> None:
    """An orphaned task is reported while it is live, and once if it ended badly."""
    found = findings({FINGERPRINT: case.known, OTHER.fingerprint: record(None, OTHER)}, case.found, config=(OTHER,))
    first, *others = assess(found)
    assert first.name == "sequencer"
    assert [made.status for made in others] == ([case.status] if case.status else [])
    for made in others:
        assert made.is_orphaned
        assert made.known_by_label is case.by_label
        assert made.exit_status is case.exit_status
        assert (made.problem == LOST) is (made.status is PairStatus.START_UNCONFIRMED)
        assert (made.name, made.fingerprint, made.max_age) == ("microscope", FINGERPRINT, None)


def test_orphans_wait_for_a_run_of_all_pairs() -> None:
    """With -p they are left out: a bad end is reported once, to who looks after all pairs."""
    records = {FINGERPRINT: orphan()}
    found = findings(records, snapshot(ended(status="FAILED")), config=(OTHER, THIRD), pairs=(OTHER,))
    assert [made.name for made in assess(found)] == ["sequencer"]


def test_reports_come_in_the_order_of_the_config() -> None:
    """One report a pair, in order."""
    assert [made.name for made in assess(findings({}, config=(OTHER, PAIR)))] == ["sequencer", "microscope"]


@pytest.mark.parametrize(
    ("failure", "status", "reason", "fix"),
    [
        (NO_ANSWER, PairStatus.NOT_REACHED, NO_ANSWER.reason, NO_ANSWER.fix),
        (NO_TOKEN, PairStatus.SIGN_IN_REJECTED, NO_TOKEN.reason, NO_TOKEN.fix),
        (
            rejected("Odd", "no"),
            PairStatus.NOT_REACHED,
            "Globus rejected the request: no",
            "the next run asks again; if this persists, report it to Globus support",
        ),
    ],
)
def test_without_globus(failure: Failure, status: PairStatus, reason: str, fix: str) -> None:
    """Every pair has the same reason; its last success and its age are known all the same."""
    records = {FINGERPRINT: record(success=success(at=NOW - 9 * DAY))}
    pairs = (replace(PAIR, max_age=DAY), OTHER)
    one, two = assess_without_globus(scope(*pairs), records, failure, NOW)
    for made in (one, two):
        assert (made.status, made.problem) == (status, Problem(reason=reason, fix=fix))
    assert one.is_too_old
    assert one.success == success(at=NOW - 9 * DAY)
    assert (two.success, two.counts_from) == (None, NOW)
