"""One run: the order of its phases. Every rule is in the modules that it calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto

from globus_sync_directory.errors import ExitStatus, StateError, worst
from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.transfer_document import NO_SUBMISSION_ID_YET, build_document
from globus_sync_directory.model.answer import Failure, Received
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.report import PairReport, RunReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.assess import Findings, assess, assess_without_globus
from globus_sync_directory.sync.details import ask_details
from globus_sync_directory.sync.newer import find_doubts
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.plan import Plan, find_idle, plan
from globus_sync_directory.sync.preflight import look_at_ends
from globus_sync_directory.sync.records import update_records, with_failed_starts, with_vanished
from globus_sync_directory.sync.recover import recover_pending, with_listed
from globus_sync_directory.sync.scope import Scope
from globus_sync_directory.sync.snapshot import Snapshot, take_snapshot
from globus_sync_directory.sync.submit import submit

_Records = Mapping[str, PairRecord]


class Mode(Enum):
    """What a run is for."""

    START = auto()
    STATUS = auto()  # -d: report the current or last tasks
    DRY_RUN = auto()  # -n: every check, and what would be submitted


def run(scope: Scope, client: GlobusClient, store: StateStore, mode: Mode) -> RunReport:
    """Do one run and return its report. Only START writes: submissions to Globus, records to ``store``."""
    if mode is not Mode.START:
        return _report_only(scope, client, store.records, mode)
    try:
        return _start(scope, client, store)
    except StateError as error:  # nothing more may be started, but the current tasks can still be reported
        report = _report_only(scope, client, store.records, Mode.STATUS)
        return replace(report, exit_status=worst([error.exit_status, report.exit_status]), errors=error.lines)


def _start(scope: Scope, client: GlobusClient, store: StateStore) -> RunReport:
    now = client.now()
    snapshot = take_snapshot(client, store.records, scope, client.live_tasks(), now)
    if not isinstance(snapshot, Snapshot):
        return report_without_globus(scope, store.records, snapshot, now)
    store.save(update_records(with_listed(store.records, snapshot, scope), snapshot, scope, now))
    outcomes = _start_idle(scope, client, store, snapshot, {})
    recovered = recover_pending(client, store, snapshot, scope, outcomes)  # after the starts: it may take its time
    if recovered:
        snapshot = snapshot.with_tasks(recovered.tasks)
        store.save(update_records(store.records, snapshot, scope, now))
        outcomes = _start_idle(scope, client, store, snapshot, {**_without_waiting(outcomes), **recovered.outcomes})
    store.save(with_failed_starts(store.records, outcomes, scope, now))
    findings = _explain(scope, client, store.records, snapshot, outcomes)
    store.save(findings.records)
    return _run_report(assess(findings))


def _start_idle(
    scope: Scope, client: GlobusClient, store: StateStore, snapshot: Snapshot, outcomes: Mapping[str, Outcome]
) -> dict[str, Outcome]:
    """Start the pairs that need a new task and have no outcome yet; return the outcomes of all."""
    plans, rest = _plan(scope, client, store.records, snapshot, outcomes)
    return {**outcomes, **rest, **submit(client, store, plans, snapshot.known, scope.identity)}


def _plan(
    scope: Scope, client: GlobusClient, records: _Records, snapshot: Snapshot, outcomes: Mapping[str, Outcome]
) -> tuple[list[Plan], dict[str, Outcome]]:
    """Return what to submit, and the outcomes of the pairs that wait or are blocked."""
    idle, waiting = find_idle(records, snapshot, scope, outcomes, client.now())
    ends = look_at_ends(client, idle, records)
    in_doubt = find_doubts(client, idle, records, snapshot)
    plans, blocked = plan(idle, records, ends, scope.identity, in_doubt)
    return plans, waiting | blocked


def _without_waiting(outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """Return the outcomes without those of pairs that waited for a task or a submission, which may be resolved now."""
    waiting = PairStatus.WAITING_FOR_EARLIER_TASK
    return {key: outcome for key, outcome in outcomes.items() if outcome.status is not waiting}


def _report_only(scope: Scope, client: GlobusClient, remembered: _Records, mode: Mode) -> RunReport:
    """Do what ``_start`` does, but submit and write nothing."""
    now = client.now()
    snapshot = take_snapshot(client, remembered, scope, client.live_tasks(), now)
    if not isinstance(snapshot, Snapshot):
        return report_without_globus(scope, remembered, snapshot, now)
    records = update_records(remembered, snapshot, scope, now)
    _, waiting = find_idle(records, snapshot, scope, {}, now)
    # Of a pair that a run has made wait, -d says that too, if it would still wait.
    outcomes = {key: outcome for key, outcome in waiting.items() if records[key].held_up_since}
    if mode is Mode.DRY_RUN:
        plans, rest = _plan(scope, client, records, snapshot, {})
        outcomes = rest | _would_start(plans, now)
    return _run_report(assess(_explain(scope, client, records, snapshot, outcomes)))


def look_again(scope: Scope, client: GlobusClient, remembered: _Records) -> RunReport:
    """Return how the remembered tasks of the scope's pairs are doing; one request for up to a hundred of them."""
    now = client.now()
    snapshot = take_snapshot(client, remembered, scope, Received(()), now)
    if not isinstance(snapshot, Snapshot):
        return report_without_globus(scope, remembered, snapshot, now)
    records = update_records(remembered, snapshot, scope, now)
    return _run_report(assess(_explain(scope, client, records, snapshot, {})))


def _explain(
    scope: Scope, client: GlobusClient, records: _Records, snapshot: Snapshot, outcomes: Mapping[str, Outcome]
) -> Findings:
    """Return everything that the report needs: asks for the details, which may show that a task was a success."""
    now = client.now()  # before the details: what the report says of this moment has been asked for by then
    details = ask_details(client, records, snapshot, scope, outcomes)
    records = with_vanished(records, snapshot, details, scope)
    return Findings(scope=scope, records=records, snapshot=snapshot, outcomes=outcomes, details=details, now=now)


def report_without_globus(scope: Scope, records: _Records, failure: Failure, now: datetime) -> RunReport:
    """Return the report where Globus could not be asked."""
    return _run_report(assess_without_globus(scope, records, failure, now))


def _would_start(plans: Sequence[Plan], now: datetime) -> dict[str, Outcome]:
    return {
        plan.pair.fingerprint: Outcome(
            status=PairStatus.WOULD_START,
            notes=(plan.why, *plan.notes),
            document=build_document(plan.pair, NO_SUBMISSION_ID_YET, plan.sync_level, now),
        )
        for plan in plans
    }


def _run_report(reports: Sequence[PairReport]) -> RunReport:
    status: ExitStatus = worst(report.exit_status for report in reports)
    return RunReport(exit_status=status, pairs=tuple(reports))
