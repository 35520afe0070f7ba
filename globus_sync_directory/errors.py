"""The errors that end a whole run. Each has the lines that the user reads, and the exit status."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitStatus(IntEnum):
    """The exit status of the process. 2 and 130 are conventions of shells, 70 and 75 are those of sysexits.h."""

    OK = 0
    ATTENTION = 1
    USAGE = 2
    TOO_OLD = 3
    SIGN_IN_REJECTED = 4
    BUG = 70
    TRY_LATER = 75
    INTERRUPTED = 130


_MOST_URGENT_FIRST = (
    ExitStatus.SIGN_IN_REJECTED,
    ExitStatus.ATTENTION,
    ExitStatus.TOO_OLD,
    ExitStatus.TRY_LATER,
)


def worst(statuses: Iterable[ExitStatus]) -> ExitStatus:
    """Return the exit status that represents all of ``statuses``; OK for none."""
    given = set(statuses)
    return next((status for status in _MOST_URGENT_FIRST if status in given), ExitStatus.OK)


class SyncError(Exception):
    """Ends the run; each of ``lines``, which the user reads, is one problem."""

    exit_status = ExitStatus.ATTENTION

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class UsageError(SyncError):
    """The command line asks for something that is not possible."""

    exit_status = ExitStatus.USAGE


class ConfigError(SyncError):
    """The config file or the environment has at least one problem; one line each."""

    exit_status = ExitStatus.USAGE


class NotInstalled(ConfigError):
    """A package that the tool needs is damaged or too old."""


class StateError(SyncError):
    """The state file cannot be written, so nothing may be started."""


class LockHeld(SyncError):
    """Another run holds the lock of this state file; ``is_old``: for so long that it probably hangs."""

    exit_status = ExitStatus.TRY_LATER

    def __init__(self, *lines: str, is_old: bool = False) -> None:
        super().__init__(*lines)
        self.is_old = is_old


class Interrupted(BaseException):
    """A signal asked this run to stop; like KeyboardInterrupt, it passes handlers of ordinary errors."""

    exit_status = ExitStatus.INTERRUPTED

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
