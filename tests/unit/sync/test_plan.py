"""What to submit, what waits, what is blocked and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from globus_sync_directory.model.answer import Answer, Received, Unavailable
from globus_sync_directory.model.pair import Directory, Pair, SyncLevel
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.plan import Plan, find_idle, is_proven, plan
from globus_sync_directory.sync.snapshot import Snapshot

from .samples import (
    DAY,
    DESTINATION,
    FINGERPRINT,
    IDENTITY,
    NO_ANSWER,
    NOW,
    ONE,
    OTHER,
    PAIR,
    SOURCE,
    TWO,
    ended,
    expired,
    new_id,
    orphan,
    pending,
    record,
    rejected,
    remembered,
    scope,
    snapshot,
    success,
    task,
)

NOTHING_KNOWN = snapshot()


@pytest.mark.parametrize(
    ("known", "found", "is_idle"),
    [
        (None, NOTHING_KNOWN, True),
        (record(None), NOTHING_KNOWN, True),
        (record(1), snapshot(ended(1)), True),
        (record(1), snapshot(expired(1)), True),
        (record(1), snapshot(gone=[1]), True),
        (record(1), snapshot(task(1)), False),
        (record(1), snapshot(task(1, is_paused=True)), False),
        (record(1), snapshot(task(1, status="INACTIVE")), False),
        (record(1), snapshot(task(1, status="NEW WORD")), False),
        (record(1), snapshot(unanswered={1: NO_ANSWER}), False),
        (record(1), NOTHING_KNOWN, False),  # not listed yet
        (record(1, pending=pending()), snapshot(ended(1)), False),
    ],
)
def test_idle(known: PairRecord | None, found: Snapshot, is_idle: bool) -> None:
    """A pair needs a new task only where its last one has certainly ended and nothing is pending."""
    records = {FINGERPRINT: known} if known else {}
    assert find_idle(records, found, scope(PAIR), {}, NOW) == ([PAIR] if is_idle else [], {})


def test_a_pair_that_was_dealt_with_is_not_idle() -> None:
    """What this run has recovered is not started once more."""
    outcomes = {FINGERPRINT: Outcome(status=PairStatus.STARTED)}
    assert find_idle({}, NOTHING_KNOWN, scope(PAIR, OTHER), outcomes, NOW) == ([OTHER], {})


def test_pairs_outside_of_this_run_are_not_idle() -> None:
    """With -p the other pairs are left alone, and are no orphans."""
    same_place = replace(OTHER, destination=DESTINATION)
    records = {same_place.fingerprint: record(1, same_place)}
    found = find_idle(records, snapshot(task(1, same_place)), scope(PAIR, config=(PAIR, same_place)), {}, NOW)
    assert found == ([PAIR], {})


OLD = Pair(name="old", source=Directory(collection=ONE, path="/old"), destination=DESTINATION)
RUNNING = (
    f"the orphaned task {new_id(1)} of [old] is still writing to the same destination",
    "nothing to do: the next run after its end starts this pair; if you do not want that task, cancel it",
)
IN_THE_WAY = "cancel that task, or fix what stops it; then the next run starts this pair"


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({}, True),
        ({"path": "/archive/images/inner"}, True),
        ({"path": "/archive"}, True),
        ({"path": "/"}, True),
        ({"path": "/~/archive/images"}, True),
        ({"path": "/Archive/IMAGES/inner"}, True),
        ({"path": "/archive/images2"}, False),
        ({"path": "/elsewhere"}, False),
        ({"collection": ONE}, False),
    ],
)
def test_an_orphan_at_the_same_destination(changes: dict[str, str], waits: bool) -> None:
    """A pair waits for a live orphaned task that writes to, into or around its destination."""
    left = replace(OLD, destination=replace(DESTINATION, **changes))
    idle, waiting = find_idle({left.fingerprint: orphan(1, left)}, snapshot(task(1, left)), scope(PAIR), {}, NOW)
    assert idle == ([] if waits else [PAIR])
    if waits:
        problem = Problem(reason=RUNNING[0], fix=RUNNING[1])
        assert waiting == {FINGERPRINT: Outcome(status=PairStatus.WAITING_FOR_EARLIER_TASK, problem=problem)}


@pytest.mark.parametrize(
    ("known", "found", "status", "reason", "fix"),
    [
        (orphan(1, OLD), snapshot(task(1, OLD)), PairStatus.WAITING_FOR_EARLIER_TASK, *RUNNING),
        (
            orphan(1, OLD),
            snapshot(task(1, OLD, status="INACTIVE")),
            PairStatus.BLOCKED,
            f"{RUNNING[0]}, and makes no progress: it is suspended",
            IN_THE_WAY,
        ),
        (
            orphan(1, OLD),
            snapshot(task(1, OLD, is_paused=True)),
            PairStatus.BLOCKED,
            f"{RUNNING[0]}, and makes no progress: it is paused",
            IN_THE_WAY,
        ),
        (
            orphan(1, OLD),
            snapshot(task(1, OLD, is_ok=False, requested_at=NOW - DAY)),
            PairStatus.WAITING_FOR_EARLIER_TASK,
            *RUNNING,
        ),
        (
            orphan(1, OLD, pending=pending(9, OLD)),
            snapshot(ended(1, pair=OLD)),
            PairStatus.WAITING_FOR_EARLIER_TASK,
            "a pending submission of [old] may write to the same destination",
            "nothing to do; a later run will resolve it",
        ),
        (
            orphan(1, OLD, pending=pending(9, OLD)),
            snapshot(task(1, OLD)),
            PairStatus.WAITING_FOR_EARLIER_TASK,
            *RUNNING,
        ),
        (
            orphan(1, OLD),
            snapshot(unanswered={1: NO_ANSWER}),
            PairStatus.WAITING_FOR_EARLIER_TASK,
            f"the orphaned task {new_id(1)} of [old] may write to the same destination",
            "nothing to do; a later run will resolve it",
        ),
        (
            orphan(1, OLD),
            NOTHING_KNOWN,
            PairStatus.WAITING_FOR_EARLIER_TASK,
            f"the orphaned task {new_id(1)} of [old] may write to the same destination",
            "nothing to do; a later run will resolve it",
        ),
        (orphan(1, OLD), snapshot(ended(1, pair=OLD)), None, "", ""),
        (orphan(1, OLD), snapshot(gone=[1]), None, "", ""),
        (orphan(1, OLD, is_end_reported=True), NOTHING_KNOWN, None, "", ""),
        (orphan(None, OLD), NOTHING_KNOWN, None, "", ""),
    ],
)
def test_waiting_for_an_orphan(
    known: PairRecord, found: Snapshot, status: PairStatus | None, reason: str, fix: str
) -> None:
    """For as long as it may write there; one that makes no progress needs a person."""
    _, waiting = find_idle({OLD.fingerprint: known}, found, scope(PAIR), {}, NOW)
    outcome = Outcome(status=status, problem=Problem(reason=reason, fix=fix)) if status else None
    assert waiting.get(FINGERPRINT) == outcome


HOME = replace(PAIR, destination=replace(DESTINATION, path="/~/archive"))


@pytest.mark.parametrize(
    ("pair", "collection", "path", "waits"),
    [
        (PAIR, TWO, "/archive/images", True),
        (PAIR, TWO, "/archive/images/", True),
        (PAIR, TWO, "/archive", True),
        (PAIR, TWO, "/archive/images/inner", True),
        (PAIR, TWO, "/Archive/IMAGES", True),
        (PAIR, TWO, "/archive/images2", False),
        (PAIR, TWO, "", False),
        (PAIR, ONE, "/archive/images", False),
        (HOME, TWO, "/archive", True),
        (HOME, TWO, "/~/archive", True),
        (HOME, TWO, "/other", False),
    ],
)
def test_an_orphan_that_is_known_by_its_label(pair: Pair, collection: str, path: str, waits: bool) -> None:
    """It may be of another config with a section of this name: only what Globus shows of its destination counts."""
    known = orphan(1, OLD, name=pair.name, source=None, destination=None)
    found = snapshot(task(1, OLD, destination_collection=collection, destination_path=path))
    idle, waiting = find_idle({OLD.fingerprint: known}, found, scope(pair), {}, NOW)
    assert (idle, list(waiting)) == (([], [pair.fingerprint]) if waits else ([pair], []))


def test_an_orphan_of_which_nothing_is_known() -> None:
    """Neither its ends nor its task: nothing says that it is in anybody's way."""
    known = orphan(1, OLD, name="microscope", source=None, destination=None)
    assert find_idle({OLD.fingerprint: known}, NOTHING_KNOWN, scope(PAIR), {}, NOW) == ([PAIR], {})


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (None, False),
        (record(None), False),
        (record(None, success=success(1)), False),
        (record(1), False),
        (record(1, success=success(1)), True),
        (record(2, success=success(1)), False),
        (record(2, replaced=remembered(1), success=success(1)), False),
    ],
)
def test_is_proven(known: PairRecord | None, expected: bool) -> None:
    """Both ends work where the pair's last task was a full success, and only there."""
    assert is_proven({FINGERPRINT: known} if known else {}, PAIR) is expected


PROVEN = "its last task succeeded and none is running"
UNPROVEN = "so all files are compared by checksum"


@pytest.mark.parametrize(
    ("known", "asked", "level", "why"),
    [
        *(
            (record(1, success=success(1)), level, level, f"{PROVEN}; sync level {word}")
            for level, word in zip(SyncLevel, ("exists", "size", "mtime", "checksum"), strict=True)
        ),
        *(
            (known, level, SyncLevel.CHECKSUM, f"no earlier task of it is known, {UNPROVEN}")
            for level in SyncLevel
            for known in (None, record(None))
        ),
        *(
            (known, SyncLevel.SIZE, SyncLevel.CHECKSUM, f"its last task was not a full success, {UNPROVEN}")
            for known in (record(1), record(2, success=success(1)))
        ),
    ],
)
def test_sync_level(known: PairRecord | None, asked: SyncLevel, level: SyncLevel, why: str) -> None:
    """After anything but a full success all files are compared by checksum: only that finds damaged ones."""
    pair = replace(PAIR, sync_level=asked)
    plans, blocked = plan([pair], {FINGERPRINT: known} if known else {}, {}, IDENTITY)
    assert (plans, blocked) == ([Plan(pair=pair, sync_level=level, why=why)], {})


def test_sync_level_of_a_pair_in_doubt() -> None:
    """A task that the records do not know may have failed: only checksums find what it has damaged."""
    pair = replace(PAIR, sync_level=SyncLevel.SIZE)
    known = {FINGERPRINT: record(1, success=success(1))}
    (made,), _ = plan([pair], known, {}, IDENTITY, {FINGERPRINT})
    why = f"another task of it may have failed since, {UNPROVEN}"
    assert (made.sync_level, made.why) == (SyncLevel.CHECKSUM, why)


DIR: Answer[str] = Received("dir")
FILE: Answer[str] = Received("file")
NO_SUCH_PATH = rejected("ClientError.NotFound", "no such path", 404)
DENIED = rejected("EndpointPermissionDenied", "no", 403)
OFFLINE = rejected("ExternalError.DirListingFailed.GCDisconnected", "away", 502)
TOO_LARGE = rejected("ExternalError.DirListingFailed.SizeLimit", "more than 100,000 entries", 502)


@pytest.mark.parametrize(
    ("source", "destination", "reason"),
    [
        (NO_SUCH_PATH, DIR, f"there is no source directory '/images' on collection {ONE}"),
        (DENIED, DIR, f"permission denied for source '/images' on collection {ONE}"),
        (FILE, DIR, f"source '/images' on collection {ONE} is not a directory"),
        (rejected("EndpointDeleted"), DIR, f"the source collection {ONE} has been deleted"),
        (rejected("ConsentRequired"), DIR, f"the source collection {ONE} needs a data_access consent"),
        (rejected("AuthPolicyFailed"), DIR, f"the source collection {ONE} requires a consent, policy or account"),
        (DIR, DENIED, f"permission denied for destination '/archive/images' on collection {TWO}"),
        (DIR, FILE, f"destination '/archive/images' on collection {TWO} is not a directory"),
        (DENIED, FILE, f"permission denied for source '/images' on collection {ONE}"),
        (OFFLINE, DENIED, f"permission denied for destination '/archive/images' on collection {TWO}"),
    ],
)
def test_what_waiting_cannot_fix_blocks(source: Answer[str], destination: Answer[str], reason: str) -> None:
    """The reason is the first that waiting cannot fix; there is a fix, and no plan."""
    plans, blocked = plan([PAIR], {}, {SOURCE: source, DESTINATION: destination}, IDENTITY)
    outcome = blocked[FINGERPRINT]
    assert plans == []
    assert outcome.status is PairStatus.BLOCKED
    assert outcome.problem is not None
    assert outcome.problem.reason.startswith(reason)
    assert outcome.problem.is_permanent
    assert outcome.problem.fix


@pytest.mark.parametrize(
    ("ends", "notes"),
    [
        ({}, []),
        ({SOURCE: DIR}, []),  # a destination that has worked before is not looked at
        ({SOURCE: DIR, DESTINATION: DIR}, []),
        ({SOURCE: DIR, DESTINATION: NO_SUCH_PATH}, []),  # the task makes it
        ({SOURCE: OFFLINE}, [f"the source collection {ONE} is not connected (fix: start Globus Connect Personal"]),
        (
            {SOURCE: TOO_LARGE},
            [f"Globus says of source '/images' on collection {ONE}: more than 100,000"],
        ),
        (
            {SOURCE: NO_ANSWER},
            [f"could not look at '/images' on collection {ONE}: Globus Transfer answered 503"],
        ),
        (
            {SOURCE: OFFLINE, DESTINATION: Unavailable(reason="no answer")},
            [
                f"the source collection {ONE} is not connected",
                f"could not look at '/archive/images' on collection {TWO}: no answer",
            ],
        ),
    ],
)
def test_a_doubt_that_may_pass_stops_nothing(ends: Mapping[Directory, Answer[str]], notes: list[str]) -> None:
    """It is a note in the plan."""
    (made,), blocked = plan([PAIR], {}, ends, IDENTITY)
    assert blocked == {}
    assert not any("(fix: )" in note for note in made.notes)
    assert [note[: len(expected)] for note, expected in zip(made.notes, notes, strict=True)] == notes


def test_notes_of_a_blocked_pair() -> None:
    """A second doubt is worth reading too, and the one that blocks is not said twice."""
    _, blocked = plan([PAIR], {}, {SOURCE: OFFLINE, DESTINATION: DENIED}, IDENTITY)
    (note,) = blocked[FINGERPRINT].notes
    assert note.startswith(f"the source collection {ONE} is not connected (fix: ")


def test_the_fix_names_the_application() -> None:
    """The identity to share a collection with is part of the fix."""
    _, blocked = plan([PAIR], {}, {SOURCE: DENIED}, IDENTITY)
    problem = blocked[FINGERPRINT].problem
    assert problem is not None
    assert IDENTITY in problem.fix


def test_one_pair_blocks_no_other() -> None:
    """Each pair is planned by itself, in order."""
    ends: dict[Directory, Any] = {SOURCE: DENIED, OTHER.source: DIR}
    plans, blocked = plan([PAIR, OTHER], {}, ends, IDENTITY)
    assert ([made.pair for made in plans], list(blocked)) == ([OTHER], [FINGERPRINT])
