"""How far this host's clock is from Globus', and how that is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from globus_sync_directory.globus.client import host_now
from globus_sync_directory.globus.sign_in import clock_offset, clock_warning

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(("date", "expected"), [
    ("Mon, 23 Nov 2026 14:00:00 GMT", timedelta(hours=2)),
    ("Mon, 23 Nov 2026 12:00:00 +0100", -timedelta(hours=1)),
    ("Thu, 26 Nov 2026 12:00:00 GMT", timedelta(days=3)),
    ("Mon, 23 Nov 2026 12:00:02 GMT", timedelta(0)),
    ("Mon, 23 Nov 2026 11:59:57 GMT", timedelta(seconds=-3)),
    ("Fri, 31 Dec 9999 23:59:00 GMT", timedelta(0)),
    ("Fri, 31 Dec 9999 23:59:59 -2359", timedelta(0)),
    ("Mon, 01 Jan 1900 00:00:00 GMT", timedelta(0)),
    ("no date", timedelta(0)),
    ("", timedelta(0)),
    (None, timedelta(0)),
])  # fmt: skip
def test_clock_offset(date: str | None, expected: timedelta) -> None:
    """The offset comes from the reply's Date; one without a usable Date says nothing."""
    assert clock_offset(date, NOON) == expected


@pytest.mark.parametrize(("offset", "expected"), [
    (timedelta(0), None),
    (timedelta(minutes=5), None),
    (timedelta(minutes=-5), None),
    (timedelta(minutes=6), "6 min behind"),
    (timedelta(minutes=-119), "119 min ahead of"),
    (timedelta(hours=2), "2 h behind"),
    (timedelta(hours=-47, minutes=-10), "47 h ahead of"),
    (timedelta(days=3), "3 d behind"),
    (timedelta(minutes=-386_580), "268 d ahead of"),
])  # fmt: skip
def test_clock_warning(offset: timedelta, expected: str | None) -> None:
    """A clock that is wrong by more than five minutes is told in units that a person can picture."""
    sentence = f"this host's clock is {expected} Globus'; times are counted on Globus' clock"
    assert clock_warning(offset) == (sentence if expected else None)


def test_host_now_is_aware() -> None:
    """The time of this host is in UTC."""
    assert host_now().tzinfo is UTC
