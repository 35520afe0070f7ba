"""A run, ``-d`` and ``-n``: opens what they need, runs, records and mails what has changed; with ``-w``, waits."""

from __future__ import annotations

import contextlib
import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from globus_sync_directory.commands.inputs import choose_pairs, state_store, warn_of_interception
from globus_sync_directory.commands.options import Options
from globus_sync_directory.commands.wait import wait_for_tasks
from globus_sync_directory.config.settings import Settings
from globus_sync_directory.errors import Interrupted, LockHeld, StateError, worst
from globus_sync_directory.globus.clock import host_now
from globus_sync_directory.globus.sign_in import sign_in
from globus_sync_directory.model.answer import Received
from globus_sync_directory.model.report import PairReport, RunReport
from globus_sync_directory.notify.changes import record_changes
from globus_sync_directory.notify.mail import send_pending
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.records import with_ends_reported, with_new_pairs
from globus_sync_directory.sync.run import Mode, report_without_globus, run
from globus_sync_directory.sync.scope import Scope
from globus_sync_directory.sync.waiting import with_waits

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What one run works with."""

    options: Options
    settings: Settings
    scope: Scope
    store: StateStore
    mode: Mode


def sync(options: Options, settings: Settings) -> RunReport:
    """Do what the options ask for and return the report. Raises SyncError if the work cannot begin."""
    pairs = choose_pairs(settings, options.pairs)
    warn_of_interception()
    job = _Job(
        options=options,
        settings=settings,
        scope=Scope(pairs=pairs, all_pairs=settings.pairs, identity=settings.identity),
        store=state_store(options, settings),
        mode=_mode(options),
    )
    try:
        report = _run_and_wait(job)
    except Interrupted as interrupted:
        raise Interrupted(*interrupted.lines, *_after_interruption(job)) from None
    if job.mode is not Mode.START:
        report = _with_old_holder(report, job.store.find_old_holder(host_now()))
    if job.mode is Mode.DRY_RUN and not any(pair.document for pair in report.pairs):
        report = replace(report, closing_line="nothing would be started")
    return report if options.shows_documents else _without_documents(report)


def _without_documents(report: RunReport) -> RunReport:
    return replace(report, pairs=tuple(replace(pair, document=None) for pair in report.pairs))


def _with_old_holder(report: RunReport, held: LockHeld | None) -> RunReport:
    """Return ``report``, with the run that seems to hang: as long as it holds the lock, no pair is started."""
    if held is None:
        return report
    status = worst([report.exit_status, held.exit_status])
    return replace(report, exit_status=status, errors=(*report.errors, *held.lines))


def _mode(options: Options) -> Mode:
    if options.dont_start:
        return Mode.STATUS
    return Mode.DRY_RUN if options.dry_run else Mode.START


def _run_and_wait(job: _Job) -> RunReport:
    with contextlib.ExitStack() as connections:
        with _lock(job):
            loaded = job.store.load()
            answer = sign_in(job.settings.client_id, job.settings.secret)
            if not isinstance(answer, Received):
                report = report_without_globus(job.scope, job.store.records, answer, host_now())
                # Which client id is right is not known: a state file of another one stays where it is.
                return report if loaded.must_be_kept else _finish(job, report, host_now())
            client = connections.enter_context(answer.value)
            report = _finish(job, run(job.scope, client, job.store, job.mode), client.now())
        if not job.options.wait:
            return report

        unsent: list[str] = []  # by the last attempt, which repeats those before it

        def mail(reports: tuple[PairReport, ...]) -> None:
            unsent[:] = _mail_while_waiting(job, reports, client.now())

        records = job.store.records
        waited = wait_for_tasks(job.scope, client, records, report, mail, shows_bars=job.options.shows_progress)
        return replace(waited, unsent_mail=tuple(unsent))


def _lock(job: _Job) -> AbstractContextManager[None]:
    return job.store.lock(host_now()) if job.mode is Mode.START else contextlib.nullcontext()


def _finish(job: _Job, report: RunReport, now: datetime) -> RunReport:
    """Record what has been reported, and mail what has changed; return ``report``, with what failed of that."""
    if job.mode is not Mode.START:
        return report
    try:
        with job.store.edit() as records:
            records |= with_new_pairs(records, job.scope, now)
            records |= with_waits(records, report.pairs)
            records |= record_changes(job.settings, report.pairs, records)
            records |= with_ends_reported(records, report.pairs)
        if job.settings.sends_mail:
            unsent = send_pending(job.settings, job.store, job.options.status_command, now)
            return replace(report, unsent_mail=unsent)
    except StateError as error:
        if not report.errors:
            status = worst([error.exit_status, report.exit_status])
            return replace(report, exit_status=status, errors=error.lines)
    return report


def _mail_while_waiting(job: _Job, reports: tuple[PairReport, ...], now: datetime) -> tuple[str, ...]:
    """
    Take the lock again, to record and mail what has changed while waiting; return a line for each mail not sent.

    If another run holds the lock, no mail is sent.
    """
    if job.mode is not Mode.START or not job.settings.sends_mail:
        return ()
    store = StateStore(job.store.path, job.settings.client_id)
    try:
        with store.lock(now):
            store.load()
            newest = {record.task.task_id for record in store.records.values() if record.task}
            # Where another run has replaced a task meanwhile, that run has reported how it ended.
            current = [report for report in reports if report.task_id is None or report.task_id in newest]
            store.save(record_changes(job.settings, current, store.records))
            return send_pending(job.settings, store, job.options.status_command, now)
    except LockHeld:
        log.info("no mail now, because another run is working; the next run reports how these tasks ended")
    except StateError as error:
        log.warning("no mail was sent: %s", error)
        return (f"no mail was sent: {error}",)
    return ()


def _after_interruption(job: _Job) -> list[str]:
    """Return sentences about what continues after an interruption."""
    lines = ["tasks that were started continue at Globus; -d shows how they are doing"]
    records = [job.store.records.get(pair.fingerprint) for pair in job.scope.pairs]
    pending = [record.name for record in records if record and record.pending]
    if pending:
        lines.append(f"start unconfirmed, resolved by the next run: {', '.join(pending)}")
    return lines
