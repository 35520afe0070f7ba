"""One task and its details -> the report on it: a row for every status, with its reason and its fix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Pause, SkippedPath, Task
from globus_sync_directory.sync.details import Details

from .samples import ENDED, HOUR, IDENTITY, MINUTE, NOW, ONE, PAIR, TWO, ended, event, expired, new_id, task
from .task_reports import BLANK, DENIED, GAP, LOST, NOTHING, report

CANCEL = f"globus task cancel {new_id(1)}"
LIMITED = replace(PAIR, time_limit=5 * HOUR)
OFFLINE = event("CONNECT_FAILED", is_error=True, at=ENDED - MINUTE, details=f"Endpoint: ({TWO})")
WHOLE_SOURCE = SkippedPath(code="PERMISSION_DENIED", source_path="/images/")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A task, what is known about it, and what the report says: the beginnings of its reason and of its fix."""

    name: str
    found: Task
    details: Details = NOTHING
    pair: Pair | None = PAIR
    deadline_sent: datetime | None = None
    status: PairStatus
    reason: str | None = None
    fix: str = ""
    command: str = ""


FAILING = task(is_ok=False, nice_status="CONNECT_FAILED")
WITHOUT_REASON = "nothing to do, unless this was unintended"
RAISE = "raise timelimitmins of [microscope], or remove it: Globus then continues as long as it makes progress"
SUSPENDED = "fix that, then cancel the task with the application's credentials"
EITHER = f"the source collection {ONE} or the destination collection {TWO}"
CASES = [
    Case(name="running", found=task(), status=PairStatus.RUNNING),
    Case(name="queued", found=task(nice_status="Queued"), status=PairStatus.QUEUED),
    Case(name="succeeded", found=ended(), status=PairStatus.SUCCEEDED),
    Case(
        name="succeeded, whatever its last trouble was",
        found=ended(is_ok=False, nice_status="CONNECT_FAILED"),
        status=PairStatus.SUCCEEDED,
    ),
    Case(
        name="stopped at its time limit",
        found=expired(),
        deadline_sent=ENDED,
        status=PairStatus.STOPPED_AT_TIME_LIMIT,
    ),
    Case(
        name="errors, without a log: the short reason",
        found=replace(FAILING, requested_at=NOW - MINUTE),
        status=PairStatus.RUNNING_WITH_ERRORS,
        reason=f"{EITHER} cannot be reached",
        fix="wait; if this persists, ask the collection's administrator",
    ),
    Case(
        name="stuck, with a log: its newest error, about the path and the collection that it names",
        found=FAILING,
        details=Details(events=(DENIED, OFFLINE)),
        status=PairStatus.STUCK,
        reason=f"permission denied for source '/images/run 7' on collection {ONE}",
        fix="let the account that shares the collection read it, or leave it out with exclude",
    ),
    Case(
        name="stuck, whose log has no details: its description",
        found=FAILING,
        details=Details(events=(replace(DENIED, code="NEW", details="", description="the tape robot rests"),)),
        status=PairStatus.STUCK,
        reason="Globus says: the tape robot rests",
        fix="if this persists, send these words to the collection's administrator",
    ),
    Case(
        name="stuck, whose log has details that nobody knows: their message",
        found=FAILING,
        details=Details(
            events=(replace(DENIED, code="NEW", details="Error (list)\nMessage: out of tape", description="it rests"),)
        ),
        status=PairStatus.STUCK,
        reason="Globus says: new: out of tape",
        fix="if this persists, send these words to the collection's administrator",
    ),
    Case(
        name="paused, by whom and why",
        found=task(is_paused=True),
        details=Details(pauses=(Pause(collection=TWO, message="moving house"),)),
        status=PairStatus.PAUSED,
        reason=f"paused by the administrator of the destination collection {TWO}: 'moving house'",
        fix="nothing to do during maintenance",
    ),
    Case(
        name="paused, nobody knows why",
        found=task(is_paused=True),
        status=PairStatus.PAUSED,
        reason=f"paused by the administrator of {EITHER}",
        fix="nothing to do during maintenance",
    ),
    Case(
        name="suspended, with a log",
        found=task(status="INACTIVE", is_ok=False),
        details=Details(events=(DENIED,)),
        status=PairStatus.SUSPENDED,
        reason=f"permission denied for source '/images/run 7' on collection {ONE}",
        fix=SUSPENDED,
        command=CANCEL,
    ),
    Case(
        name="suspended, without any reason",
        found=task(status="INACTIVE"),
        status=PairStatus.SUSPENDED,
        reason="Globus has suspended the task until somebody acts",
        fix=SUSPENDED,
        command=CANCEL,
    ),
    Case(
        name="out of time after an error",
        found=expired(files_copied=0),
        details=Details(events=(OFFLINE,)),
        pair=LIMITED,
        status=PairStatus.RAN_OUT_OF_TIME,
        reason=f"the destination collection {TWO} cannot be reached",
        fix="wait; if this persists, ask the collection's administrator",
    ),
    Case(
        name="out of time in the queue",
        found=expired(files_copied=0),
        pair=LIMITED,
        deadline_sent=ENDED,
        status=PairStatus.RAN_OUT_OF_TIME,
        reason="the time limit of 300 minutes passed in the queue (Globus runs three transfers per application",
        fix=RAISE,
    ),
    Case(
        name="out of time while comparing",
        found=expired(files_copied=0),
        details=Details(events=(event("STARTED", at=ENDED - HOUR),)),
        pair=replace(PAIR, time_limit=MINUTE),
        deadline_sent=ENDED,
        status=PairStatus.RAN_OUT_OF_TIME,
        reason="the time limit of 1 minute passed while the two sides were compared",
        fix=RAISE,
    ),
    Case(
        name="out of Globus' own time",
        found=expired(),
        status=PairStatus.RAN_OUT_OF_TIME,
        reason="Globus stopped the task because it made no progress",
        fix="read its log on the task's page",
    ),
    Case(
        name="cancelled by an administrator, who said why",
        found=ended(status="FAILED", fatal_code="CANCELED", cancelled_by="SOURCE", cancel_message="the disk\nis full"),
        details=Details(events=(DENIED, event("CANCELED", details="Canceled by somebody"))),
        status=PairStatus.CANCELLED,
        reason=f"an administrator of the source collection {ONE} cancelled it: 'the disk is full'",
        fix="speak to that administrator first",
    ),
    Case(
        name="cancelled by an administrator, whatever the code is",
        found=ended(status="FAILED", cancelled_by="DESTINATION"),
        status=PairStatus.CANCELLED,
        reason=f"an administrator of the destination collection {TWO} cancelled it, and left no message",
        fix="speak to that administrator first",
    ),
    Case(
        name="cancelled by its owner",
        found=ended(status="FAILED", fatal_code="CANCELED"),
        details=Details(events=(DENIED, event("CANCELED"), event("CANCELED", details="Canceled by the\ntask owner"))),
        status=PairStatus.CANCELLED,
        reason="Canceled by the task owner",
        fix=WITHOUT_REASON,
    ),
    Case(
        name="cancelled without a word",
        found=ended(status="FAILED", fatal_code="CANCELED"),
        status=PairStatus.CANCELLED,
        reason="somebody cancelled it",
        fix=WITHOUT_REASON,
    ),
    Case(
        name="gaps: the first path",
        found=ended(paths_skipped=2),
        details=Details(skipped=(GAP, LOST)),
        status=PairStatus.SUCCEEDED_WITH_GAPS,
        reason=f"permission denied for source '/images/run 7/a.tif' on collection {ONE}",
        fix="let the account that shares the collection read it, or leave it out with exclude",
    ),
    Case(
        name="gaps, not said which",
        found=ended(paths_skipped=2),
        status=PairStatus.SUCCEEDED_WITH_GAPS,
        reason="Globus does not say which paths were skipped",
        fix="see the task's page in the Globus web app",
    ),
    Case(
        name="the source itself was skipped",
        found=ended(paths_skipped=1),
        details=Details(skipped=(WHOLE_SOURCE,)),
        status=PairStatus.FAILED,
        reason=f"permission denied for source '/images' on collection {ONE}",
        fix=f"ask its owner to share it with {IDENTITY}, permission r",
        command=f"globus endpoint permission create --identity {IDENTITY[:36]} --permissions r {ONE}:/images/",
    ),
    Case(
        name="failed, with a log",
        found=ended(status="FAILED", fatal_code="ENDPOINT_ERROR", fatal_description="odd"),
        details=Details(events=(DENIED,)),
        status=PairStatus.FAILED,
        reason=f"permission denied for source '/images/run 7' on collection {ONE}",
        fix="let the account that shares the collection read it, or leave it out with exclude",
    ),
    Case(
        name="failed, without a log: the task's own words",
        found=ended(
            status="FAILED", fatal_code="ENDPOINT_ERROR", fatal_description="odd", is_ok=False, nice_status="AUTH"
        ),
        status=PairStatus.FAILED,
        reason=f"{EITHER} is not working properly at the moment: odd",
        fix="wait; if this persists, ask the collection's administrator",
    ),
    Case(
        name="failed without any reason",
        found=ended(status="FAILED"),
        status=PairStatus.FAILED,
        reason="Globus gives no reason",
        fix="look at the task in the Globus web app, or ask the collection's administrator",
    ),
    Case(name="a running orphan", found=task(), pair=None, status=PairStatus.RUNNING),
    Case(
        name="a suspended orphan: no run starts it again",
        found=task(status="INACTIVE"),
        pair=None,
        status=PairStatus.SUSPENDED,
        reason="Globus has suspended the task until somebody acts",
        fix="wait, or cancel it",
        command=CANCEL,
    ),
    Case(
        name="an orphan that is stuck",
        found=FAILING,
        details=Details(events=(DENIED,)),
        pair=None,
        status=PairStatus.STUCK,
        reason=f"permission denied for '/images/run 7' on collection {ONE}",
        fix="wait, or cancel it",
        command=CANCEL,
    ),
    Case(
        name="an orphan that failed: nothing can be done",
        found=ended(status="FAILED", fatal_code="CANCELED"),
        pair=None,
        status=PairStatus.CANCELLED,
        reason="somebody cancelled it",
    ),
    Case(
        name="an orphan that an administrator cancelled: no run starts it again",
        found=ended(pair=None, status="FAILED", fatal_code="CANCELED", cancelled_by="BOTH", cancel_message="no more"),
        pair=None,
        status=PairStatus.CANCELLED,
        reason="an administrator of the source collection and the destination collection cancelled it: 'no more'",
    ),
    Case(
        name="an orphan out of time: whose limit is not known",
        found=expired(),
        pair=None,
        status=PairStatus.RAN_OUT_OF_TIME,
        reason="Globus stopped the task because it made no progress",
    ),
    Case(
        name="gaps whose details name another place: that place",
        found=ended(paths_skipped=2),
        details=Details(
            skipped=(replace(GAP, details=f"Endpoint: ({TWO})\nFile: /archive/images/x\nDetails: 500 no"),)
        ),
        status=PairStatus.SUCCEEDED_WITH_GAPS,
        reason=f"permission denied for destination '/archive/images/x' on collection {TWO}: no",
        fix="on the collection's computer, let the account that shares the collection write to it",
    ),
    Case(
        name="an orphan with gaps",
        found=ended(paths_skipped=2),
        details=Details(skipped=(replace(GAP, source_path="/images"),)),
        pair=None,
        status=PairStatus.SUCCEEDED_WITH_GAPS,
        reason=f"permission denied for '/images' on collection {ONE}",
    ),
]


EMPTY = ended(files_found=0, files_copied=0)
NAMED = replace(EMPTY, source_name="Lab PC")


@pytest.mark.parametrize(
    ("found", "pair", "reason", "fix"),
    [
        (
            NAMED,
            PAIR,
            f"no file was found in source '/images' on collection 'Lab PC' ({ONE}), although there have been files "
            "before",
            "check that the disk is mounted; if the source may be empty, set allow_empty = true in [microscope]",
        ),
        (
            EMPTY,
            replace(PAIR, exclude=("*.tif",)),
            f"no file was found in source '/images' on collection {ONE}, although there have been files before",
            "check that the disk is mounted, and that exclude does not leave out everything; "
            "if the source may be empty, set allow_empty = true in [microscope]",
        ),
        (EMPTY, None, "no file was found at the source, although there have been files before", ""),
    ],
)
def test_empty_source(found: Task, pair: Pair | None, reason: str, fix: str) -> None:
    """A source that has lost its files is a problem, and the fix names both ways out."""
    made = report(found, pair=pair, may_be_empty=False)
    assert (made.status, made.counts_from) == (PairStatus.SOURCE_IS_EMPTY, BLANK.counts_from)
    assert made.problem == Problem(reason=reason, fix=fix)
    assert made.notes == BLANK.notes


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_problem(case: Case) -> None:
    """Every status has its reason and its fix, and those that are well have none."""
    made = report(case.found, case.details, case.pair, case.deadline_sent)
    assert made.status is case.status
    if case.reason is None:
        assert made.problem is None
        return
    assert made.problem is not None
    assert made.problem.reason[: len(case.reason)] == case.reason
    assert made.problem.fix[: len(case.fix)] == case.fix
    assert bool(made.problem.fix) == bool(case.fix)
    assert made.problem.command == case.command
