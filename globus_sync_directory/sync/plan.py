"""What to submit, what waits, what is blocked and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from globus_sync_directory.globus.explain import About, explain, is_path_not_found
from globus_sync_directory.model.answer import Answer, Received, Rejected, Unavailable
from globus_sync_directory.model.pair import Directory, Pair, SyncLevel, name_for_label
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.records import has_ended, record_of
from globus_sync_directory.sync.scope import Scope
from globus_sync_directory.sync.snapshot import Snapshot
from globus_sync_directory.sync.task_status import task_status
from globus_sync_directory.text import quote

_IN_THE_WAY = (PairStatus.SUSPENDED, PairStatus.PAUSED)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A pair's next task, and why; ``notes`` are doubts that do not stop it."""

    pair: Pair
    sync_level: SyncLevel
    why: str
    notes: tuple[str, ...] = ()


def find_idle(
    records: Mapping[str, PairRecord], snapshot: Snapshot, scope: Scope, outcomes: Mapping[str, Outcome], now: datetime
) -> tuple[list[Pair], dict[str, Outcome]]:
    """
    Return the pairs that need a new task, and those that wait for an orphaned one, by fingerprint.

    ``outcomes`` are of pairs that this run has dealt with already.
    """
    orphans = [record for record in scope.orphaned(records).values() if not has_ended(record, snapshot)]
    idle: list[Pair] = []
    waiting: dict[str, Outcome] = {}
    for pair in scope.pairs:
        if pair.fingerprint in outcomes or not has_ended(record_of(records, pair, now), snapshot):
            continue
        orphan = next((record for record in orphans if _writes_to_same_place(record, pair, snapshot)), None)
        if orphan:
            waiting[pair.fingerprint] = _wait_for(orphan, snapshot, now)
        else:
            idle.append(pair)
    return idle, waiting


def plan(
    pairs: Sequence[Pair],
    records: Mapping[str, PairRecord],
    snapshot: Snapshot,
    ends: Mapping[Directory, Answer[str]],
    identity: str,
) -> tuple[list[Plan], dict[str, Outcome]]:
    """
    Return the plans for ``pairs``, and the outcomes of those that cannot be started, by fingerprint.

    Only what waiting cannot fix blocks a start. ``ends`` is what was found at both ends.
    """
    plans: list[Plan] = []
    blocked: dict[str, Outcome] = {}
    for pair in pairs:
        doubts = [doubt for end in (pair.source, pair.destination) if (doubt := _doubt(pair, end, ends, identity))]
        permanent = next((doubt for doubt in doubts if doubt.is_permanent), None)
        notes = tuple(_sentence(doubt) for doubt in doubts if doubt is not permanent)
        if permanent:
            blocked[pair.fingerprint] = Outcome(status=PairStatus.BLOCKED, problem=permanent, notes=notes)
        else:
            sync_level, why = _sync_level(records, pair, snapshot)
            plans.append(Plan(pair=pair, sync_level=sync_level, why=why, notes=notes))
    return plans, blocked


def is_proven(records: Mapping[str, PairRecord], pair: Pair, snapshot: Snapshot) -> bool:
    """Return whether both ends are known to work: the pair's last task was a full success."""
    record = records.get(pair.fingerprint)
    last = snapshot.find(record.task) if record else None
    return last is not None and last.is_full_success


def _sync_level(records: Mapping[str, PairRecord], pair: Pair, snapshot: Snapshot) -> tuple[SyncLevel, str]:
    """Return the sync level and the reason: after anything but a success only checksums find damaged files."""
    if is_proven(records, pair, snapshot):
        level = pair.sync_level.name.lower()
        return pair.sync_level, f"its last task succeeded and none is running; sync level {level}"
    record = records.get(pair.fingerprint)
    is_known = record is not None and record.task is not None
    why = "its last task was not a full success" if is_known else "no earlier task of it is known"
    return SyncLevel.CHECKSUM, f"{why}, so all files are compared by checksum"


def _doubt(pair: Pair, end: Directory, ends: Mapping[Directory, Answer[str]], identity: str) -> Problem | None:
    """Return what is wrong with one end of the pair, if anything."""
    about = About(pair=pair, directory=end, identity=identity)
    match ends.get(end):
        case None | Received(value="dir"):
            return None
        case Received():
            return explain("NotDirectory", "", about)
        case Unavailable(reason=reason):
            return Problem(reason=f"could not look at {quote(end.path)} on collection {end.collection}: {reason}")
        case Rejected(code=code) if end == pair.destination and is_path_not_found(code):
            return None  # the task makes it
        case Rejected(code=code, message=message):
            return explain(code, message, about)


def _sentence(doubt: Problem) -> str:
    return f"{doubt.reason} (fix: {doubt.fix})" if doubt.fix else doubt.reason


def _writes_to_same_place(orphan: PairRecord, pair: Pair, snapshot: Snapshot) -> bool:
    """Return whether an orphaned task writes where ``pair`` does; one found by its label is known by its name only."""
    if orphan.destination is not None:
        return orphan.destination.overlaps(pair.destination)
    task = snapshot.find(orphan.task)
    collection = task.destination_collection if task else ""
    return collection == pair.destination.collection and orphan.name == name_for_label(pair.name)


def _wait_for(orphan: PairRecord, snapshot: Snapshot, now: datetime) -> Outcome:
    status = PairStatus.WAITING_FOR_EARLIER_TASK
    task = snapshot.find(orphan.task)
    if task is None or not task.is_live:
        reason = f"{_unseen(orphan)} may write to the same destination"
        return Outcome(status=status, problem=Problem(reason=reason, fix="nothing to do; a later run will resolve it"))
    reason = f"task {task.task_id}, orphaned from [{orphan.name}], is still writing to the same destination"
    fix = "nothing to do: a run after its end starts this pair; cancel that task if you do not want it"
    found, _ = task_status(task, None, now)
    if found in _IN_THE_WAY:
        status, reason = PairStatus.BLOCKED, f"{reason}, and makes no progress: it is {found.words}"
        fix = "cancel that task, or resolve what holds it up; then a run starts this pair"
    return Outcome(status=status, problem=Problem(reason=reason, fix=fix))


def _unseen(orphan: PairRecord) -> str:
    """Return what may be running of an orphaned pair, although Globus does not show it."""
    if orphan.pending or orphan.task is None:
        return f"a pending submission of [{orphan.name}]"
    return f"task {orphan.task.task_id}, orphaned from [{orphan.name}],"
