"""The order of the phases, as far as scenarios cannot see it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from globus_sync_directory.model.answer import Received
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.sync.run import look_again

from .fake_client import FakeClient
from .samples import FINGERPRINT, HOUR, NOW, PAIR, event, new_id, record, scope, task

SECOND = timedelta(seconds=1)


class SlowClient(FakeClient):
    """A second passes between two looks at the clock."""

    _seconds = 0

    def now(self) -> datetime:
        self._seconds += 1
        return NOW + self._seconds * SECOND


@pytest.mark.parametrize("age", [HOUR - number * SECOND for number in range(5)])
def test_no_status_without_its_reason(age: timedelta) -> None:
    """Whenever a failing task becomes stuck, its log has been asked for by then: it may show progress."""
    client = SlowClient()
    client.tasks[new_id(1)] = Received(task(1, requested_at=NOW - age, is_ok=False))
    client.events[new_id(1)] = Received([event("PROGRESS", at=NOW)])
    (report,) = look_again(scope(PAIR), client, {FINGERPRINT: record(1)}).pairs
    assert report.status is PairStatus.RUNNING_WITH_ERRORS
