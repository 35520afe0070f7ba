"""Plans -> tasks: reserve, submit, record. Each submission is on disk before it is sent."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeGuard

from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.explain import About, explain
from globus_sync_directory.globus.transfer_document import build_document, deadline_in, with_deadline
from globus_sync_directory.model.answer import Answer, Failure, Received, Rejected, Unavailable
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import LastTask, PairRecord, PendingSubmission
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.plan import Plan
from globus_sync_directory.sync.records import last_task, record_of, with_task
from globus_sync_directory.sync.snapshot import LISTING_DELAY, live_tasks_of
from globus_sync_directory.text import quote, shorten

_EXPLAINED_CONFLICTS = ("TooManyPending", "GCDisconnected", "NoCred", "SubmissionIdInUse")
_RESOLVED_LATER = "nothing to do; the next run resolves it"

_NO_ROOM = Outcome(
    status=PairStatus.WAITING_FOR_ROOM,
    problem=Problem(
        reason="this application already has the maximum number of pending tasks", fix="a later run starts it"
    ),
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Accepted:
    """A task that Globus accepted; ``is_new``: False if an earlier attempt started it, so it may have ended."""

    task_id: str
    is_new: bool
    deadline: datetime | None


_Reply = Answer[_Accepted]


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
    replies = _send(client, store, reserved)
    not_sent = [pair.fingerprint for pair in reserved if pair not in replies]  # Globus would have no room for them
    with store.edit() as records:
        records |= {key: _waiting_for_room(records[key], client.now()) for key in not_sent}
    outcomes |= dict.fromkeys(not_sent, _NO_ROOM) | _outcomes(client, store, replies, known, identity)
    for pair, plan in by_pair.items():
        outcome = outcomes[pair.fingerprint]
        repeated = outcome.problem.reason if outcome.problem else None  # a note may say the same
        notes = tuple(note for note in plan.notes if not (repeated and note.startswith(repeated)))
        outcomes[pair.fingerprint] = replace(outcome, notes=notes + outcome.notes)
    return outcomes


def resubmit(
    client: GlobusClient, store: StateStore, pairs: Sequence[Pair], live: Sequence[Task], identity: str
) -> dict[str, Outcome]:
    """
    Send the pending submissions of ``pairs`` again under their ids and return the outcomes by fingerprint.

    A submission that an earlier attempt had started is left out: it is reported like any other task. Raises StateError.
    """
    replies = _send(client, store, pairs)
    not_sent = Unavailable(reason="not sent again, because Globus has no room for more tasks")
    replies |= {pair: not_sent for pair in pairs if pair not in replies}
    others = {pair: reply for pair, reply in replies.items() if not _was_started_before(reply)}
    return _outcomes(client, store, others, {task.task_id: task for task in live}, identity)


def _was_started_before(reply: _Reply) -> bool:
    return isinstance(reply, Received) and not reply.value.is_new


def _send(client: GlobusClient, store: StateStore, pairs: Sequence[Pair]) -> dict[Pair, _Reply]:
    """
    Submit the pending submissions, several at a time; record each reply as it comes, and return the replies.

    Pairs that wait for room go first, one at a time, the longest wait first. After a batch in which Globus had no room
    for a pair, nothing more is sent.
    """
    pending = {pair: found for pair in pairs if (found := store.records[pair.fingerprint].pending)}
    since = {pair: waiting for pair in pending if (waiting := store.records[pair.fingerprint].waiting_since)}
    batches = [[pair] for pair in sorted(since, key=lambda pair: since[pair])]
    batches.append([pair for pair in pending if pair not in since])

    def ask(pair: Pair) -> _Reply:
        return _submit(client, pair, pending[pair])

    replies: dict[Pair, _Reply] = {}
    for batch in batches:
        if any(map(_has_no_room, replies.values())):
            break
        with contextlib.closing(client.map_as_completed(ask, batch)) as groups:
            for group in groups:
                _record(store, group, client.now())
                replies |= group
    return replies


def _submit(client: GlobusClient, pair: Pair, pending: PendingSubmission) -> _Reply:
    document = with_deadline(pending.document, pair, client.now())
    answer = client.submit(document)
    if not isinstance(answer, Received):
        return answer
    submitted = answer.value
    return Received(_Accepted(task_id=submitted.task_id, is_new=submitted.is_new, deadline=deadline_in(document)))


def _record(store: StateStore, replies: Mapping[Pair, _Reply], now: datetime) -> None:
    with store.edit() as records:
        for pair, reply in replies.items():
            records[pair.fingerprint] = _after_reply(records[pair.fingerprint], reply, now)
            if isinstance(reply, Received):
                done = "started" if reply.value.is_new else "found the earlier submission accepted:"
                log.info("%s: %s task %s", pair.name, done, reply.value.task_id)


def _after_reply(record: PairRecord, reply: _Reply, now: datetime) -> PairRecord:
    match reply:
        case Received(value=accepted):
            task = LastTask(task_id=accepted.task_id, submitted_at=now, deadline=accepted.deadline)
            return with_task(record, task)
        case Rejected(is_definite=True):
            is_waiting = _has_no_room(reply)
            return _waiting_for_room(record, now) if is_waiting else replace(record, pending=None, waiting_since=None)
        case _:
            return record


def _waiting_for_room(record: PairRecord, now: datetime) -> PairRecord:
    return replace(record, pending=None, waiting_since=record.waiting_since or now)


def _outcomes(
    client: GlobusClient,
    store: StateStore,
    replies: Mapping[Pair, _Reply],
    known: Mapping[str, Task],
    identity: str,
) -> dict[str, Outcome]:
    outcomes = {pair.fingerprint: _outcome(pair, reply, identity) for pair, reply in replies.items()}
    conflicts = {pair: reply for pair, reply in replies.items() if _is_unexplained_conflict(reply)}
    return outcomes | _outcomes_of_conflicts(client, store, conflicts, known)


def _without_submission_id(pair: Pair, failure: Failure, identity: str) -> Outcome:
    match failure:
        case Unavailable(is_sign_in=True):
            return _failed_sign_in(failure)
        case Unavailable(reason=reason, fix=fix):
            return Outcome(status=PairStatus.NOT_REACHED, problem=Problem(reason=reason, fix=fix))
        case Rejected(code=code, message=message):
            problem = explain(code, message, About(pair=pair, identity=identity))
            return Outcome(status=PairStatus.REJECTED, problem=problem)


def _outcome(pair: Pair, reply: _Reply, identity: str) -> Outcome:
    match reply:
        case Received():
            return Outcome(status=PairStatus.STARTED)
        case Unavailable(is_sign_in=True):
            return _failed_sign_in(reply)
        case Unavailable(reason=reason):
            return _unconfirmed(reason)
        case Rejected(is_definite=False, code=code, message=message):
            return _unconfirmed(f"an attempt got no answer, and the next one was rejected: {shorten(message or code)}")
        case Rejected() if _has_no_room(reply):
            return _NO_ROOM
        case Rejected(code=code, message=message):
            about = About(pair=pair, identity=identity, names_own_paths=True)
            return Outcome(status=PairStatus.REJECTED, problem=explain(code, message, about))


def _failed_sign_in(failure: Unavailable) -> Outcome:
    problem = Problem(reason=failure.reason, fix=failure.fix)
    return Outcome(status=PairStatus.SIGN_IN_REJECTED, problem=problem)


def _unconfirmed(reason: str) -> Outcome:
    return Outcome(status=PairStatus.START_UNCONFIRMED, problem=Problem(reason=reason, fix=_RESOLVED_LATER))


def _outcomes_of_conflicts(
    client: GlobusClient, store: StateStore, conflicts: Mapping[Pair, Rejected], known: Mapping[str, Task]
) -> dict[str, Outcome]:
    """Return the outcomes of pairs whose paths another task has already; that is mostly a task of our own."""
    if not conflicts:
        return {}
    answer = client.live_tasks()
    outcomes: dict[str, Outcome] = {}
    with store.edit() as records:
        for pair, reply in conflicts.items():
            record = records[pair.fingerprint]
            live = answer.value if isinstance(answer, Received) else None
            ours = live_tasks_of(live or (), pair.fingerprint)
            if ours:
                log.info("%s: adopted task %s, which was not remembered", pair.name, ours[0].task_id)
                records[pair.fingerprint] = with_task(record, last_task(ours[0], pair))
                outcomes[pair.fingerprint] = Outcome(status=PairStatus.RUNNING, task=ours[0])
            elif _is_identical_paths(reply):
                last = known.get(record.task.task_id) if record.task else None
                outcomes[pair.fingerprint] = _outcome_of_identical_paths(pair, record, live, last, client.now())
    return outcomes


def _outcome_of_identical_paths(
    pair: Pair, record: PairRecord, live: Sequence[Task] | None, last: Task | None, now: datetime
) -> Outcome:
    """Return the outcome where none of our live tasks is the one with these paths; ``live`` is None if not known."""
    if live is None:
        reason = "a task with the same paths is running already, and Globus did not send the list of our tasks"
        return Outcome(status=PairStatus.NOT_REACHED, problem=Problem(reason=reason, fix="the next run asks again"))
    is_new = record.task is not None and now - record.task.submitted_at < LISTING_DELAY
    if is_new and (last is None or last.is_live):
        return Outcome(status=PairStatus.STARTED, notes=("Globus does not list this task yet",))
    return Outcome(status=PairStatus.REJECTED, problem=_foreign_task(pair, live))


def _foreign_task(pair: Pair, live: Sequence[Task]) -> Problem:
    ends = (pair.source.collection, pair.destination.collection)
    between = [task for task in live if (task.source_collection, task.destination_collection) == ends]
    named = ", ".join(f"{task.task_id} ({quote(shorten(task.label, 60))})" for task in between[:3])
    return Problem(
        reason="another task with the same paths is running, and this tool did not start it"
        + (f"; running between the two collections: {named}" if named else ""),
        fix="wait for its end, or ask whoever started it to cancel it",
    )


def _has_no_room(reply: _Reply) -> bool:
    return isinstance(reply, Rejected) and "TooManyPending" in reply.code


def _is_unexplained_conflict(reply: _Reply) -> TypeGuard[Rejected]:
    """Return whether another task may have the same paths: a 409 whose code says nothing else. Source: task_submit."""
    if not isinstance(reply, Rejected) or not reply.is_definite or reply.http_status != 409:
        return False
    return not reply.code.rpartition(".")[2].startswith(_EXPLAINED_CONFLICTS)


def _is_identical_paths(reply: Rejected) -> bool:
    """Return whether Globus says that another task has the same paths; the code of that is used for more."""
    return "identical paths" in reply.message.lower()
