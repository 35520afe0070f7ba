"""What to submit, what waits, what is blocked and why. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from globus_sync_directory.globus.explain import About, explain, is_path_not_found
from globus_sync_directory.model.answer import Answer, Received, Rejected, Unavailable
from globus_sync_directory.model.pair import Directory, Pair, SyncLevel
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.sync.ours import is_seen_to_write_to
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.records import has_ended, record_of
from globus_sync_directory.sync.scope import Scope
from globus_sync_directory.sync.snapshot import Snapshot
from globus_sync_directory.sync.task_status import task_status
from globus_sync_directory.text import quote

_WITHOUT_PROGRESS = (PairStatus.SUSPENDED, PairStatus.PAUSED)
_BY_CHECKSUM = "so all files are compared by checksum"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A pair's next task, and why it is started; ``notes`` are problems that do not prevent the start."""

    pair: Pair
    sync_level: SyncLevel
    why: str
    notes: tuple[str, ...] = ()


def find_idle(
    records: Mapping[str, PairRecord], snapshot: Snapshot, scope: Scope, outcomes: Mapping[str, Outcome], now: datetime
) -> tuple[list[Pair], dict[str, Outcome]]:
    """
    Return the pairs that need a new task, and those that wait for an orphaned one, by fingerprint.

    ``outcomes`` are those that this run has already; their pairs are left out.
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
    ends: Mapping[Directory, Answer[str]],
    identity: str,
    in_doubt: Collection[str] = (),
) -> tuple[list[Plan], dict[str, Outcome]]:
    """
    Return the plans for ``pairs``, and the outcomes of those that cannot be started, by fingerprint.

    Only a permanent problem blocks a start. ``ends`` is what was found at both ends; ``in_doubt`` are the fingerprints
    of the pairs of which a task may have failed that the records do not know.
    """
    plans: list[Plan] = []
    blocked: dict[str, Outcome] = {}
    for pair in pairs:
        ends_of_pair = (pair.source, pair.destination)
        problems = [found for end in ends_of_pair if (found := _problem_at(end, pair, ends, identity))]
        permanent = next((problem for problem in problems if problem.is_permanent), None)
        notes = tuple(_sentence(problem) for problem in problems if problem is not permanent)
        if permanent:
            blocked[pair.fingerprint] = Outcome(status=PairStatus.BLOCKED, problem=permanent, notes=notes)
        else:
            sync_level, why = _sync_level(records, pair, in_doubt)
            plans.append(Plan(pair=pair, sync_level=sync_level, why=why, notes=notes))
    return plans, blocked


def is_proven(records: Mapping[str, PairRecord], pair: Pair) -> bool:
    """Return whether both ends are known to work: the pair's last task was a full success."""
    record = records.get(pair.fingerprint)
    return record is not None and record.last_task_succeeded


def _sync_level(records: Mapping[str, PairRecord], pair: Pair, in_doubt: Collection[str]) -> tuple[SyncLevel, str]:
    """Return the sync level and the reason: only checksums find files that a failed task has damaged."""
    if pair.fingerprint in in_doubt:
        return SyncLevel.CHECKSUM, f"another task of it may have failed since, {_BY_CHECKSUM}"
    if is_proven(records, pair):
        level = pair.sync_level.name.lower()
        return pair.sync_level, f"its last task succeeded and none is running; sync level {level}"
    record = records.get(pair.fingerprint)
    is_known = record is not None and record.task is not None
    why = "its last task was not a full success" if is_known else "no earlier task of it is known"
    return SyncLevel.CHECKSUM, f"{why}, {_BY_CHECKSUM}"


def _problem_at(end: Directory, pair: Pair, ends: Mapping[Directory, Answer[str]], identity: str) -> Problem | None:
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
            return None  # the task creates it
        case Rejected(code=code, message=message):
            return explain(code, message, about)


def _sentence(problem: Problem) -> str:
    return f"{problem.reason} (fix: {problem.fix})" if problem.fix else problem.reason


def _writes_to_same_place(orphan: PairRecord, pair: Pair, snapshot: Snapshot) -> bool:
    """
    Return whether an orphaned task writes to the destination of ``pair``.

    A task that is known by its label alone may be of another config: it counts only where Globus shows the path.
    """
    if orphan.destination is not None:
        return orphan.destination.loosely.overlaps(pair.destination.loosely)
    task = snapshot.find(orphan.task)
    return task is not None and is_seen_to_write_to(task, pair.destination)


def _wait_for(orphan: PairRecord, snapshot: Snapshot, now: datetime) -> Outcome:
    status = PairStatus.WAITING_FOR_EARLIER_TASK
    task = snapshot.find(orphan.task)
    if task is None or not task.is_live:
        reason = f"{_possible_writer(orphan)} may write to the same destination"
        return Outcome(status=status, problem=Problem(reason=reason, fix="nothing to do; a later run will resolve it"))
    reason = f"the orphaned task {task.task_id} of [{orphan.name}] is still writing to the same destination"
    fix = "nothing to do: the next run after its end starts this pair; if you do not want that task, cancel it"
    found, _ = task_status(task, None, now)
    if found in _WITHOUT_PROGRESS:
        status, reason = PairStatus.BLOCKED, f"{reason}, and makes no progress: it is {found.words}"
        fix = "cancel that task, or fix what stops it; then the next run starts this pair"
    return Outcome(status=status, problem=Problem(reason=reason, fix=fix))


def _possible_writer(orphan: PairRecord) -> str:
    """Return what may be running of an orphaned pair, although Globus does not list it."""
    if orphan.pending or orphan.task is None:
        return f"a pending submission of [{orphan.name}]"
    return f"the orphaned task {orphan.task.task_id} of [{orphan.name}]"
