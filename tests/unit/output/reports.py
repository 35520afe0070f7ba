"""Reports to show: one for each status, and what is common to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import Success
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import SkippedPath, Task

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)  # 07:00 on the 25th in New Zealand
MIDNIGHT = datetime(2026, 11, 24, 11, tzinfo=UTC)
TASK_ID = "892b1a39-b9cf-5315-8b1c-a627618faabc"
LINK = f"https://app.globus.org/activity/{TASK_ID}"
SUCCESS = Success(task_id=TASK_ID, ended_at=MIDNIGHT - timedelta(days=1), files=2, bytes=11)
PROBLEM = Problem(reason="no space left for '/archive'", fix="make room there")
COMMAND = "globus endpoint permission create --permissions r 'c2:/my  lab/'"
DENIED = Problem(reason="permission denied for source '/my  lab'", fix="its owner must share it", command=COMMAND)
EVIL = "\x1b]0;x\x07\x1b[31mred\x9b31m\x7f\u202e\u2066\u2028\r\nline"


def live_task(**more: object) -> Task:
    """A task that runs since midnight."""
    task = Task(task_id=TASK_ID, status="ACTIVE", requested_at=MIDNIGHT)
    return replace(task, **more)  # type: ignore[arg-type]


def ended_task(status: str = "SUCCEEDED", **more: object) -> Task:
    """A task that began four hours before midnight."""
    task = Task(task_id=TASK_ID, status=status, requested_at=MIDNIGHT - timedelta(hours=4), ended_at=MIDNIGHT)
    return replace(task, **more)  # type: ignore[arg-type]


def pair_report(status: PairStatus = PairStatus.RUNNING, name: str = "microscope", **more: object) -> PairReport:
    """A report on a pair of this status, without anything else."""
    return replace(PairReport(fingerprint="0123456789abcdef", name=name, status=status, at=NOW), **more)  # type: ignore[arg-type]


_UNASKED = Problem(reason="Globus Auth answered 503", fix="nothing is lost; the next run tries again")
_KNOWN: dict[str, Any] = {"since": MIDNIGHT, "task_id": TASK_ID, "success": SUCCESS}

BY_STATUS = {
    PairStatus.STARTED: pair_report(PairStatus.STARTED, since=NOW, task_id=TASK_ID),
    PairStatus.RUNNING: pair_report(
        PairStatus.RUNNING,
        task=live_task(files_found=8, files_copied=7, bytes_copied=6_300_000, bytes_per_second=875, files_in_step=1),
        **_KNOWN,
    ),
    PairStatus.QUEUED: pair_report(PairStatus.QUEUED, since=MIDNIGHT, task_id=TASK_ID, task=live_task()),
    PairStatus.RUNNING_WITH_ERRORS: pair_report(
        PairStatus.RUNNING_WITH_ERRORS,
        task=live_task(files_copied=1, faults=2, deadline=NOW + timedelta(hours=5)),
        problem=PROBLEM,
        **_KNOWN,
    ),
    PairStatus.STUCK: pair_report(PairStatus.STUCK, since=MIDNIGHT, task_id=TASK_ID, task=live_task(), problem=DENIED),
    PairStatus.PAUSED: pair_report(
        PairStatus.PAUSED, task=live_task(), problem=Problem(reason="paused by the administrator"), **_KNOWN
    ),
    PairStatus.SUSPENDED: pair_report(
        PairStatus.SUSPENDED, task_id=TASK_ID, task=live_task(status="INACTIVE"), success=SUCCESS, problem=DENIED
    ),
    PairStatus.SUCCEEDED: pair_report(
        PairStatus.SUCCEEDED, task=ended_task(files_copied=1, bytes_copied=7_500_000, files_in_step=2), **_KNOWN
    ),
    PairStatus.SOURCE_IS_EMPTY: pair_report(
        PairStatus.SOURCE_IS_EMPTY,
        task=ended_task(paths_skipped=1),
        problem=PROBLEM,
        notes=("1 path was gone",),
        **_KNOWN,
    ),
    PairStatus.SUCCEEDED_WITH_GAPS: pair_report(
        PairStatus.SUCCEEDED_WITH_GAPS,
        task=ended_task(files_copied=1, bytes_copied=5, paths_skipped=5),
        skipped=tuple(SkippedPath(code="PERMISSION_DENIED", source_path=f"/my  lab/{name}") for name in "abcd"),
        problem=DENIED,
        **_KNOWN,
    ),
    PairStatus.STOPPED_AT_TIME_LIMIT: pair_report(
        PairStatus.STOPPED_AT_TIME_LIMIT, task=ended_task("FAILED", files_copied=1200, bytes_copied=10**12), **_KNOWN
    ),
    PairStatus.RAN_OUT_OF_TIME: pair_report(
        PairStatus.RAN_OUT_OF_TIME, task=ended_task("FAILED", files_in_step=1), problem=PROBLEM, **_KNOWN
    ),
    PairStatus.FAILED: pair_report(
        PairStatus.FAILED, since=MIDNIGHT, task_id=TASK_ID, task=ended_task("FAILED"), problem=PROBLEM
    ),
    PairStatus.CANCELLED: pair_report(
        PairStatus.CANCELLED, task=ended_task("FAILED"), problem=Problem(reason="somebody cancelled it"), **_KNOWN
    ),
    PairStatus.WAITING_FOR_ROOM: pair_report(PairStatus.WAITING_FOR_ROOM, since=MIDNIGHT, problem=PROBLEM),
    PairStatus.WAITING_FOR_EARLIER_TASK: pair_report(PairStatus.WAITING_FOR_EARLIER_TASK, problem=PROBLEM),
    PairStatus.NEVER_RUN: pair_report(PairStatus.NEVER_RUN),
    PairStatus.UNKNOWN_TO_GLOBUS: pair_report(PairStatus.UNKNOWN_TO_GLOBUS, since=MIDNIGHT, task_id=TASK_ID),
    PairStatus.REJECTED: pair_report(PairStatus.REJECTED, since=MIDNIGHT, problem=PROBLEM),
    PairStatus.BLOCKED: pair_report(PairStatus.BLOCKED, since=MIDNIGHT, problem=DENIED, success=SUCCESS),
    PairStatus.START_UNCONFIRMED: pair_report(PairStatus.START_UNCONFIRMED, problem=_UNASKED),
    PairStatus.NOT_REACHED: pair_report(PairStatus.NOT_REACHED, problem=_UNASKED, success=SUCCESS),
    PairStatus.SIGN_IN_REJECTED: pair_report(PairStatus.SIGN_IN_REJECTED, problem=PROBLEM),
    PairStatus.WOULD_START: pair_report(
        PairStatus.WOULD_START, notes=("all files are compared by checksum",), document={"label": "x", "DATA": [1]}
    ),
}
