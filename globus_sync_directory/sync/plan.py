"""Pairs without a live task -> new tasks: look before leaping, reserve, submit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from globus_sync_directory.globus.explain import Problem, explain, is_path_not_found
from globus_sync_directory.text import sanitize
from globus_sync_directory.errors import ServiceUnavailable
from globus_sync_directory.sync.ledger import Ledger
from globus_sync_directory.model.pair import Pair, Directory, SyncLevel, name_for_label
from globus_sync_directory.sync.snapshot import Snapshot, is_over
from globus_sync_directory.sync.submit import Attempt, send
from globus_sync_directory.globus.client import GlobusClient, RequestRejected
from globus_sync_directory.state import PairRecord, PendingSubmission
from globus_sync_directory.globus.transfer_document import NO_SUBMISSION_ID_YET, build_document
from globus_sync_directory.model.task import Task
from globus_sync_directory.model.status import PairStatus, task_status


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a pair's next task would be, and why; ``notes`` are doubts that do not stop it."""

    pair: Pair
    sync_level: SyncLevel
    why: str
    notes: tuple[str, ...] = ()

    def document(self, globus: GlobusClient, submission_id: str = NO_SUBMISSION_ID_YET) -> dict[str, Any]:
        """Return the transfer document; with a deadline that counts from now, where the pair has a time limit."""
        return build_document(self.pair, submission_id, self.sync_level, globus.now())


def plan_starts(
    globus: GlobusClient, ledger: Ledger, pairs: Sequence[Pair], picture: Snapshot
) -> tuple[list[Plan], dict[str, Attempt]]:
    """
    Look at both ends of ``pairs``; return the plans, and what cannot be started, by fingerprint.

    Each distinct collection and path is asked for once; a destination that has worked before is not asked for.
    Only what waiting cannot cure stops a start.
    """
    looks: dict[Directory, None] = {}
    for pair in pairs:
        looks[pair.source] = None
        if not _is_proved(ledger, pair, picture):
            looks[pair.destination] = None
    found = globus.map_concurrently(lambda place: globus.stat(place.collection, place.directory), looks)
    plans: list[Plan] = []
    stopped: dict[str, Attempt] = {}
    for pair in pairs:
        doubts = [doubt for place in (pair.source, pair.destination) if (doubt := _doubt(globus, pair, place, found))]
        permanent = [doubt for doubt in doubts if doubt.permanent]
        notes = tuple(_sentence(doubt) for doubt in doubts if doubt not in permanent[:1])
        if permanent:
            attempt = Attempt(verdict=PairStatus.BLOCKED, cause=permanent[0], notes=notes)
            stopped[pair.fingerprint] = attempt
        else:
            sync_level, why = _level(ledger, pair, picture)
            plans.append(Plan(pair=pair, sync_level=sync_level, why=why, notes=notes))
    return plans, stopped


def start(globus: GlobusClient, ledger: Ledger, plans: Sequence[Plan], known: Mapping[str, Task]) -> dict[str, Attempt]:
    """
    Submit every plan and return what came of it by fingerprint; ``known`` are our tasks by id.

    All reservations are on disk before the first submission. Raises StateError, with nothing submitted where it was
    the reservations that could not be written.
    """
    attempts: dict[str, Attempt] = {}
    reservations: dict[str, PairRecord | None] = {}
    by_pair = {plan.pair: plan for plan in plans}
    for pair, answer in globus.map_concurrently(lambda _: globus.submission_id(), by_pair).items():
        if isinstance(answer, ServiceUnavailable):
            cause = Problem(reason=str(answer), fix=answer.fix)
            attempts[pair.fingerprint] = Attempt(verdict=PairStatus.NOT_REACHED, cause=cause)
        elif isinstance(answer, RequestRejected):
            cause = explain(answer.code, answer.message, pair, None, globus.identity)
            attempts[pair.fingerprint] = Attempt(verdict=PairStatus.REJECTED, cause=cause)
        else:
            document = by_pair[pair].document(globus, answer)
            reservation = PendingSubmission(submission_id=answer, document=document, reserved_at=globus.now())
            memory = ledger.memory(pair, globus.now())
            reservations[pair.fingerprint] = replace(memory, reservation=reservation)
    ledger.change(reservations)
    reserved = [pair for pair in by_pair if pair.fingerprint in reservations]
    attempts |= send(globus, ledger, reserved, known, sent_before=False)
    for pair, plan in by_pair.items():
        attempt = attempts[pair.fingerprint]
        attempts[pair.fingerprint] = replace(attempt, notes=plan.notes + attempt.notes)
    return attempts


def wait_for_earlier(
    pair: Pair, ledger: Ledger, picture: Snapshot, left_over: Sequence[str], now: datetime
) -> Attempt | None:
    """Return that ``pair`` waits, where a left-over still writes, or may write, to its destination."""
    for fingerprint in left_over:
        memory = ledger.memories[fingerprint]
        if is_over(memory, picture) or not _shares_destination(memory, pair, picture.last_task(memory)):
            continue
        verdict = PairStatus.WAITING_FOR_EARLIER_TASK
        task = picture.last_task(memory)
        if task is None or not task.is_live:
            what = f"a start of [{sanitize(memory.name)}] that is not confirmed yet may write to the same destination"
            return Attempt(verdict=verdict, cause=Problem(reason=what, fix="nothing to do, a later run settles it"))
        what = f"task {task.task_id}, left over from [{sanitize(memory.name)}], still writes to the same destination"
        cure = "the run after its end starts this pair; cancel that task if it is not wanted any more"
        found, _ = task_status(task, None, now)
        if found in (PairStatus.SUSPENDED, PairStatus.PAUSED):
            verdict, what = PairStatus.BLOCKED, f"{what}, and does not get on: it is {found.words}"
        return Attempt(verdict=verdict, cause=Problem(reason=what, fix=cure))
    return None


def _shares_destination(memory: PairRecord, pair: Pair, task: Task | None) -> bool:
    """Return whether a left-over writes where ``pair`` does; one found by its label alone is known by its name only."""
    if memory.destination is not None:
        return memory.destination.overlaps(pair.destination)
    collection = task.destination_collection if task else ""
    return collection == pair.destination.collection and memory.name == name_for_label(pair.name)


def _is_proved(ledger: Ledger, pair: Pair, picture: Snapshot) -> bool:
    """Return whether both ends are known to work: the pair's last task was a full success."""
    memory = ledger.memories.get(pair.fingerprint)
    last = picture.last_task(memory) if memory else None
    return last is not None and last.is_clean_success


def _level(ledger: Ledger, pair: Pair, picture: Snapshot) -> tuple[SyncLevel, str]:
    """Return the sync level and the reason: after anything but a success only checksums find damaged files."""
    if _is_proved(ledger, pair, picture):
        level = pair.sync_level.name.lower()
        return pair.sync_level, f"its last task succeeded and none is running; sync level {level}"
    memory = ledger.memories.get(pair.fingerprint)
    known = memory is not None and memory.task is not None
    why = "its last task did not end as a full success" if known else "no earlier task of it is known"
    return SyncLevel.CHECKSUM, f"{why}, so all files are compared by checksum"


def _sentence(doubt: Problem) -> str:
    return f"{doubt.reason} (cure: {doubt.fix})" if doubt.fix else doubt.reason


def _doubt(globus: GlobusClient, pair: Pair, place: Directory, found: Mapping[Directory, str | ServiceUnavailable | RequestRejected]) -> Problem | None:
    """Return what the look at one end of the pair found wrong, if anything."""
    answer = found.get(place)
    if answer is None or answer == "dir":
        return None
    if isinstance(answer, ServiceUnavailable):
        return Problem(reason=f"could not look at '{sanitize(place.path)}' on collection {place.collection}: {answer}")
    if isinstance(answer, RequestRejected):
        if place == pair.destination and is_path_not_found(answer.code):
            return None
        return explain(answer.code, answer.message, pair, place, globus.identity)
    return explain("NotDirectory", "", pair, place, globus.identity)
