"""
Resolves pending submissions: an earlier run sent them, or was about to, and did not see the answer.

Only evidence resolves one: a task with its label. A rejection of the same submission, sent again, says nothing about
the first time; then, and for as long as Globus may not list the task yet, it stays pending.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.transfer_document import asks_for
from globus_sync_directory.model.answer import Received, Rejected, Unavailable
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.record import LastTask, PairRecord, PendingSubmission
from globus_sync_directory.model.task import Task
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.ours import is_start_of, newest_first
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.records import last_task, waiting_for_room, with_task
from globus_sync_directory.sync.scope import Scope
from globus_sync_directory.sync.sending import (
    NO_ROOM,
    has_no_room,
    may_be_unlisted,
    outcome_of,
    send,
    unconfirmed,
    words_of,
)
from globus_sync_directory.sync.snapshot import Snapshot

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """Outcomes by fingerprint of pairs that are dealt with, and the tasks that were found, as Globus shows them."""

    outcomes: Mapping[str, Outcome]
    tasks: tuple[Task, ...]


@dataclass(frozen=True, kw_only=True)
class _Case:
    """
    A pending submission; ``pair`` is None for an orphaned one, ``last`` is the newest task known of it.

    ``is_wanted``: the config still asks for it, and its pair has no live task.
    """

    record: PairRecord
    pending: PendingSubmission
    pair: Pair | None
    last: Task | None
    running: Task | None
    is_wanted: bool

    def find_start(self, tasks: Iterable[Task]) -> Task | None:
        """Return the task that this submission has started, if it is one of ``tasks``."""
        ours = (task for task in tasks if is_start_of(task, self.pending, self.record, self.last))
        return next(iter(newest_first(ours)), None)


@dataclass(frozen=True, kw_only=True)
class _Result:
    """
    What was found out: a task, as it is to be remembered and as Globus shows it; or that there is none.

    ``rejected`` is what Globus says of the submission that was sent again.
    """

    task: LastTask | None = None
    shown: Task | None = None
    has_none: bool = False
    outcome: Outcome | None = None
    rejected: Rejected | None = None


def with_listed(records: Mapping[str, PairRecord], snapshot: Snapshot, scope: Scope) -> dict[str, PairRecord]:
    """Return the records in which the pending submissions are resolved whose tasks the snapshot has. Pure."""
    resolved = dict(records)
    for fingerprint, case in _cases(records, snapshot, scope).items():
        task = case.find_start(snapshot.known.values())
        if task:
            resolved[fingerprint] = with_task(case.record, last_task(task, case.pair))
    return resolved


def recover_pending(
    client: GlobusClient, store: StateStore, snapshot: Snapshot, scope: Scope, started: Collection[str]
) -> Recovered | None:
    """
    Find out whether each pending submission, of the scope's pairs or of orphaned records, has started a task.

    ``started`` are the fingerprints of pairs that this run has dealt with: theirs are left to the next run.

    If the config still asks for it and its pair has no live task, it is sent again under the same id: Globus runs it
    only once. Otherwise, or if that is rejected, its task is searched for by the label, in any status. If there is
    none, and Globus has had enough time to list it, the pending submission is dropped.

    Returns None if nothing was pending. Raises StateError.
    """
    cases = {key: case for key, case in _cases(store.records, snapshot, scope).items() if key not in started}
    if not cases:
        return None
    with store.edit() as records:
        for fingerprint, case in cases.items():
            if case.is_wanted:
                sent = replace(case.pending, sent_again_at=client.now())
                records[fingerprint] = replace(case.record, pending=sent)

    def resolve(fingerprint: str) -> _Result:
        return _resolve(client, cases[fingerprint], scope.identity)

    results: dict[str, _Result] = {}
    with contextlib.closing(client.map_as_completed(resolve, cases)) as groups:
        for group in groups:
            with store.edit() as records:
                for fingerprint, result in group.items():
                    records[fingerprint] = _after(records[fingerprint], cases[fingerprint], result, client.now())
            results |= group
    return Recovered(
        outcomes={key: result.outcome for key, result in results.items() if result.outcome},
        tasks=tuple(result.shown for result in results.values() if result.shown),
    )


def _cases(records: Mapping[str, PairRecord], snapshot: Snapshot, scope: Scope) -> dict[str, _Case]:
    pairs = scope.by_fingerprint
    cases = {}
    for fingerprint in [*pairs, *scope.orphaned(records)]:
        record, pair = records.get(fingerprint), pairs.get(fingerprint)
        if record and record.pending:
            running = next(iter(snapshot.live(fingerprint, record)), None)
            cases[fingerprint] = _Case(
                record=record,
                pending=record.pending,
                pair=pair,
                last=snapshot.find(record.task),
                running=running,
                is_wanted=pair is not None and running is None and asks_for(record.pending.document, pair),
            )
    return cases


def _resolve(client: GlobusClient, case: _Case, identity: str) -> _Result:
    """Ask Globus about one pending submission."""
    rejected: Rejected | None = None
    if case.pair and case.is_wanted:
        reply = send(client, case.pair, case.pending, case.last)
        match reply:
            case Received(value=accepted):  # a task that was there before is reported like any other
                started = None if accepted.shown else outcome_of(case.pair, reply, identity)
                return _Result(task=accepted.last, shown=accepted.shown, outcome=started)
            case Unavailable():
                return _Result(outcome=outcome_of(case.pair, reply, identity))
            case Rejected():
                rejected = reply
    return _search(client, case, rejected)


def _search(client: GlobusClient, case: _Case, rejected: Rejected | None) -> _Result:
    """Look for the task by its label; ``rejected`` is what Globus says of the submission that was sent again."""
    answer = client.tasks_by_label(str(case.pending.document.get("label")))
    if isinstance(answer, Received):
        task = case.find_start(answer.value)
        if task:
            return _Result(task=last_task(task, case.pair), shown=task)
        is_certain = rejected is None or rejected.is_definite
        if is_certain and not may_be_unlisted(case.pending, client.now()):
            has_to_wait = rejected is not None and has_no_room(rejected)
            return _Result(has_none=True, outcome=NO_ROOM if has_to_wait else None, rejected=rejected)
    else:
        log.warning("%s: no answer about a pending submission; a later run will resolve it", case.record.name)
    if rejected is None:
        return _Result()
    reason = f"an earlier attempt got no answer, and this one was rejected: {words_of(rejected)}"
    return _Result(outcome=unconfirmed(reason), rejected=rejected)


def _after(record: PairRecord, case: _Case, result: _Result, now: datetime) -> PairRecord:
    """Return the record with what was found out."""
    if result.task:
        log.info("%s: found task %s of a pending submission", record.name, result.task.task_id)
        return with_task(record, result.task)
    if result.has_none:
        _log_dropped(case, result.rejected)
        return waiting_for_room(record, now) if result.outcome else replace(record, pending=None, waiting_since=None)
    if result.rejected and result.rejected.is_definite:  # so only the earlier attempts may have been accepted
        return replace(record, pending=case.pending)
    return record


def _log_dropped(case: _Case, rejected: Rejected | None) -> None:
    why = "the config has changed since"
    if rejected:
        why = f"does not accept it now: {words_of(rejected)}"
    elif case.running:
        why = f"task {case.running.task_id} is running"
    log.warning(
        "%s: dropped the pending submission %s: Globus has no task of it, and %s",
        case.record.name,
        case.pending.submission_id,
        why,
    )
