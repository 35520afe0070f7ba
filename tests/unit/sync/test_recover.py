"""Submissions whose answer was never seen: sent again, found by their labels, or dropped once that is safe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from globus_sync_directory.globus.client import Submitted
from globus_sync_directory.model.answer import Answer, Received
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.recover import recover_pending

from .fake_client import FIRST_TASK, FakeClient
from .samples import (
    DAY,
    ENDED,
    FINGERPRINT,
    HOUR,
    MINUTE,
    NO_ANSWER,
    NO_TOKEN,
    NOW,
    OTHER,
    PAIR,
    THIRD,
    ended,
    expired,
    new_id,
    orphan,
    pending,
    record,
    rejected,
    remembered,
    scope,
    task,
)

LOST = record(1, pending=pending(9))
CHANGED = replace(PAIR, exclude=("*.tmp",))  # the config asks for something else by now
NO_ROOM = rejected("ClientError.Conflict.TooManyPendingJobs", http_status=409)


def recover(
    client: FakeClient,
    store: StateStore,
    known: Mapping[Pair, PairRecord],
    live: Sequence[Task] = (),
    pairs: Sequence[Pair] = (PAIR,),
    config: Sequence[Pair] | None = None,
) -> dict[str, Outcome]:
    """Recover what is pending in ``known``."""
    with store.edit() as records:
        records |= {pair.fingerprint: one for pair, one in known.items()}
    return recover_pending(client, store, scope(*pairs, config=config), live)


def on_disk(store: StateStore, pair: Pair = PAIR) -> PairRecord:
    """Return what the state file holds of a pair."""
    return store.read().records[pair.fingerprint]


def test_nothing_is_pending(client: FakeClient, store: StateStore) -> None:
    """Then nothing is asked."""
    assert recover(client, store, {PAIR: record(1)}) == {}
    assert client.asked == []


@pytest.mark.parametrize("pair", [PAIR, CHANGED])
def test_its_task_is_running(client: FakeClient, store: StateStore, pair: Pair) -> None:
    """The label among the live tasks resolves it, without a question; it is reported like any other task."""
    assert recover(client, store, {PAIR: LOST}, [task(2), task(9)], [pair]) == {}
    assert client.asked == []
    assert on_disk(store) == record(9, replaced=remembered(1))


def test_it_is_sent_again_under_the_same_id(client: FakeClient, store: StateStore) -> None:
    """The same document with a fresh deadline: Globus runs it once."""
    pair = replace(PAIR, time_limit=5 * HOUR)
    lost = record(1, pending=pending(9, pair))
    sent: list[Mapping[str, Any]] = []
    client.on_submit = sent.append
    outcomes = recover(client, store, {pair: lost}, pairs=[pair])
    assert lost.pending is not None
    assert sent == [{**lost.pending.document, "deadline": (NOW + 5 * HOUR).isoformat()}]
    assert {key: outcome.status for key, outcome in outcomes.items()} == {FINGERPRINT: PairStatus.STARTED}
    new = remembered(FIRST_TASK, submitted_at=NOW, deadline=NOW + 5 * HOUR)
    assert on_disk(store) == record(None, task=new, replaced=remembered(1))


@pytest.mark.parametrize(
    ("reply", "status", "is_pending"),
    [
        (Received(Submitted(task_id=new_id(5), is_new=True)), PairStatus.STARTED, False),
        (Received(Submitted(task_id=new_id(5), is_new=False)), None, False),  # reported like any other task
        (NO_ANSWER, PairStatus.START_UNCONFIRMED, True),
        (NO_TOKEN, PairStatus.SIGN_IN_REJECTED, True),
        (replace(rejected("Odd"), is_definite=False), PairStatus.START_UNCONFIRMED, True),
        (rejected("Odd"), None, False),  # planned like any other start
        (NO_ROOM, PairStatus.WAITING_FOR_ROOM, False),
    ],
)
def test_replies(
    client: FakeClient, store: StateStore, reply: Answer[Submitted], status: PairStatus | None, is_pending: bool
) -> None:
    """Where no usable answer comes again, it stays pending, and nothing else of this pair is started."""
    client.replies = {"microscope": reply}
    outcomes = recover(client, store, {PAIR: LOST})
    assert [outcome.status for outcome in outcomes.values()] == ([status] if status else [])
    assert (on_disk(store).pending is not None) is is_pending
    assert on_disk(store).task == (remembered(5, submitted_at=NOW) if isinstance(reply, Received) else remembered(1))


def test_no_room_for_those_that_are_sent_again(client: FakeClient, store: StateStore) -> None:
    """Who is not sent again stays pending: whether it was accepted is not known."""
    client.replies = {"camera": NO_ROOM}
    waiting = record(None, THIRD, pending=pending(8, THIRD), waiting_since=NOW - DAY)
    outcomes = recover(client, store, {PAIR: LOST, THIRD: waiting}, pairs=[PAIR, THIRD])
    assert client.asked == ["submit camera"]
    assert outcomes[THIRD.fingerprint].status is PairStatus.WAITING_FOR_ROOM
    outcome = outcomes[FINGERPRINT]
    assert outcome.status is PairStatus.START_UNCONFIRMED
    assert outcome.problem is not None
    assert outcome.problem.reason == "not sent again, because Globus has no room for more tasks"
    assert on_disk(store) == LOST


def test_identical_paths(client: FakeClient, store: StateStore) -> None:
    """A conflict is looked into as for any other start."""
    client.replies = {"microscope": rejected("ClientError.Conflict", "identical paths", 409)}
    client.live = Received([task(2)])
    outcomes = recover(client, store, {PAIR: LOST})
    assert outcomes[FINGERPRINT].task == task(2)
    assert on_disk(store) == record(2, replaced=remembered(1))


@pytest.mark.parametrize(
    ("known", "pair", "live", "asked"),
    [
        pytest.param(LOST, PAIR, [], "submit microscope", id="wanted"),
        pytest.param(LOST, replace(PAIR, time_limit=HOUR), [], "submit microscope", id="another deadline"),
        pytest.param(LOST, replace(PAIR, name="renamed"), [], "submit microscope", id="another name"),
        pytest.param(LOST, CHANGED, [], "label of microscope", id="the config has changed"),
        pytest.param(LOST, PAIR, [task(2)], "label of microscope", id="another task of the pair is running"),
        pytest.param(LOST, PAIR, [task(2, OTHER)], "submit microscope", id="a task of another pair is running"),
        pytest.param(
            replace(LOST, pending=replace(pending(9), document={})), PAIR, [task(2, None, label="")], "label of ",
            id="a document that nobody knows",
        ),
    ],
)  # fmt: skip
def test_sent_again_or_searched_for(
    client: FakeClient, store: StateStore, known: PairRecord, pair: Pair, live: list[Task], asked: str
) -> None:
    """It is sent again only where the config still asks for it and nothing else of the pair is running."""
    client.labelled = dict.fromkeys(("microscope", ""), Received([]))
    recover(client, store, {PAIR: known}, live, [pair])
    assert client.asked == [asked]


@pytest.mark.parametrize(
    ("answer", "reserved_at", "after"),
    [
        (Received([ended(9)]), NOW - DAY, record(9, replaced=remembered(1))),
        (Received([expired(9)]), NOW, record(9, replaced=remembered(1))),
        (
            Received([task(8, requested_at=ENDED), task(9)]),
            NOW,
            record(None, task=remembered(8, submitted_at=ENDED), replaced=remembered(1)),
        ),
        (Received([]), NOW - 10 * MINUTE, record(1)),
        (Received([]), NOW - 10 * MINUTE + timedelta(seconds=1), None),
        (Received([]), NOW + 9 * MINUTE, None),  # of a host whose clock is ahead
        (Received([]), NOW + 10 * MINUTE, record(1)),
        (NO_ANSWER, NOW - DAY, None),
        (rejected("Odd"), NOW - DAY, None),
    ],
)
def test_search(
    client: FakeClient,
    store: StateStore,
    answer: Answer[list[Task]],
    reserved_at: datetime,
    after: PairRecord | None,
) -> None:
    """Its task is found in any status; without one it is dropped, but not before Globus would list the task."""
    client.labelled = {"microscope": answer}
    lost = record(1, pending=pending(9, at=reserved_at))
    assert recover(client, store, {PAIR: lost}, pairs=[CHANGED]) == {}
    assert on_disk(store) == (lost if after is None else after)


@pytest.mark.parametrize(
    ("live", "why"),
    [([], "the config has changed since"), ([task(2)], f"task {new_id(2)} is running")],
)
def test_what_is_dropped_is_a_warning(
    client: FakeClient, store: StateStore, caplog: pytest.LogCaptureFixture, live: list[Task], why: str
) -> None:
    """It names the pair, the submission and the reason."""
    client.labelled = {"microscope": Received([])}
    recover(client, store, {PAIR: LOST}, live, [CHANGED])
    expected = f"microscope: dropped the pending submission {new_id(9)}: Globus has no task of it, and {why}"
    assert [line.getMessage() for line in caplog.records if line.levelname == "WARNING"] == [expected]


def test_no_answer_is_a_warning(client: FakeClient, store: StateStore, caplog: pytest.LogCaptureFixture) -> None:
    """A pending submission that nobody could ask about is not passed over in silence."""
    client.labelled = {"microscope": NO_ANSWER}
    recover(client, store, {PAIR: LOST}, pairs=[CHANGED])
    expected = "microscope: no answer about a pending submission; a later run will resolve it"
    assert [line.getMessage() for line in caplog.records if line.levelname == "WARNING"] == [expected]


def test_orphans(client: FakeClient, store: StateStore) -> None:
    """A pending submission whose pair left the config is never sent again, but looked for."""
    client.labelled = {"microscope": Received([ended(9)]), "camera": Received([])}
    known = {PAIR: orphan(1, pending=pending(9)), THIRD: orphan(None, THIRD, pending=pending(8, THIRD))}
    assert recover(client, store, known, pairs=[OTHER]) == {}
    assert client.asked == ["label of microscope", "label of camera"]
    assert on_disk(store) == orphan(9, replaced=remembered(1))
    assert on_disk(store, THIRD) == orphan(None, THIRD)


def test_pairs_outside_of_this_run(client: FakeClient, store: StateStore) -> None:
    """With -p A the pending submission of B is left as it is."""
    lost = record(1, OTHER, pending=pending(8, OTHER))
    recover(client, store, {PAIR: LOST, OTHER: lost}, pairs=[PAIR], config=[PAIR, OTHER])
    assert client.asked == ["submit microscope"]
    assert on_disk(store, OTHER) == lost


@pytest.mark.parametrize(("time_limit", "deadline"), [(None, None), (HOUR, ENDED)])
def test_the_deadline_of_a_task_that_was_found(
    client: FakeClient, store: StateStore, time_limit: timedelta | None, deadline: datetime | None
) -> None:
    """It is ours where the pair has a time limit, however the task was found."""
    pair = replace(CHANGED, time_limit=time_limit)
    client.labelled = {"microscope": Received([expired(9)])}
    recover(client, store, {PAIR: LOST}, pairs=[pair])
    assert on_disk(store).task == remembered(9, deadline=deadline)
    recover(client, store, {PAIR: LOST}, [task(9, deadline=ENDED)], pairs=[pair])
    assert on_disk(store).task == remembered(9, deadline=deadline)
