"""This host's clock, and how far it is from Globus'."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

CLOCK_TOLERANCE = timedelta(minutes=5)
_SMALLEST_OFFSET = timedelta(seconds=2)  # less is how long the reply took
_LARGEST_OFFSET = timedelta(days=100 * 365)  # beyond that no time can be counted with it


def host_now() -> datetime:
    """Return the time on this host's clock, aware UTC."""
    return datetime.now(UTC)


def clock_offset(date: str | None, now: datetime) -> timedelta:
    """
    Return how far Globus' clock is ahead of this host's, which shows ``now``.

    ``date`` is the "Date" header of a reply; zero where it says nothing usable.
    """
    try:
        offset = parsedate_to_datetime(date or "").astimezone(UTC) - now
    except (ValueError, OverflowError):
        return timedelta(0)
    return offset if _SMALLEST_OFFSET < abs(offset) < _LARGEST_OFFSET else timedelta(0)


def clock_warning(offset: timedelta) -> str | None:
    """Return a sentence about a clock that is too far from Globus', else None."""
    if abs(offset) <= CLOCK_TOLERANCE:
        return None
    direction = "behind" if offset > timedelta(0) else "ahead of"
    return f"this host's clock is {_span(abs(offset))} {direction} Globus'; times are counted on Globus' clock"


def _span(span: timedelta) -> str:
    minutes = round(span / timedelta(minutes=1))
    if minutes < 120:
        return f"{minutes} min"
    hours = round(span / timedelta(hours=1))
    return f"{hours} h" if hours < 48 else f"{round(span / timedelta(days=1))} d"
