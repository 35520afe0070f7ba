"""What else is in a report: age, the task before, names, notes; and what is known without Globus."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.answer import Failure
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import FailedStart, PairRecord
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.sync.assess import assess, assess_without_globus
from globus_sync_directory.sync.details import Details
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.snapshot import Snapshot

from .assessing import NOTHING_KNOWN, findings, report_on_pair
from .samples import (
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
    ended,
    event,
    expired,
    new_id,
    record,
    rejected,
    remembered,
    scope,
    snapshot,
    success,
    task,
)


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
    details = {new_id(1): Details(events=(event("AUTH", is_error=True, details=f"Endpoint: ({ONE})"),))}
    made = report_on_pair(record(), snapshot(ended(status="FAILED", source_name="Lab PC")), details=details)
    assert made.problem is not None
    assert f"collection 'Lab PC' ({ONE})" in made.problem.reason


def test_names_of_collections_of_a_failed_start() -> None:
    """A pair that was not started names its collections like one that runs, where a task shows their names."""
    problem = Problem(reason=f"permission denied for source '/images' on collection {ONE}", fix="share it")
    known = snapshot(ended(7, source_name="Lab PC"))
    made = report_on_pair(
        record(None, failed_start=FailedStart(status=PairStatus.BLOCKED, problem=problem, since=NOW)), known
    )
    assert made.problem is not None
    assert made.problem.reason.endswith(f"on collection 'Lab PC' ({ONE})")


def test_two_live_tasks() -> None:
    """They need attention, and each has its note; tasks that ended and those of other pairs get none."""
    found = snapshot(task(1), task(2), task(3, OTHER), ended(4))
    made = report_on_pair(record(1), found)
    (note,) = made.notes
    assert (made.task_id, made.status, made.exit_status) == (new_id(1), PairStatus.RUNNING, ExitStatus.ATTENTION)
    assert made.problem is not None
    assert made.problem.reason == f"more than one task of this pair is running: {new_id(1)}, {new_id(2)}"
    assert made.problem.command == f"globus task cancel {new_id(2)}"
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


def test_dry_run() -> None:
    """The document that would be submitted is part of the report."""
    outcome = Outcome(status=PairStatus.WOULD_START, notes=("why",), document={"label": "x"})
    made = report_on_pair(record(), snapshot(ended()), outcome)
    assert (made.status, made.notes, made.document) == (PairStatus.WOULD_START, ("why",), {"label": "x"})


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
