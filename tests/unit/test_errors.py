"""The exit statuses, and which of several represents them all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from globus_sync_directory.errors import (
    ConfigError,
    ExitStatus,
    Interrupted,
    LockHeld,
    StateError,
    SyncError,
    UsageError,
    worst,
)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 75], 75),
        ([75, 3, 0], 3),
        ([3, 1, 75], 1),
        ([75, 1, 4, 3], 4),
        ([1, 0], 1),
    ],
)
def test_worst(statuses: Sequence[int], expected: int) -> None:
    """Where several apply, the first of 4, 1, 3, 75. Source: design, section 3."""
    assert worst(map(ExitStatus, statuses)) is ExitStatus(expected)
    assert worst(map(ExitStatus, reversed(statuses))) is ExitStatus(expected)


def test_numbers() -> None:
    """They are promised to scripts. Source: design, section 3."""
    assert {status.name: int(status) for status in ExitStatus} == {
        "OK": 0,
        "ATTENTION": 1,
        "USAGE": 2,
        "TOO_OLD": 3,
        "SIGN_IN_REJECTED": 4,
        "BUG": 70,
        "TRY_LATER": 75,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    ("error", "exit_status"),
    [
        (SyncError("a", "b"), 1),
        (StateError("a", "b"), 1),
        (UsageError("a", "b"), 2),
        (ConfigError("a", "b"), 2),
        (LockHeld("a", "b"), 75),
        (Interrupted("a", "b"), 130),
    ],
)
def test_errors(error: SyncError | Interrupted, exit_status: int) -> None:
    """Each error holds its lines and its exit status."""
    assert (error.exit_status, error.lines, str(error)) == (ExitStatus(exit_status), ("a", "b"), "a\nb")


def test_an_interruption_passes_handlers_of_errors() -> None:
    """Like KeyboardInterrupt: who handles errors must not swallow a signal."""
    assert not issubclass(Interrupted, Exception)
