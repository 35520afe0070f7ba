"""Times, durations and sizes as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from globus_sync_directory.output.units import ago, moment, size, span

NOW = datetime(2026, 11, 24, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (7_240_000, "7.2 MB"),
        (99_400_000, "99 MB"),
        (123_456_789, "123 MB"),
        (999_600_000, "1 GB"),
        (5 * 10**15, "5 PB"),
        (7 * 10**18, "7,000 PB"),
    ],
)
def test_size(count: int, text: str) -> None:
    """Bytes in the decimal unit that suits them."""
    assert size(count) == text


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0, "0 min"),
        (0.9, "0 min"),
        (59, "59 min"),
        (60, "1 h"),
        (61, "1 h 1 min"),
        (1500, "1 d 1 h"),
        (1441, "1 d 1 min"),
    ],
)
def test_span(minutes: float, text: str) -> None:
    """Durations in their two largest units."""
    assert span(timedelta(minutes=minutes)) == text


def test_ago() -> None:
    """The age of an instant; nothing for what is less than a minute old, or not there yet on this clock."""
    assert ago(NOW - timedelta(hours=7), NOW) == "7 h ago"
    assert ago(NOW - timedelta(seconds=59), NOW) == ""
    assert ago(NOW + timedelta(hours=1), NOW) == ""


def test_moment_is_in_the_zone_of_the_host() -> None:
    """Daylight time in November, standard time in June."""
    assert moment(NOW) == "2026-11-25 00:00 NZDT"
    assert moment(NOW.replace(month=6)) == "2026-06-24 23:00 NZST"
