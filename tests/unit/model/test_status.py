"""The statuses of a pair and what each asks for: the lines of design.md, section 6."""

from __future__ import annotations

import pytest

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.status import PairStatus

STATUSES = {
    "started": 0,
    "running": 0,
    "queued": 0,
    "running with errors": 0,
    "stuck": 1,
    "paused": 1,
    "suspended": 1,
    "succeeded": 0,
    "source is empty": 1,
    "succeeded with gaps": 1,
    "stopped at its time limit": 0,
    "ran out of time without progress": 1,
    "failed": 1,
    "cancelled": 1,
    "waiting for room": 0,
    "waiting for the earlier task": 0,
    "never run": 0,
    "unknown to Globus": 0,
    "rejected": 1,
    "blocked": 1,
    "start unconfirmed": 75,
    "not reached": 75,
    "sign-in rejected": 4,
    "would start": 0,
}


@pytest.mark.parametrize(("words", "exit_status"), STATUSES.items())
def test_status(words: str, exit_status: int) -> None:
    """Its words are its value, as in the state file, and it asks for an exit status."""
    (status,) = [status for status in PairStatus if status.value == words]
    assert (status.words, status.exit_status) == (words, ExitStatus(exit_status))


def test_every_status_has_a_row() -> None:
    """Nothing else is a status."""
    assert {status.words for status in PairStatus} == set(STATUSES)
