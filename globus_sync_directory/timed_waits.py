"""
Waits that a signal ends at once.

Python acts on a signal between two of its own steps. A signal that comes just before the main thread begins to wait is
seen only when that wait ends. So the main thread waits in short steps.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

STEP_SECONDS = 0.1


def sleep(seconds: float) -> None:
    """Return after so many seconds."""
    for step in steps(seconds):
        time.sleep(step)


def steps(seconds: float) -> Iterator[float]:
    """Yield the lengths of the steps of a wait, in seconds."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        yield min(left, STEP_SECONDS)
