"""Newer tasks that the records do not know: after one that may have failed, a cheap pass would leave the damage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from globus_sync_directory.globus.client import LIST_LIMIT
from globus_sync_directory.model.answer import Answer, Received
from globus_sync_directory.model.pair import SyncLevel
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.task import Task
from globus_sync_directory.sync.newer import find_doubts

from .fake_client import FakeClient
from .samples import (
    BEGUN,
    DAY,
    FINGERPRINT,
    MINUTE,
    NO_ANSWER,
    OTHER,
    PAIR,
    ended,
    record,
    rejected,
    snapshot,
    success,
)

CHEAP = replace(PAIR, sync_level=SyncLevel.MTIME)
WELL = record(1, success=success(1))
LAST = ended(1)
AFTER: dict[str, Any] = {"requested_at": BEGUN + MINUTE}
MANY = [ended(number, pair=OTHER, **AFTER) for number in range(LIST_LIMIT)]


def doubts(
    client: FakeClient, answer: Answer[list[Task]], known: PairRecord = WELL, found: Sequence[Task] = (LAST,)
) -> bool:
    """Return whether CHEAP is in doubt after this answer."""
    client.recent = answer
    return FINGERPRINT in find_doubts(client, [CHEAP], {FINGERPRINT: known}, snapshot(*found))


@pytest.mark.parametrize(
    ("recent", "is_doubtful"),
    [
        ([LAST], False),
        ([], False),
        ([LAST, ended(2, **AFTER)], False),
        ([LAST, ended(2, "FAILED", **AFTER)], True),
        ([LAST, ended(2, "FAILED", **AFTER), ended(3, requested_at=BEGUN + DAY)], True),
        ([LAST, ended(2, paths_skipped=1, **AFTER)], True),
        ([LAST, ended(2, "FAILED", requested_at=BEGUN - DAY)], False),
        ([LAST, ended(2, "FAILED", pair=OTHER, **AFTER)], False),
        ([LAST, ended(2, "FAILED", source_collection="", **AFTER)], False),
        ([*MANY[1:], LAST], False),
        (MANY, True),  # what is between them and the last task is not known
    ],
)
def test_newer_tasks(client: FakeClient, recent: list[Task], is_doubtful: bool) -> None:
    """One of this pair that was not a full success is a doubt; so is a list that does not reach back."""
    assert doubts(client, Received(recent)) is is_doubtful
    assert client.asked == ["recent tasks"]


@pytest.mark.parametrize("failure", [NO_ANSWER, rejected("Odd")])
def test_no_list(client: FakeClient, failure: Any) -> None:
    """Nobody knows, so the pass is by checksum."""
    assert doubts(client, failure)


def test_a_last_task_that_globus_does_not_show(client: FakeClient) -> None:
    """Nobody knows what came after it."""
    assert doubts(client, Received([]), found=())


@pytest.mark.parametrize(
    ("level", "known"),
    [
        (SyncLevel.CHECKSUM, WELL),
        (SyncLevel.SIZE, record(1)),
        (SyncLevel.SIZE, record(2, success=success(1))),
        (SyncLevel.SIZE, record(None)),
    ],
)
def test_nothing_is_asked_where_checksums_are_compared_anyway(
    client: FakeClient, level: SyncLevel, known: PairRecord
) -> None:
    """Only a cheap pass needs the question."""
    pair = replace(PAIR, sync_level=level)
    assert find_doubts(client, [pair], {FINGERPRINT: known}, snapshot(LAST)) == frozenset()
    assert client.asked == []


def test_one_question_for_all(client: FakeClient) -> None:
    """However many pairs there are; each is judged by its own tasks."""
    other = replace(OTHER, sync_level=SyncLevel.SIZE)
    records = {FINGERPRINT: WELL, OTHER.fingerprint: record(2, OTHER, success=success(2))}
    client.recent = Received([ended(3, "FAILED", pair=OTHER, **AFTER)])
    found = find_doubts(client, [CHEAP, other], records, snapshot(LAST, ended(2, pair=OTHER)))
    assert found == {OTHER.fingerprint}
    assert client.asked == ["recent tasks"]
