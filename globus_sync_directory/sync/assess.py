"""Records + snapshot + outcomes + details -> one report for each pair. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from globus_sync_directory.model.answer import Failure, Unavailable
from globus_sync_directory.model.collection import with_names
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import LastTask, PairRecord
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task, task_link
from globus_sync_directory.sync.details import Details
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.records import has_ended, record_of
from globus_sync_directory.sync.scope import Scope
from globus_sync_directory.sync.snapshot import Snapshot
from globus_sync_directory.sync.success import may_be_empty
from globus_sync_directory.sync.task_report import ReportedTask, report_on_task
from globus_sync_directory.sync.waiting import with_wait
from globus_sync_directory.text import shorten

_REPLY_LOST = Problem(reason="the answer of Globus was lost", fix="nothing to do; the next run resolves it")


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Everything that a run has found out before it reports; ``outcomes`` by fingerprint, ``details`` by task id."""

    scope: Scope
    records: Mapping[str, PairRecord]
    snapshot: Snapshot
    outcomes: Mapping[str, Outcome]
    details: Mapping[str, Details]
    now: datetime

    def with_details(
        self, task: Task, pair: Pair | None, record: PairRecord, deadline_sent: datetime | None
    ) -> ReportedTask:
        """Return ``task`` with what was found out about it; ``record`` is what is remembered of its pair."""
        return ReportedTask(
            task=task,
            pair=pair,
            deadline_sent=deadline_sent,
            details=self.details.get(task.task_id, Details()),
            identity=self.scope.identity,
            may_be_empty=may_be_empty(record, pair),
        )


def assess(findings: Findings) -> tuple[PairReport, ...]:
    """Return one report for each pair, in their order, then one for each orphaned task that is live or ended badly."""
    reports = [_with_earlier_task(assess_pair(pair, findings), pair, findings) for pair in findings.scope.pairs]
    if findings.scope.is_whole:  # the end of an orphaned task is reported only once, so by a run of all pairs
        reports += [
            _orphan_report(fingerprint, record, findings)
            for fingerprint, record in findings.scope.orphaned(findings.records).items()
            if _is_worth_reporting(record, findings)
        ]
    reports = [with_wait(report, findings.records.get(report.fingerprint)) for report in reports]
    tasks = findings.snapshot.known.values()
    names = {task.source_collection: task.source_name for task in tasks}
    names |= {task.destination_collection: task.destination_name for task in tasks}
    return tuple(_with_names(report, names) for report in reports)


def _with_names(report: PairReport, names: Mapping[str, str]) -> PairReport:
    """Return the report with the names of collections in its reason, where a task of ours shows them."""
    problem = report.problem and replace(report.problem, reason=with_names(report.problem.reason, names))
    return replace(report, problem=problem)


def assess_without_globus(
    scope: Scope, records: Mapping[str, PairRecord], failure: Failure, now: datetime
) -> tuple[PairReport, ...]:
    """Return what is known without Globus: the last success of each pair, and whether that is too old."""
    reports = [_blank(pair, pair.fingerprint, record_of(records, pair, now), now) for pair in scope.pairs]
    failed = [_with_failure(report, failure) for report in reports]
    return tuple(with_wait(report, records.get(report.fingerprint)) for report in failed)


def assess_pair(pair: Pair, findings: Findings) -> PairReport:
    """Return the report on one pair: what this run did for it, else how its last task is doing."""
    record = record_of(findings.records, pair, findings.now)
    blank = _blank(pair, pair.fingerprint, record, findings.now)
    outcome = findings.outcomes.get(pair.fingerprint)
    if outcome:
        return _report_on_outcome(blank, pair, record, outcome, findings)
    task = findings.snapshot.find(record.task)
    if not (task and task.is_live):
        if record.pending:
            return replace(blank, status=PairStatus.START_UNCONFIRMED, problem=_REPLY_LOST)
        if record.waiting_since:
            return replace(blank, status=PairStatus.WAITING_FOR_ROOM, since=record.waiting_since)
        if record.failed_start:
            failed = record.failed_start
            return replace(blank, status=failed.status, since=failed.since, problem=failed.problem)
    return _report_on_last_task(blank, pair, record, findings)


def _blank(pair: Pair | None, fingerprint: str, record: PairRecord, now: datetime) -> PairReport:
    """Return the report on a pair that has never run, to be filled in."""
    return PairReport(
        fingerprint=fingerprint,
        name=pair.name if pair else record.name,
        status=PairStatus.NEVER_RUN,
        at=now,
        success=record.success,
        counts_from=record.success.ended_at if record.success else record.first_seen,
        max_age=pair.max_age if pair else None,
        is_orphaned=pair is None,
        known_by_label=pair is None and record.destination is None,
    )


def _report_on_outcome(
    blank: PairReport, pair: Pair, record: PairRecord, outcome: Outcome, findings: Findings
) -> PairReport:
    report = replace(
        blank, status=outcome.status, problem=outcome.problem, notes=outcome.notes, document=outcome.document
    )
    if outcome.task:
        deadline = record.task.deadline if record.task else None
        return report_on_task(report, findings.with_details(outcome.task, pair, record, deadline))
    if outcome.status is PairStatus.STARTED and record.task:
        return replace(report, task_id=record.task.task_id, since=record.task.submitted_at)
    if outcome.status is PairStatus.WAITING_FOR_ROOM:
        return replace(report, since=record.waiting_since)
    if record.failed_start and record.failed_start.status is outcome.status:
        return replace(report, since=record.failed_start.since)
    return report


def _report_on_last_task(blank: PairReport, pair: Pair | None, record: PairRecord, findings: Findings) -> PairReport:
    if record.task is None:
        return blank
    snapshot = findings.snapshot
    task = snapshot.find(record.task)
    if task:
        report = report_on_task(blank, findings.with_details(task, pair, record, record.task.deadline))
        others = [other for other in snapshot.live(blank.fingerprint, record) if other.task_id != task.task_id]
        return _with_others(report, others)
    report = replace(blank, task_id=record.task.task_id)
    failure = snapshot.unanswered.get(record.task.task_id)
    if failure:
        return _with_failure(report, failure)
    if record.task.task_id in snapshot.gone:
        return replace(report, status=PairStatus.UNKNOWN_TO_GLOBUS, since=record.task.submitted_at)
    notes = ("Globus does not list this task yet",)
    return replace(report, status=PairStatus.STARTED, since=record.task.submitted_at, notes=notes)


def _with_others(report: PairReport, others: Sequence[Task]) -> PairReport:
    """Return the report on a live task of a pair beside which ``others`` run: whoever cancels one must know of all."""
    if not others:
        return report
    problem = Problem(
        reason=f"more than one task of this pair is running: {report.task_id}, "
        + ", ".join(other.task_id for other in others),
        fix="cancel the newer one, or wait for the end of all: until then no run starts this pair",
        command=f"globus task cancel {others[0].task_id}",
    )
    notes = tuple(f"another task of this pair is running too: {task_link(other.task_id)}" for other in others)
    return replace(report, needs_attention=True, problem=report.problem or problem, notes=report.notes + notes)


def _with_earlier_task(report: PairReport, pair: Pair, findings: Findings) -> PairReport:
    """
    Return ``report`` with the report on the task before it, if that has ended and its end was not reported yet.

    That is the task which was replaced, by this run or by one that could not report. If this run tried to replace the
    last task and could not, it is the last task: its end must not wait for the next start.
    """
    record = record_of(findings.records, pair, findings.now)
    outcome = findings.outcomes.get(pair.fingerprint)
    has_new_task = outcome is None or outcome.task is not None or outcome.status is PairStatus.STARTED
    last: LastTask | None = record.replaced if has_new_task else record.task
    task = findings.snapshot.find(last)
    if last is None or task is None or task.is_live:
        return report
    max_age = pair.max_age if report.is_too_old else None  # a task that succeeded long ago makes no young pair too old
    blank = replace(_blank(pair, pair.fingerprint, record, findings.now), max_age=max_age)
    return replace(report, before=report_on_task(blank, findings.with_details(task, pair, record, last.deadline)))


def _orphan_report(fingerprint: str, record: PairRecord, findings: Findings) -> PairReport:
    blank = _blank(None, fingerprint, record, findings.now)
    task = findings.snapshot.find(record.task)
    if record.pending and not (task and task.is_live):
        return replace(blank, status=PairStatus.START_UNCONFIRMED, problem=_REPLY_LOST)
    return _report_on_last_task(blank, None, record, findings)


def _is_worth_reporting(record: PairRecord, findings: Findings) -> bool:
    """Return whether an orphaned task has not ended, or ended badly and no run has reported that."""
    if not has_ended(record, findings.snapshot):
        return True
    if record.left_config and record.left_config.is_end_reported:
        return False
    task = findings.snapshot.find(record.task)
    return task is not None and not record.last_task_succeeded


def _with_failure(report: PairReport, failure: Failure) -> PairReport:
    match failure:
        case Unavailable(reason=reason, fix=fix, is_sign_in=is_sign_in):
            status = PairStatus.SIGN_IN_REJECTED if is_sign_in else PairStatus.NOT_REACHED
            return replace(report, status=status, problem=Problem(reason=reason, fix=fix))
        case rejected:
            reason = f"Globus rejected the request: {shorten(rejected.message or rejected.code)}"
            fix = "the next run asks again; if this persists, report it to Globus support"
            return replace(report, status=PairStatus.NOT_REACHED, problem=Problem(reason=reason, fix=fix))
