"""Resolves pending submissions: an earlier run sent them, or was about to, and did not see the answer."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.transfer_document import asks_for
from globus_sync_directory.model.answer import Received
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.records import last_task, with_task
from globus_sync_directory.sync.scope import Scope
from globus_sync_directory.sync.snapshot import LISTING_DELAY, live_tasks_of
from globus_sync_directory.sync.submit import resubmit

log = logging.getLogger(__name__)


def recover_pending(client: GlobusClient, store: StateStore, scope: Scope, live: Sequence[Task]) -> dict[str, Outcome]:
    """
    Find out whether each pending submission, of the scope's pairs or of orphaned records, has started a task.

    - If its task is live, it is resolved.
    - If the config still asks for it and its pair has no live task, it is sent again under the same id: Globus runs
      it only once.
    - Otherwise its task is searched for by the label, in any status. If there is none, and Globus has had enough time
      to list it, the pending submission is dropped.

    Returns the outcomes of those sent again, by fingerprint. Raises StateError.
    """
    pairs = scope.by_fingerprint
    again: list[Pair] = []
    unknown: list[str] = []
    with store.edit() as records:
        for fingerprint, record in _pending(records, scope).items():
            pair = pairs.get(fingerprint)
            document = record.pending.document if record.pending else {}
            task = next((task for task in live if task.label == document.get("label")), None)
            if task:
                records[fingerprint] = with_task(record, last_task(task, pair))
            elif pair and asks_for(document, pair) and not live_tasks_of(live, fingerprint):
                again.append(pair)
            else:
                unknown.append(fingerprint)
    _search(client, store, unknown, pairs, live)
    outcomes = resubmit(client, store, again, live, scope.identity)
    # A pair that was rejected is left out, so that this run plans a new start of it.
    return {key: found for key, found in outcomes.items() if found.status is not PairStatus.REJECTED}


def _pending(records: Mapping[str, PairRecord], scope: Scope) -> dict[str, PairRecord]:
    wanted = {**scope.by_fingerprint, **scope.orphaned(records)}
    return {key: record for key, record in records.items() if record.pending and key in wanted}


def _search(
    client: GlobusClient,
    store: StateStore,
    fingerprints: Collection[str],
    pairs: Mapping[str, Pair],
    live: Sequence[Task],
) -> None:
    """Look for the tasks of pending submissions by their labels; drop those that do not exist."""
    labels = {
        fingerprint: str(pending.document.get("label"))
        for fingerprint in fingerprints
        if (pending := store.records[fingerprint].pending)
    }
    found = client.map_concurrently(lambda fingerprint: client.tasks_by_label(labels[fingerprint]), labels)
    with store.edit() as records:
        for fingerprint, answer in found.items():
            record = records[fingerprint]
            if not isinstance(answer, Received):
                log.warning("%s: no answer about a pending submission; a later run will resolve it", record.name)
            elif answer.value:
                records[fingerprint] = with_task(record, last_task(answer.value[0], pairs.get(fingerprint)))
            elif not _may_be_unlisted(record, client.now()):
                records[fingerprint] = replace(record, pending=None)
                _log_dropped(record, live_tasks_of(live, fingerprint))


def _may_be_unlisted(record: PairRecord, now: datetime) -> bool:
    """Return whether the pending submission may have started a task that Globus does not list yet."""
    return record.pending is not None and abs(now - record.pending.reserved_at) < LISTING_DELAY


def _log_dropped(record: PairRecord, others: Sequence[Task]) -> None:
    log.warning(
        "%s: dropped the pending submission %s: Globus has no task of it, and %s",
        record.name,
        record.pending.submission_id if record.pending else "",
        f"task {others[0].task_id} is running" if others else "the config has changed since",
    )
