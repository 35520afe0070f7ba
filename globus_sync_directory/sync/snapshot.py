"""What Globus knows of our tasks, asked in as few requests as possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from globus_sync_directory.globus.client import IDS_PER_REQUEST, GlobusClient
from globus_sync_directory.globus.explain import is_no_such_task
from globus_sync_directory.model.answer import Answer, Failure, Received, Rejected, Unavailable
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.record import LastTask, PairRecord
from globus_sync_directory.model.task import Task
from globus_sync_directory.sync.ours import tasks_of
from globus_sync_directory.sync.scope import Scope

# A new task may be missing from Globus' answers for a while; only after that is "no such task" certain.
LISTING_DELAY = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """
    Our tasks as Globus describes them.

    ``known``: tasks by id, the live ones and the remembered ones. ``gone``: ids that Globus has no record of.
    ``unanswered``: ids that got no usable answer. ``has_recent``: ``known`` also has our newest tasks of any status.
    """

    known: Mapping[str, Task]
    gone: frozenset[str] = frozenset()
    unanswered: Mapping[str, Failure]
    has_recent: bool = False

    def find(self, remembered: LastTask | None) -> Task | None:
        """Return the remembered task, if Globus knows it."""
        return self.known.get(remembered.task_id) if remembered else None

    def live(self, fingerprint: str, ends: Pair | PairRecord) -> list[Task]:
        """Return the live tasks of a pair, or of the record of one, newest first."""
        return [task for task in tasks_of(self.known.values(), fingerprint, ends) if task.is_live]

    def with_tasks(self, tasks: Iterable[Task]) -> Snapshot:
        """Return the snapshot with tasks that were found later."""
        return replace(self, known={**self.known, **{task.task_id: task for task in tasks}})


def take_snapshot(
    client: GlobusClient,
    records: Mapping[str, PairRecord],
    scope: Scope,
    live: Answer[Sequence[Task]],
    now: datetime,
) -> Snapshot | Failure:
    """
    Return the ``live`` tasks together with those that the records remember.

    One request for each hundred remembered tasks that are not live, one more for each task that Globus then left out,
    and one for our recent tasks if a pair has no record yet. Returns the failure if Globus did not send the list of
    live or recent tasks.
    """
    if not isinstance(live, Received):
        return live
    known = {task.task_id: task for task in live.value}
    needs_recent = any(not _has_history(records.get(pair.fingerprint)) for pair in scope.pairs)
    if needs_recent:
        recent = client.recent_tasks()
        if not isinstance(recent, Received):
            return recent
        known |= {task.task_id: task for task in recent.value}
    remembered = _remembered(records, scope)
    missing = [task_id for task_id in remembered if task_id not in known]
    chunks = [tuple(missing[at : at + IDS_PER_REQUEST]) for at in range(0, len(missing), IDS_PER_REQUEST)]
    unanswered: dict[str, Failure] = {}
    for chunk, answer in client.map_concurrently(client.tasks_by_id, chunks).items():
        match answer:
            case Received(value=tasks):
                known |= {task.task_id: task for task in tasks}
            case failure:
                unanswered |= dict.fromkeys(chunk, failure)
    gone = set()
    unlisted = [task_id for task_id in missing if task_id not in known and task_id not in unanswered]
    for task_id, found in client.map_concurrently(client.task, unlisted).items():
        match found:
            case Received(value=task):
                known[task_id] = task
            case Rejected() if is_no_such_task(found):
                if now - remembered[task_id].submitted_at > LISTING_DELAY:
                    gone.add(task_id)
            case Rejected() | Unavailable():
                unanswered[task_id] = found
    return Snapshot(known=known, gone=frozenset(gone), unanswered=unanswered, has_recent=needs_recent)


def _has_history(record: PairRecord | None) -> bool:
    return record is not None and record.has_history


def _remembered(records: Mapping[str, PairRecord], scope: Scope) -> dict[str, LastTask]:
    """Return the remembered tasks by id that this run must know about."""
    wanted = [records[pair.fingerprint] for pair in scope.pairs if pair.fingerprint in records]
    wanted += [
        record
        for record in scope.orphaned(records).values()
        if not (record.left_config and record.left_config.is_end_reported)
    ]
    tasks = [task for record in wanted for task in (record.task, record.replaced) if task]
    return {task.task_id: task for task in tasks}
