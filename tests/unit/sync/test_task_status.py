"""Design, section 6: a row for every line of the table of statuses, and for every branch behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Event, Task
from globus_sync_directory.sync.success import Skips
from globus_sync_directory.sync.task_status import last_progress, needs_log, newest_error, task_status

from .samples import BEGUN, DAY, ENDED, HOUR, MINUTE, NOW, ended, event, expired, task

SECOND = timedelta(seconds=1)
FAILING: dict[str, Any] = {"is_ok": False, "nice_status": "CONNECT_FAILED"}
EMPTY: dict[str, Any] = {"files_found": 0, "files_copied": 0}
ONE_GAP: dict[str, Any] = {"paths_skipped": 1}


def log_of(length: int, code: str = "PAUSED", newest: datetime = ENDED) -> list[Event]:
    """Return so many entries, newest first, a second apart."""
    return [event(code, at=newest - number * SECOND) for number in range(length)]


@pytest.mark.parametrize(
    ("found", "events", "status", "since"),
    [
        pytest.param(task(), [], PairStatus.RUNNING, BEGUN, id="active"),
        pytest.param(task(nice_status="OK"), [], PairStatus.RUNNING, BEGUN, id="active and OK"),
        pytest.param(task(nice_status="Queued"), [], PairStatus.QUEUED, BEGUN, id="queued"),
        pytest.param(task(nice_status="QUEUED"), [], PairStatus.QUEUED, BEGUN, id="queued in capitals"),
        pytest.param(task(status="NEW WORD"), [], PairStatus.RUNNING, BEGUN, id="unknown status"),
        pytest.param(
            task(**FAILING, requested_at=NOW - HOUR + SECOND),
            [],
            PairStatus.RUNNING_WITH_ERRORS,
            NOW - HOUR + SECOND,
            id="errors, begun less than an hour ago",
        ),
        pytest.param(
            task(**FAILING, requested_at=NOW - HOUR), [], PairStatus.STUCK, NOW - HOUR, id="errors since an hour"
        ),
        pytest.param(
            task(**FAILING),
            [event("CONNECT_FAILED", at=NOW, is_error=True), event("PROGRESS", at=NOW - MINUTE)],
            PairStatus.RUNNING_WITH_ERRORS,
            NOW - MINUTE,
            id="errors, but progress a minute ago",
        ),
        pytest.param(
            task(**FAILING),
            [event("STARTED", at=NOW - MINUTE)],
            PairStatus.RUNNING_WITH_ERRORS,
            NOW - MINUTE,
            id="errors, but started a minute ago",
        ),
        pytest.param(
            task(**FAILING), [event("PROGRESS", at=ENDED)], PairStatus.STUCK, ENDED, id="no progress for two hours"
        ),
        pytest.param(
            task(**FAILING),
            log_of(1000, newest=NOW),
            PairStatus.RUNNING_WITH_ERRORS,
            NOW - 999 * SECOND,
            id="a full page of events of the last minutes may hide progress",
        ),
        pytest.param(task(**FAILING), log_of(999, newest=NOW), PairStatus.STUCK, BEGUN, id="a page that is not full"),
        pytest.param(task(**FAILING), log_of(1000), PairStatus.STUCK, ENDED - 999 * SECOND, id="a full page, but old"),
        pytest.param(
            task(is_ok=False, nice_status="Queued"), [], PairStatus.STUCK, BEGUN, id="failing is more than queued"
        ),
        pytest.param(task(is_paused=True), [], PairStatus.PAUSED, None, id="paused"),
        pytest.param(
            task(is_paused=True, deadline=NOW - HOUR + 90 * DAY), [], PairStatus.PAUSED, NOW - HOUR, id="paused since"
        ),
        pytest.param(
            task(is_paused=True, deadline=BEGUN + 90 * DAY), [], PairStatus.PAUSED, BEGUN, id="paused at once"
        ),
        pytest.param(task(is_paused=True, deadline=NOW + 90 * DAY), [], PairStatus.PAUSED, NOW, id="paused just now"),
        pytest.param(
            task(is_paused=True, deadline=NOW + HOUR), [], PairStatus.PAUSED, None, id="a deadline of another kind"
        ),
        pytest.param(
            task(is_paused=True, deadline=NOW + 91 * DAY), [], PairStatus.PAUSED, None, id="a deadline far ahead"
        ),
        pytest.param(task(**FAILING, is_paused=True), [], PairStatus.PAUSED, None, id="paused is more than failing"),
        pytest.param(task(status="INACTIVE"), [], PairStatus.SUSPENDED, None, id="suspended"),
        pytest.param(
            task(status="INACTIVE", is_paused=True), [], PairStatus.SUSPENDED, None, id="suspended is more than paused"
        ),
        pytest.param(
            task(status="INACTIVE", is_ok=False),
            [
                event("OTHER", at=NOW),
                event("AUTH", at=ENDED, is_error=True),
                event("AUTH", at=ENDED - HOUR, is_error=True),
            ],
            PairStatus.SUSPENDED,
            ENDED,
            id="suspended since its newest error",
        ),
        pytest.param(ended(), [], PairStatus.SUCCEEDED, ENDED, id="succeeded"),
        pytest.param(
            ended(is_ok=False, is_paused=True), [], PairStatus.SUCCEEDED, ENDED, id="ended is more than paused"
        ),
        pytest.param(ended(**ONE_GAP), [], PairStatus.SUCCEEDED_WITH_GAPS, ENDED, id="a path was skipped"),
        pytest.param(ended(status="FAILED"), [], PairStatus.FAILED, ENDED, id="failed"),
        pytest.param(
            ended(status="FAILED", fatal_code="ENDPOINT_ERROR"), [], PairStatus.FAILED, ENDED, id="failed with a code"
        ),
        pytest.param(
            ended(status="FAILED"), [event("AUTH", is_error=True)], PairStatus.FAILED, ENDED, id="failed after an error"
        ),
        pytest.param(
            ended(status="FAILED", fatal_code="CANCELED"), [], PairStatus.CANCELLED, ENDED, id="cancelled by its code"
        ),
        pytest.param(
            ended(status="FAILED", fatal_code="cancelled"), [], PairStatus.CANCELLED, ENDED, id="in either spelling"
        ),
        pytest.param(
            ended(status="FAILED"), [event("CANCELED")], PairStatus.CANCELLED, ENDED, id="cancelled by its log"
        ),
        pytest.param(expired(), [], PairStatus.RAN_OUT_OF_TIME, ENDED, id="expired by its code"),
        pytest.param(
            ended(status="FAILED"), [event("EXPIRED")], PairStatus.RAN_OUT_OF_TIME, ENDED, id="expired by its log"
        ),
    ],
)
def test_status(found: Task, events: Sequence[Event], status: PairStatus, since: datetime | None) -> None:
    """A task and its log make a status, and since when; no deadline of ours is known."""
    assert task_status(found, None, NOW, events) == (status, since)


@pytest.mark.parametrize(
    ("found", "sent", "status"),
    [
        (expired(), ENDED, PairStatus.STOPPED_AT_TIME_LIMIT),
        (expired(fatal_code="expired"), ENDED, PairStatus.STOPPED_AT_TIME_LIMIT),
        (expired(deadline=None), ENDED, PairStatus.STOPPED_AT_TIME_LIMIT),
        (expired(deadline=ENDED + 59 * SECOND), ENDED, PairStatus.STOPPED_AT_TIME_LIMIT),  # as precise as it gets
        (expired(deadline=ENDED + MINUTE), ENDED, PairStatus.RAN_OUT_OF_TIME),  # Globus has extended it
        (expired(deadline=ENDED - HOUR), ENDED, PairStatus.STOPPED_AT_TIME_LIMIT),  # of an earlier sending
        (expired(files_copied=0), ENDED, PairStatus.RAN_OUT_OF_TIME),
        (expired(files_copied=0, files_in_step=7), ENDED, PairStatus.RAN_OUT_OF_TIME),
        (expired(), None, PairStatus.RAN_OUT_OF_TIME),  # Globus' own limit
        (ended(status="FAILED"), ENDED, PairStatus.FAILED),
    ],
)
def test_deadlines(found: Task, sent: datetime | None, status: PairStatus) -> None:
    """The end at our own deadline is as asked for where files were copied; the precision is a minute."""
    assert task_status(found, sent, NOW) == (status, ENDED)


@pytest.mark.parametrize(
    ("found", "skips", "may_be_empty", "status"),
    [
        (ended(**ONE_GAP), Skips.SOURCE, False, PairStatus.FAILED),
        (ended(), Skips.SOURCE, False, PairStatus.SUCCEEDED),
        (task(), Skips.SOURCE, False, PairStatus.RUNNING),
        (ended(**ONE_GAP), Skips.VANISHED, False, PairStatus.SUCCEEDED),
        (ended(**ONE_GAP), Skips.GAPS, False, PairStatus.SUCCEEDED_WITH_GAPS),
        (ended(**EMPTY), Skips.GAPS, False, PairStatus.SOURCE_IS_EMPTY),
        (ended(**EMPTY), Skips.GAPS, True, PairStatus.SUCCEEDED),
        (ended(**EMPTY, files_in_step=1), Skips.GAPS, False, PairStatus.SUCCEEDED),
        (ended(**EMPTY, **ONE_GAP), Skips.VANISHED, False, PairStatus.SOURCE_IS_EMPTY),
        (ended(**EMPTY, **ONE_GAP), Skips.VANISHED, True, PairStatus.SUCCEEDED),
        (ended(**EMPTY, **ONE_GAP), Skips.GAPS, False, PairStatus.SUCCEEDED_WITH_GAPS),
        (ended(**EMPTY, **ONE_GAP), Skips.SOURCE, False, PairStatus.FAILED),
        (ended(status="FAILED", **EMPTY), Skips.GAPS, False, PairStatus.FAILED),
        (expired(**EMPTY), Skips.GAPS, False, PairStatus.RAN_OUT_OF_TIME),
    ],
)
def test_success(found: Task, skips: Skips, may_be_empty: bool, status: PairStatus) -> None:
    """What Globus calls a success depends on the skipped paths and on the files that there should be."""
    assert task_status(found, None, NOW, (), skips, may_be_empty=may_be_empty)[0] is status


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (task(), False),
        (task(**FAILING), True),
        (task(**FAILING, requested_at=NOW - HOUR), True),
        (task(**FAILING, requested_at=NOW - HOUR + SECOND), False),
        (task(**FAILING, is_paused=True), False),
        (task(status="INACTIVE", is_ok=False), True),
        (ended(), False),
        (ended(is_ok=False), False),
        (ended(**ONE_GAP), False),
        (ended(status="FAILED"), True),
        (expired(), True),
        (expired(deadline=None), True),
    ],
)
def test_needs_log(found: Task, expected: bool) -> None:
    """A log costs a request: it is read only for a status that is not good, or where it can make that good."""
    assert needs_log(found, task_status(found, None, NOW)[0], NOW) is expected


def test_no_log_for_the_end_at_a_time_limit() -> None:
    """It is what was asked for; there is nothing to explain."""
    assert not needs_log(expired(), PairStatus.STOPPED_AT_TIME_LIMIT, NOW)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], BEGUN),
        ([event("PROGRESS", at=ENDED), event("PROGRESS", at=ENDED - HOUR)], ENDED),
        ([event("STARTED", at=ENDED - HOUR), event("PROGRESS", at=ENDED)], ENDED),
        ([event("PROGRESS", at=BEGUN - HOUR)], BEGUN),
        ([event("AUTH", at=ENDED, is_error=True)], BEGUN),
        (log_of(1000), ENDED - 999 * SECOND),
        ([event("PROGRESS", at=ENDED), *log_of(1000)], ENDED),
    ],
)
def test_last_progress(events: Sequence[Event], expected: datetime) -> None:
    """The newest sign of progress, wherever it is in the log, but never before the submission."""
    assert last_progress(task(), events) == expected


OLD, NEW = event("AUTH", at=ENDED, is_error=True), event("TIMEOUT", at=NOW, is_error=True)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], None),
        ([event("PROGRESS", at=NOW)], None),
        ([NEW, OLD], NEW),
        ([OLD, NEW], NEW),
        ([OLD, event("PROGRESS", at=NOW)], OLD),
        ([OLD, event("EXPIRED", at=NOW, is_error=True), event("CANCELED", at=NOW, is_error=True)], OLD),
    ],
)
def test_newest_error(events: Sequence[Event], expected: Event | None) -> None:
    """How a task ended is no error that explains it."""
    assert newest_error(events) == expected
