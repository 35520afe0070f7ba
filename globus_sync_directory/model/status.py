"""The statuses of a pair, and the exit status that each needs."""

from __future__ import annotations

from enum import Enum

from globus_sync_directory.errors import ExitStatus


class PairStatus(Enum):
    """How a pair is doing: the words that a person reads, and the exit status."""

    STARTED = ("started", ExitStatus.OK)
    RUNNING = ("running", ExitStatus.OK)
    QUEUED = ("queued", ExitStatus.OK)
    RUNNING_WITH_ERRORS = ("running with errors", ExitStatus.OK)
    STUCK = ("stuck", ExitStatus.ATTENTION)
    PAUSED = ("paused", ExitStatus.ATTENTION)
    SUSPENDED = ("suspended", ExitStatus.ATTENTION)
    SUCCEEDED = ("succeeded", ExitStatus.OK)
    SOURCE_IS_EMPTY = ("source is empty", ExitStatus.ATTENTION)
    SUCCEEDED_WITH_GAPS = ("succeeded with gaps", ExitStatus.ATTENTION)
    STOPPED_AT_TIME_LIMIT = ("stopped at its time limit", ExitStatus.OK)
    RAN_OUT_OF_TIME = ("ran out of time without progress", ExitStatus.ATTENTION)
    FAILED = ("failed", ExitStatus.ATTENTION)
    CANCELLED = ("cancelled", ExitStatus.ATTENTION)
    WAITING_FOR_ROOM = ("waiting for room", ExitStatus.OK)
    WAITING_FOR_EARLIER_TASK = ("waiting for the earlier task", ExitStatus.OK)
    NEVER_RUN = ("never run", ExitStatus.OK)
    UNKNOWN_TO_GLOBUS = ("unknown to Globus", ExitStatus.OK)
    REJECTED = ("rejected", ExitStatus.ATTENTION)
    BLOCKED = ("blocked", ExitStatus.ATTENTION)
    START_UNCONFIRMED = ("start unconfirmed", ExitStatus.TRY_LATER)
    NOT_REACHED = ("not reached", ExitStatus.TRY_LATER)
    SIGN_IN_REJECTED = ("sign-in rejected", ExitStatus.SIGN_IN_REJECTED)
    WOULD_START = ("would start", ExitStatus.OK)

    exit_status: ExitStatus

    def __new__(cls, words: str, exit_status: ExitStatus) -> PairStatus:
        """Make a member whose value is its words: the state file holds those."""
        member = object.__new__(cls)
        member._value_ = words
        member.exit_status = exit_status
        return member

    @property
    def words(self) -> str:
        """What a person reads."""
        return str(self.value)

    @property
    def waits(self) -> bool:
        """Whether nothing happens for the pair now, and nobody may notice if that never changes."""
        return self in _WAITING


_WAITING = (
    PairStatus.QUEUED,
    PairStatus.WAITING_FOR_ROOM,
    PairStatus.WAITING_FOR_EARLIER_TASK,
    PairStatus.START_UNCONFIRMED,
    PairStatus.NOT_REACHED,
)
