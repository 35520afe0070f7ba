"""Reserved submission ids -> the one task that each stands for. Whatever is sent was on disk before."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from globus_sync_directory.causes import Cause, explain, place_named
from globus_sync_directory.clean import clean
from globus_sync_directory.errors import NoAnswer
from globus_sync_directory.ledger import Ledger
from globus_sync_directory.pairs import Pair
from globus_sync_directory.picture import SETTLING_TIME, live_of, with_task
from globus_sync_directory.service import Globus, Refused
from globus_sync_directory.state import LastTask, Reservation
from globus_sync_directory.submit import deadline_in, with_deadline
from globus_sync_directory.tasks import Task
from globus_sync_directory.verdicts import Verdict

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """
    What became of the attempt to start a pair's task; ``notes`` are lines worth reading all the same.

    ``earlier``: an earlier attempt had started the task, which may have ended by now.
    """

    verdict: Verdict
    cause: Cause | None = None
    notes: tuple[str, ...] = ()
    task: Task | None = None
    earlier: bool = False


@dataclass(frozen=True, kw_only=True)
class _Started:
    task_id: str
    is_new: bool
    deadline: datetime | None


_Answer = _Started | NoAnswer | Refused


def send(globus: Globus, ledger: Ledger, pairs: Sequence[Pair]) -> dict[str, Sent]:
    """
    Submit the open reservation of every pair, several at a time, and return what came of each by fingerprint.

    Each answer is written down as it comes. Where Globus has no room, who waited longest asks first, and nobody
    asks once one was turned away. Raises StateError; the reservations that are then on disk tell the next run.
    """
    sent: dict[str, Sent] = {}
    conflicts: dict[Pair, Refused] = {}
    reserved = {pair: found for pair in pairs if (found := ledger.memories[pair.fingerprint].reservation)}
    since = {pair: ledger.memories[pair.fingerprint].waiting_since for pair in pairs}
    waiters = sorted((moment, number) for number, pair in enumerate(pairs) if (moment := since[pair]))
    turns = [[pairs[number]] for _, number in waiters] + [[pair for pair in pairs if since[pair] is None]]
    full = False
    for turn in turns:
        if full:
            no_room = {pair: _NO_ROOM for pair in turn}
            _record(globus, ledger, no_room)
            sent |= {pair.fingerprint: _outcome(globus, pair, _NO_ROOM) for pair in turn}
            continue
        for answers in globus.for_each(lambda pair: _submit(globus, pair, reserved[pair]), turn):
            _record(globus, ledger, answers)
            for pair, answer in answers.items():
                full = full or _is_no_room(answer)
                if isinstance(answer, Refused) and answer.definite and _is_identical_paths(answer):
                    conflicts[pair] = answer
                else:
                    sent[pair.fingerprint] = _outcome(globus, pair, answer)
    return sent | _resolve(globus, ledger, conflicts)


def _submit(globus: Globus, pair: Pair, reservation: Reservation) -> _Started:
    document = with_deadline(reservation.document, pair, globus.now())
    task_id, is_new = globus.submit(document)
    return _Started(task_id=task_id, is_new=is_new, deadline=deadline_in(document))


def _record(globus: Globus, ledger: Ledger, answers: Mapping[Pair, _Answer]) -> None:
    changes = {}
    for pair, answer in answers.items():
        memory = ledger.memories[pair.fingerprint]
        if isinstance(answer, _Started):
            task = LastTask(task_id=answer.task_id, submitted_at=globus.now(), deadline=answer.deadline)
            changes[pair.fingerprint] = replace(memory, reservation=None, task=task, waiting_since=None)
            log.info("%s: started task %s", clean(pair.name), clean(answer.task_id))
        elif isinstance(answer, Refused) and answer.definite:
            since = (memory.waiting_since or globus.now()) if _is_no_room(answer) else None
            changes[pair.fingerprint] = replace(memory, reservation=None, waiting_since=since)
    ledger.change(changes)


def _outcome(globus: Globus, pair: Pair, answer: _Answer) -> Sent:
    if isinstance(answer, _Started):
        return Sent(verdict=Verdict.STARTED, earlier=not answer.is_new)
    if isinstance(answer, NoAnswer):
        return Sent(verdict=Verdict.START_UNCONFIRMED, cause=Cause(what=str(answer), cure=_SETTLED_LATER))
    if not answer.definite:
        return Sent(
            verdict=Verdict.START_UNCONFIRMED,
            cause=Cause(
                what=f"after an attempt without an answer Globus said: {clean(answer.message, 160)}",
                cure=_SETTLED_LATER,
            ),
        )
    if _is_no_room(answer):
        return Sent(verdict=Verdict.WAITING_FOR_ROOM)
    place = place_named(answer.message, pair)
    return Sent(verdict=Verdict.REFUSED, cause=explain(answer.code, answer.message, pair, place, globus.identity))


def _resolve(globus: Globus, ledger: Ledger, conflicts: Mapping[Pair, Refused]) -> dict[str, Sent]:
    """Return what is behind each refusal because of identical paths: our own task, by preference."""
    if not conflicts:
        return {}
    try:
        live = globus.live_tasks()
    except (NoAnswer, Refused) as trouble:
        cause = Cause(what=f"these paths are being transferred already, and our tasks could not be listed: {trouble}")
        return {pair.fingerprint: Sent(verdict=Verdict.NOT_REACHED, cause=cause) for pair in conflicts}
    sent: dict[str, Sent] = {}
    for pair in conflicts:
        memory = ledger.memories[pair.fingerprint]
        ours = live_of(live, pair.fingerprint)
        if ours:
            log.info("%s: adopted task %s, which was not remembered", clean(pair.name), clean(ours[0].task_id))
            ledger.change({pair.fingerprint: with_task(memory, ours[0], pair)})
            sent[pair.fingerprint] = Sent(verdict=Verdict.RUNNING, task=ours[0])
        elif memory.task and globus.now() - memory.task.submitted_at < SETTLING_TIME:
            note = "Globus does not list this task yet"
            sent[pair.fingerprint] = Sent(verdict=Verdict.STARTED, notes=(note,))
        else:
            sent[pair.fingerprint] = Sent(verdict=Verdict.REFUSED, cause=_foreign_task(pair, live))
    return sent


def _foreign_task(pair: Pair, live: Sequence[Task]) -> Cause:
    ends = (pair.source.collection, pair.destination.collection)
    between = [task for task in live if (task.source_collection, task.destination_collection) == ends]
    named = ", ".join(f"{task.task_id} ('{clean(task.label, 60)}')" for task in between[:3])
    return Cause(
        what="another task with the same paths is running that this tool did not start"
        + (f"; running between the two collections: {clean(named)}" if named else ""),
        cure="wait for its end, or cancel it in the Globus web app under Activity",
    )


def _is_no_room(answer: _Answer) -> bool:
    return isinstance(answer, Refused) and "TooManyPending" in answer.code


def _is_identical_paths(refused: Refused) -> bool:
    """Return whether this 409 is none of the others that are known. Source: Globus Transfer API, task_submit."""
    last = refused.code.rpartition(".")[2]
    known = ("TooManyPending", "GCDisconnected", "NoCred")
    return refused.http_status == 409 and not last.startswith(known)


_SETTLED_LATER = "nothing to do, the next run settles it"
_NO_ROOM = Refused(409, "ClientError.Conflict.TooManyPendingJobs", "", definite=True)
