"""Asks for logs, skipped paths and pauses, which explain the problems of tasks. It comes last, after the starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.model.answer import Answer, Received, Rejected, Unavailable
from globus_sync_directory.model.record import LastTask, PairRecord
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Event, Pause, SkippedPath, Task
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.scope import Scope
from globus_sync_directory.sync.snapshot import Snapshot
from globus_sync_directory.sync.success import gaps_first
from globus_sync_directory.sync.task_status import needs_log, task_status
from globus_sync_directory.text import shorten

_Entry = TypeVar("_Entry")


@dataclass(frozen=True, kw_only=True)
class Details:
    """What explains one task; ``missing``: why there is no explanation, empty if there is one."""

    events: tuple[Event, ...] = ()
    skipped: tuple[SkippedPath, ...] = ()
    pauses: tuple[Pause, ...] = ()
    missing: str = ""


def ask_details(
    client: GlobusClient,
    records: Mapping[str, PairRecord],
    snapshot: Snapshot,
    scope: Scope,
    outcomes: Mapping[str, Outcome],
) -> dict[str, Details]:
    """Return the details of each task that is reported and needs an explanation, by task id; one request each."""
    now = client.now()
    tasks = _reported_tasks(records, snapshot, scope, outcomes)

    def ask(found: tuple[Task, datetime | None]) -> Details:
        return _details_of(client, *found, now)

    answers = client.map_concurrently(ask, [found for found in tasks if _needs_details(*found, now)])
    return {task.task_id: details for (task, _), details in answers.items()}


def _reported_tasks(
    records: Mapping[str, PairRecord], snapshot: Snapshot, scope: Scope, outcomes: Mapping[str, Outcome]
) -> list[tuple[Task, datetime | None]]:
    """Return the tasks that the report is about, each with the deadline that was sent."""
    fingerprints: Iterable[str] = scope.by_fingerprint
    if scope.is_whole:
        fingerprints = [*fingerprints, *scope.orphaned(records)]
    remembered: list[LastTask] = []
    for record in (records[key] for key in fingerprints if key in records):
        remembered += [task for task in (record.task, record.replaced) if task]
    found = [(task, last.deadline) for last in remembered if (task := snapshot.find(last))]
    adopted = [(outcome.task, None) for outcome in outcomes.values() if outcome.task]
    return [*found, *adopted]


def _needs_details(task: Task, deadline_sent: datetime | None, now: datetime) -> bool:
    status, _ = task_status(task, deadline_sent, now)
    return needs_log(task, status, now) or status in (PairStatus.SUCCEEDED_WITH_GAPS, PairStatus.PAUSED)


def _details_of(client: GlobusClient, task: Task, deadline_sent: datetime | None, now: datetime) -> Details:
    status, _ = task_status(task, deadline_sent, now)
    if status is PairStatus.SUCCEEDED_WITH_GAPS:
        skipped, missing = _entries(client.skipped_paths(task.task_id))
        return Details(skipped=gaps_first(skipped), missing=missing)
    if status is PairStatus.PAUSED:
        pauses, missing = _entries(client.pauses(task))
        return Details(pauses=pauses, missing=missing)
    events, missing = _entries(client.newest_events(task.task_id))
    return Details(events=events, missing=missing)


def _entries(answer: Answer[list[_Entry]]) -> tuple[tuple[_Entry, ...], str]:
    match answer:
        case Received(value=entries):
            return tuple(entries), ""
        case Unavailable(reason=said) | Rejected(message=said):
            return (), f"the reason is not known, because Globus did not send it: {shorten(said)}"
