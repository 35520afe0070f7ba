"""Pairs without a live task -> new tasks: look before leaping, reserve, submit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from globus_sync_directory.causes import Cause, explain, is_path_not_found
from globus_sync_directory.clean import clean
from globus_sync_directory.errors import NoAnswer
from globus_sync_directory.ledger import Ledger
from globus_sync_directory.pairs import Pair, Place, SyncLevel
from globus_sync_directory.picture import Picture
from globus_sync_directory.sending import Sent, send
from globus_sync_directory.service import Globus, Refused
from globus_sync_directory.state import Memory, Reservation
from globus_sync_directory.submit import NO_SUBMISSION_ID_YET, compose, directory
from globus_sync_directory.tasks import Task
from globus_sync_directory.verdicts import Verdict


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
) -> tuple[list[Plan], dict[str, Sent]]:
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
    found: dict[Place, str | NoAnswer | Refused] = {}
    for answers in globus.for_each(lambda place: globus.stat(place.collection, directory(place.path)), looks):
        found |= answers
    plans: list[Plan] = []
    stopped: dict[str, Sent] = {}
    for pair in pairs:
        sync_level, why = _level(ledger, pair, picture)
        doubts = [doubt for place in (pair.source, pair.destination) if (doubt := _doubt(globus, pair, place, found))]
        hopeless = next((doubt for doubt in doubts if doubt.hopeless), None)
        if hopeless:
            stopped[pair.fingerprint] = Sent(verdict=Verdict.NOT_STARTABLE, cause=hopeless)
        else:
            notes = tuple(f"{doubt.what}; {doubt.cure}" if doubt.cure else doubt.what for doubt in doubts)
            plans.append(Plan(pair=pair, sync_level=sync_level, why=why, notes=notes))
    return plans, stopped


def start(globus: Globus, ledger: Ledger, plans: Sequence[Plan]) -> dict[str, Sent]:
    """
    Submit every plan and return what came of it by fingerprint.

    All reservations are on disk before the first submission. Raises StateError, with nothing submitted where it was
    the reservations that could not be written.
    """
    sent: dict[str, Sent] = {}
    reservations: dict[str, Memory | None] = {}
    by_pair = {plan.pair: plan for plan in plans}
    for answers in globus.for_each(lambda _: globus.submission_id(), by_pair):
        for pair, answer in answers.items():
            if isinstance(answer, NoAnswer):
                sent[pair.fingerprint] = Sent(verdict=Verdict.NOT_REACHED, cause=Cause(what=str(answer)))
            elif isinstance(answer, Refused):
                cause = explain(answer.code, answer.message, pair, None, globus.identity)
                sent[pair.fingerprint] = Sent(verdict=Verdict.REFUSED, cause=cause)
            else:
                reservation = Reservation(
                    submission_id=answer,
                    document=by_pair[pair].document(globus, answer),
                    reserved_at=globus.now(),
                )
                memory = ledger.memory(pair, globus.now())
                reservations[pair.fingerprint] = replace(memory, reservation=reservation)
    ledger.change(reservations)
    reserved = [pair for pair in by_pair if pair.fingerprint in reservations]
    for fingerprint, outcome in send(globus, ledger, reserved).items():
        plan = next(plan for plan in plans if plan.pair.fingerprint == fingerprint)
        sent[fingerprint] = replace(outcome, notes=plan.notes + outcome.notes)
    return sent


def blocking_task(
    pair: Pair, ledger: Ledger, picture: Picture, left_over: Sequence[str]
) -> tuple[Memory, Task | None] | None:
    """Return the left-over that still writes, or may write, to this pair's destination, with its task if known."""
    for fingerprint in left_over:
        memory = ledger.memories.get(fingerprint)
        if memory is None or memory.destination is None or not memory.destination.overlaps(pair.destination):
            continue
        task = picture.known.get(memory.task.task_id) if memory.task else None
        if task is None or task.is_live:
            return memory, task
    return None


def _last_task(ledger: Ledger, pair: Pair, picture: Picture) -> Task | None:
    memory = ledger.memories.get(pair.fingerprint)
    return picture.known.get(memory.task.task_id) if memory and memory.task else None


def _is_proved(ledger: Ledger, pair: Pair, picture: Picture) -> bool:
    """Return whether the destination is known to work: the pair succeeded before, and so did its last task."""
    last = _last_task(ledger, pair, picture)
    return last is not None and last.is_clean_success


def _level(ledger: Ledger, pair: Pair, picture: Picture) -> tuple[SyncLevel, str]:
    """Return the sync level and the reason: after anything but a success only checksums find damaged files."""
    configured = pair.sync_level
    last = _last_task(ledger, pair, picture)
    if last is not None and last.is_clean_success:
        return configured, f"its last task succeeded and none is running; sync level {configured.name.lower()}"
    why = "no earlier task of it is known" if last is None else "its last task did not end as a full success"
    return SyncLevel.CHECKSUM, f"{why}, so all files are compared by checksum"


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
