"""How far this host's clock is from Globus', which of the two counts, and how that is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from globus_sync_directory.globus.clock import GlobusClock, host_now, read_clock

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(("date", "expected"), [
    ("Mon, 23 Nov 2026 14:00:00 GMT", timedelta(hours=2)),
    ("Mon, 23 Nov 2026 12:00:00 +0100", -timedelta(hours=1)),
    ("Thu, 26 Nov 2026 12:00:00 GMT", timedelta(days=3)),
    ("Mon, 23 Nov 2026 12:00:02 GMT", timedelta(0)),
    ("Mon, 23 Nov 2026 11:59:57 GMT", timedelta(seconds=-3)),
    ("Fri, 31 Dec 9999 23:59:00 GMT", timedelta(days=2_912_116, hours=11, minutes=59)),
    ("Fri, 31 Dec 9999 23:59:59 -2359", timedelta(0)),
    ("no date", timedelta(0)),
    ("", timedelta(0)),
    (None, timedelta(0)),
])  # fmt: skip
def test_read_clock(date: str | None, expected: timedelta) -> None:
    """The offset comes from the reply's Date; one without a usable Date says nothing."""
    assert read_clock(date, NOON) == GlobusClock(expected)


@pytest.mark.parametrize(("shown", "expected"), [
    (timedelta(0), timedelta(0)),
    (timedelta(hours=2), timedelta(hours=2)),
    (DAY, DAY),
    (-DAY, -DAY),
    (DAY + SECOND, timedelta(0)),
    (-DAY - SECOND, timedelta(0)),
    (365 * DAY, timedelta(0)),
    (-365 * DAY, timedelta(0)),
])  # fmt: skip
def test_which_clock_counts(shown: timedelta, expected: timedelta) -> None:
    """Globus' clock counts, unless it would be off by more than a day."""
    offset = GlobusClock(shown).now() - host_now()
    assert abs(offset - expected) < timedelta(seconds=5)
    assert GlobusClock(shown).is_believed is (shown == expected)


@pytest.mark.parametrize(("offset", "expected"), [
    (timedelta(0), None),
    (timedelta(minutes=5), None),
    (timedelta(minutes=-5), None),
    (timedelta(minutes=6), "6 min behind"),
    (timedelta(minutes=-119), "119 min ahead of"),
    (timedelta(hours=2), "2 h behind"),
    (timedelta(hours=-23, minutes=-50), "24 h ahead of"),
])  # fmt: skip
def test_a_clock_that_is_wrong(offset: timedelta, expected: str | None) -> None:
    """A clock that is wrong by more than five minutes is told in units that a person can picture."""
    sentence = f"this host's clock is {expected} Globus'; times are counted on Globus' clock"
    assert GlobusClock(offset).warning == (sentence if expected else None)


@pytest.mark.parametrize(("offset", "expected"), [
    (timedelta(hours=-47, minutes=-10), "47 h behind"),
    (timedelta(days=3), "3 d ahead of"),
    (timedelta(minutes=-386_580), "268 d behind"),
    (timedelta(days=2_912_077), "2,912,077 d ahead of"),
])  # fmt: skip
def test_a_date_that_is_not_believed(offset: timedelta, expected: str) -> None:
    """A date that is off by more than a day is told, and that this host's clock counts."""
    assert GlobusClock(offset).warning == (
        f"the date in Globus' reply is {expected} this host's clock; that is not believed, and times are counted on "
        "this host's clock"
    )


def test_host_now_is_aware() -> None:
    """The time of this host is in UTC."""
    assert host_now().tzinfo is UTC
