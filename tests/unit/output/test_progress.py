"""The progress of --wait: true figures, bars that can be trusted, and a terminal that may go away."""

from __future__ import annotations

import errno
import io
import logging
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len
from rich.console import Console

from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.output.progress import Progress, bar_of, draw, progress_line, time_left

from .reports import BY_STATUS, EVIL, NOW, ended_task, live_task, pair_report


def running(found: int = 0, copied: int = 0, in_step: int = 0, **more: object) -> PairReport:
    task = live_task(files_found=found, files_copied=copied, files_in_step=in_step, bytes_copied=copied * 1000, **more)
    return pair_report(PairStatus.RUNNING, task=task)


def looks(*done_and_found: tuple[int, int], every: float = 10) -> list[PairReport]:
    """Reports on one task at intervals of ``every`` seconds."""
    return [
        replace(running(found=found, copied=done), at=NOW + timedelta(seconds=every * index))
        for index, (done, found) in enumerate(done_and_found)
    ]


@pytest.mark.parametrize(
    ("report", "bar"),
    [
        (BY_STATUS[PairStatus.STARTED], (0, "looking for files")),
        (running(), (0, "looking for files")),
        (running(found=8), (0, "0 of 8 files found so far")),
        (running(found=8, in_step=8), (0, "8 of 8 files found so far")),
        (running(found=8, in_step=4), (50, "4 of 8 files found")),
        (running(found=8, copied=7), (87, "7 of 8 files found, 7 kB")),
        (running(found=8, copied=8), (0, "8 of 8 files found so far, 8 kB")),
        (running(found=10**6, copied=10**6 - 1), (99, "999,999 of 1,000,000 files found, 1 GB")),
        (running(found=8, copied=1, in_step=6, bytes_per_second=875), (87, "7 of 8 files found, 1 kB, 875 B/s")),
        (replace(running(found=8, copied=7), status=PairStatus.PAUSED), (87, "paused")),
        (replace(running(), status=PairStatus.STUCK), (0, "stuck")),
    ],
)
def test_a_bar(report: PairReport, bar: tuple[int, str]) -> None:
    """No bar is full while its task runs; it is empty while nothing, or all that was found, is done."""
    assert bar_of([report]) == bar


@pytest.mark.parametrize(
    ("history", "seconds"),
    [
        (looks((0, 100), (10, 100), (20, 100), (30, 100)), 70),
        (looks((0, 50), (0, 100), (10, 100), (20, 100), (30, 100)), 93),
        (looks((0, 100), (10, 100), (20, 100)), None),
        (looks((0, 70), (10, 80), (20, 90), (30, 100)), None),
        (looks((30, 100), (30, 100), (30, 100), (30, 100)), None),
        (looks((0, 100), (50, 100), (80, 100), (100, 100)), None),
        (looks((0, 0), (0, 0), (0, 0), (0, 0)), None),
    ],
    ids=[
        "steady",
        "found later",
        "too few looks",
        "more found each time",
        "nothing moves",
        "all done",
        "nothing found",
    ],
)
def test_time_left(history: list[PairReport], seconds: int | None) -> None:
    """An estimate once no more files are found, while some are left and the number that is done grows."""
    left = time_left(history)
    assert (left if left is None else round(left.total_seconds())) == seconds


def test_time_left_in_a_bar() -> None:
    """It is at least a minute, and there only when something was copied: comparing goes faster than copying."""
    steady = ((0, 100), (10, 100), (20, 100), (30, 100))
    assert bar_of(looks(*steady))[1] == "30 of 100 files found, 1 min left, 30 kB"
    slow = looks(*steady, every=600)
    assert "1 h 10 min left" in bar_of(slow)[1]
    compared = replace(slow[-1], task=live_task(files_found=100, files_in_step=30))
    assert bar_of([*slow[:-1], compared])[1] == "30 of 100 files found"


def test_tasks_that_are_live() -> None:
    """Tasks that have not ended, and starts whose task was not seen yet."""
    assert running().has_live_task
    assert BY_STATUS[PairStatus.STARTED].has_live_task
    assert not BY_STATUS[PairStatus.SUCCEEDED].has_live_task
    assert not BY_STATUS[PairStatus.NEVER_RUN].has_live_task


def test_a_line_about_all_tasks() -> None:
    """How many have not ended, what was copied, and the rate of those that run."""
    ended = replace(BY_STATUS[PairStatus.SUCCEEDED], task=ended_task(bytes_copied=10**6, bytes_per_second=5))
    one = running(copied=1, bytes_per_second=875)
    assert progress_line([ended, one]) == "1 of 2 tasks has not ended; 1 MB copied, 875 B/s"
    assert progress_line([running(), running()]) == "2 of 2 tasks have not ended; 0 B copied"


def test_lines_at_most_once_a_minute(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without bars: the first line comes after a minute, the next a minute later, however often there is a look."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    caplog.set_level(logging.INFO)
    with Progress(bars=False) as progress:
        for second in range(0, 150, 7):
            now[0] = second
            progress.show([running()])
            progress.pause()
    assert [record.getMessage() for record in caplog.records] == ["1 of 1 task has not ended; 0 B copied"] * 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bars_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars are drawn by show, taken away by pause and at the end, and text in them is only text."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    report = replace(running(found=8, copied=4), name=f"[red]{EVIL}")
    with Progress(bars=True) as progress:
        progress.show([report])
        progress.show([report])
        assert "4 of 8 files found" in terminal.getvalue()
        progress.pause()
        assert terminal.getvalue().endswith("\x1b[1A\x1b[2K")
        assert "\x1b[?25h" in terminal.getvalue()
        paused = len(terminal.getvalue())
        progress.show([report])
        assert "4 of 8 files found" in terminal.getvalue()[paused:]
    assert terminal.getvalue().endswith("\x1b[1A\x1b[2K")
    assert "\x1b]0" not in terminal.getvalue()
    assert "[red]" in terminal.getvalue()


def test_a_terminal_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can no longer be written is dropped; waiting continues."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(bars=True) as progress:
        progress.show([running()])

        def gone(_: str = "") -> int:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(terminal, "write", gone)
        monkeypatch.setattr(terminal, "flush", gone)
        progress.show([running()])
        progress.pause()
        progress.show([running()])


@pytest.mark.parametrize("width", [60, 80, 160])
def test_bars_fit(width: int) -> None:
    """One line a running pair; tasks in the queue are counted, those that have ended are gone."""
    reports = [
        replace(running(found=10**6, copied=10**5, bytes_per_second=10**9), name="a name of many words  顕微鏡" * 3),
        replace(running(), name="b"),
        replace(BY_STATUS[PairStatus.QUEUED], name="c"),
        replace(BY_STATUS[PairStatus.QUEUED], name="d"),
        BY_STATUS[PairStatus.SUCCEEDED],
    ]
    live = [[report] for report in reports if report.has_live_task]
    console = Console(file=io.StringIO(), width=width)
    lines = console.render_lines(draw(live).get_renderable(), console.options)
    texts = ["".join(segment.text for segment in line).rstrip() for line in lines]
    assert len(texts) == 3
    assert texts[0].startswith("a name of m")
    assert texts[1].split()[0] == "b"
    assert texts[2].split("  ")[0] == "in the queue"
    assert texts[2].endswith("2 tasks")
    assert all(cell_len(text) <= width for text in texts)
