"""A report laid out for a terminal: wrapped, coloured, and with a table of the pairs that are well."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from globus_sync_directory.model.report import PairReport, RunReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task, task_link
from globus_sync_directory.output.report_text import Line, colour, pair_lines, run_parts, title
from globus_sync_directory.output.units import ago, size
from globus_sync_directory.text import count, sanitize

_HEADER = ("pair", "status", "since", "copied", "last success")
_LONGEST_STATUS, _GAP = 14, 2  # columns
# A word, or a path between quotation marks with all its spaces; and the spaces around it.
_PIECE = re.compile(r"\s*(?:'[/~].*?'(?=[\s,.;:)]|$)|\S)+\s*")


def lay_out(report: RunReport, *, quiet: bool, width: int, colour: bool) -> str:
    """Return the text for a terminal of ``width`` columns; the pairs of one line form a table before the others."""
    before, pairs, after = run_parts(report, quiet=quiet)
    brief = [pair for pair in pairs if len(pair_lines(pair)) == 1]
    rows = table(brief, width) if len(brief) > 1 else []
    others = [pair for pair in pairs if not (rows and pair in brief)]
    lines = [line for pair in others for line in pair_lines(pair, may_be_one_line=False)]
    pieces = [*wrap(before, width), *rows, *wrap([*lines, *after], width)]
    return _rendered(pieces, width, colour)


def wrap(lines: Sequence[Line], width: int) -> list[Text]:
    """
    Return the lines sanitised, with their colours, and broken at spaces into lines of at most ``width`` columns.

    A piece that must stay whole may be wider than that: the terminal folds it, and it can be copied as one piece.
    """
    texts = []
    for line in lines:
        parts = [""]
        for piece in [sanitize(line.text)] if line.is_whole else _PIECE.findall(sanitize(line.text)):
            if parts[-1].strip() and cell_len(parts[-1] + piece.rstrip()) > width:
                parts.append(" " * line.hanging)
            parts[-1] += piece
        first, *more = [Text(part.rstrip()) for part in parts]
        if line.mark:
            begin, end, colour = line.mark
            first.stylize(colour, begin, end)
        texts += [first, *more]
    return texts


def table(reports: Sequence[PairReport], width: int) -> list[RenderableType]:
    """Return a table of at most ``width`` columns, with a link to the task below each row; empty if it is wider."""
    narrow = [_HEADER, *map(_cells, reports)]
    rows = [tuple(cell.replace("\n", " ") for cell in row) for row in narrow]
    widths, gaps = _widths(rows), _GAP * (len(_HEADER) - 1)
    if sum(widths) + gaps > width:
        rows, widths = narrow, _widths(narrow)
        widths[1] = min(widths[1], _LONGEST_STATUS)
    room_for_names = width - sum(widths[1:]) - gaps
    if room_for_names < max(cell_len(word) for name, *_ in rows for word in name.split()):
        return []
    widths[0] = min(widths[0], room_for_names)
    pieces: list[RenderableType] = [_row([Text(cell, style="bold") for cell in _HEADER], widths)]
    for report, (name, status, *more) in zip(reports, rows[1:], strict=True):
        pieces.append(_row([Text(name), Text(status, style=colour(report)), *map(Text, more)], widths))
        if report.task_id:
            pieces.append(Text(f"    {task_link(report.task_id)}"))
    return pieces


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(cell_len(line) for cell in column for line in cell.split("\n")) for column in zip(*rows, strict=True)]


def _cells(report: PairReport) -> tuple[str, ...]:
    succeeded = report.since if report.status is PairStatus.SUCCEEDED else None
    success = succeeded or (report.success.ended_at if report.success else None)
    copied = _copied(report.task) if report.task and report.status is not PairStatus.QUEUED else ""
    return sanitize(title(report)), report.status.words, _age(report.since, report), copied, _age(success, report)


def _age(instant: datetime | None, report: PairReport) -> str:
    return (ago(instant, report.at) or "just now") if instant else ""


def _copied(task: Task) -> str:
    """Return in one or two lines what a task has copied, such as ``7 of 8 files, 6.3 MB``, and its rate and faults."""
    of_found = f"{task.files_copied:,} of " if task.is_live and task.files_found else ""
    first = of_found + count(task.files_found if of_found else task.files_copied, "file")
    if task.files_copied:
        first += f", {size(task.bytes_copied)}"
    rate = f"{size(task.bytes_per_second)}/s" if task.is_live and task.bytes_per_second else ""
    in_step = f"{task.files_in_step:,} in sync" if task.files_in_step else ""
    second = ", ".join(filter(None, [rate, in_step, count(task.faults, "fault") if task.faults else ""]))
    return f"{first},\n{second}" if second else first


def _row(cells: Sequence[Text], widths: Sequence[int]) -> Table:
    row = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    for width in widths:
        row.add_column(width=width)
    row.add_row(*cells)
    return row


def _rendered(pieces: Sequence[RenderableType], width: int, has_colour: bool) -> str:
    """Return the pieces as text, with escape sequences for colours or without any."""
    out = io.StringIO()
    colours: Literal["standard"] | None = "standard" if has_colour else None
    console = Console(file=out, width=width, force_terminal=has_colour, force_jupyter=False, color_system=colours)
    for piece in pieces:
        console.print(piece, soft_wrap=isinstance(piece, Text), highlight=False)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().split("\n")[:-1])
