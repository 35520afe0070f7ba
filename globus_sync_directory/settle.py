"""Open reservations: submission ids that were, or were about to be, sent by a run that did not see the answer."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace

from globus_sync_directory.clean import clean
from globus_sync_directory.errors import NoAnswer
from globus_sync_directory.ledger import Ledger
from globus_sync_directory.pairs import Pair
from globus_sync_directory.picture import SETTLING_TIME, live_of, with_task
from globus_sync_directory.sending import Attempt, send
from globus_sync_directory.service import Globus, Refused
from globus_sync_directory.state import Memory
from globus_sync_directory.submit import asks_for
from globus_sync_directory.tasks import Task

log = logging.getLogger(__name__)


def settle(
    globus: Globus, ledger: Ledger, pairs: Collection[Pair], left_over: Collection[str], live: list[Task]
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
    globus: Globus, ledger: Ledger, fingerprints: list[str], pairs: Mapping[str, Pair], live: list[Task]
) -> None:
    labels = {
        fingerprint: str(reservation.document.get("label"))
        for fingerprint in fingerprints
        if (reservation := ledger.memories[fingerprint].reservation)
    }
    found = globus.ask_all(lambda fingerprint: globus.tasks_by_label(labels[fingerprint]), labels)
    for fingerprint, answer in found.items():
        memory = ledger.memories[fingerprint]
        other = live_of(live, fingerprint)
        if isinstance(answer, NoAnswer | Refused):
            log.warning("%s: %s; its open start is settled by a later run", clean(memory.name), answer)
        elif answer:
            ledger.change({fingerprint: with_task(memory, answer[0], pairs.get(fingerprint))})
        elif not _is_fresh(globus, memory):
            log.warning(
                "%s: the start that was left open (submission %s) is dropped: Globus has no such task, and %s",
                clean(memory.name),
                memory.reservation.submission_id if memory.reservation else "",
                f"task {other[0].task_id} is at work" if other else "the config asks for something else by now",
            )
            ledger.change({fingerprint: replace(memory, reservation=None)})


def _is_fresh(globus: Globus, memory: Memory) -> bool:
    """Return whether a task of this reservation may exist that Globus does not list yet."""
    reservation = memory.reservation
    return reservation is not None and abs(globus.now() - reservation.reserved_at) < SETTLING_TIME
