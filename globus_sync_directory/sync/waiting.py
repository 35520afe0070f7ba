"""Which pairs only wait, since when, and what to do about a wait that does not end. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from globus_sync_directory.model.answer import Unavailable
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus

_TASK_LIST = "globus task list --filter-status ACTIVE --filter-status INACTIVE"
# The reason where the report has none, and what a person can do: the next run has tried often enough.
_TOO_LONG = {
    PairStatus.WAITING_FOR_ROOM: Problem(
        reason="this application already has the maximum number of pending tasks",
        fix="look at the tasks of this application (see README), and cancel those that hang; or start some pairs with "
        "another application",
        command=_TASK_LIST,
    ),
    PairStatus.WAITING_FOR_EARLIER_TASK: Problem(
        reason="",
        fix="look at the earlier task, and cancel it if it hangs; if there is no such task, ask Globus support",
    ),
    PairStatus.START_UNCONFIRMED: Problem(
        reason="", fix="run check; if it finds nothing, ask Globus support why there is no answer"
    ),
    PairStatus.QUEUED: Problem(
        reason="Globus has not begun this task",
        fix="look at the tasks of this application that are ahead of it (see README), and cancel those that hang; or "
        "start fewer pairs at the same hour",
        command=_TASK_LIST,
    ),
    PairStatus.NOT_REACHED: Problem(
        reason="", fix="run check; if the network of this host works, look at https://status.globus.org"
    ),
}


def with_wait(report: PairReport, record: PairRecord | None) -> PairReport:
    """
    Return the report of a pair that waits with the time since when, else ``report`` as it is.

    ``record`` is what is remembered of the pair. If the pair waits for too long, the fix is not to wait any more.
    """
    if not report.status.waits or report.known_by_label:  # the latter may be of another config
        return report
    known = (record.held_up_since if record else None, _began(report, record))
    waits = replace(report, waits_since=min([report.at, *filter(None, known)]))
    return replace(waits, problem=_problem(waits)) if waits.waits_too_long else waits


def with_waits(records: Mapping[str, PairRecord], reports: Sequence[PairReport]) -> dict[str, PairRecord]:
    """Return the records with the time since when each reported pair waits; None for one that does not."""
    updated = dict(records)
    for report in reports:
        if record := records.get(report.fingerprint):
            updated[report.fingerprint] = replace(record, held_up_since=report.waits_since)
    return updated


def _began(report: PairReport, record: PairRecord | None) -> datetime | None:
    """Return since when the pair waits according to its status; None if the status does not tell."""
    if report.status is PairStatus.START_UNCONFIRMED:
        return record.pending.reserved_at if record and record.pending else None
    if report.task and report.task.has_seen_files:  # it was paused, and is in the queue again
        return None
    return report.since


def _problem(report: PairReport) -> Problem:
    usual = _TOO_LONG[report.status]
    if report.problem is None:
        return usual
    if report.status is PairStatus.NOT_REACHED and report.problem.fix != Unavailable.fix:
        return report.problem  # there is something to do already
    return replace(report.problem, fix=usual.fix, command=usual.command)
