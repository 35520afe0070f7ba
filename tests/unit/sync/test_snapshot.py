"""What Globus knows of our tasks: asked in few requests, and never mistaken for what it did not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from globus_sync_directory.model.answer import Answer, Failure, Received
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.task import Task
from globus_sync_directory.sync.snapshot import Snapshot, take_snapshot

from .fake_client import NO_SUCH_TASK, FakeClient
from .samples import (
    BEGUN,
    DAY,
    FINGERPRINT,
    MINUTE,
    NO_ANSWER,
    NOW,
    OTHER,
    PAIR,
    ended,
    new_id,
    orphan,
    record,
    rejected,
    remembered,
    scope,
    snapshot,
    task,
)


def look(
    client: FakeClient, records: Mapping[str, PairRecord], live: Sequence[Task] | Failure = ()
) -> Snapshot | Failure:
    """Return what a run about PAIR sees; OTHER is in the config too."""
    answer: Answer[Sequence[Task]] = Received(live) if isinstance(live, Sequence) else live
    return take_snapshot(client, records, scope(PAIR, config=(PAIR, OTHER)), answer, NOW)


KNOWN = {FINGERPRINT: record(1)}
GONE = {new_id(1): NO_SUCH_TASK}


@pytest.mark.parametrize(
    ("records", "live", "tasks", "asked", "seen"),
    [
        (KNOWN, [task(1)], {}, [], snapshot(task(1))),
        (KNOWN, [task(2)], {new_id(1): Received(ended(1))}, ["1 tasks"], snapshot(ended(1), task(2))),
        ({FINGERPRINT: record(None)}, [], {}, [], snapshot()),
        (KNOWN, [], GONE, ["1 tasks", "task 1"], snapshot(gone=[1])),
        (KNOWN, [], {new_id(1): NO_ANSWER}, ["1 tasks", "task 1"], snapshot(unanswered={1: NO_ANSWER})),
        (
            KNOWN,
            [],
            {new_id(1): rejected("Odd", http_status=400)},
            ["1 tasks", "task 1"],
            snapshot(unanswered={1: rejected("Odd", http_status=400)}),
        ),
        (
            {FINGERPRINT: record(1, replaced=remembered(2))},
            [task(1)],
            {new_id(2): Received(ended(2))},
            ["1 tasks"],
            snapshot(task(1), ended(2)),
        ),
        ({**KNOWN, OTHER.fingerprint: record(2, OTHER)}, [task(1)], {}, [], snapshot(task(1))),
        (
            {**KNOWN, "f" * 16: orphan(2)},
            [task(1)],
            {new_id(2): Received(ended(2))},
            ["1 tasks"],
            snapshot(task(1), ended(2)),
        ),
        (
            {**KNOWN, "f" * 16: record(2)},
            [task(1)],
            {new_id(2): Received(ended(2))},
            ["1 tasks"],
            snapshot(task(1), ended(2)),
        ),
        ({**KNOWN, "f" * 16: orphan(2, is_end_reported=True)}, [task(1)], {}, [], snapshot(task(1))),
    ],
)
def test_questions(
    records: Mapping[str, PairRecord],
    live: Sequence[Task],
    tasks: Mapping[str, Answer[Task]],
    asked: list[str],
    seen: Snapshot,
) -> None:
    """Live tasks are known; remembered ones are asked for together, and what is in neither answer by itself."""
    client = FakeClient()
    client.tasks = dict(tasks)
    assert look(client, records, live) == seen
    assert client.asked == asked


@pytest.mark.parametrize(
    ("age", "is_gone"),
    [(timedelta(0), False), (10 * MINUTE, False), (10 * MINUTE + timedelta(seconds=1), True), (DAY, True)],
)
def test_a_task_is_gone_only_after_ten_minutes(age: timedelta, is_gone: bool) -> None:
    """A new task may be missing from Globus' answers for a while: to start a second one would be wrong."""
    client = FakeClient()
    records = {FINGERPRINT: record(None, task=remembered(1, submitted_at=NOW - age))}
    assert look(client, records) == snapshot(gone=[1] if is_gone else [])


def test_a_task_that_the_list_leaves_out() -> None:
    """What Globus shows of it when it is asked for by itself counts."""
    client = FakeClient()
    client.listed, client.tasks = Received([]), {new_id(1): Received(ended(1))}
    assert look(client, KNOWN) == snapshot(ended(1))
    assert client.asked == ["1 tasks", "task 1"]


def test_a_list_that_does_not_come() -> None:
    """Its tasks have no answer, and nobody takes them for gone; they are not asked for by themselves."""
    client = FakeClient()
    client.listed = NO_ANSWER
    assert look(client, KNOWN) == snapshot(unanswered={1: NO_ANSWER})
    assert client.asked == ["1 tasks"]


def test_a_hundred_at_a_time() -> None:
    """One request per hundred remembered tasks."""
    client = FakeClient()
    records = {f"{number:016x}": orphan(number) for number in range(1, 202)} | {FINGERPRINT: record(None)}
    client.tasks = {new_id(number): Received(ended(number)) for number in range(1, 202)}
    seen = look(client, records)
    assert isinstance(seen, Snapshot)
    assert len(seen.known) == 201
    assert client.asked == ["100 tasks", "100 tasks", "1 tasks"]


@pytest.mark.parametrize("known", [None, record(None, has_history=False)])
def test_history(known: PairRecord | None) -> None:
    """A pair of which nothing is known may have a history: one request more, for our recent tasks."""
    client = FakeClient()
    client.recent = Received([ended(3)])
    assert look(client, {FINGERPRINT: known} if known else {}, [task(2)]) == snapshot(
        task(2), ended(3), has_recent=True
    )
    assert client.asked == ["recent tasks"]


def test_skipped_paths_are_left_to_the_details() -> None:
    """Nothing is asked here that only explains: the starts come first."""
    client = FakeClient()
    found = ended(1, paths_skipped=1)
    client.tasks = {new_id(1): Received(found)}
    assert look(client, KNOWN) == snapshot(found)
    assert client.asked == ["1 tasks"]


def test_no_snapshot_without_the_lists_that_every_pair_needs() -> None:
    """Neither the live tasks nor, for a pair without a record, the recent ones can be done without."""
    client = FakeClient()
    client.recent = NO_ANSWER
    assert look(client, {}) == NO_ANSWER
    assert look(client, KNOWN, NO_ANSWER) == NO_ANSWER


def test_find() -> None:
    """A remembered task is found by its id."""
    seen = snapshot(task(1))
    assert (seen.find(remembered(1)), seen.find(remembered(2)), seen.find(None)) == (task(1), None, None)


def later(number: int, since: datetime) -> Task:
    """Return a task that runs since then."""
    return task(number, requested_at=since)


def test_live() -> None:
    """The live tasks of a pair are known by their label and ends, the newest first."""
    seen = snapshot(
        later(1, BEGUN), later(2, NOW), ended(3), task(4, OTHER), task(5, None), task(6, status="INACTIVE"),
    )  # fmt: skip
    assert [found.task_id for found in seen.live(FINGERPRINT, PAIR)] == [new_id(2), new_id(1), new_id(6)]


def test_with_tasks() -> None:
    """What is found later is known as well, in its newest form."""
    assert snapshot(task(1), task(2)).with_tasks([ended(1), ended(3)]) == snapshot(ended(1), task(2), ended(3))
