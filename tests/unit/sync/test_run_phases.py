"""What each phase of a run finds out reaches the phases after it, the state file and the report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from globus_sync_directory.model.answer import Received
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.run import Mode, look_again, run

from .fake_client import FakeClient
from .samples import (
    DESTINATION,
    FINGERPRINT,
    NO_ANSWER,
    OTHER,
    PAIR,
    SOURCE,
    THIRD,
    ended,
    new_id,
    orphan,
    pending,
    record,
    scope,
    success,
    task,
)
from .submitting import on_disk, put

OLD = replace(THIRD, name="old", destination=PAIR.destination)


def test_what_the_snapshot_shows_is_remembered(client: FakeClient, store: StateStore) -> None:
    """A success, a new pair and a live task, before anything is looked at or started."""
    client.live, client.recent = Received([task(8, OTHER)]), Received([ended(1)])
    client.ends = {SOURCE: Received("dir"), DESTINATION: NO_ANSWER}
    seen = []
    client.on_submit = lambda document: seen.append(store.read().records)
    run(scope(PAIR, OTHER), client, store, Mode.START)
    (before,) = seen
    assert before[FINGERPRINT].success == success(1)
    assert before[OTHER.fingerprint].task is not None
    assert all(known.has_history for known in before.values())


def test_who_waits_for_an_earlier_task(client: FakeClient, store: StateStore) -> None:
    """The pair whose destination is still being written to waits; the others are started."""
    put(store, (OLD, orphan(1, OLD)), (PAIR, record(None)), (OTHER, record(None, OTHER)))
    client.live = Received([task(1, OLD)])
    client.ends = {OTHER.source: Received("dir"), OTHER.destination: Received("dir")}
    report = run(scope(PAIR, OTHER), client, store, Mode.START)
    assert [made.status for made in report.pairs] == [
        PairStatus.WAITING_FOR_EARLIER_TASK, PairStatus.STARTED, PairStatus.RUNNING,
    ]  # fmt: skip
    assert "submit microscope" not in client.asked


@pytest.mark.parametrize("pairs", [(OTHER,), (PAIR, OTHER)])
def test_the_pending_submission_of_another_pair(client: FakeClient, store: StateStore, pairs: tuple[Pair, ...]) -> None:
    """With -p it stays as it is, neither sent nor dropped; a run of its pair sends it."""
    put(store, (PAIR, record(None, pending=pending(9))), (OTHER, record(8, OTHER)))
    client.live = Received([task(8, OTHER)])
    client.labelled = {"microscope": Received([])}
    run(scope(*pairs, config=(PAIR, OTHER)), client, store, Mode.START)
    assert (on_disk(store)[FINGERPRINT].pending == pending(9)) is (PAIR not in pairs)
    assert ("submit microscope" in client.asked) is (PAIR in pairs)


def test_a_task_that_globus_has_forgotten(client: FakeClient, store: StateStore) -> None:
    """-d and -w know it as well as a run."""
    put(store, (PAIR, record(1)))
    client.live = Received([])
    for report in (run(scope(PAIR), client, store, Mode.STATUS), look_again(scope(PAIR), client, store.records)):
        assert [made.status for made in report.pairs] == [PairStatus.UNKNOWN_TO_GLOBUS]
    assert client.asked == ["live tasks", "1 tasks", "task 1", "1 tasks", "task 1"]


@pytest.mark.parametrize("mode", [Mode.START, Mode.STATUS])
def test_one_new_pair_among_others(client: FakeClient, store: StateStore, mode: Mode) -> None:
    """Its history is asked for, although that of the other is known."""
    put(store, (OTHER, record(8, OTHER)))
    client.live, client.recent = Received([task(8, OTHER), task(2)]), Received([ended(1)])
    report = run(scope(OTHER, PAIR), client, store, mode)
    assert client.asked == ["live tasks", "recent tasks"]
    assert [made.success for made in report.pairs] == [None, success(1)]
    assert report.pairs[1].task_id == new_id(2)
