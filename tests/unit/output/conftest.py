"""One time zone for all: reports show times in the zone of the host."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _in_new_zealand(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "NZST-12NZDT,M9.5.0,M4.1.0/3")  # needs no zone files
        time.tzset()
        yield
    time.tzset()
