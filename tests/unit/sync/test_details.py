"""What is asked about tasks in trouble: one request each, and never what is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from globus_sync_directory.model.answer import Received
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Pause, SkippedPath, Task
from globus_sync_directory.sync.details import Details, ask_details
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.snapshot import Snapshot

from .fake_client import FakeClient
from .samples import (
    ENDED,
    FINGERPRINT,
    NO_ANSWER,
    OTHER,
    PAIR,
    ended,
    event,
    expired,
    new_id,
    orphan,
    record,
    rejected,
    remembered,
    scope,
    snapshot,
    task,
)

LOST = SkippedPath(code="FILE_NOT_FOUND", source_path="/images/b")
EVENT, GAP, PAUSE = event("AUTH"), SkippedPath(code="AUTH", source_path="/a"), Pause(collection="", message="x")
MISSING = "the reason is not known, because Globus did not send it: "


@pytest.mark.parametrize(
    ("found", "answer", "asked", "details"),
    [
        (task(1), None, [], None),
        (ended(1), None, [], None),
        (ended(1, "FAILED"), Received([EVENT]), ["events 1"], Details(events=(EVENT,))),
        (task(1, is_ok=False), Received([EVENT]), ["events 1"], Details(events=(EVENT,))),
        (task(1, status="INACTIVE", is_ok=False), Received([EVENT]), ["events 1"], Details(events=(EVENT,))),
        (ended(1, paths_skipped=2), Received([GAP]), ["skipped 1"], Details(skipped=(GAP,))),
        (ended(1, paths_skipped=2), Received([LOST, GAP]), ["skipped 1"], Details(skipped=(GAP, LOST))),
        (
            ended(1, paths_skipped=2),
            NO_ANSWER,
            ["skipped 1"],
            Details(missing=f"{MISSING}Globus Transfer answered 503"),
        ),
        (task(1, is_paused=True), Received([PAUSE]), ["pauses 1"], Details(pauses=(PAUSE,))),
        (
            ended(1, "FAILED"),
            NO_ANSWER,
            ["events 1"],
            Details(missing=f"{MISSING}Globus Transfer answered 503"),
        ),
        (
            task(1, is_paused=True),
            NO_ANSWER,
            ["pauses 1"],
            Details(missing=f"{MISSING}Globus Transfer answered 503"),
        ),
        (
            task(1, is_paused=True),
            rejected("Odd", "not\n now"),
            ["pauses 1"],
            Details(missing=f"{MISSING}not now"),
        ),
    ],
)
def test_what_explains_a_status(found: Task, answer: Any, asked: list[str], details: Details | None) -> None:
    """The log, the skipped paths or the pauses; what does not come is one line of that report."""
    client = FakeClient()
    answers: dict[str, Any] = {new_id(1): answer} if answer else {}
    client.events = client.skipped = client.paused = answers
    made = ask_details(client, {FINGERPRINT: record(1)}, snapshot(found), scope(PAIR), {})
    assert made == ({new_id(1): details} if details else {})
    assert client.asked == asked


FAILED, STARTED = ended(1, "FAILED"), Outcome(status=PairStatus.STARTED)


@pytest.mark.parametrize(
    ("records", "found", "outcomes", "is_whole", "asked"),
    [
        ({FINGERPRINT: record(2, replaced=remembered(1))}, snapshot(FAILED), {}, True, ["events 1"]),
        ({FINGERPRINT: record(1, task=remembered(1, deadline=ENDED))}, snapshot(expired(1)), {}, True, []),
        ({FINGERPRINT: record(1)}, snapshot(expired(1)), {}, True, ["events 1"]),
        ({FINGERPRINT: record(1)}, snapshot(), {}, True, []),
        ({"f" * 16: orphan(1)}, snapshot(FAILED), {}, True, ["events 1"]),
        ({"f" * 16: orphan(1)}, snapshot(FAILED), {}, False, []),
        ({OTHER.fingerprint: record(1, OTHER)}, snapshot(FAILED), {}, False, []),
        ({FINGERPRINT: record(1)}, snapshot(FAILED), {FINGERPRINT: STARTED}, True, ["events 1"]),
        (
            {},
            snapshot(),
            {FINGERPRINT: Outcome(status=PairStatus.RUNNING, task=task(1, is_ok=False))},
            True,
            ["events 1"],
        ),
    ],
)
def test_whose_tasks(
    records: Mapping[str, PairRecord],
    found: Snapshot,
    outcomes: Mapping[str, Outcome],
    is_whole: bool,
    asked: list[str],
) -> None:
    """Last and replaced tasks of the pairs of this run, those that were just adopted and, in a whole run, orphans."""
    client = FakeClient()
    client.events = {new_id(1): Received([EVENT])}
    ask_details(client, records, found, scope(PAIR, config=(PAIR,) if is_whole else (PAIR, OTHER)), outcomes)
    assert client.asked == asked
