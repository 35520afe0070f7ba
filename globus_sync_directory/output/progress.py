"""The progress that ``--wait`` shows: bars on a terminal, elsewhere a log line at most once a minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.output.units import size, span
from globus_sync_directory.text import count

SECONDS_BETWEEN_LINES = 60.0
_LOOKS_THAT_SETTLE = 4  # with as many files found each time, Globus is taken to have found all of them
_RUNNING = (PairStatus.STARTED, PairStatus.RUNNING, PairStatus.RUNNING_WITH_ERRORS)

log = logging.getLogger(__name__)


class Progress(Protocol):
    """What ``--wait`` calls after each look at its tasks."""

    def show(self, reports: Sequence[PairReport]) -> None:
        """Show the newest reports, of all pairs that are waited for."""

    def pause(self) -> None:
        """Make room for a line of the log; the next ``show`` continues."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """The files of one task at one moment; ``at`` is in seconds of a clock that only goes forward."""

    at: float
    done: int
    found: int


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What one bar shows; ``total`` is None while nobody can say how much is left."""

    done: int
    total: int | None
    text: str


def open_progress(*, bars: bool) -> AbstractContextManager[Progress]:
    """Return the progress to use in a ``with`` block: bars on stderr, or lines in the log."""
    if not bars:
        return ProgressLines()
    from globus_sync_directory.output.progress_bars import ProgressBars  # rich: only a terminal has use for it

    return ProgressBars()


def is_waited_for(report: PairReport) -> bool:
    """Return whether the task of this report has not ended."""
    return report.task.is_live if report.task else report.status is PairStatus.STARTED


def look_at(report: PairReport, at: float) -> Look:
    """Return the figures of a report's task."""
    task = report.task
    if task is None:
        return Look(at=at, done=0, found=0)
    return Look(at=at, done=task.files_copied + task.files_in_step, found=task.files_found)


def bar_of(report: PairReport, looks: Sequence[Look]) -> Bar:
    """
    Return the bar of one running pair; ``looks`` are those at its task so far, the newest last.

    Globus tells how many files it has found so far, and not how many bytes they have. While all that was found is
    done, it is still looking for more: there is no end to count to.
    """
    now, task = looks[-1], report.task
    total = now.found if 0 < now.done < now.found else None
    if report.status not in _RUNNING:
        return Bar(done=now.done, total=total, text=report.status.words)
    if task is None or not now.found:
        return Bar(done=0, total=None, text="looking for files")
    text = f"{now.done:,} of {count(now.found, 'file')} found{'' if total else ' so far'}"
    left = time_left(looks) if task.files_copied else None
    if left is not None:
        text += f", {span(max(left, timedelta(minutes=1)))} left"
    if task.files_copied:
        text += f", {size(task.bytes_copied)}"
    if task.bytes_per_second:
        text += f", {size(task.bytes_per_second)}/s"
    return Bar(done=now.done, total=total, text=text)


def time_left(looks: Sequence[Look]) -> timedelta | None:
    """Return the time until all files are done, by the rate so far; None while more are found or nothing moves."""
    first, now = looks[0], looks[-1]
    newest = looks[-_LOOKS_THAT_SETTLE:]
    is_settled = len(newest) == _LOOKS_THAT_SETTLE and len({look.found for look in newest}) == 1
    if not is_settled or not first.done < now.done < now.found:
        return None
    return timedelta(seconds=(now.at - first.at) * (now.found - now.done) / (now.done - first.done))


def progress_line(reports: Sequence[PairReport]) -> str:
    """Return one line about all tasks, such as ``1 of 3 tasks has not ended; 6.3 MB copied, 875 B/s``."""
    live = sum(map(is_waited_for, reports))
    tasks = [report.task for report in reports if report.task]
    rate = sum(task.bytes_per_second for task in tasks if task.is_live)
    line = f"{live:,} of {count(len(reports), 'task')} {'has' if live == 1 else 'have'} not ended"
    return f"{line}; {size(sum(task.bytes_copied for task in tasks))} copied" + (f", {size(rate)}/s" if rate else "")


class ProgressLines:
    """For a stderr that is no terminal: a log line at most once a minute, the first after a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def __enter__(self) -> ProgressLines:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to do."""

    def show(self, reports: Sequence[PairReport]) -> None:
        """Log a line if the last one is a minute old."""
        if self._clock() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = self._clock()
            log.info("%s", progress_line(reports))

    def pause(self) -> None:
        """Nothing is in the way of a line."""
