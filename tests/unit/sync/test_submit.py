"""Reserve, submit, record: whatever is sent was on disk before, and each reply is on disk as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from globus_sync_directory.errors import StateError
from globus_sync_directory.globus.client import Submitted
from globus_sync_directory.model.answer import Answer, Failure, Received, Rejected
from globus_sync_directory.model.pair import SyncLevel
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.state import StateStore

from .fake_client import FIRST_SUBMISSION, FIRST_TASK, NO_SUCH_TASK, FakeClient
from .samples import (
    BEGUN,
    DAY,
    FINGERPRINT,
    HOUR,
    IDENTITY,
    NO_ANSWER,
    NO_TOKEN,
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
    success,
    task,
)
from .submitting import SAME_PATHS, on_disk, put, start

NO_ROOM = rejected("ClientError.Conflict.TooManyPendingJobs", http_status=409)
NOT_SEEN = replace(SAME_PATHS, is_definite=False)


def test_all_submission_ids_are_on_disk_before_the_first_submission(client: FakeClient, store: StateStore) -> None:
    """At every submission the file holds the documents of all that are not recorded yet, as they are sent."""
    held: list[list[Any]] = []

    def look(document: Mapping[str, Any]) -> None:
        known = store.read().records
        documents = [known[pair.fingerprint].pending for pair in (PAIR, OTHER, THIRD)]
        held.append([pending.document if pending else None for pending in documents])
        assert document in held[-1]

    client.on_submit = look
    outcomes = start(client, store, PAIR, OTHER, THIRD)
    assert client.asked == ["submission id"] * 3 + ["submit microscope", "submit sequencer", "submit camera"]
    assert [[document is not None for document in documents] for documents in held] == [
        [True, True, True],
        [False, True, True],
        [False, False, True],
    ]
    assert [outcome.status for outcome in outcomes.values()] == [PairStatus.STARTED] * 3


def test_what_is_remembered_of_a_start(client: FakeClient, store: StateStore) -> None:
    """The task, when it was submitted and the deadline sent; what was there before stays, the wait is over."""
    pair = replace(PAIR, time_limit=5 * HOUR)
    put(store, (pair, record(1, success=success(), waiting_since=BEGUN)))
    sent: list[Mapping[str, Any]] = []
    client.on_submit = sent.append
    start(client, store, pair)
    new = remembered(FIRST_TASK, submitted_at=NOW, deadline=NOW + 5 * HOUR)
    assert on_disk(store) == {FINGERPRINT: record(None, task=new, replaced=remembered(1), success=success())}
    (document,) = sent
    assert document["submission_id"] == new_id(FIRST_SUBMISSION)
    assert document["sync_level"] == SyncLevel.SIZE
    assert document["deadline"] == (NOW + 5 * HOUR).isoformat()


def test_a_stop_in_the_middle(client: FakeClient, store: StateStore) -> None:
    """What was answered is recorded, what was not stays pending: nothing that was sent is forgotten."""

    def stop(document: Mapping[str, Any]) -> None:
        if document["label"].startswith("sequencer"):
            raise KeyboardInterrupt

    client.on_submit = stop
    with pytest.raises(KeyboardInterrupt):
        start(client, store, PAIR, OTHER, THIRD)
    known = on_disk(store)
    assert known[FINGERPRINT].task == remembered(FIRST_TASK, submitted_at=NOW)
    assert [known[pair.fingerprint].pending is not None for pair in (PAIR, OTHER, THIRD)] == [False, True, True]


def test_nothing_is_sent_where_nothing_can_be_written(client: FakeClient, tmp_path: Path) -> None:
    """Without the submission ids on disk there is no submission."""
    with pytest.raises(StateError):
        start(client, StateStore(tmp_path / "missing" / "state.json", "x"), PAIR)
    assert client.asked == ["submission id"]


@pytest.mark.parametrize(
    ("failure", "status", "reason"),
    [
        (replace(NO_ANSWER, fix="wait"), PairStatus.NOT_REACHED, NO_ANSWER.reason),
        (NO_TOKEN, PairStatus.SIGN_IN_REJECTED, NO_TOKEN.reason),
        (rejected("Odd", "not now"), PairStatus.REJECTED, "Globus says: not now"),
        (
            rejected("ClientError.PermissionDenied", f"about {TWO}", 403),
            PairStatus.REJECTED,
            f"permission denied for a path on the destination collection {TWO}: about {TWO}",
        ),
    ],
)
def test_no_submission_id(
    client: FakeClient, store: StateStore, failure: Failure, status: PairStatus, reason: str
) -> None:
    """That pair is not started and not remembered as pending; the others are started."""
    client.submission_ids = iter([failure, Received(new_id(9))])
    outcomes = start(client, store, PAIR, OTHER)
    outcome = outcomes[FINGERPRINT]
    assert outcome.problem is not None
    assert (outcome.status, outcome.problem.reason) == (status, reason)
    assert isinstance(failure, Rejected) or outcome.problem.fix == failure.fix
    assert ("permission" in reason) is (IDENTITY in outcome.problem.fix)
    assert outcome.notes == ("doubt of microscope",)
    assert outcomes[OTHER.fingerprint].status is PairStatus.STARTED
    assert list(on_disk(store)) == [OTHER.fingerprint]


BUSY = "this application already has the maximum number of pending tasks"
UNCLEAR = "an attempt got no answer, and the next one was rejected: "


@pytest.mark.parametrize(
    ("reply", "status", "reason", "is_pending"),
    [
        (Received(Submitted(task_id=new_id(5), is_new=True)), PairStatus.STARTED, None, False),
        (NO_ANSWER, PairStatus.START_UNCONFIRMED, NO_ANSWER.reason, True),
        (NO_TOKEN, PairStatus.SIGN_IN_REJECTED, NO_TOKEN.reason, True),
        (rejected("Odd", "not now"), PairStatus.REJECTED, "Globus says: not now", False),
        (
            rejected("EndpointPermissionDenied", f"no rights on {TWO}", 403),
            PairStatus.REJECTED,
            f"permission denied for destination '/archive/images' on collection {TWO}: no rights on {TWO}",
            False,
        ),
        (
            rejected("EndpointPermissionDenied", f"no rights on {ONE.upper()}", 403),
            PairStatus.REJECTED,
            f"permission denied for source '/images' on collection {ONE}: no rights on {ONE.upper()}",
            False,
        ),
        (
            replace(rejected("Odd", "not now"), is_definite=False),
            PairStatus.START_UNCONFIRMED,
            f"{UNCLEAR}not now",
            True,
        ),
        (replace(rejected("Odd"), is_definite=False), PairStatus.START_UNCONFIRMED, f"{UNCLEAR}Odd", True),
        (NO_ROOM, PairStatus.WAITING_FOR_ROOM, BUSY, False),
        (
            replace(NO_ROOM, is_definite=False),
            PairStatus.START_UNCONFIRMED,
            f"{UNCLEAR}ClientError.Conflict.TooManyPendingJobs",
            True,
        ),
        (
            rejected("ClientError.Conflict.GCDisconnected", f"{TWO} is away", 409),
            PairStatus.REJECTED,
            f"the destination collection {TWO} is not connected",
            False,
        ),
        (
            rejected("ClientError.Conflict.NoCredException", f"{ONE}", 409),
            PairStatus.REJECTED,
            f"the source collection {ONE} requires a consent, policy or account that an application cannot have",
            False,
        ),
        (NOT_SEEN, PairStatus.START_UNCONFIRMED, f"{UNCLEAR}{SAME_PATHS.message}", True),
    ],
)
def test_replies(
    client: FakeClient,
    store: StateStore,
    reply: Answer[Submitted],
    status: PairStatus,
    reason: str | None,
    is_pending: bool,
) -> None:
    """Only a task or a definite rejection ends a submission: where an attempt got no answer, it may have been taken."""
    client.replies = {"microscope": reply}
    outcome = start(client, store, PAIR)[FINGERPRINT]
    known = on_disk(store)[FINGERPRINT]
    assert (outcome.status, outcome.problem.reason if outcome.problem else None) == (status, reason)
    assert outcome.notes == ("doubt of microscope",)
    assert (known.pending is not None) is is_pending
    assert (known.task is not None) is isinstance(reply, Received)
    assert (known.waiting_since is not None) is (status is PairStatus.WAITING_FOR_ROOM)
    assert client.asked == ["submission id", "submit microscope"]


USED = f"Globus gave a submission id that was used before: it belongs to task {new_id(5)}"
NOT_SHOWN = f"Globus names task {new_id(5)}, and does not show whether that is ours"
OURS = task(FIRST_SUBMISSION, task_id=new_id(5))


@pytest.mark.parametrize(
    ("found", "status", "reason"),
    [
        (Received(OURS), PairStatus.STARTED, None),
        (Received(replace(OURS, status="SUCCEEDED")), PairStatus.STARTED, None),
        (Received(task(5)), PairStatus.REJECTED, USED),
        (Received(task(FIRST_SUBMISSION, OTHER, task_id=new_id(5))), PairStatus.REJECTED, USED),
        (Received(replace(OURS, requested_at=BEGUN - DAY)), PairStatus.REJECTED, USED),
        (Received(replace(OURS, destination_path="/elsewhere")), PairStatus.REJECTED, USED),
        (NO_SUCH_TASK, PairStatus.START_UNCONFIRMED, NOT_SHOWN),
        (NO_ANSWER, PairStatus.START_UNCONFIRMED, NOT_SHOWN),
    ],
)
def test_a_submission_id_that_was_used_before(
    client: FakeClient, store: StateStore, found: Answer[Task], status: PairStatus, reason: str | None
) -> None:
    """The task that Globus names counts only if it carries our label and is newer than the pair's last one."""
    client.replies = {"microscope": Received(Submitted(task_id=new_id(5), is_new=False))}
    client.tasks = {new_id(5): found}
    put(store, (PAIR, record(1)))
    outcome = start(client, store, PAIR, known=[ended(1)])[FINGERPRINT]
    known = on_disk(store)[FINGERPRINT]
    assert (outcome.status, outcome.problem.reason if outcome.problem else None) == (status, reason)
    assert (known.pending is not None) is (status is PairStatus.START_UNCONFIRMED)
    assert (known.task == remembered(5, submitted_at=NOW)) is (status is PairStatus.STARTED)
    assert client.asked == ["submission id", "submit microscope", "task 5"]


def test_one_submission_id_for_two_pairs(client: FakeClient, store: StateStore) -> None:
    """The one that Globus runs is started, the other is not."""
    client.submission_ids = iter([Received(new_id(FIRST_SUBMISSION))] * 2)
    client.replies = {"sequencer": Received(Submitted(task_id=new_id(FIRST_TASK), is_new=False))}
    client.tasks = {new_id(FIRST_TASK): Received(task(FIRST_SUBMISSION, task_id=new_id(FIRST_TASK)))}
    outcomes = start(client, store, PAIR, OTHER)
    assert [outcome.status for outcome in outcomes.values()] == [PairStatus.STARTED, PairStatus.REJECTED]
    assert on_disk(store)[OTHER.fingerprint].task is None


@pytest.mark.parametrize(
    ("reply", "fix"),
    [
        (NO_ANSWER, "nothing to do; the next run resolves it"),
        (replace(rejected("Odd"), is_definite=False), "nothing to do; the next run resolves it"),
        (NO_TOKEN, NO_TOKEN.fix),
        (NO_ROOM, "a later run starts it"),
        (rejected("EndpointPermissionDenied", TWO, 403), f"share it with {IDENTITY}, permission rw"),
    ],
)
def test_fixes(client: FakeClient, store: StateStore, reply: Failure, fix: str) -> None:
    """Every reply that is not a task comes with what to do."""
    client.replies = {"microscope": reply}
    problem = start(client, store, PAIR)[FINGERPRINT].problem
    assert problem is not None
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("is_new", "line"),
    [(True, "microscope: started task "), (False, "microscope: found the earlier submission accepted: task ")],
)
def test_a_start_is_logged(
    client: FakeClient, store: StateStore, caplog: pytest.LogCaptureFixture, is_new: bool, line: str
) -> None:
    """Each task has its line in the log; one that was not started has none."""
    caplog.set_level("INFO")
    client.replies = {"microscope": Received(Submitted(task_id=new_id(5), is_new=is_new)), "sequencer": NO_ANSWER}
    client.tasks = {new_id(5): Received(task(FIRST_SUBMISSION, task_id=new_id(5)))}
    start(client, store, PAIR, OTHER)
    assert caplog.messages == [f"{line}{new_id(5)}"]


@pytest.mark.parametrize(
    ("before", "reply", "after"),
    [
        (None, NO_ROOM, NOW),
        (BEGUN, NO_ROOM, BEGUN),
        (BEGUN, rejected("Odd"), None),
        (BEGUN, NO_ANSWER, BEGUN),
        (BEGUN, replace(NO_ROOM, is_definite=False), BEGUN),
        (BEGUN, Received(Submitted(task_id=new_id(5), is_new=True)), None),
    ],
)
def test_waiting_since(
    client: FakeClient, store: StateStore, before: datetime | None, reply: Answer[Submitted], after: datetime | None
) -> None:
    """A pair waits since it was first turned away, until it is started or rejected for another reason."""
    put(store, (PAIR, record(None, waiting_since=before)))
    client.replies = {"microscope": reply}
    start(client, store, PAIR)
    assert on_disk(store)[FINGERPRINT].waiting_since == after


def test_who_waited_longest_asks_first(client: FakeClient, store: StateStore) -> None:
    """One after the other, before those that do not wait."""
    put(
        store,
        (OTHER, record(None, OTHER, waiting_since=NOW - DAY)),
        (THIRD, record(None, THIRD, waiting_since=NOW - 2 * DAY)),
    )
    start(client, store, PAIR, OTHER, THIRD)
    assert client.asked[3:] == ["submit camera", "submit sequencer", "submit microscope"]


@pytest.mark.parametrize("reply", [NO_ROOM, replace(NO_ROOM, is_definite=False)])
def test_nobody_asks_once_one_was_turned_away(client: FakeClient, store: StateStore, reply: Rejected) -> None:
    """The others wait too, without a submission that is pending."""
    put(store, (THIRD, record(None, THIRD, waiting_since=NOW - DAY)))
    client.replies = {"camera": reply}
    outcomes = start(client, store, PAIR, OTHER, THIRD)
    assert client.asked[3:] == ["submit camera"]
    for pair in (PAIR, OTHER):
        known = on_disk(store)[pair.fingerprint]
        assert outcomes[pair.fingerprint].status is PairStatus.WAITING_FOR_ROOM
        assert (known.pending, known.waiting_since) == (None, NOW)
    assert on_disk(store)[THIRD.fingerprint].waiting_since == NOW - DAY


@pytest.mark.parametrize("reply", [NO_ANSWER, rejected("Odd"), SAME_PATHS])
def test_another_trouble_turns_nobody_else_away(client: FakeClient, store: StateStore, reply: Failure) -> None:
    """One pair's trouble never stops another pair."""
    put(store, (THIRD, record(None, THIRD, waiting_since=NOW - DAY)))
    client.replies, client.live = {"camera": reply}, Received([])
    outcomes = start(client, store, PAIR, THIRD)
    assert outcomes[FINGERPRINT].status is PairStatus.STARTED
