"""Records + snapshot -> records: what a run remembers of each pair from now on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from globus_sync_directory.model.pair import task_label
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import FailedStart, LastTask, LeftConfig, PairRecord, Success
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.records import (
    has_ended,
    last_task,
    record_of,
    update_records,
    with_ends_reported,
    with_failed_starts,
    with_task,
)
from globus_sync_directory.sync.snapshot import Snapshot

from .samples import (
    BEGUN,
    DAY,
    DESTINATION,
    ENDED,
    FINGERPRINT,
    HOUR,
    MINUTE,
    NO_ANSWER,
    NOW,
    OTHER,
    PAIR,
    SOURCE,
    ended,
    new_id,
    orphan,
    pending,
    record,
    remembered,
    scope,
    snapshot,
    success,
    task,
)

LIMITED = replace(PAIR, time_limit=5 * HOUR)
YEAR = timedelta(days=365)
NEW = PairRecord(name="microscope", first_seen=NOW, source=SOURCE, destination=DESTINATION)
LOOKED = snapshot(task(8, OTHER))  # of our pair it shows nothing


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is remembered of a pair before a look at Globus, and afterwards."""

    name: str
    before: PairRecord | None
    found: Snapshot
    after: PairRecord


CASES = [
    Case(name="a new pair", before=None, found=LOOKED, after=NEW),
    Case(
        name="a new pair, whose history was asked for",
        before=None,
        found=snapshot(has_recent=True),
        after=replace(NEW, has_history=True),
    ),
    Case(
        name="a lost record: the newest task and the newest full success",
        before=None,
        found=snapshot(
            ended(1, requested_at=BEGUN - 3 * DAY, ended_at=BEGUN - 2 * DAY),
            ended(2, requested_at=BEGUN - 2 * DAY, ended_at=BEGUN - DAY),
            ended(3, status="FAILED", requested_at=BEGUN),
            ended(4, requested_at=BEGUN - DAY, paths_skipped=1),
            ended(5, pair=OTHER, requested_at=NOW),
            has_recent=True,
        ),
        after=replace(NEW, has_history=True, task=remembered(3), success=success(2, BEGUN - DAY)),
    ),
    Case(
        name="without the question for history nothing is taken from it",
        before=None,
        found=snapshot(ended(1)),
        after=NEW,
    ),
    Case(
        name="a record that has a task and no history keeps the task, and gains the success",
        before=record(1, has_history=False),
        found=snapshot(
            ended(1, status="FAILED", requested_at=BEGUN - DAY),
            ended(2, requested_at=BEGUN - 2 * DAY),
            ended(3, status="FAILED"),
            has_recent=True,
        ),
        after=record(1, success=success(2)),
    ),
    Case(
        name="a record that has a success keeps it",
        before=record(1, has_history=False, success=success(7, BEGUN)),
        found=snapshot(ended(2, requested_at=BEGUN - DAY), has_recent=True),
        after=record(1, success=success(7, BEGUN)),
    ),
    Case(
        name="history is taken once",
        before=record(None),
        found=snapshot(ended(2), has_recent=True),
        after=record(None),
    ),
    Case(name="nothing new", before=record(1), found=snapshot(task(1)), after=record(1)),
    Case(
        name="a success",
        before=record(1, success=success(7, BEGUN)),
        found=snapshot(ended(1, files_copied=3, bytes_copied=11)),
        after=record(1, success=Success(task_id=new_id(1), ended_at=ENDED, files=3, bytes=11)),
    ),
    Case(
        name="a success whose end Globus does not tell",
        before=record(1),
        found=snapshot(ended(1, ended_at=None)),
        after=record(1, success=success(1, BEGUN)),
    ),
    Case(name="gaps", before=record(1), found=snapshot(ended(1, paths_skipped=1)), after=record(1)),
    Case(name="a failure", before=record(1), found=snapshot(ended(1, status="FAILED")), after=record(1)),
    Case(
        name="a live task that was not remembered",
        before=record(1, waiting_since=NOW),
        found=snapshot(ended(1, status="FAILED"), task(2)),
        after=record(2, replaced=remembered(1)),
    ),
    Case(
        name="the task before succeeded while an unknown one runs",
        before=record(1),
        found=snapshot(ended(1), task(2)),
        after=record(2, replaced=remembered(1), success=success(1)),
    ),
    Case(
        name="the first live task, and the newest of several",
        before=None,
        found=snapshot(task(2, requested_at=BEGUN - DAY), task(3), task(4, requested_at=BEGUN - HOUR)),
        after=replace(NEW, task=remembered(3)),
    ),
    Case(
        name="two live tasks: the remembered one stays",
        before=record(1),
        found=snapshot(task(1, requested_at=BEGUN - DAY), task(2)),
        after=record(1),
    ),
    Case(
        name="a live task leaves a pending submission to be resolved",
        before=record(1, pending=pending()),
        found=snapshot(ended(1, status="FAILED"), task(2)),
        after=record(2, replaced=remembered(1), pending=pending()),
    ),
    Case(
        name="a replaced task that is gone is forgotten",
        before=record(2, replaced=remembered(1)),
        found=snapshot(task(2), gone=[1]),
        after=record(2),
    ),
    Case(
        name="a replaced task that is there waits to be reported",
        before=record(2, replaced=remembered(1)),
        found=snapshot(task(2), ended(1)),
        after=record(2, replaced=remembered(1)),
    ),
    Case(
        name="a pair that comes back finds its record",
        before=orphan(1, is_end_reported=True, success=success(), name="microsocpe"),
        found=snapshot(ended(1)),
        after=record(1, success=success()),
    ),
    Case(
        name="a record that was found by its label learns its ends",
        before=record(1, source=None, destination=None, name="x"),
        found=snapshot(task(1)),
        after=record(1),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_update_records(case: Case) -> None:
    """What a look at Globus changes in the record of a pair; the other pair of the config is not part of this run."""
    before = {FINGERPRINT: case.before} if case.before else {}
    known = {**before, OTHER.fingerprint: record(8, OTHER)}
    updated = update_records(known, case.found, scope(PAIR, config=(OTHER, PAIR)), NOW)
    assert updated == {FINGERPRINT: case.after, OTHER.fingerprint: record(8, OTHER)}


def test_a_pair_outside_of_this_run_is_no_orphan() -> None:
    """With -p A a live task of B makes no record, for B is in the config."""
    updated = update_records({}, snapshot(task(8, OTHER)), scope(PAIR, config=(OTHER, PAIR)), NOW)
    assert updated == {FINGERPRINT: NEW}


def test_an_adopted_task_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A task that this state file does not know is worth a line: who started it?"""
    caplog.set_level("INFO")
    update_records({FINGERPRINT: record(1)}, snapshot(task(2)), scope(PAIR), NOW)
    assert caplog.messages == [f"microscope: adopted task {new_id(2)}, which was not remembered"]
    caplog.clear()
    update_records({FINGERPRINT: record(2)}, snapshot(task(2)), scope(PAIR), NOW)
    assert caplog.messages == []


@pytest.mark.parametrize(("pair", "deadline"), [(PAIR, None), (LIMITED, ENDED), (None, None)])
def test_the_deadline_of_an_adopted_task(pair: Any, deadline: datetime | None) -> None:
    """It is ours only where the pair has a time limit; else Globus set it."""
    assert last_task(task(deadline=ENDED), pair) == remembered(deadline=deadline)


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """What is remembered of a pair that is not in the config, before and after a look; None: nothing."""

    name: str
    before: PairRecord | None
    found: Snapshot
    after: PairRecord | None


LEFT_NOW = LeftConfig(since=NOW)
REPORTED_NOW = LeftConfig(since=NOW, is_end_reported=True)
ORPHANS = [
    Orphan(
        name="a running task whose pair has just left the config",
        before=record(1),
        found=snapshot(task(1)),
        after=record(1, left_config=LEFT_NOW),
    ),
    Orphan(name="it is still running", before=orphan(1), found=snapshot(task(1)), after=orphan(1)),
    Orphan(name="no answer about it", before=orphan(1), found=snapshot(unanswered={1: NO_ANSWER}), after=orphan(1)),
    Orphan(name="it is not listed yet", before=orphan(1), found=LOOKED, after=orphan(1)),
    Orphan(
        name="it succeeded, which needs no report",
        before=orphan(1),
        found=snapshot(ended(1)),
        after=orphan(1, is_end_reported=True, success=success()),
    ),
    Orphan(
        name="it failed, which is yet to be reported",
        before=orphan(1, replaced=remembered(2)),
        found=snapshot(ended(1, status="FAILED"), ended(2)),
        after=orphan(1, replaced=remembered(2)),
    ),
    Orphan(
        name="it is gone, of which there is nothing to report",
        before=orphan(1, replaced=remembered(2)),
        found=snapshot(gone=[1], unanswered={2: NO_ANSWER}),
        after=orphan(1, is_end_reported=True),
    ),
    Orphan(
        name="a pair that never ran",
        before=record(None),
        found=LOOKED,
        after=record(None, left_config=REPORTED_NOW),
    ),
    Orphan(
        name="a pending submission holds it",
        before=orphan(None, pending=pending()),
        found=LOOKED,
        after=orphan(None, pending=pending()),
    ),
    Orphan(
        name="a live task that was not remembered",
        before=orphan(1),
        found=snapshot(ended(1), task(2)),
        after=orphan(2, replaced=remembered(1), success=success(1)),
    ),
    Orphan(
        name="a live task of a pair that had ended for us",
        before=orphan(1, is_end_reported=True),
        found=snapshot(task(2)),
        after=orphan(2, replaced=remembered(1)),
    ),
    Orphan(
        name="a live task of a pair that nobody knows",
        before=None,
        found=snapshot(task(1, deadline=ENDED)),
        after=PairRecord(name="microscope", first_seen=NOW, task=remembered(1), left_config=LEFT_NOW),
    ),
    Orphan(
        name="the newest of two",
        before=None,
        found=snapshot(task(1, requested_at=BEGUN - DAY), task(2)),
        after=PairRecord(name="microscope", first_seen=NOW, task=remembered(2), left_config=LEFT_NOW),
    ),
    Orphan(
        name="a label without a name",
        before=None,
        found=snapshot(task(1, label=task_label("", FINGERPRINT, new_id(1)))),
        after=PairRecord(name=FINGERPRINT, first_seen=NOW, task=remembered(1), left_config=LEFT_NOW),
    ),
    Orphan(name="an ended task of a pair that nobody knows", before=None, found=snapshot(ended(1)), after=None),
    Orphan(name="a task that this tool did not start", before=None, found=snapshot(task(1, None)), after=None),
]


@pytest.mark.parametrize("case", ORPHANS, ids=lambda case: case.name)
def test_orphans(case: Orphan) -> None:
    """A record whose pair left the config, and a live task of ours that no pair of the config asks for."""
    known = {OTHER.fingerprint: record(8, OTHER)} | ({FINGERPRINT: case.before} if case.before else {})
    updated = update_records(known, case.found, scope(OTHER), NOW)
    assert updated.get(FINGERPRINT) == case.after
    assert updated[OTHER.fingerprint] == record(8, OTHER)
    assert len(updated) == 1 + bool(case.after)


@pytest.mark.parametrize(
    ("known", "found", "is_kept"),
    [
        (replace(orphan(1), left_config=LeftConfig(since=NOW - YEAR, is_end_reported=True)), LOOKED, True),
        (replace(orphan(1), left_config=LeftConfig(since=NOW - YEAR - MINUTE, is_end_reported=True)), LOOKED, False),
        (replace(orphan(1), left_config=LeftConfig(since=NOW - 2 * YEAR)), snapshot(task(1)), True),
        (replace(orphan(1), left_config=LeftConfig(since=NOW - 2 * YEAR)), LOOKED, True),
        (replace(orphan(1), left_config=LeftConfig(since=NOW - 2 * YEAR)), snapshot(ended(1)), False),
        (replace(orphan(1), left_config=LeftConfig(since=NOW - 2 * YEAR), pending=pending()), LOOKED, True),
    ],
)
def test_records_of_pairs_that_left_are_kept_for_a_year(known: PairRecord, found: Snapshot, is_kept: bool) -> None:
    """And for as long as their last task may be live: a typo must not cost a pair its memory."""
    updated = update_records({FINGERPRINT: known}, found, scope(OTHER), NOW)
    assert (FINGERPRINT in updated) is is_kept


def test_at_most_a_thousand_records_of_pairs_that_left() -> None:
    """The oldest are forgotten; what is in the config, or running, is not counted."""
    left = {
        f"{number:016x}": replace(
            orphan(None), left_config=LeftConfig(since=NOW - number * MINUTE, is_end_reported=True)
        )
        for number in range(1002)
    }
    running = replace(orphan(1), left_config=LeftConfig(since=NOW - DAY))
    known = {OTHER.fingerprint: record(8, OTHER), **left, FINGERPRINT: running}
    updated = update_records(known, snapshot(task(1), task(8, OTHER)), scope(OTHER), NOW)
    assert set(known) - set(updated) == {f"{1000:016x}", f"{1001:016x}"}


def test_record_of() -> None:
    """A pair's record has its present name and ends, and no sign that it was ever away."""
    known = orphan(1, name="old", source=None, destination=None)
    assert record_of({FINGERPRINT: known}, PAIR, NOW) == record(1)
    assert record_of({}, PAIR, NOW) == NEW


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
