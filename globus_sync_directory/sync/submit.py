"""Reserved submission ids -> the one task that each stands for. Whatever is sent was on disk before."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from globus_sync_directory.globus.explain import Problem, explain, place_named
from globus_sync_directory.text import sanitize
from globus_sync_directory.errors import ServiceUnavailable, SignInRejected
from globus_sync_directory.sync.ledger import Ledger
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.sync.snapshot import SETTLING_TIME, live_of, with_task
from globus_sync_directory.globus.client import GlobusClient, RequestRejected
from globus_sync_directory.state import LastTask, PairRecord, PendingSubmission
from globus_sync_directory.globus.transfer_document import deadline_in, with_deadline
from globus_sync_directory.model.task import Task
from globus_sync_directory.model.status import PairStatus

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """
    What became of the attempt to start a pair's task; ``notes`` are lines worth reading all the same.

    ``earlier``: an earlier attempt had started the task, which may have ended by now.
    """

    verdict: PairStatus
    cause: Problem | None = None
    notes: tuple[str, ...] = ()
    task: Task | None = None
    earlier: bool = False


@dataclass(frozen=True, kw_only=True)
class _Started:
    task_id: str
    is_new: bool
    deadline: datetime | None


_Answer = _Started | ServiceUnavailable | RequestRejected


def send(
    globus: GlobusClient, ledger: Ledger, pairs: Sequence[Pair], known: Mapping[str, Task], *, sent_before: bool
) -> dict[str, Attempt]:
    """
    Submit the open reservation of every pair, several at a time, and return what came of each by fingerprint.

    Each answer is written down as it comes. Where Globus has no room, who waited longest asks first, and nobody
    asks once one was turned away: a reservation that is new is given up then, one that an earlier run may have sent
    (``sent_before``) stays open. ``known`` are our tasks by id as far as they are known. Raises StateError; what is
    reserved on disk then tells the next run.
    """
    reserved = {pair: found for pair in pairs if (found := ledger.memories[pair.fingerprint].reservation)}
    since = {pair: ledger.memories[pair.fingerprint].waiting_since for pair in reserved}
    waiters = sorted((moment, number) for number, pair in enumerate(reserved) if (moment := since[pair]))
    in_order = list(reserved)
    turns = [[in_order[number]] for _, number in waiters] + [[pair for pair in in_order if since[pair] is None]]
    answers: dict[Pair, _Answer] = {}
    for turn in turns:
        if any(map(_is_no_room, answers.values())):
            break
        with contextlib.closing(globus.map_as_completed(lambda pair: _submit(globus, pair, reserved[pair]), turn)) as stream:
            for some in stream:
                _record(globus, ledger, some)
                answers |= some
    turned_away = ServiceUnavailable("not sent again, as Globus has no room for more tasks") if sent_before else _NO_ROOM
    not_asked: dict[Pair, _Answer] = {pair: turned_away for pair in reserved if pair not in answers}
    _record(globus, ledger, not_asked)
    answers |= not_asked
    conflicts = [pair for pair, answer in answers.items() if _is_identical_paths(answer)]
    attempts = {pair.fingerprint: _attempt(globus, pair, answer) for pair, answer in answers.items()}
    return attempts | _resolve(globus, ledger, conflicts, known)


def _submit(globus: GlobusClient, pair: Pair, reservation: PendingSubmission) -> _Started:
    document = with_deadline(reservation.document, pair, globus.now())
    task_id, is_new = globus.submit(document)
    return _Started(task_id=task_id, is_new=is_new, deadline=deadline_in(document))


def _record(globus: GlobusClient, ledger: Ledger, answers: Mapping[Pair, _Answer]) -> None:
    changes = {}
    for pair, answer in answers.items():
        memory = ledger.memories[pair.fingerprint]
        if isinstance(answer, _Started):
            task = LastTask(task_id=answer.task_id, submitted_at=globus.now(), deadline=answer.deadline)
            changes[pair.fingerprint] = replace(memory, reservation=None, task=task, waiting_since=None)
            what = "started task" if answer.is_new else "settled the start that was left open: task"
            log.info("%s: %s %s", sanitize(pair.name), what, sanitize(answer.task_id))
        elif isinstance(answer, RequestRejected) and answer.definite:
            since = (memory.waiting_since or globus.now()) if _is_no_room(answer) else None
            changes[pair.fingerprint] = replace(memory, reservation=None, waiting_since=since)
    ledger.change(changes)


def _attempt(globus: GlobusClient, pair: Pair, answer: _Answer) -> Attempt:
    if isinstance(answer, _Started):
        return Attempt(verdict=PairStatus.STARTED, earlier=not answer.is_new)
    if isinstance(answer, ServiceUnavailable):
        refused = isinstance(answer, SignInRejected)
        verdict = PairStatus.SIGN_IN_REJECTED if refused else PairStatus.START_UNCONFIRMED
        cure = answer.fix if refused else _SETTLED_LATER
        return Attempt(verdict=verdict, cause=Problem(reason=str(answer), fix=cure))
    if not answer.definite:
        what = f"after an attempt without a clear answer Globus said: {sanitize(answer.message or answer.code, 160)}"
        return Attempt(verdict=PairStatus.START_UNCONFIRMED, cause=Problem(reason=what, fix=_SETTLED_LATER))
    if _is_no_room(answer):
        what = "as many tasks of this application as Globus takes wait there already"
        return Attempt(verdict=PairStatus.WAITING_FOR_ROOM, cause=Problem(reason=what, fix="a later run starts it"))
    cause = explain(answer.code, answer.message, pair, place_named(answer.message, pair), globus.identity)
    return Attempt(verdict=PairStatus.REJECTED, cause=cause)


def _resolve(
    globus: GlobusClient, ledger: Ledger, conflicts: Sequence[Pair], known: Mapping[str, Task]
) -> dict[str, Attempt]:
    """Return what is behind each refusal because of identical paths: our own task, by preference. Raises StateError."""
    if not conflicts:
        return {}
    try:
        live = globus.live_tasks()
    except (ServiceUnavailable, RequestRejected) as trouble:
        cause = Problem(reason=f"these paths are being transferred already, and our tasks could not be listed: {trouble}")
        return {pair.fingerprint: Attempt(verdict=PairStatus.NOT_REACHED, cause=cause) for pair in conflicts}
    attempts: dict[str, Attempt] = {}
    for pair in conflicts:
        memory = ledger.memories[pair.fingerprint]
        ours = live_of(live, pair.fingerprint)
        last = known.get(memory.task.task_id) if memory.task else None
        if ours:
            log.info("%s: adopted task %s, which was not remembered", sanitize(pair.name), ours[0].task_id)
            ledger.change({pair.fingerprint: with_task(memory, ours[0], pair)})
            attempts[pair.fingerprint] = Attempt(verdict=PairStatus.RUNNING, task=ours[0])
        elif _is_fresh(memory, globus.now()) and (last is None or last.is_live):
            note = "Globus does not list this task yet"
            attempts[pair.fingerprint] = Attempt(verdict=PairStatus.STARTED, notes=(note,))
        else:
            attempts[pair.fingerprint] = Attempt(verdict=PairStatus.REJECTED, cause=_foreign_task(pair, live))
    return attempts


def _is_fresh(memory: PairRecord, now: datetime) -> bool:
    return memory.task is not None and now - memory.task.submitted_at < SETTLING_TIME


def _foreign_task(pair: Pair, live: Sequence[Task]) -> Problem:
    ends = (pair.source.collection, pair.destination.collection)
    between = [task for task in live if (task.source_collection, task.destination_collection) == ends]
    named = ", ".join(f"{task.task_id} ('{sanitize(task.label, 60)}')" for task in between[:3])
    return Problem(
        reason="another task with the same paths is running that this tool did not start"
        + (f"; running between the two collections: {sanitize(named)}" if named else ""),
        fix="wait for its end, or have it cancelled by who started it",
    )


def _is_no_room(answer: _Answer) -> bool:
    return isinstance(answer, RequestRejected) and "TooManyPending" in answer.code


def _is_identical_paths(answer: _Answer) -> bool:
    """Return whether this is a 409 and none of the others that are known. Source: Globus Transfer API, task_submit."""
    if not isinstance(answer, RequestRejected) or not answer.definite or answer.http_status != 409:
        return False
    return not answer.code.rpartition(".")[2].startswith(("TooManyPending", "GCDisconnected", "NoCred"))


_SETTLED_LATER = "nothing to do, the next run settles it"
_NO_ROOM = RequestRejected(409, "ClientError.Conflict.TooManyPendingJobs", "", definite=True)
