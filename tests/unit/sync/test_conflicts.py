"""Rejections because of identical paths: whose task is it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from globus_sync_directory.model.answer import Answer, Received
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.outcome import Outcome

from .fake_client import FakeClient
from .samples import (
    DAY,
    FINGERPRINT,
    MINUTE,
    NO_ANSWER,
    NOW,
    ONE,
    OTHER,
    PAIR,
    THIRD,
    TWO,
    ended,
    new_id,
    record,
    rejected,
    remembered,
    task,
)
from .submitting import SAME_PATHS, on_disk, put, start


def conflict(client: FakeClient, store: StateStore, live: Answer[list[Task]], known: Sequence[Task] = ()) -> Outcome:
    """Submit PAIR, which Globus rejects because of identical paths."""
    client.replies, client.live = {"microscope": SAME_PATHS}, live
    outcome = start(client, store, PAIR, known=known)[FINGERPRINT]
    assert client.asked == ["submission id", "submit microscope", "live tasks"]
    assert on_disk(store)[FINGERPRINT].pending is None
    assert outcome.notes[0] == "doubt of microscope"
    return outcome


def test_identical_paths_in_our_own_task(
    client: FakeClient, store: StateStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Our task that was not remembered is adopted, the newest where there are several; whatever it is called."""
    caplog.set_level("INFO")
    put(store, (PAIR, record(1)))
    newest = task(8, replace(PAIR, name="an older name"), requested_at=NOW)
    outcome = conflict(client, store, Received([task(7), newest, task(9, OTHER)]))
    assert (outcome.status, outcome.task) == (PairStatus.RUNNING, newest)
    assert caplog.messages == [f"microscope: adopted task {new_id(8)}, which was not remembered"]
    assert on_disk(store)[FINGERPRINT] == record(8, task=remembered(8, submitted_at=NOW), replaced=remembered(1))


@pytest.mark.parametrize(
    ("age", "known", "is_ours"),
    [
        (9 * MINUTE, [], True),
        (9 * MINUTE, [task(1)], True),
        (9 * MINUTE, [ended(1)], False),
        (10 * MINUTE, [], False),
        (10 * MINUTE, [task(1)], False),
        (DAY, [ended(1)], False),
        (None, [], False),
    ],
)
def test_identical_paths_in_a_task_that_is_not_listed(
    client: FakeClient, store: StateStore, age: timedelta | None, known: list[Task], is_ours: bool
) -> None:
    """A task that we started less than ten minutes ago is it, unless it is known to have ended."""
    last = None if age is None else remembered(1, submitted_at=NOW - age)
    put(store, (PAIR, record(None, task=last)))
    outcome = conflict(client, store, Received([]), known)
    assert outcome.status is (PairStatus.STARTED if is_ours else PairStatus.REJECTED)
    assert outcome.notes[1:] == (("Globus does not list this task yet",) if is_ours else ())
    assert on_disk(store)[FINGERPRINT].task == last


BETWEEN = {"source_collection": ONE, "destination_collection": TWO}


@pytest.mark.parametrize(
    ("live", "named"),
    [
        ([], ""),
        ([task(7, None)], ""),
        ([task(7, None, source_collection=TWO, destination_collection=ONE)], ""),
        ([task(7, None, **BETWEEN)], f"; running between the two collections: {new_id(7)} ('by hand')"),
        (
            [task(number, None, **BETWEEN, label="by\n  " + "hand" * 30) for number in (4, 5, 6, 7)],
            "; running between the two collections: "
            + ", ".join(f"{new_id(number)} ('by {'hand' * 14}…')" for number in (4, 5, 6)),
        ),
    ],
)
def test_identical_paths_in_a_foreign_task(client: FakeClient, store: StateStore, live: list[Task], named: str) -> None:
    """It is named where its collections fit; nobody waits for it unasked."""
    outcome = conflict(client, store, Received(live))
    assert (outcome.status, outcome.problem) == (
        PairStatus.REJECTED,
        Problem(
            reason=f"another task with the same paths is running, and this tool did not start it{named}",
            fix="wait for its end, or ask whoever started it to cancel it",
        ),
    )


def test_identical_paths_and_no_list(client: FakeClient, store: StateStore) -> None:
    """Without the list of our tasks nobody knows whose it is: the next run asks again."""
    outcome = conflict(client, store, NO_ANSWER)
    reason = "a task with the same paths is running already, and Globus did not send the list of our tasks"
    assert (outcome.status, outcome.problem) == (
        PairStatus.NOT_REACHED,
        Problem(reason=reason, fix="the next run asks again"),
    )


OTHER_CONFLICTS = [
    ("Conflict", f"Host endpoint of shared endpoint 'Lab ({ONE})' has been deleted",
     f"the source collection {ONE} has been deleted"),
    ("ClientError.Conflict", f"Endpoint 'Lab ({TWO})' is being migrated",
     f"Globus says of destination '/archive/images' on collection {TWO}: Endpoint 'Lab ({TWO})' is being migrated"),
    ("Conflict", "not today", "Globus says: not today"),
]  # fmt: skip


@pytest.mark.parametrize("live", [NO_ANSWER, Received([]), Received([task(7, None, **BETWEEN)])])
@pytest.mark.parametrize(("code", "message", "reason"), OTHER_CONFLICTS)
def test_another_conflict(
    client: FakeClient, store: StateStore, live: Answer[list[Task]], code: str, message: str, reason: str
) -> None:
    """A conflict about something else is told in Globus' words: no task is blamed, not even a new one of this pair."""
    client.replies, client.live = {"microscope": rejected(code, message, 409)}, live
    put(store, (PAIR, record(None, task=remembered(1, submitted_at=NOW - MINUTE))))
    outcome = start(client, store, PAIR)[FINGERPRINT]
    assert outcome.status is PairStatus.REJECTED
    assert outcome.problem is not None
    assert outcome.problem.reason == reason


def test_another_conflict_beside_our_own_task(client: FakeClient, store: StateStore) -> None:
    """Whatever Globus calls it: where our own task is live, that is it."""
    client.replies, client.live = {"microscope": rejected("Conflict", "a sync is running", 409)}, Received([task(7)])
    outcome = start(client, store, PAIR)[FINGERPRINT]
    assert (outcome.status, outcome.task) == (PairStatus.RUNNING, task(7))


def test_a_submission_id_in_use_is_explained(client: FakeClient, store: StateStore) -> None:
    """It needs no list of tasks."""
    reply = rejected("ClientError.Conflict.SubmissionIdInUse", "The submission id belongs to a delete task", 409)
    client.replies = {"microscope": reply}
    outcome = start(client, store, PAIR)[FINGERPRINT]
    assert client.asked == ["submission id", "submit microscope"]
    assert outcome.problem is not None
    assert outcome.problem.reason == "Globus says: The submission id belongs to a delete task"
    assert on_disk(store)[FINGERPRINT].pending is None


def test_the_list_is_asked_for_once(client: FakeClient, store: StateStore) -> None:
    """However many conflicts there are."""
    client.replies = dict.fromkeys(("microscope", "sequencer"), SAME_PATHS)
    client.live = Received([task(7), task(8, OTHER)])
    outcomes = start(client, store, PAIR, OTHER, THIRD)
    assert client.asked.count("live tasks") == 1
    assert [outcome.status for outcome in outcomes.values()] == [PairStatus.RUNNING] * 2 + [PairStatus.STARTED]
