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
from globus_sync_directory.sync.recover import recover_pending, with_listed

from .fake_client import FIRST_TASK, NO_SUCH_TASK, FakeClient
from .samples import (
    BEGUN,
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
    snapshot,
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
    """Recover what is pending in ``known``, and return the outcomes."""
    with store.edit() as records:
        records |= {pair.fingerprint: one for pair, one in known.items()}
    scope_of_run, seen = scope(*pairs, config=config), snapshot(*live)
    store.save(with_listed(store.records, seen, scope_of_run))
    recovered = recover_pending(client, store, seen, scope_of_run, started=())
    return dict(recovered.outcomes) if recovered else {}


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


ACCEPTED = Received(Submitted(task_id=new_id(5), is_new=True))
DUPLICATE = Received(Submitted(task_id=new_id(5), is_new=False))
SENT_AGAIN = replace(LOST, pending=replace(pending(9), sent_again_at=NOW))


@pytest.mark.parametrize(
    ("reply", "status", "after"),
    [
        (ACCEPTED, PairStatus.STARTED, record(5, task=remembered(5, submitted_at=NOW), replaced=remembered(1))),
        (NO_ANSWER, PairStatus.START_UNCONFIRMED, SENT_AGAIN),
        (NO_TOKEN, PairStatus.SIGN_IN_REJECTED, SENT_AGAIN),
    ],
)
def test_replies(
    client: FakeClient, store: StateStore, reply: Answer[Submitted], status: PairStatus, after: PairRecord
) -> None:
    """Where no usable answer comes again, it stays pending, and nothing else of this pair is started."""
    client.replies = {"microscope": reply}
    outcomes = recover(client, store, {PAIR: LOST})
    assert [outcome.status for outcome in outcomes.values()] == [status]
    assert on_disk(store) == after
    assert client.asked == ["submit microscope"]


FOUND = task(5, label=task(9).label)
EARLIER = record(5, task=remembered(5, submitted_at=NOW), replaced=remembered(1))
MAY_COME = PairStatus.START_UNCONFIRMED


@pytest.mark.parametrize(
    ("found", "status", "after"),
    [
        (Received(FOUND), None, EARLIER),
        (Received(replace(FOUND, status="SUCCEEDED")), None, EARLIER),
        (Received(replace(FOUND, requested_at=BEGUN - DAY)), None, record(1)),  # older than the last task
        (Received(task(5, OTHER)), None, record(1)),
        (Received(task(5)), None, record(1)),
        (Received(replace(FOUND, kind="DELETE")), None, record(1)),
        (Received(replace(FOUND, source_collection="")), None, record(1)),
        (NO_SUCH_TASK, None, record(1)),
        (NO_ANSWER, MAY_COME, SENT_AGAIN),
        (rejected("Odd"), MAY_COME, SENT_AGAIN),
    ],
)
def test_a_task_that_was_there_before(
    client: FakeClient, store: StateStore, found: Answer[Task], status: PairStatus | None, after: PairRecord
) -> None:
    """It counts if it carries our label; else the submission id was used for something else, and is dropped."""
    client.replies, client.tasks = {"microscope": DUPLICATE}, {new_id(5): found}
    client.labelled = {"microscope": Received([])}
    outcomes = recover(client, store, {PAIR: LOST}, [ended(1)])
    assert [outcome.status for outcome in outcomes.values()] == ([status] if status else [])
    assert on_disk(store) == after


def test_what_was_found_is_part_of_the_report(client: FakeClient, store: StateStore) -> None:
    """Tasks that were found come with what Globus shows of them; new ones have nothing to show."""
    client.replies, client.tasks = {"microscope": DUPLICATE}, {new_id(5): Received(FOUND)}
    client.labelled = {"camera": Received([ended(8, pair=THIRD)])}
    known = {PAIR: LOST, OTHER: record(2, OTHER, pending=pending(7, OTHER)), THIRD: record(3, THIRD)}
    known[THIRD] = replace(known[THIRD], pending=pending(8, replace(THIRD, exclude=("*.tmp",))))
    with store.edit() as records:
        records |= {pair.fingerprint: one for pair, one in known.items()}
    recovered = recover_pending(client, store, snapshot(), scope(PAIR, OTHER, THIRD), started=())
    assert recovered is not None
    assert recovered.tasks == (FOUND, ended(8, pair=THIRD))
    assert {key: outcome.status for key, outcome in recovered.outcomes.items()} == {
        OTHER.fingerprint: PairStatus.STARTED
    }


ODD = rejected("Odd", "not now", 403)
NOT_SEEN = replace(ODD, is_definite=False)
YOUNG = record(1, pending=pending(9, at=NOW - 10 * MINUTE + timedelta(seconds=1)))
YOUNG_AGAIN = record(1, pending=replace(pending(9, at=NOW - DAY), sent_again_at=NOW - 9 * MINUTE))
OLD_AGAIN = record(1, pending=replace(pending(9, at=NOW - DAY), sent_again_at=NOW - 10 * MINUTE))
WAITING = record(1, waiting_since=NOW)
NOTHING: Answer[list[Task]] = Received([])


REPEATS: list[tuple[PairRecord, Answer[Submitted], Answer[list[Task]], PairStatus | None, PairRecord]] = [
    (LOST, ODD, Received([ended(9)]), None, record(9, replaced=remembered(1))),
    (LOST, NO_ROOM, Received([ended(9)]), None, record(9, replaced=remembered(1))),
    (YOUNG, ODD, Received([ended(9)]), None, record(9, replaced=remembered(1))),
    (LOST, NOT_SEEN, Received([ended(9)]), None, record(9, replaced=remembered(1))),
    (LOST, ODD, NOTHING, None, record(1)),  # planned like any other start
    (LOST, ODD, Received([ended(9, source_collection="")]), None, record(1)),  # a copied label
    (LOST, NO_ROOM, NOTHING, PairStatus.WAITING_FOR_ROOM, WAITING),
    (OLD_AGAIN, ODD, NOTHING, None, record(1)),
    (replace(LOST, waiting_since=BEGUN), ODD, NOTHING, None, record(1)),
    (YOUNG, ODD, NOTHING, MAY_COME, YOUNG),
    (YOUNG, NO_ROOM, NOTHING, MAY_COME, YOUNG),
    (YOUNG_AGAIN, ODD, NOTHING, MAY_COME, YOUNG_AGAIN),
    (LOST, NOT_SEEN, NOTHING, MAY_COME, SENT_AGAIN),  # an attempt of this run may have been accepted
    (LOST, ODD, NO_ANSWER, MAY_COME, LOST),
    (LOST, NO_ROOM, rejected("Odd"), MAY_COME, LOST),
]


@pytest.mark.parametrize("case", REPEATS)
def test_a_rejection_is_no_evidence(
    client: FakeClient,
    store: StateStore,
    case: tuple[PairRecord, Answer[Submitted], Answer[list[Task]], PairStatus | None, PairRecord],
) -> None:
    """It says nothing about the first time: only the search by label does, once Globus has had time to list it."""
    known, reply, found, status, after = case
    client.replies, client.labelled = {"microscope": reply}, {"microscope": found}
    outcomes = recover(client, store, {PAIR: known})
    assert client.asked == ["submit microscope", "label of microscope"]
    assert [outcome.status for outcome in outcomes.values()] == ([status] if status else [])
    assert on_disk(store) == after
    if status is MAY_COME:
        problem = outcomes[FINGERPRINT].problem
        assert problem is not None
        assert problem.reason.startswith("an earlier attempt got no answer, and this one was rejected: ")


def test_no_pair_waits_for_another(client: FakeClient, store: StateStore) -> None:
    """All are sent again, whatever becomes of one: also those that wait for room."""
    client.replies = {"camera": NO_ROOM, "sequencer": NO_ANSWER}
    client.labelled = {"camera": Received([])}
    known = {
        THIRD: record(None, THIRD, pending=pending(8, THIRD), waiting_since=NOW - DAY),
        OTHER: record(None, OTHER, pending=pending(7, OTHER)),
        PAIR: LOST,
    }
    outcomes = recover(client, store, known, pairs=list(known))
    assert [outcome.status for outcome in outcomes.values()] == [
        PairStatus.WAITING_FOR_ROOM, PairStatus.START_UNCONFIRMED, PairStatus.STARTED,
    ]  # fmt: skip
    assert (on_disk(store, THIRD).pending, on_disk(store, THIRD).waiting_since) == (None, NOW - DAY)


def test_it_is_on_disk_that_it_was_sent_again(client: FakeClient, store: StateStore) -> None:
    """Before it is sent: if this run is killed, the ten minutes begin again."""
    seen: list[PairRecord] = []
    client.on_submit = lambda document: seen.append(on_disk(store))
    recover(client, store, {PAIR: LOST})
    assert seen == [SENT_AGAIN]


def test_what_this_run_has_left_pending(client: FakeClient, store: StateStore) -> None:
    """It is left to the next run."""
    with store.edit() as records:
        records[FINGERPRINT] = LOST
    assert recover_pending(client, store, snapshot(), scope(PAIR), started={FINGERPRINT}) is None
    assert client.asked == []


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
            Received([task(9), task(8, label=task(9).label, requested_at=ENDED)]),
            NOW,
            record(None, task=remembered(8, submitted_at=ENDED), replaced=remembered(1)),
        ),
        (Received([task(9, source_collection="")]), NOW - DAY, record(1)),
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
    [
        ([], "the config has changed since"),
        ([task(2), task(3, requested_at=BEGUN - DAY)], f"task {new_id(2)} is running"),
    ],
)
def test_what_is_dropped_is_a_warning(
    client: FakeClient, store: StateStore, caplog: pytest.LogCaptureFixture, live: list[Task], why: str
) -> None:
    """It names the pair, the submission and the reason."""
    client.labelled = {"microscope": Received([])}
    recover(client, store, {PAIR: LOST}, live, [CHANGED])
    expected = f"microscope: dropped the pending submission {new_id(9)}: Globus has no task of it, and {why}"
    assert [line.getMessage() for line in caplog.records if line.levelname == "WARNING"] == [expected]


def test_a_rejected_one_that_is_dropped_is_a_warning(
    client: FakeClient, store: StateStore, caplog: pytest.LogCaptureFixture
) -> None:
    """It has Globus' words."""
    client.replies, client.labelled = {"microscope": ODD}, {"microscope": Received([])}
    recover(client, store, {PAIR: LOST})
    expected = (
        f"dropped the pending submission {new_id(9)}: Globus has no task of it, and does not accept it now: not now"
    )
    assert [line.getMessage() for line in caplog.records if line.levelname == "WARNING"] == [f"microscope: {expected}"]


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
