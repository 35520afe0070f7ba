"""A bar on stderr for each running pair, drawn by rich."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import IO, TextIO, cast

from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.output.progress import Look, bar_of, is_waited_for, look_at
from globus_sync_directory.text import count, sanitize

_BAR_COLUMNS, _LONGEST_NAME = 16, 20
_REFRESHES_PER_SECOND = 4
_QUEUED = "in the queue"


class ProgressBars:
    """Shows the bars from the first ``show`` on; they are gone at the end, and while it is paused."""

    def __init__(self) -> None:
        self._looks: dict[str, list[Look]] = {}
        self._live: Live | None = None

    def __enter__(self) -> ProgressBars:
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()

    def show(self, reports: Sequence[PairReport]) -> None:
        """Draw a bar for each task that has not ended; a line counts those in the queue."""
        for report in filter(is_waited_for, reports):
            self._looks.setdefault(report.name, []).append(look_at(report, time.monotonic()))
        bars = draw(reports, self._looks)
        if self._live is None:
            self._live = Live(
                bars,
                console=_console(),
                refresh_per_second=_REFRESHES_PER_SECOND,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start(refresh=True)
        else:
            self._live.update(bars, refresh=True)

    def pause(self) -> None:
        """Take the bars away until the next ``show``."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def draw(reports: Sequence[PairReport], looks: dict[str, list[Look]]) -> Table:
    """Return the bars of all tasks that have not ended; ``looks`` by the name of the pair."""
    live = [report for report in reports if is_waited_for(report)]
    names = {report.name: sanitize(report.name) for report in live if report.status is not PairStatus.QUEUED}
    rows = Table.grid(padding=(0, 2, 0, 0), expand=True)
    longest = max(map(cell_len, [_QUEUED, *names.values()]))
    rows.add_column(width=min(longest, _LONGEST_NAME), no_wrap=True, overflow="ellipsis")
    rows.add_column(width=_BAR_COLUMNS)
    rows.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for report in live:
        if report.name in names:
            bar = bar_of(report, looks[report.name])
            drawn = ProgressBar(total=bar.total, completed=bar.done, pulse=bar.total is None, width=_BAR_COLUMNS)
            rows.add_row(Text(names[report.name]), drawn, Text(bar.text))
    if len(live) > len(names):
        rows.add_row(Text(_QUEUED), Text(""), Text(count(len(live) - len(names), "task")))
    return rows


def _console() -> Console:
    return Console(
        file=cast("IO[str]", _PatientStream(sys.stderr)),
        force_terminal=True,
        force_jupyter=False,
        color_system="standard",
        markup=False,
        emoji=False,
        highlight=False,
    )


class _PatientStream:
    """A terminal that may go away at any moment: what can no longer be written is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        """Write text if that is still possible."""
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        """Flush if that is still possible."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return

    def isatty(self) -> bool:
        """Return True: bars are shown on terminals only."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of the stream."""
        return self._stream.fileno()
