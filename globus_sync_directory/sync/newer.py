"""Before a pass that compares less than checksums: may a task that this state file does not know have failed?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from globus_sync_directory.globus.client import LIST_LIMIT, GlobusClient
from globus_sync_directory.model.answer import Received
from globus_sync_directory.model.pair import Pair, SyncLevel
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.task import Task
from globus_sync_directory.sync.ours import tasks_of
from globus_sync_directory.sync.plan import is_proven
from globus_sync_directory.sync.snapshot import Snapshot
from globus_sync_directory.sync.success import is_success


def find_doubts(
    client: GlobusClient, pairs: Sequence[Pair], records: Mapping[str, PairRecord], snapshot: Snapshot
) -> frozenset[str]:
    """
    Return the fingerprints of the pairs that must be compared by checksum because of newer tasks; one request for all.

    Another host may have started them, or this one before its state file was restored from an old copy.
    """
    cheap = [pair for pair in pairs if pair.sync_level is not SyncLevel.CHECKSUM and is_proven(records, pair)]
    if not cheap:
        return frozenset()
    answer = client.recent_tasks()
    return frozenset(
        pair.fingerprint
        for pair in cheap
        if not isinstance(answer, Received)
        or may_have_failed(pair, records[pair.fingerprint], snapshot.find(records[pair.fingerprint].task), answer.value)
    )


def may_have_failed(pair: Pair, record: PairRecord, last: Task | None, recent: Sequence[Task]) -> bool:
    """
    Return whether a task after ``last``, the one that ``record`` remembers, may have ended without a full success.

    ``recent`` are our newest tasks, at most LIST_LIMIT. If they do not reach back to ``last``, nobody knows.
    """
    if last is None:
        return True
    reaches_back = len(recent) < LIST_LIMIT or any(task.requested_at <= last.requested_at for task in recent)
    newer = [task for task in tasks_of(recent, pair.fingerprint, pair) if task.requested_at > last.requested_at]
    return not reaches_back or not all(is_success(task, record, pair) for task in newer)
