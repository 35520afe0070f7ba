"""Whatever length the words of Globus have, a report stays short and says nothing twice."""

from __future__ import annotations

from dataclasses import replace

from globus_sync_directory.model.answer import Received
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.submit import submit

from .assessing import report_on_pair
from .fake_client import FakeClient
from .samples import FINGERPRINT, IDENTITY, PAIR, new_id, record, rejected, snapshot, task
from .submitting import SAME_PATHS, plans, start

LONG = "no\n" * 10_000
LONGEST = 600  # characters of a reason


def test_an_unclear_start(client: FakeClient, store: StateStore) -> None:
    """A rejection after an attempt without an answer."""
    client.replies = {"microscope": replace(rejected("Odd", LONG), is_definite=False)}
    problem = start(client, store, PAIR)[FINGERPRINT].problem
    assert problem is not None
    assert len(problem.reason) < LONGEST
    assert "\n" not in problem.reason


def test_a_doubt_that_became_the_problem(client: FakeClient, store: StateStore) -> None:
    """A note that the problem repeats is left out; another one stays."""
    client.replies = {"microscope": rejected("Odd", "the disk is full")}
    (plan,) = plans(PAIR)
    reason = submit(client, store, [plan], {}, IDENTITY)[FINGERPRINT].problem
    assert reason is not None
    noted = replace(plan, notes=(f"{reason.reason} (fix: wait)", "another doubt"))
    assert submit(client, store, [noted], {}, IDENTITY)[FINGERPRINT].notes == ("another doubt",)


def test_a_task_that_cannot_be_looked_at() -> None:
    """A rejected question about it."""
    problem = report_on_pair(record(1), snapshot(unanswered={1: rejected("Odd", LONG)})).problem
    assert problem is not None
    assert problem.reason.startswith("Globus rejected the request: no no no")
    assert len(problem.reason) < LONGEST


def test_tasks_of_others(client: FakeClient, store: StateStore) -> None:
    """The first three live tasks between the two collections are named, each with the begin of its label."""
    client.replies = {"microscope": SAME_PATHS}
    others = [task(number, label="x" * 5000) for number in range(1, 5)]
    client.live = Received([task(5, label="elsewhere", source_collection="other"), *others])
    problem = start(client, store, PAIR)[FINGERPRINT].problem
    assert problem is not None
    named = [new_id(number) in problem.reason for number in range(1, 6)]
    assert named == [True, True, True, False, False]
    assert len(problem.reason) < LONGEST
