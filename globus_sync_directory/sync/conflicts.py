"""Rejections because another task has the same paths: whose task is it?"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeGuard

from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.model.answer import Received, Rejected
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.ours import tasks_of
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.records import last_task, with_task
from globus_sync_directory.sync.sending import Reply
from globus_sync_directory.sync.snapshot import LISTING_DELAY
from globus_sync_directory.text import quote, shorten

_EXPLAINED_CONFLICTS = ("TooManyPending", "GCDisconnected", "NoCred", "SubmissionIdInUse")

log = logging.getLogger(__name__)


def outcomes_of_conflicts(
    client: GlobusClient, store: StateStore, replies: Mapping[Pair, Reply], known: Mapping[str, Task]
) -> dict[str, Outcome]:
    """Return the outcomes of pairs whose paths another task has already; that is mostly a task of our own."""
    conflicts = {pair: reply for pair, reply in replies.items() if _is_unexplained_conflict(reply)}
    if not conflicts:
        return {}
    answer = client.live_tasks()
    outcomes: dict[str, Outcome] = {}
    with store.edit() as records:
        for pair, reply in conflicts.items():
            record = records[pair.fingerprint]
            live = answer.value if isinstance(answer, Received) else None
            ours = tasks_of(live or (), pair.fingerprint, pair)
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


def _is_unexplained_conflict(reply: Reply) -> TypeGuard[Rejected]:
    """Return whether another task may have the same paths: a 409 whose code says nothing else. Source: task_submit."""
    if not isinstance(reply, Rejected) or not reply.is_definite or reply.http_status != 409:
        return False
    return not reply.code.rpartition(".")[2].startswith(_EXPLAINED_CONFLICTS)


def _is_identical_paths(reply: Rejected) -> bool:
    """Return whether Globus says that another task has the same paths; the code of that is used for more."""
    return "identical paths" in reply.message.lower()
