"""This host's clock and Globus' clock, which may differ."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_SMALLEST_OFFSET = timedelta(seconds=2)  # less is how long the reply took
_TOLERANCE = timedelta(minutes=5)
_LARGEST_OFFSET = timedelta(days=1)  # something on the way may have written or kept a date that is further off


def host_now() -> datetime:
    """Return the time on this host's clock, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class GlobusClock:
    """Globus' clock; ``shown``: how far the date of its reply was ahead of this host's clock."""

    shown: timedelta = timedelta(0)

    @property
    def is_believed(self) -> bool:
        """Whether times are counted on this clock: one that is off by more than a day is more likely not Globus'."""
        return abs(self.shown) <= _LARGEST_OFFSET

    def now(self) -> datetime:
        """Return the time on Globus' clock, or on this host's clock if Globus' is not believed; aware UTC."""
        return host_now() + (self.shown if self.is_believed else timedelta(0))

    @property
    def warning(self) -> str | None:
        """A sentence about two clocks that differ too much, else None."""
        if abs(self.shown) <= _TOLERANCE:
            return None
        span, is_behind = _words(abs(self.shown)), self.shown > timedelta(0)
        if self.is_believed:
            direction = "behind" if is_behind else "ahead of"
            return f"this host's clock is {span} {direction} Globus'; times are counted on Globus' clock"
        direction = "ahead of" if is_behind else "behind"
        return (
            f"the date in Globus' reply is {span} {direction} this host's clock; that is not believed, and times are "
            "counted on this host's clock"
        )


def read_clock(date: str | None, now: datetime) -> GlobusClock:
    """Return what a reply's "Date" header says of Globus' clock; ``now``: the time on this host's clock."""
    try:
        shown = parsedate_to_datetime(date or "").astimezone(UTC) - now
    except (ValueError, OverflowError):
        return GlobusClock()
    return GlobusClock(shown) if abs(shown) > _SMALLEST_OFFSET else GlobusClock()


def _words(span: timedelta) -> str:
    minutes, hours, days = (round(span / timedelta(minutes=unit)) for unit in (1, 60, 24 * 60))
    return f"{minutes} min" if minutes < 120 else f"{hours} h" if hours < 48 else f"{days:,} d"
