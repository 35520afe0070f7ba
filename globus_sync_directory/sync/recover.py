"""Open reservations: submission ids that were, or were about to be, sent by a run that did not see the answer."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace

from globus_sync_directory.text import sanitize
from globus_sync_directory.errors import ServiceUnavailable
from globus_sync_directory.sync.ledger import Ledger
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.sync.snapshot import SETTLING_TIME, live_of, with_task
from globus_sync_directory.sync.submit import Attempt, send
from globus_sync_directory.globus.client import GlobusClient, RequestRejected
from globus_sync_directory.state import PairRecord
from globus_sync_directory.globus.transfer_document import asks_for
from globus_sync_directory.model.task import Task

log = logging.getLogger(__name__)


def recover_pending(
    globus: GlobusClient, ledger: Ledger, pairs: Collection[Pair], left_over: Collection[str], live: list[Task]
) -> dict[str, Attempt]:
    """
    Find out what became of every open reservation of ``pairs`` and of the ``left_over`` fingerprints.

    One whose task is live is settled. One that the config still asks for, while nothing else of its pair is live, is
    sent once more under the same id: Globus runs it once. Any other is looked for by its label, in any status, and
    dropped once Globus would list it if there were one. Returns what sending gave, by fingerprint. Raises StateError.
    """
    by_fingerprint = {pair.fingerprint: pair for pair in pairs}
    again: list[Pair] = []
    search: list[str] = []
    for fingerprint, memory in list(ledger.memories.items()):
        pair = by_fingerprint.get(fingerprint)
        if memory.reservation is None or (pair is None and fingerprint not in left_over):
            continue
        document = memory.reservation.document
        task = next((task for task in live if task.label == document.get("label")), None)
        if task:
            ledger.change({fingerprint: with_task(memory, task, pair)})
        elif pair and asks_for(document, pair) and not live_of(live, fingerprint):
            again.append(pair)
        else:
            search.append(fingerprint)
    _search(globus, ledger, search, by_fingerprint, live)
    return send(globus, ledger, again, {task.task_id: task for task in live}, sent_before=True)


def _search(
    globus: GlobusClient, ledger: Ledger, fingerprints: list[str], pairs: Mapping[str, Pair], live: list[Task]
) -> None:
    labels = {
        fingerprint: str(reservation.document.get("label"))
        for fingerprint in fingerprints
        if (reservation := ledger.memories[fingerprint].reservation)
    }
    found = globus.map_concurrently(lambda fingerprint: globus.tasks_by_label(labels[fingerprint]), labels)
    for fingerprint, answer in found.items():
        memory = ledger.memories[fingerprint]
        other = live_of(live, fingerprint)
        if isinstance(answer, ServiceUnavailable | RequestRejected):
            log.warning("%s: %s; its open start is settled by a later run", sanitize(memory.name), answer)
        elif answer:
            ledger.change({fingerprint: with_task(memory, answer[0], pairs.get(fingerprint))})
        elif not _is_fresh(globus, memory):
            log.warning(
                "%s: the start that was left open (submission %s) is dropped: Globus has no such task, and %s",
                sanitize(memory.name),
                memory.reservation.submission_id if memory.reservation else "",
                f"task {other[0].task_id} is at work" if other else "the config asks for something else by now",
            )
            ledger.change({fingerprint: replace(memory, reservation=None)})


def _is_fresh(globus: GlobusClient, memory: PairRecord) -> bool:
    """Return whether a task of this reservation may exist that Globus does not list yet."""
    reservation = memory.reservation
    return reservation is not None and abs(globus.now() - reservation.reserved_at) < SETTLING_TIME
