"""One run: which phase asks, which writes, and what each mode leaves out."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.globus.client import Submitted
from globus_sync_directory.globus.transfer_document import NO_SUBMISSION_ID_YET
from globus_sync_directory.model.answer import Failure, Received
from globus_sync_directory.model.pair import SyncLevel
from globus_sync_directory.model.report import RunReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import SkippedPath
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.run import Mode, look_again, run

from .fake_client import FIRST_TASK, FakeClient
from .samples import (
    BEGUN,
    DAY,
    DESTINATION,
    FINGERPRINT,
    HOUR,
    NO_ANSWER,
    NO_TOKEN,
    NOW,
    OTHER,
    PAIR,
    SOURCE,
    ended,
    new_id,
    orphan,
    pending,
    record,
    rejected,
    remembered,
    scope,
    success,
    task,
)

BOTH = scope(PAIR, OTHER)
RUNNING = task(8, OTHER)


@pytest.fixture
def night(client: FakeClient, store: StateStore) -> FakeClient:
    """The last task of PAIR has failed, that of OTHER is running."""
    client.live = Received([RUNNING])
    client.tasks = {new_id(1): Received(ended(1, "FAILED"))}
    client.events = {new_id(1): Received([])}
    client.ends = {SOURCE: Received("dir"), DESTINATION: Received("dir")}
    with store.edit() as records:
        records |= {FINGERPRINT: record(1), OTHER.fingerprint: record(8, OTHER)}
    return client


def statuses(report: RunReport) -> list[PairStatus]:
    """Return the status of each pair."""
    return [pair.status for pair in report.pairs]


def test_start(night: FakeClient, store: StateStore) -> None:
    """The lists, both ends of what is to start, its submission, and last the reasons."""
    report = run(BOTH, night, store, Mode.START)
    assert night.asked == [
        "live tasks",
        "1 tasks",
        "stat /images",
        "stat /archive/images",
        "submission id",
        "submit microscope",
        "events 1",
    ]
    assert statuses(report) == [PairStatus.STARTED, PairStatus.RUNNING]
    assert report.exit_status is ExitStatus.OK
    assert report.pairs[0].before is not None
    assert report.pairs[0].before.status is PairStatus.FAILED
    assert store.read().records[FINGERPRINT].task == remembered(FIRST_TASK, submitted_at=NOW)


@pytest.mark.parametrize(
    ("mode", "status", "asked", "exit_status"),
    [
        (Mode.STATUS, PairStatus.FAILED, [], ExitStatus.ATTENTION),
        (Mode.DRY_RUN, PairStatus.WOULD_START, ["stat /images", "stat /archive/images"], ExitStatus.OK),
    ],
)
def test_looking_leaves_no_trace(
    night: FakeClient,
    store: StateStore,
    mode: Mode,
    status: PairStatus,
    asked: list[str],
    exit_status: ExitStatus,
) -> None:
    """Neither -d nor -n writes or submits, also where there is something to learn."""
    with store.edit() as records:
        records[OTHER.fingerprint] = record(None, OTHER)
    before = store.path.read_bytes()
    report = run(BOTH, night, store, mode)
    assert night.asked == ["live tasks", "1 tasks", *asked, "events 1"]
    assert (statuses(report), report.exit_status) == ([status, PairStatus.RUNNING], exit_status)
    assert store.path.read_bytes() == before
    assert store.records[OTHER.fingerprint].task is None


def test_dry_run_shows_what_would_be_submitted(night: FakeClient, store: StateStore) -> None:
    """The document, without a submission id, and why."""
    night.ends = {SOURCE: NO_ANSWER, DESTINATION: Received("dir")}
    made = run(BOTH, night, store, Mode.DRY_RUN).pairs[0]
    assert made.document is not None
    assert (made.document["submission_id"], made.document["sync_level"]) == (NO_SUBMISSION_ID_YET, 3)
    why, doubt = made.notes
    assert why == "its last task was not a full success, so all files are compared by checksum"
    assert doubt.startswith("could not look at '/images'")


GONE = SkippedPath(code="FILE_NOT_FOUND", source_path="/images/b")


@pytest.fixture
def vanished(night: FakeClient) -> FakeClient:
    """The last task of PAIR has skipped one path, which has vanished."""
    night.tasks = {new_id(1): Received(ended(1, paths_skipped=1))}
    night.skipped = {new_id(1): Received([GONE])}
    return night


def test_a_success_that_is_known_after_the_start(vanished: FakeClient, store: StateStore) -> None:
    """It is remembered, although the next task runs already; that one compares by checksum."""
    report = run(BOTH, vanished, store, Mode.START)
    assert vanished.asked[-2:] == ["submit microscope", "skipped 1"]
    assert statuses(report) == [PairStatus.STARTED, PairStatus.RUNNING]
    assert report.pairs[0].before is not None
    assert report.pairs[0].before.status is PairStatus.SUCCEEDED
    assert report.pairs[0].success == success(1)
    known = store.read().records[FINGERPRINT]
    assert (known.task, known.success) == (remembered(FIRST_TASK, submitted_at=NOW), success(1))


@pytest.mark.parametrize("mode", [Mode.STATUS, Mode.DRY_RUN])
def test_a_success_that_is_only_reported(vanished: FakeClient, store: StateStore, mode: Mode) -> None:
    """-d and -n know it too, and write nothing."""
    before = store.path.read_bytes()
    assert run(BOTH, vanished, store, mode).pairs[0].success == success(1)
    assert store.path.read_bytes() == before


def test_a_pending_submission_comes_after_the_starts(night: FakeClient, store: StateStore) -> None:
    """It delays no other pair, and its own pair is not started once more."""
    night.live = Received([])
    night.tasks[new_id(8)] = Received(ended(8, pair=OTHER))
    night.ends |= {OTHER.source: Received("dir")}
    with store.edit() as records:
        records[FINGERPRINT] = record(1, pending=pending(9))
    report = run(BOTH, night, store, Mode.START)
    assert night.asked == [
        "live tasks", "2 tasks", "stat /reads", "submission id", "submit sequencer", "submit microscope", "events 1",
    ]  # fmt: skip
    assert statuses(report) == [PairStatus.STARTED, PairStatus.STARTED]
    assert report.pairs[0].notes == ()


def test_a_pending_submission_that_is_running(night: FakeClient, store: StateStore) -> None:
    """Where the lists show its task, nothing is asked about it."""
    night.live = Received([RUNNING, task(9)])
    with store.edit() as records:
        records[FINGERPRINT] = record(1, pending=pending(9))
    report = run(BOTH, night, store, Mode.START)
    assert night.asked == ["live tasks", "1 tasks", "events 1"]
    assert statuses(report) == [PairStatus.RUNNING] * 2
    assert store.read().records[FINGERPRINT].pending is None


def test_a_pending_submission_that_has_ended(night: FakeClient, store: StateStore) -> None:
    """Its success counts at once, and the next task of its pair is started."""
    night.replies = {"microscope": Received(Submitted(task_id=new_id(9), is_new=False))}

    def accept_others(document: Mapping[str, Any]) -> None:
        if document["label"] != task(9).label:
            night.replies.clear()

    night.on_submit = accept_others
    night.tasks[new_id(9)] = Received(ended(9))
    with store.edit() as records:
        records[FINGERPRINT] = record(1, pending=pending(9))
    report = run(BOTH, night, store, Mode.START)
    assert statuses(report) == [PairStatus.STARTED, PairStatus.RUNNING]
    known = store.read().records[FINGERPRINT]
    assert known.task == remembered(FIRST_TASK, submitted_at=NOW)
    assert known.success == success(9)


def test_a_pending_submission_without_an_answer(night: FakeClient, store: StateStore) -> None:
    """The reason is in the report, and nothing else of its pair is started."""
    night.replies = {"microscope": NO_ANSWER}
    with store.edit() as records:
        records[FINGERPRINT] = record(1, pending=pending(9))
    report = run(BOTH, night, store, Mode.START)
    assert statuses(report) == [PairStatus.START_UNCONFIRMED, PairStatus.RUNNING]
    assert night.asked.count("submit microscope") == 1
    assert report.pairs[0].problem is not None
    assert report.pairs[0].problem.reason == NO_ANSWER.reason


def test_a_pending_submission_that_was_never_accepted(night: FakeClient, store: StateStore) -> None:
    """Once that is certain its pair is started anew, in the same run, and so is one that waited for it."""
    new = replace(OTHER, destination=DESTINATION)
    night.replies = {"microscope": rejected("Odd")}
    night.labelled = {"microscope": Received([])}
    night.ends |= {OTHER.source: Received("dir")}
    with store.edit() as records:
        records |= {FINGERPRINT: orphan(1, pending=pending(9)), new.fingerprint: record(None, new)}
    report = run(scope(new), night, store, Mode.START)
    assert night.asked[:3] == ["live tasks", "1 tasks", "label of microscope"]
    assert statuses(report)[0] is PairStatus.STARTED
    assert night.asked.count("submit sequencer") == 1


def test_a_rejected_pending_submission_is_started_anew(night: FakeClient, store: StateStore) -> None:
    """The reason of the new rejection is in the report."""
    night.replies = {"microscope": rejected("Odd", "not now")}
    night.labelled = {"microscope": Received([])}
    with store.edit() as records:
        records[FINGERPRINT] = record(1, pending=pending(9))
    report = run(BOTH, night, store, Mode.START)
    assert night.asked.count("submit microscope") == 2
    assert statuses(report) == [PairStatus.REJECTED, PairStatus.RUNNING]
    assert report.pairs[0].problem is not None
    assert report.pairs[0].problem.reason == "Globus says: not now"


@pytest.mark.parametrize("mode", [Mode.START, Mode.DRY_RUN])
def test_a_cheap_pass_asks_for_newer_tasks(night: FakeClient, store: StateStore, mode: Mode) -> None:
    """A task of another host has failed since: all files are compared by checksum."""
    cheap = replace(PAIR, sync_level=SyncLevel.SIZE)
    night.tasks = {new_id(1): Received(ended(1))}
    night.recent = Received([ended(1), ended(2, "FAILED", requested_at=BEGUN + HOUR)])
    sent: list[object] = []
    night.on_submit = lambda document: sent.append(document["sync_level"])
    report = run(scope(cheap, OTHER), night, store, mode)
    assert night.asked.count("recent tasks") == 1
    document = report.pairs[0].document
    assert (sent or [document and document["sync_level"]]) == [3]


def test_a_blocked_start_is_remembered(night: FakeClient, store: StateStore) -> None:
    """-d reports it, since when and why; nothing was submitted."""
    night.ends = {SOURCE: rejected("ClientError.NotFound", http_status=404), DESTINATION: Received("dir")}
    report = run(BOTH, night, store, Mode.START)
    assert statuses(report) == [PairStatus.BLOCKED, PairStatus.RUNNING]
    known = store.read().records[FINGERPRINT]
    assert known.failed_start is not None
    assert (known.failed_start.status, known.failed_start.since) == (PairStatus.BLOCKED, NOW)
    assert statuses(run(BOTH, night, store, Mode.STATUS)) == [PairStatus.BLOCKED, PairStatus.RUNNING]
    assert "submission id" not in night.asked


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(
    ("failure", "status", "exit_status"),
    [
        (NO_ANSWER, PairStatus.NOT_REACHED, ExitStatus.TRY_LATER),
        (NO_TOKEN, PairStatus.SIGN_IN_REJECTED, ExitStatus.SIGN_IN_REJECTED),
    ],
)
def test_no_list(
    night: FakeClient,
    store: StateStore,
    mode: Mode,
    failure: Failure,
    status: PairStatus,
    exit_status: ExitStatus,
) -> None:
    """Without the list of live tasks nothing is started, and nothing more is asked."""
    night.live = failure
    report = run(BOTH, night, store, mode)
    assert (statuses(report), report.exit_status) == ([status] * 2, exit_status)
    assert night.asked == ["live tasks"]


def test_a_state_file_that_cannot_be_written(
    night: FakeClient, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is started; how the pairs are doing is reported all the same."""

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    report = run(BOTH, night, store, Mode.START)
    assert statuses(report) == [PairStatus.FAILED, PairStatus.RUNNING]
    assert report.exit_status is ExitStatus.ATTENTION
    (line,) = report.errors
    assert "No space left on device" in line
    assert "submit microscope" not in night.asked


def test_that_alone_asks_for_attention(night: FakeClient, store: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where every pair is well: nothing can be started."""

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    night.tasks = {new_id(1): Received(ended(1))}
    monkeypatch.setattr(os, "fsync", fail)
    report = run(BOTH, night, store, Mode.START)
    assert statuses(report) == [PairStatus.SUCCEEDED, PairStatus.RUNNING]
    assert report.exit_status is ExitStatus.ATTENTION


def test_look_again(night: FakeClient) -> None:
    """While waiting, one request for the remembered tasks, and a success is known at once."""
    night.tasks |= {new_id(8): Received(ended(8, pair=OTHER))}
    old = record(8, OTHER, success=success(7, BEGUN - 9 * DAY))
    waiting = scope(replace(OTHER, max_age=DAY), config=[PAIR, OTHER])
    report = look_again(waiting, night, {OTHER.fingerprint: old})
    assert statuses(report) == [PairStatus.SUCCEEDED]
    assert not report.pairs[0].is_too_old
    assert night.asked == ["1 tasks"]


def test_look_again_at_vanished_paths(vanished: FakeClient) -> None:
    """While waiting, such a success is known as soon as the task has ended."""
    report = look_again(scope(PAIR, config=[PAIR, OTHER]), vanished, {FINGERPRINT: record(1)})
    assert statuses(report) == [PairStatus.SUCCEEDED]
    assert report.pairs[0].success == success(1)
