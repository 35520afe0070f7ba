"""Records + snapshot, later + details -> updated records. Pure, except that it logs adopted tasks."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from globus_sync_directory.model.pair import Pair, name_in
from globus_sync_directory.model.record import FailedStart, LastTask, LeftConfig, PairRecord, Success
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.sync.details import Details
from globus_sync_directory.sync.ours import label_fingerprint, newest_first, tasks_of
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.scope import Scope
from globus_sync_directory.sync.snapshot import Snapshot
from globus_sync_directory.sync.success import is_success, judge_skips

# How long, and how many, records of removed pairs are kept: a pair that was removed by mistake finds its record again.
_KEPT_FOR = timedelta(days=365)
_MOST_KEPT = 1000

log = logging.getLogger(__name__)


def update_records(
    records: Mapping[str, PairRecord], snapshot: Snapshot, scope: Scope, now: datetime
) -> dict[str, PairRecord]:
    """
    Return the records with what the snapshot shows: new pairs, successes, and live tasks that were not remembered.

    A live task of ours without a pair in the config gets its own record: it is orphaned.
    """
    updated = dict(records)
    for pair in scope.pairs:
        updated[pair.fingerprint] = _update_pair(records.get(pair.fingerprint), pair, snapshot, now)
    for fingerprint, record in scope.orphaned(records).items():
        updated[fingerprint] = _update_orphan(record, fingerprint, snapshot, now)
    configured = {pair.fingerprint for pair in scope.all_pairs}
    for task in newest_first(snapshot.known.values()):
        orphan = label_fingerprint(task)
        if task.is_live and orphan and orphan not in configured and orphan not in updated:
            name = name_in(task.label) or orphan
            left = LeftConfig(since=now)
            updated[orphan] = PairRecord(name=name, first_seen=now, task=last_task(task, None), left_config=left)
    return _without_expired(updated, snapshot, now)


def record_of(records: Mapping[str, PairRecord], pair: Pair, now: datetime) -> PairRecord:
    """Return what is remembered of ``pair``, under its present name; a new record if there is none."""
    known = records.get(pair.fingerprint) or PairRecord(name=pair.name, first_seen=now)
    return replace(known, name=pair.name, source=pair.source, destination=pair.destination, left_config=None)


def with_new_pairs(records: Mapping[str, PairRecord], scope: Scope, now: datetime) -> dict[str, PairRecord]:
    """Return the records with one for each pair that has none: its age counts from now, even if nothing is known."""
    return {pair.fingerprint: record_of(records, pair, now) for pair in scope.pairs} | dict(records)


def last_task(task: Task, pair: Pair | None) -> LastTask:
    """Return a task as records remember it; its deadline is ours only where the pair has a time limit."""
    deadline = task.deadline if pair and pair.time_limit else None
    return LastTask(task_id=task.task_id, submitted_at=task.requested_at, deadline=deadline)


def with_task(record: PairRecord, task: LastTask) -> PairRecord:
    """Return ``record`` with ``task`` as the last one; the task before it is kept until its end has been reported."""
    is_same = record.task is not None and record.task.task_id == task.task_id
    replaced = record.replaced if is_same else record.task
    return replace(record, task=task, replaced=replaced, pending=None, waiting_since=None)


def waiting_for_room(record: PairRecord, now: datetime) -> PairRecord:
    """Return ``record`` without a pending submission: Globus has no room for a task of this pair."""
    return replace(record, pending=None, waiting_since=record.waiting_since or now)


def has_ended(record: PairRecord, snapshot: Snapshot) -> bool:
    """Return whether nothing of this pair can be running: no pending submission, and no last task that may be live."""
    if record.pending is not None:
        return False
    if record.task is None or record.task.task_id in snapshot.gone:
        return True
    task = snapshot.find(record.task)
    if task is None:  # take_snapshot does not ask about an orphaned task whose end was reported
        return record.left_config is not None and record.left_config.is_end_reported
    return not task.is_live


def with_failed_starts(
    records: Mapping[str, PairRecord], outcomes: Mapping[str, Outcome], scope: Scope, now: datetime
) -> dict[str, PairRecord]:
    """Return the records with the starts that failed, for the reports of ``-d``."""
    updated = dict(records)
    for pair in scope.pairs:
        record = records.get(pair.fingerprint)
        outcome = outcomes.get(pair.fingerprint)
        if record is None or (outcome and outcome.status is PairStatus.NOT_REACHED):
            continue
        failed = _failed_start(record.failed_start, outcome, now)
        waiting_since = None if failed else record.waiting_since
        updated[pair.fingerprint] = replace(record, failed_start=failed, waiting_since=waiting_since)
    return updated


def with_vanished(
    records: Mapping[str, PairRecord], snapshot: Snapshot, details: Mapping[str, Details], scope: Scope
) -> dict[str, PairRecord]:
    """
    Return the records in which a task whose skipped paths have all vanished is the last success, if it is the newest.

    The details come after the starts, so that may be the task which this run has replaced.
    """
    pairs = scope.by_fingerprint
    updated = {key: _with_vanished(record, pairs.get(key), snapshot, details) for key, record in records.items()}
    return updated | {key: _settled(record, snapshot) for key, record in scope.orphaned(updated).items()}


def with_ends_reported(records: Mapping[str, PairRecord], reports: Sequence[PairReport]) -> dict[str, PairRecord]:
    """Return the records after ``reports`` were given, so that the end of each task is reported once."""
    updated = dict(records)
    for report in reports:
        record = records.get(report.fingerprint)
        if record and report.before:
            updated[report.fingerprint] = replace(record, replaced=None)
        elif record and record.left_config and report.task and not report.task.is_live:
            updated[report.fingerprint] = _with_end_reported(record, record.left_config)
    return updated


def _with_end_reported(record: PairRecord, left: LeftConfig) -> PairRecord:
    return replace(record, left_config=replace(left, is_end_reported=True), replaced=None)


def _update_orphan(record: PairRecord, fingerprint: str, snapshot: Snapshot, now: datetime) -> PairRecord:
    """Return the record of a pair that is not in the config."""
    left = record.left_config or LeftConfig(since=now)
    seen = _with_live_task(_with_success(record, None, snapshot), fingerprint, None, snapshot)
    if seen.task != record.task:  # a run with another config started it; its end is not reported yet
        left = replace(left, is_end_reported=False)
    return _settled(replace(seen, left_config=left), snapshot)


def _settled(record: PairRecord, snapshot: Snapshot) -> PairRecord:
    """Return the record of a pair that is not in the config; if there is nothing to report of it, it says so."""
    is_well = snapshot.find(record.task) is None or record.last_task_succeeded
    if record.left_config and is_well and has_ended(record, snapshot):
        return _with_end_reported(record, record.left_config)
    return record


def _update_pair(record: PairRecord | None, pair: Pair, snapshot: Snapshot, now: datetime) -> PairRecord:
    fresh = record_of({pair.fingerprint: record} if record else {}, pair, now)
    if not fresh.has_history and snapshot.has_recent:
        fresh = replace(_with_history(fresh, pair, snapshot), has_history=True)
    return _with_live_task(_with_success(fresh, pair, snapshot), pair.fingerprint, pair, snapshot)


def _with_history(record: PairRecord, pair: Pair, snapshot: Snapshot) -> PairRecord:
    """
    Return the record of a pair that is new, or whose record was lost, with its last task and last success.

    Such a pair was seen at the latest when the oldest of its tasks was submitted.
    """
    ours = tasks_of(snapshot.known.values(), pair.fingerprint, pair)
    task = record.task or (last_task(ours[0], pair) if ours else None)
    record = _with_files(record, ours)
    success = next((_success(task) for task in ours if is_success(task, record, pair)), None)
    first_seen = min([record.first_seen, *(task.requested_at for task in ours)])
    return replace(record, task=task, success=record.success or success, first_seen=first_seen)


def _with_files(record: PairRecord, tasks: Iterable[Task]) -> PairRecord:
    """Return ``record`` with what is known of the files at its source; older versions have not remembered that."""
    copied = record.success.files if record.success else 0
    had_files = record.had_files or copied > 0 or any(task.has_seen_files for task in tasks)
    return replace(record, had_files=had_files)


def _with_success(record: PairRecord, pair: Pair | None, snapshot: Snapshot) -> PairRecord:
    task = snapshot.find(record.task)
    record = _with_files(record, [task] if task else [])
    return replace(record, success=_success(task)) if task and is_success(task, record, pair) else record


def _with_vanished(
    record: PairRecord, pair: Pair | None, snapshot: Snapshot, details: Mapping[str, Details]
) -> PairRecord:
    newest = record.success
    for task in filter(None, map(snapshot.find, (record.replaced, record.task))):
        found = details.get(task.task_id)
        if found and is_success(task, record, pair, judge_skips(task, found.skipped, record.source)):
            success = _success(task)
            newest = success if newest is None or success.ended_at > newest.ended_at else newest
    return record if newest is record.success else replace(record, success=newest)


def _success(task: Task) -> Success:
    return Success(
        task_id=task.task_id,
        ended_at=task.ended_at or task.requested_at,
        files=task.files_copied,
        bytes=task.bytes_copied,
    )


def _with_live_task(record: PairRecord, fingerprint: str, pair: Pair | None, snapshot: Snapshot) -> PairRecord:
    """Return ``record`` with the live task as the last one; if several are live and one is remembered, that one."""
    if record.replaced and record.replaced.task_id in snapshot.gone:
        record = replace(record, replaced=None)
    live = snapshot.live(fingerprint, record)
    if not live or (record.task and record.task.task_id in {task.task_id for task in live}):
        return record
    log.info("%s: adopted task %s, which was not remembered", record.name, live[0].task_id)
    return replace(with_task(record, last_task(live[0], pair)), pending=record.pending)


def _failed_start(before: FailedStart | None, outcome: Outcome | None, now: datetime) -> FailedStart | None:
    if outcome is None or outcome.problem is None or outcome.status not in (PairStatus.BLOCKED, PairStatus.REJECTED):
        return None
    is_same = before is not None and before.problem.reason == outcome.problem.reason
    since = before.since if before and is_same else now
    return FailedStart(status=outcome.status, problem=outcome.problem, since=since)


def _without_expired(records: dict[str, PairRecord], snapshot: Snapshot, now: datetime) -> dict[str, PairRecord]:
    """Return the records without those of pairs that left the config long ago."""
    left = {
        key: record.left_config.since
        for key, record in records.items()
        if record.left_config and has_ended(record, snapshot)
    }
    newest = sorted(left, key=lambda key: left[key], reverse=True)
    dropped = {key for number, key in enumerate(newest) if number >= _MOST_KEPT or now - left[key] > _KEPT_FOR}
    return {key: record for key, record in records.items() if key not in dropped}
