"""The progress that ``--wait`` shows: bars on a terminal, elsewhere a log line at most once a minute."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.output.units import size, span
from globus_sync_directory.text import count, shorten

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

SECONDS_BETWEEN_LINES = 60.0
_LOOKS_UNTIL_ALL_FOUND = 4  # with the same number of files found: Globus has probably found all files
_BAR_COLUMNS, _LONGEST_NAME = 12, 18
_RUNNING = (PairStatus.STARTED, PairStatus.RUNNING, PairStatus.RUNNING_WITH_ERRORS)

log = logging.getLogger(__name__)


class Progress(contextlib.AbstractContextManager["Progress"]):
    """Shows the progress of tasks in a ``with`` block; ``bars``: stderr is a terminal, so show bars on it."""

    def __init__(self, *, bars: bool) -> None:
        self._shows_bars = bars
        self._bars: Bars | None = None
        self._looks: dict[str, list[PairReport]] = {}
        self._last_line = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.pause()

    def show(self, reports: Sequence[PairReport]) -> None:
        """Show the newest reports, of all pairs that are waited for."""
        if self._shows_bars:
            live = [report for report in reports if report.has_live_task]
            for report in live:
                self._looks.setdefault(report.fingerprint, []).append(report)
            self.pause()
            self._bars = draw([self._looks[report.fingerprint] for report in live])
            with contextlib.suppress(OSError, ValueError):
                self._bars.start()
        elif time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            log.info("%s", progress_line(reports))

    def pause(self) -> None:
        """Remove the bars, to make room for a line of the log; the next ``show`` continues."""
        if self._bars:
            with contextlib.suppress(OSError, ValueError):
                self._bars.stop()


def progress_line(reports: Sequence[PairReport]) -> str:
    """Return one line about all tasks, such as ``1 of 3 tasks has not ended; 6.3 MB copied, 875 B/s``."""
    live = sum(report.has_live_task for report in reports)
    tasks = [report.task for report in reports if report.task]
    rate = sum(task.bytes_per_second for task in tasks if task.is_live)
    line = f"{live:,} of {count(len(reports), 'task')} {'has' if live == 1 else 'have'} not ended"
    return f"{line}; {size(sum(task.bytes_copied for task in tasks))} copied" + (f", {size(rate)}/s" if rate else "")


def draw(looks_by_task: Sequence[Sequence[PairReport]]) -> Bars:
    """Return a bar for each running task, and one for those in the queue; for each task its reports, oldest first."""
    from rich.console import Console  # here, because importing rich takes time and only a terminal needs it
    from rich.progress import BarColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        "{task.description}",
        BarColumn(_BAR_COLUMNS),
        "{task.fields[text]}",
        console=Console(stderr=True, color_system="standard", markup=False, emoji=False, highlight=False),
        auto_refresh=False,  # nothing moves between two looks
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    running = [looks for looks in looks_by_task if looks[-1].status is not PairStatus.QUEUED]
    for looks in running:
        percent, text = bar_of(looks)
        bars.add_task(shorten(looks[-1].name, _LONGEST_NAME), completed=percent, total=100, text=text)
    if len(looks_by_task) > len(running):
        bars.add_task("in the queue", total=100, text=count(len(looks_by_task) - len(running), "task"))
    return bars


def bar_of(looks: Sequence[PairReport]) -> tuple[int, str]:
    """
    Return how many percent of a running task are done, below 100, and what its bar says; ``looks``: its reports so far.

    Globus reports how many files it has found so far, but not how many bytes they have. If all files found so far are
    done, it may still find more: the end is not known, and the bar is empty.
    """
    report, task = looks[-1], looks[-1].task
    done, found = _done_and_found(report)
    is_counting = 0 < done < found
    percent = 100 * done // found if is_counting else 0
    if report.status not in _RUNNING:
        return percent, report.status.words
    if task is None or not found:
        return 0, "looking for files"
    phrases = [f"{done:,} of {count(found, 'file')} found{'' if is_counting else ' so far'}"]
    left = time_left(looks)
    if task.files_copied and left:
        phrases.append(f"{span(max(left, timedelta(minutes=1)))} left")
    if task.files_copied:
        phrases.append(size(task.bytes_copied))
    if task.bytes_per_second:
        phrases.append(f"{size(task.bytes_per_second)}/s")
    return percent, ", ".join(phrases)


def time_left(looks: Sequence[PairReport]) -> timedelta | None:
    """Return the time until all files are done, at the rate so far; None while more files are found or none is done."""
    done_at_first, _ = _done_and_found(looks[0])
    done, found = _done_and_found(looks[-1])
    newest = [_done_and_found(look)[1] for look in looks[-_LOOKS_UNTIL_ALL_FOUND:]]
    if newest != [found] * _LOOKS_UNTIL_ALL_FOUND or not done_at_first < done < found:
        return None
    return (looks[-1].at - looks[0].at) * (found - done) / (done - done_at_first)


def _done_and_found(report: PairReport) -> tuple[int, int]:
    task = report.task
    return (task.files_copied + task.files_in_step, task.files_found) if task else (0, 0)
