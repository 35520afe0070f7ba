"""Brief reports on several pairs -> a table, each row with the link of its task beside or below it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task, task_link
from globus_sync_directory.output.pair_text import colour, title
from globus_sync_directory.output.units import ago, moment, size
from globus_sync_directory.text import count, sanitize

_HEADER = ("pair", "status", "since", "copied", "last success", "task")
_NAME, _STATUS, _COPIED, _LINK = 0, 1, 3, 5
_SEPARATOR = ", "
_INDENT = " " * 4
_GAP = 2  # columns between two cells
_LONGEST_NAME, _LONGEST_STATUS, _TWO_PHRASES = 24, 14, 22  # columns, where cells have to be wrapped
# Whether it shows times or ages, and whether the links have a column; the first form that fits is taken.
_FORMS = ((True, True), (False, True), (True, False), (False, False))

_Row = tuple[str, ...]


def table(reports: Sequence[PairReport], width: int) -> list[RenderableType] | None:
    """Return a table of at most ``width`` columns, links apart, as pieces to print; None where none fits."""
    for has_times, has_links in _FORMS:
        rows = [_HEADER, *(_cells(report, has_times=has_times) for report in reports)]
        shown = rows if has_links else [row[:_LINK] for row in rows]
        widths = _widest(shown)
        if _total(widths) <= width:
            break
    else:
        widths = _squeezed(shown, width)
        if not widths:
            return None
    pieces: list[RenderableType] = [_grid([Text(cell, style="bold") for cell in shown[0]], widths)]
    for report, row, link in zip(reports, shown[1:], [row[_LINK] for row in rows[1:]], strict=True):
        cells = [Text(cell) for cell in row]
        cells[_COPIED] = Text(_between_phrases(row[_COPIED], widths[_COPIED]))
        cells[_STATUS].stylize(colour(report))
        pieces.append(_grid(cells, widths))
        if link and not has_links:
            pieces.append(Text(_INDENT + link))
    return pieces


def _cells(report: PairReport, *, has_times: bool) -> _Row:
    since = report.since and (moment(report.since) if has_times else _age(report.since, report))
    succeeded = report.since if report.status is PairStatus.SUCCEEDED else None
    success = succeeded or (report.success.ended_at if report.success else None)
    cells = (
        title(report),
        report.status.words,
        since or "",
        _copied(report.task) if report.task and report.status is not PairStatus.QUEUED else "",
        _age(success, report) if success else "",
        task_link(report.task_id) if report.task_id else "",
    )
    return tuple(map(sanitize, cells))


def _age(instant: datetime, report: PairReport) -> str:
    return ago(instant, report.at) or "just now"


def _copied(task: Task) -> str:
    """Return what a task has copied in few words, such as ``7 of 8 files, 6.3 MB, 2 in step``."""
    of_found = f"{task.files_copied:,} of " if task.is_live and task.files_found else ""
    parts = [of_found + count(task.files_found if of_found else task.files_copied, "file")]
    if task.files_copied:
        parts.append(size(task.bytes_copied))
    if task.is_live and task.bytes_per_second:
        parts.append(f"{size(task.bytes_per_second)}/s")
    if task.files_in_step:
        parts.append(f"{task.files_in_step:,} in step")
    if task.faults:
        parts.append(count(task.faults, "fault"))
    return _SEPARATOR.join(parts)


def _squeezed(rows: Sequence[_Row], width: int) -> list[int]:
    """Return widths at which names, statuses and what was copied wrap between words; an empty list where none fit."""
    longest_words = [tuple(max(cell.split(), key=cell_len, default="") for cell in row) for row in rows]
    widths, words = _widest(rows), _widest(longest_words)
    widths[_STATUS] = max(words[_STATUS], min(widths[_STATUS], _LONGEST_STATUS))
    phrases = [f"{phrase}," for row in rows for phrase in row[_COPIED].split(_SEPARATOR)]
    shortest = min(widths[_COPIED], max(map(cell_len, phrases)))
    widths[_COPIED] = min(widths[_COPIED], max(shortest, _TWO_PHRASES))
    spare = width - _total(widths) + widths[_NAME]
    widths[_NAME] = max(words[_NAME], min(widths[_NAME], spare, _LONGEST_NAME))
    widths[_COPIED] += width - _total(widths)
    return widths if widths[_COPIED] >= shortest else []


def _between_phrases(text: str, width: int) -> str:
    """Return a cell broken after commas only, so that a number keeps its unit."""
    if cell_len(text) <= width:
        return text
    first, *more = text.split(_SEPARATOR)
    lines = [first]
    for phrase in more:
        longer = lines[-1] + _SEPARATOR + phrase
        if cell_len(longer) < width:  # which leaves room for a comma
            lines[-1] = longer
        else:
            lines.append(phrase)
    return ",\n".join(lines)


def _widest(rows: Sequence[_Row]) -> list[int]:
    """Return the width of each column; 0 where all cells below its header are empty."""
    return [max(map(cell_len, column)) if any(column[1:]) else 0 for column in zip(*rows, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(width + _GAP for width in widths if width) - _GAP


def _grid(cells: Sequence[Text], widths: Sequence[int]) -> Table:
    row = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    shown = [(cell, width) for cell, width in zip(cells, widths, strict=True) if width]
    for _, width in shown:
        row.add_column(width=width)
    row.add_row(*(cell for cell, _ in shown))
    return row
