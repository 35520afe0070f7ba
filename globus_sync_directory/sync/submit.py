"""Plans -> tasks: reserve, submit, record. Each submission is on disk before it is sent."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.explain import About, explain
from globus_sync_directory.globus.transfer_document import build_document
from globus_sync_directory.model.answer import Failure, Received, Rejected, Unavailable
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import PairRecord, PendingSubmission
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.conflicts import outcomes_of_conflicts
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.plan import Plan
from globus_sync_directory.sync.records import record_of, waiting_for_room, with_task
from globus_sync_directory.sync.sending import NO_ROOM, Reply, failed_sign_in, has_no_room, outcome_of, send

log = logging.getLogger(__name__)


def submit(
    client: GlobusClient, store: StateStore, plans: Sequence[Plan], known: Mapping[str, Task], identity: str
) -> dict[str, Outcome]:
    """
    Submit every plan and return the outcomes by fingerprint; ``known`` are our tasks by id.

    All submission ids are on disk before the first submission. Raises StateError; if the submission ids could not
    be written, nothing was submitted.
    """
    by_pair = {plan.pair: plan for plan in plans}
    outcomes: dict[str, Outcome] = {}
    reserved: list[Pair] = []
    answers = client.map_concurrently(lambda _: client.submission_id(), by_pair)
    with store.edit() as records:
        for pair, answer in answers.items():
            if isinstance(answer, Received):
                now = client.now()
                document = build_document(pair, answer.value, by_pair[pair].sync_level, now)
                pending = PendingSubmission(submission_id=answer.value, document=document, reserved_at=now)
                records[pair.fingerprint] = replace(record_of(records, pair, now), pending=pending)
                reserved.append(pair)
            else:
                outcomes[pair.fingerprint] = _without_submission_id(pair, answer, identity)
    replies = _send(client, store, reserved, known)
    not_sent = [pair.fingerprint for pair in reserved if pair not in replies]  # Globus would have no room for them
    with store.edit() as records:
        records |= {key: waiting_for_room(records[key], client.now()) for key in not_sent}
    outcomes |= dict.fromkeys(not_sent, NO_ROOM)
    outcomes |= {pair.fingerprint: outcome_of(pair, reply, identity) for pair, reply in replies.items()}
    outcomes |= outcomes_of_conflicts(client, store, replies, known)
    for pair, plan in by_pair.items():
        outcome = outcomes[pair.fingerprint]
        repeated = outcome.problem.reason if outcome.problem else None  # a note may say the same
        notes = tuple(note for note in plan.notes if not (repeated and note.startswith(repeated)))
        outcomes[pair.fingerprint] = replace(outcome, notes=notes + outcome.notes)
    return outcomes


def _send(
    client: GlobusClient, store: StateStore, pairs: Sequence[Pair], known: Mapping[str, Task]
) -> dict[Pair, Reply]:
    """
    Submit the pending submissions, several at a time; record each reply as it comes, and return the replies.

    Pairs that wait for room go first, one at a time, the longest wait first. After a batch in which Globus had no room
    for a pair, nothing more is sent.
    """
    pending = {pair: found for pair in pairs if (found := store.records[pair.fingerprint].pending)}
    last = {pair: known.get(task.task_id) for pair in pairs if (task := store.records[pair.fingerprint].task)}
    since = {pair: waiting for pair in pending if (waiting := store.records[pair.fingerprint].waiting_since)}
    batches = [[pair] for pair in sorted(since, key=lambda pair: since[pair])]
    batches.append([pair for pair in pending if pair not in since])

    def ask(pair: Pair) -> Reply:
        return send(client, pair, pending[pair], last.get(pair))

    replies: dict[Pair, Reply] = {}
    for batch in batches:
        if any(map(has_no_room, replies.values())):
            break
        with contextlib.closing(client.map_as_completed(ask, batch)) as groups:
            for group in groups:
                _record(store, group, client.now())
                replies |= group
    return replies


def _record(store: StateStore, replies: Mapping[Pair, Reply], now: datetime) -> None:
    with store.edit() as records:
        for pair, reply in replies.items():
            records[pair.fingerprint] = _after_reply(records[pair.fingerprint], reply, now)
            if isinstance(reply, Received):
                done = "found the earlier submission accepted:" if reply.value.shown else "started"
                log.info("%s: %s task %s", pair.name, done, reply.value.last.task_id)


def _after_reply(record: PairRecord, reply: Reply, now: datetime) -> PairRecord:
    match reply:
        case Received(value=accepted):
            return with_task(record, accepted.last)
        case Rejected(is_definite=True):
            is_waiting = has_no_room(reply)
            return waiting_for_room(record, now) if is_waiting else replace(record, pending=None, waiting_since=None)
        case _:
            return record


def _without_submission_id(pair: Pair, failure: Failure, identity: str) -> Outcome:
    match failure:
        case Unavailable(is_sign_in=True):
            return failed_sign_in(failure)
        case Unavailable(reason=reason, fix=fix):
            return Outcome(status=PairStatus.NOT_REACHED, problem=Problem(reason=reason, fix=fix))
        case Rejected(code=code, message=message):
            problem = explain(code, message, About(pair=pair, identity=identity))
            return Outcome(status=PairStatus.REJECTED, problem=problem)
