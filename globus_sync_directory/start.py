"""Pairs without a live task -> new tasks: look before leaping, reserve, submit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from globus_sync_directory.causes import Cause, explain, is_path_not_found
from globus_sync_directory.clean import clean
from globus_sync_directory.errors import NoAnswer
from globus_sync_directory.ledger import Ledger
from globus_sync_directory.pairs import Pair, Place, SyncLevel, name_for_label
from globus_sync_directory.picture import Picture, is_over
from globus_sync_directory.sending import Attempt, send
from globus_sync_directory.service import Globus, Refused
from globus_sync_directory.state import Memory, Reservation
from globus_sync_directory.submit import NO_SUBMISSION_ID_YET, compose
from globus_sync_directory.tasks import Task
from globus_sync_directory.verdicts import Verdict, judge


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a pair's next task would be, and why; ``notes`` are doubts that do not stop it."""

    pair: Pair
    sync_level: SyncLevel
    why: str
    notes: tuple[str, ...] = ()

    def document(self, globus: Globus, submission_id: str = NO_SUBMISSION_ID_YET) -> dict[str, Any]:
        """Return the transfer document; with a deadline that counts from now, where the pair has a time limit."""
        return compose(self.pair, submission_id, self.sync_level, globus.now())


def plan_starts(
    globus: Globus, ledger: Ledger, pairs: Sequence[Pair], picture: Picture
) -> tuple[list[Plan], dict[str, Attempt]]:
    """
    Look at both ends of ``pairs``; return the plans, and what cannot be started, by fingerprint.

    Each distinct collection and path is asked for once; a destination that has worked before is not asked for.
    Only what waiting cannot cure stops a start.
    """
    looks: dict[Place, None] = {}
    for pair in pairs:
        looks[pair.source] = None
        if not _is_proved(ledger, pair, picture):
            looks[pair.destination] = None
    found = globus.ask_all(lambda place: globus.stat(place.collection, place.directory), looks)
    plans: list[Plan] = []
    stopped: dict[str, Attempt] = {}
    for pair in pairs:
        doubts = [doubt for place in (pair.source, pair.destination) if (doubt := _doubt(globus, pair, place, found))]
        hopeless = [doubt for doubt in doubts if doubt.hopeless]
        notes = tuple(_sentence(doubt) for doubt in doubts if doubt not in hopeless[:1])
        if hopeless:
            attempt = Attempt(verdict=Verdict.NOT_STARTABLE, cause=hopeless[0], notes=notes)
            stopped[pair.fingerprint] = attempt
        else:
            sync_level, why = _level(ledger, pair, picture)
            plans.append(Plan(pair=pair, sync_level=sync_level, why=why, notes=notes))
    return plans, stopped


def start(globus: Globus, ledger: Ledger, plans: Sequence[Plan], known: Mapping[str, Task]) -> dict[str, Attempt]:
    """
    Submit every plan and return what came of it by fingerprint; ``known`` are our tasks by id.

    All reservations are on disk before the first submission. Raises StateError, with nothing submitted where it was
    the reservations that could not be written.
    """
    attempts: dict[str, Attempt] = {}
    reservations: dict[str, Memory | None] = {}
    by_pair = {plan.pair: plan for plan in plans}
    for pair, answer in globus.ask_all(lambda _: globus.submission_id(), by_pair).items():
        if isinstance(answer, NoAnswer):
            cause = Cause(what=str(answer), cure=answer.cure)
            attempts[pair.fingerprint] = Attempt(verdict=Verdict.NOT_REACHED, cause=cause)
        elif isinstance(answer, Refused):
            cause = explain(answer.code, answer.message, pair, None, globus.identity)
            attempts[pair.fingerprint] = Attempt(verdict=Verdict.REFUSED, cause=cause)
        else:
            document = by_pair[pair].document(globus, answer)
            reservation = Reservation(submission_id=answer, document=document, reserved_at=globus.now())
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
    pair: Pair, ledger: Ledger, picture: Picture, left_over: Sequence[str], now: datetime
) -> Attempt | None:
    """Return that ``pair`` waits, where a left-over still writes, or may write, to its destination."""
    for fingerprint in left_over:
        memory = ledger.memories[fingerprint]
        if is_over(memory, picture) or not _shares_destination(memory, pair, picture.last_task(memory)):
            continue
        verdict = Verdict.WAITING_FOR_EARLIER_TASK
        task = picture.last_task(memory)
        if task is None or not task.is_live:
            what = f"a start of [{clean(memory.name)}] that is not confirmed yet may write to the same destination"
            return Attempt(verdict=verdict, cause=Cause(what=what, cure="nothing to do, a later run settles it"))
        what = f"task {task.task_id}, left over from [{clean(memory.name)}], still writes to the same destination"
        cure = "the run after its end starts this pair; cancel that task if it is not wanted any more"
        found, _ = judge(task, None, now)
        if found in (Verdict.SUSPENDED, Verdict.PAUSED):
            verdict, what = Verdict.NOT_STARTABLE, f"{what}, and does not get on: it is {found.words}"
        return Attempt(verdict=verdict, cause=Cause(what=what, cure=cure))
    return None


def _shares_destination(memory: Memory, pair: Pair, task: Task | None) -> bool:
    """Return whether a left-over writes where ``pair`` does; one found by its label alone is known by its name only."""
    if memory.destination is not None:
        return memory.destination.overlaps(pair.destination)
    collection = task.destination_collection if task else ""
    return collection == pair.destination.collection and memory.name == name_for_label(pair.name)


def _is_proved(ledger: Ledger, pair: Pair, picture: Picture) -> bool:
    """Return whether both ends are known to work: the pair's last task was a full success."""
    memory = ledger.memories.get(pair.fingerprint)
    last = picture.last_task(memory) if memory else None
    return last is not None and last.is_clean_success


def _level(ledger: Ledger, pair: Pair, picture: Picture) -> tuple[SyncLevel, str]:
    """Return the sync level and the reason: after anything but a success only checksums find damaged files."""
    if _is_proved(ledger, pair, picture):
        level = pair.sync_level.name.lower()
        return pair.sync_level, f"its last task succeeded and none is running; sync level {level}"
    memory = ledger.memories.get(pair.fingerprint)
    known = memory is not None and memory.task is not None
    why = "its last task did not end as a full success" if known else "no earlier task of it is known"
    return SyncLevel.CHECKSUM, f"{why}, so all files are compared by checksum"


def _sentence(doubt: Cause) -> str:
    return f"{doubt.what} (cure: {doubt.cure})" if doubt.cure else doubt.what


def _doubt(globus: Globus, pair: Pair, place: Place, found: Mapping[Place, str | NoAnswer | Refused]) -> Cause | None:
    """Return what the look at one end of the pair found wrong, if anything."""
    answer = found.get(place)
    if answer is None or answer == "dir":
        return None
    if isinstance(answer, NoAnswer):
        return Cause(what=f"could not look at '{clean(place.path)}' on collection {place.collection}: {answer}")
    if isinstance(answer, Refused):
        if place == pair.destination and is_path_not_found(answer.code):
            return None
        return explain(answer.code, answer.message, pair, place, globus.identity)
    return explain("NotDirectory", "", pair, place, globus.identity)
