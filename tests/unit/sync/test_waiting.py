"""Since when a pair only waits, and what to do once that is too long."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from globus_sync_directory.model.answer import Unavailable
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.sync.waiting import with_wait, with_waits

from .samples import BEGUN, DAY, FINGERPRINT, HOUR, NOW, PAIR, pending, record, task

QUEUED, ROOM, EARLIER = PairStatus.QUEUED, PairStatus.WAITING_FOR_ROOM, PairStatus.WAITING_FOR_EARLIER_TASK
UNCONFIRMED, AWAY = PairStatus.START_UNCONFIRMED, PairStatus.NOT_REACHED
WAITING = (QUEUED, ROOM, EARLIER, UNCONFIRMED, AWAY)
TRIES_AGAIN = Problem(reason="no answer", fix=Unavailable.fix)
HELD_UP = record(held_up_since=NOW - DAY)


def report(status: PairStatus, since: datetime | None = None, found: Task | None = None) -> PairReport:
    """Return a report on PAIR without anything else."""
    return PairReport(fingerprint=FINGERPRINT, name=PAIR.name, status=status, at=NOW, since=since, task=found)


def test_what_waits() -> None:
    """These may last for ever without anything being wrong; every other status is 1 or 4, or ends by itself."""
    assert {status for status in PairStatus if status.waits} == set(WAITING)


@pytest.mark.parametrize(
    ("made", "known", "waits_since"),
    [
        (report(AWAY), None, NOW),
        (report(AWAY), record(), NOW),
        (report(AWAY), HELD_UP, NOW - DAY),
        (report(AWAY), record(held_up_since=NOW + DAY), NOW),
        (report(EARLIER), HELD_UP, NOW - DAY),
        (report(ROOM, NOW - 2 * DAY), HELD_UP, NOW - 2 * DAY),
        (report(ROOM, NOW - HOUR), HELD_UP, NOW - DAY),
        (report(UNCONFIRMED), record(pending=pending(at=NOW - 3 * DAY)), NOW - 3 * DAY),
        (report(UNCONFIRMED), record(pending=pending(at=NOW - HOUR), held_up_since=NOW - DAY), NOW - DAY),
        (report(UNCONFIRMED), record(), NOW),
        (report(QUEUED, BEGUN, task()), record(), BEGUN),
        (report(QUEUED, BEGUN, task(files_found=1)), record(), NOW),
        (report(QUEUED, BEGUN, task(files_found=1)), record(held_up_since=NOW - HOUR), NOW - HOUR),
        (report(PairStatus.RUNNING, BEGUN, task()), HELD_UP, None),
        (report(PairStatus.PAUSED, BEGUN, task()), HELD_UP, None),
        (report(PairStatus.STARTED, BEGUN), HELD_UP, None),
        (replace(report(QUEUED, BEGUN, task()), known_by_label=True), HELD_UP, None),
    ],
)
def test_since_when(made: PairReport, known: PairRecord | None, waits_since: datetime | None) -> None:
    """The first run that could only say so, or what the status itself tells, whichever is earlier."""
    assert with_wait(made, known).waits_since == waits_since


@pytest.mark.parametrize("status", WAITING)
@pytest.mark.parametrize("problem", [None, TRIES_AGAIN])
def test_what_to_do(status: PairStatus, problem: Problem | None) -> None:
    """Until it is too long the report stays as it was; then the fix is something that a person does."""
    made = replace(report(status), problem=problem)
    known = record(held_up_since=NOW - 2 * DAY)
    assert with_wait(made, known) == replace(made, waits_since=NOW - 2 * DAY)
    late = with_wait(made, replace(known, held_up_since=NOW - 2 * DAY - timedelta(seconds=1)))
    assert late.problem is not None
    assert "next run" not in late.problem.fix
    assert "nothing" not in late.problem.fix.split(";")[0]
    if problem:
        assert late.problem.reason == problem.reason


def test_a_fix_that_is_one() -> None:
    """Where Globus is not reached for a reason that a person can remove, that stays the fix."""
    problem = Problem(reason="the proxy does not answer", fix="correct https_proxy")
    late = with_wait(replace(report(AWAY), problem=problem), record(held_up_since=NOW - 9 * DAY))
    assert (late.waits_too_long, late.problem) == (True, problem)


@pytest.mark.parametrize("before", [None, NOW - 3 * DAY])
def test_with_waits(before: datetime | None) -> None:
    """What a report says is remembered, also that a pair waits no more; other records stay as they are."""
    records = {FINGERPRINT: record(held_up_since=before), "other": HELD_UP}
    waits = replace(report(AWAY), waits_since=NOW - DAY)
    unknown = replace(waits, fingerprint="unknown")
    after = with_waits(records, [waits, unknown])
    assert after == {FINGERPRINT: record(held_up_since=NOW - DAY), "other": HELD_UP}
    assert with_waits(records, [report(PairStatus.RUNNING)])[FINGERPRINT] == record()


@pytest.mark.parametrize("status", [status for status in WAITING if status is not AWAY])
def test_the_fix_of_a_wait(status: PairStatus) -> None:
    """Where Globus is reached, to wait on is not the fix any more, whatever it was."""
    made = replace(report(status), problem=Problem(reason="full", fix="a later run starts it", command="true"))
    late = with_wait(made, record(held_up_since=NOW - 3 * DAY)).problem
    assert late is not None
    assert (late.reason, late.fix != "a later run starts it", late.command != "true") == ("full", True, True)
