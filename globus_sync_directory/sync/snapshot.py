"""What Globus says of all pairs, asked as few times as can be, and what the ledger learns from it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from globus_sync_directory.text import sanitize
from globus_sync_directory.errors import ServiceUnavailable
from globus_sync_directory.sync.ledger import Ledger
from globus_sync_directory.model.pair import Pair, fingerprint_in, name_in
from globus_sync_directory.globus.client import IDS_PER_REQUEST, GlobusClient, RequestRejected
from globus_sync_directory.state import LastTask, PairRecord, Success
from globus_sync_directory.model.task import Task

# A new task may be missing from Globus' answers for a while; only after that does "no such task" mean what it says.
SETTLING_TIME = timedelta(minutes=10)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Our tasks as Globus sees them: each known one by id, the ids it knows no more, and what got no answer."""

    known: Mapping[str, Task]
    gone: frozenset[str] = frozenset()
    unanswered: Mapping[str, ServiceUnavailable | RequestRejected]

    def last_task(self, memory: PairRecord) -> Task | None:
        """Return the task that is remembered as the last one, if Globus knows it."""
        return self.known.get(memory.task.task_id) if memory.task else None

    def live(self, fingerprint: str) -> list[Task]:
        """Return the live tasks of this fingerprint, newest first."""
        return live_of(self.known.values(), fingerprint)


def live_of(tasks: Iterable[Task], fingerprint: str) -> list[Task]:
    """Return those of ``tasks`` that are live and carry ``fingerprint``, newest first."""
    return _newest_first(task for task in tasks if task.is_live and fingerprint_in(task.label) == fingerprint)


def take_snapshot(
    globus: GlobusClient, ledger: Ledger, live: list[Task], now: datetime, only: Collection[Pair] | None = None
) -> Snapshot:
    """
    Return the tasks in ``live`` and those the ledger remembers, of all pairs or ``only`` of some.

    One request per hundred remembered tasks that are not live, one for each that is in neither answer; where there is
    no usable state file one more, for our recent tasks, which raises NoAnswer or Refused. Any other question that gets
    no answer is told in ``unanswered``.
    """
    known = {task.task_id: task for task in live}
    if not ledger.usable:
        known |= {task.task_id: task for task in globus.recent_tasks()}
    wanted = ledger.memories if only is None else {pair.fingerprint for pair in only}
    remembered = {
        memory.task.task_id: memory.task
        for fingerprint, memory in ledger.memories.items()
        if memory.task and fingerprint in wanted
    }
    missing = [task_id for task_id in remembered if task_id not in known]
    chunks = [tuple(missing[at : at + IDS_PER_REQUEST]) for at in range(0, len(missing), IDS_PER_REQUEST)]
    unanswered: dict[str, ServiceUnavailable | RequestRejected] = {}
    for chunk, tasks in globus.map_concurrently(globus.tasks_by_id, chunks).items():
        if isinstance(tasks, ServiceUnavailable | RequestRejected):
            unanswered |= dict.fromkeys(chunk, tasks)
        else:
            known |= {task.task_id: task for task in tasks}
    gone = set()
    alone = [task_id for task_id in missing if task_id not in known and task_id not in unanswered]
    for task_id, answer in globus.map_concurrently(globus.task, alone).items():
        if isinstance(answer, Task):
            known[task_id] = answer
        elif not _is_no_such_task(answer):
            unanswered[task_id] = answer
        elif now - remembered[task_id].submitted_at > SETTLING_TIME:
            gone.add(task_id)
    return Snapshot(known=known, gone=frozenset(gone), unanswered=unanswered)


def _is_no_such_task(answer: ServiceUnavailable | RequestRejected) -> bool:
    """Return whether Globus says that it has no such task for us; what says so is not known for sure."""
    if isinstance(answer, ServiceUnavailable):
        return False
    return answer.http_status == 404 or (answer.http_status == 403 and answer.code.endswith("PermissionDenied"))


def learn(
    ledger: Ledger, picture: Snapshot, pairs: Collection[Pair], config_pairs: Collection[Pair], now: datetime
) -> None:
    """
    Write down what the picture shows: new pairs, successes, and live tasks that nobody remembers.

    ``pairs`` are those of this run, of ``config_pairs``. Where there was no usable state file, what Globus knows takes
    its place, for all pairs. A live task of ours with none of the pairs behind it is a left-over. Raises StateError.
    """
    changes: dict[str, PairRecord | None] = {pair.fingerprint: _known_of(pair, ledger, picture, now) for pair in pairs}
    configured = {pair.fingerprint for pair in config_pairs}
    for fingerprint, memory in ledger.memories.items():
        if fingerprint not in configured:
            changes[fingerprint] = _adopted(memory, picture, fingerprint, None)
    additions: dict[str, PairRecord] = {}
    if not ledger.usable:
        for pair in config_pairs:
            memory = _known_of(pair, ledger, picture, now)
            if pair.fingerprint not in changes and (memory.task or memory.success):
                additions[pair.fingerprint] = memory
    for task in picture.known.values():
        fingerprint = fingerprint_in(task.label) or ""
        if task.is_live and fingerprint not in {"", *configured, *ledger.memories}:
            name = name_in(task.label) or fingerprint
            additions[fingerprint] = PairRecord(name=name, first_seen=now, task=_last_task(task, None))
    ledger.change(changes, additions)


def _known_of(pair: Pair, ledger: Ledger, picture: Snapshot, now: datetime) -> PairRecord:
    """Return what is known of a pair by now: remembered, recovered from Globus' records, or adopted."""
    memory = ledger.memory(pair, now)
    if not ledger.usable:
        memory = _recovered(memory, pair, picture)
    return _adopted(_with_success(memory, picture), picture, pair.fingerprint, pair)


def is_over(memory: PairRecord, picture: Snapshot) -> bool:
    """Return whether it is certain that nothing remembered here goes on, nor may have been started unknown to us."""
    if memory.reservation is not None:
        return False
    if memory.task is None or memory.task.task_id in picture.gone:
        return True
    task = picture.last_task(memory)
    return task is not None and not task.is_live


def with_task(memory: PairRecord, task: Task, pair: Pair | None) -> PairRecord:
    """Return ``memory`` with ``task`` as the last one and no open reservation."""
    return replace(memory, task=_last_task(task, pair), reservation=None, waiting_since=None)


def _last_task(task: Task, pair: Pair | None) -> LastTask:
    deadline = task.deadline if pair and pair.time_limit else None
    return LastTask(task_id=task.task_id, submitted_at=task.requested_at, deadline=deadline)


def _recovered(memory: PairRecord, pair: Pair, picture: Snapshot) -> PairRecord:
    """Return what Globus' own records tell of a pair whose state file is lost."""
    ours = _newest_first(task for task in picture.known.values() if fingerprint_in(task.label) == pair.fingerprint)
    if ours and memory.task is None:
        memory = replace(memory, task=_last_task(ours[0], pair))
    success = next((task for task in ours if task.is_clean_success), None)
    return replace(memory, success=_success(success)) if success and memory.success is None else memory


def _with_success(memory: PairRecord, picture: Snapshot) -> PairRecord:
    task = picture.last_task(memory)
    return replace(memory, success=_success(task)) if task and task.is_clean_success else memory


def _success(task: Task) -> Success:
    return Success(
        task_id=task.task_id,
        ended_at=task.ended_at or task.requested_at,
        files=task.files_done,
        bytes=task.bytes_done,
    )


def _adopted(memory: PairRecord, picture: Snapshot, fingerprint: str, pair: Pair | None) -> PairRecord:
    """Return ``memory`` with the live task as the last one; the remembered one where several are live."""
    live = picture.live(fingerprint)
    if not live or (memory.task and memory.task.task_id in {task.task_id for task in live}):
        return memory
    log.info("%s: adopted task %s, which was not remembered", sanitize(memory.name), live[0].task_id)
    return replace(memory, task=_last_task(live[0], pair), waiting_since=None)


def _newest_first(tasks: Iterable[Task]) -> list[Task]:
    return sorted(tasks, key=lambda task: task.requested_at, reverse=True)
