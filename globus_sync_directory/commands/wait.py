"""``--wait``: looks again and again until no task of the pairs goes on, and tells how they get on meanwhile."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

import click

from globus_sync_directory.sync.ledger import Ledger
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.output.text import describe, files, size, span
from globus_sync_directory.sync.run import Result, look_again
from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.model.status import PairReport, PairStatus

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, GROWTH = 1.0, 60.0, 1.3
_SUMMARY_EVERY_SECONDS = 60.0
_LOOKS_THAT_SETTLE = 3  # with as many files found each time, Globus is taken to have finished looking

log = logging.getLogger(__name__)


class _Progress(Protocol):
    def show(self, findings: Sequence[PairReport]) -> None: ...
    def make_room(self) -> None: ...


def watch(
    pairs: Sequence[Pair],
    globus: GlobusClient,
    ledger: Ledger,
    result: Result,
    *,
    bar: bool,
    on_lasting_trouble: Callable[[Sequence[PairReport]], None] = lambda _: None,
) -> Result:
    """
    Return ``result`` as it stands once every task of ``pairs`` has ended; the ledger is only read.

    A look is one request for up to a hundred tasks that still go on, at intervals that grow to a minute. An outage is
    waited out; a sign-in that is refused ends it. ``bar``: show one on stderr, else a log line at most once a minute.
    ``on_lasting_trouble`` is told of tasks that need a person and do not end by themselves, once they come to that.
    """
    latest = {finding.name: finding for finding in result.findings if not finding.left_over}
    names = {name for name, finding in latest.items() if _goes_on(finding)}
    pause, in_reach = FIRST_PAUSE_SECONDS, True
    with _bar() if bar and names else _lines() as progress:
        while any(_goes_on(latest[name]) for name in names):
            progress.show([latest[name] for name in names])
            time.sleep(pause)
            pause = min(pause * GROWTH, LONGEST_PAUSE_SECONDS)
            globus.try_again()
            go_on = [pair for pair in pairs if pair.name in names and _goes_on(latest[pair.name])]
            found = {finding.name: finding for finding in look_again(go_on, globus, ledger).findings}
            unreached = [finding for finding in found.values() if finding.verdict is PairStatus.NOT_REACHED]
            if in_reach is bool(unreached):
                in_reach = not unreached
                progress.make_room()
                why = unreached[0].cause if unreached else None
                log.warning("%s", f"{why.reason}; still waiting" if why else "Globus answers again")
            lasting = []
            for name, finding in found.items():
                if finding.verdict is not PairStatus.NOT_REACHED:
                    if finding.verdict is not latest[name].verdict:
                        progress.make_room()
                        log.info("%s", describe(finding)[0])
                        lasting += [finding] if finding.status and _goes_on(finding) else []
                    latest[name] = finding
            if lasting:
                on_lasting_trouble(lasting)
            if any(finding.verdict is PairStatus.SIGN_IN_REJECTED for finding in found.values()):
                break
    findings = tuple(finding if finding.left_over else latest[finding.name] for finding in result.findings)
    return replace(result, findings=findings)


def _goes_on(finding: PairReport) -> bool:
    return finding.task.is_live if finding.task else finding.verdict is PairStatus.STARTED


@contextlib.contextmanager
def _lines() -> Iterator[_Progress]:
    yield _SummaryLines()


class _SummaryLines:
    """Where nobody watches: one line in the log at most once a minute."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def show(self, findings: Sequence[PairReport]) -> None:
        if time.monotonic() - self._last >= _SUMMARY_EVERY_SECONDS:
            self._last = time.monotonic()
            live = sum(map(_goes_on, findings))
            log.info("%d of %d tasks have not ended; %s", live, len(findings), _moved(findings))

    def make_room(self) -> None:
        """Nothing is in the way of a line."""


@contextlib.contextmanager
def _bar() -> Iterator[_Progress]:
    """Show a bar on stderr while it is used, and take it away at the end."""
    bar = _Bar()
    try:
        yield bar
    finally:
        bar.make_room()


class _Bar:
    """
    One bar over the files found so far, with what was copied and the rate; the time left once no more are found.

    Globus tells how many files it has found, not how many bytes they have, so files are what can be counted to an end.
    """

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._totals: list[int] = []
        self._done_at_first: int | None = None

    def show(self, findings: Sequence[PairReport]) -> None:
        tasks = [finding.task for finding in findings if finding.task]
        total = sum(task.files for task in tasks)
        done = min(total, sum(task.files_done + task.files_in_step for task in tasks))
        self._totals = [*self._totals[-_LOOKS_THAT_SETTLE:], total]
        self._done_at_first = done if self._done_at_first is None else self._done_at_first
        more = f"{done:,} of {files(total)} found, {_moved(findings)}{self._time_left(total, done)}"
        bar = click.progressbar(length=max(total, 1), file=sys.stderr, show_eta=False, width=24, label=more)
        bar.pos = done
        with contextlib.suppress(OSError):  # a terminal that went away stops no waiting
            bar.render_progress()

    def make_room(self) -> None:
        """Take the bar out of the way of a line."""
        with contextlib.suppress(OSError):
            click.echo("\r\x1b[2K\x1b[?25h", file=sys.stderr, nl=False, color=True)

    def _time_left(self, total: int, done: int) -> str:
        gained = done - (self._done_at_first or 0)
        settled = len(self._totals) > _LOOKS_THAT_SETTLE and len(set(self._totals)) == 1
        if not settled or not gained:
            return ""
        seconds = (time.monotonic() - self._begun) * (total - done) / gained
        return f", {span(timedelta(seconds=seconds))} left"


def _moved(findings: Sequence[PairReport]) -> str:
    tasks = [finding.task for finding in findings if finding.task]
    rate = sum(task.bytes_per_second for task in tasks if task.is_live)
    return f"{size(sum(task.bytes_done for task in tasks))} copied" + (f", {size(rate)}/s" if rate else "")
