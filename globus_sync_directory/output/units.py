"""Times, durations and sizes as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta

from dateutil import tz

_MINUTE = timedelta(minutes=1)


def moment(instant: datetime) -> str:
    """Return an instant in this host's zone, such as ``2026-11-24 01:00 NZDT``."""
    return instant.astimezone(tz.tzlocal()).strftime("%Y-%m-%d %H:%M %Z")


def moment_and_age(instant: datetime, now: datetime) -> str:
    """Return an instant with its age, such as ``2026-11-24 01:00 NZDT (7 h ago)``."""
    return f"{moment(instant)} ({ago(instant, now)})".removesuffix(" ()")


def ago(instant: datetime, now: datetime) -> str:
    """Return how long ago an instant was, such as ``7 h ago``; empty for less than a minute."""
    return f"{span(now - instant)} ago" if now - instant >= _MINUTE else ""


def span(duration: timedelta) -> str:
    """Return a duration in its two largest units, such as ``1 d 5 h`` or ``12 min``."""
    minutes = duration // _MINUTE
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if number]
    return " ".join(parts[:2]) or "0 min"


def size(count: int) -> str:
    """Return a number of bytes in the decimal unit that suits it, such as ``7.2 MB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.5 else f"{amount:.2g} {unit}"
        amount /= 1000
    return f"{amount:,.0f} PB"
