"""The two clocks of a stand-in: the computer's, and one that a test moves."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """The computer's clock. Every date, deadline, retry and expiry of a stand-in follows its clock."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)

    def seconds_until(self, moment: datetime) -> float | None:
        """Return how many real seconds to sleep until ``moment``; None means until somebody moves the clock."""
        return max(0.0, (moment - self.now()).total_seconds())

    def when_moved(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` whenever somebody moves the clock; nobody moves the computer's."""


class ManualClock(Clock):
    """A clock that moves only with ``advance``; ``start`` must be aware."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        if start.tzinfo is None:
            raise ValueError("start needs a time zone")
        self._now = start.astimezone(UTC)
        self._lock = threading.Lock()
        self._wakers: list[Callable[[], None]] = []

    def now(self) -> datetime:
        return self._now

    def seconds_until(self, moment: datetime) -> float | None:
        return 0.0 if moment <= self._now else None

    def when_moved(self, wake: Callable[[], None]) -> None:
        self._wakers.append(wake)

    def advance(self, seconds: float) -> datetime:
        """Move the clock forward, wake everything that waits for it, and return the new time."""
        if seconds < 0:
            raise ValueError("a clock cannot go back")
        with self._lock:
            self._now += timedelta(seconds=seconds)
        for wake in self._wakers:
            wake()
        return self._now
