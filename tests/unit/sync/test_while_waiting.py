"""What a run that waits sees where Globus does not answer."""

from __future__ import annotations

import pytest

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.answer import Failure
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.sync.run import look_again

from .fake_client import FakeClient
from .samples import FINGERPRINT, NO_ANSWER, NO_TOKEN, PAIR, record, scope


@pytest.mark.parametrize(
    ("failure", "status", "exit_status"),
    [
        (NO_ANSWER, PairStatus.NOT_REACHED, ExitStatus.TRY_LATER),
        (NO_TOKEN, PairStatus.SIGN_IN_REJECTED, ExitStatus.SIGN_IN_REJECTED),
    ],
)
def test_no_list(client: FakeClient, failure: Failure, status: PairStatus, exit_status: ExitStatus) -> None:
    """Neither the list of recent tasks, where a pair has no record yet, nor that of those remembered."""
    client.recent = client.listed = failure
    for records in ({}, {FINGERPRINT: record(1)}):
        report = look_again(scope(PAIR), client, records)
        assert ([pair.status for pair in report.pairs], report.exit_status) == ([status], exit_status)
