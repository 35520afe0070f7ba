"""A report laid out for a terminal: wrapped, coloured, and with a table of the pairs that are well."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

from globus_sync_directory.model.report import PairReport, RunReport
from globus_sync_directory.output.line import Line
from globus_sync_directory.output.pair_table import table
from globus_sync_directory.output.pair_text import is_brief, pair_lines
from globus_sync_directory.output.run_text import lines_after_pairs, lines_before_pairs, pairs_shown
from globus_sync_directory.text import sanitize

_NARROWEST = 30  # columns
# A word, or a path between quotation marks with all its blanks, and the blanks behind it.
_PIECE = re.compile(r"(?:'[/~].*?'(?=[\s,.;:)]|$)|\S)+\s*")


def lay_out(report: RunReport, *, quiet: bool, width: int, colour: bool) -> str:
    """Return the text for a terminal of ``width`` columns; a table of the brief reports stands above the others."""
    pairs = pairs_shown(report, quiet=quiet)
    brief = [pair for pair in pairs if is_brief(pair)]
    rows = table(brief, width) if len(brief) > 1 else None
    others = [pair for pair in pairs if rows is None or not is_brief(pair)]
    pieces: list[RenderableType] = [
        *_wrap_all(lines_before_pairs(report, quiet=quiet), width),
        *(rows or []),
        *(part for pair in others for part in _wrap_all(_lines_for(pair, width), width)),
        *_wrap_all(lines_after_pairs(report, quiet=quiet), width),
    ]
    return _rendered(pieces, width, colour)


def wrap(line: Line, width: int) -> list[Text]:
    """
    Return a sanitised line, broken at blanks into lines of at most ``width`` columns.

    A piece that must stay whole, and is wider than that, sticks out: the terminal folds it, and it is copied as one.
    rich cannot do that: it breaks such a piece, or cuts it.
    """
    text = Text(sanitize(line.text))
    if line.mark:
        text.stylize(line.mark.colour, line.mark.start, line.mark.end)
    if line.is_whole:
        return [text]
    first, *more = text.divide(_breaks(text.plain, max(width, _NARROWEST), line.hanging))
    lines = [first, *(Text(" " * line.hanging) + part for part in more)]
    for part in lines:
        part.rstrip()
    return lines


def _lines_for(pair: PairReport, width: int) -> list[Line]:
    """Return one line where it fits, else a line for each fact."""
    lines = pair_lines(pair)
    return lines if cell_len(lines[0].text) <= width else pair_lines(pair, is_one_line=False)


def _breaks(text: str, width: int, hanging: int) -> list[int]:
    """Return the offsets at which the lines after the first begin."""
    offsets: list[int] = []
    begin = len(text) - len(text.lstrip())
    column = begin
    for piece in _PIECE.finditer(text, begin):
        if piece.start() > begin and column + cell_len(piece[0].rstrip()) > width:
            offsets.append(piece.start())
            column = hanging
        column += cell_len(piece[0])
    return offsets


def _wrap_all(lines: Sequence[Line], width: int) -> list[Text]:
    return [part for line in lines for part in wrap(line, width)]


def _rendered(pieces: Sequence[RenderableType], width: int, colour: bool) -> str:
    """Return the pieces as text, with escape sequences for colours or without any."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        force_jupyter=False,
        color_system="standard" if colour else None,
        no_color=not colour,
        markup=False,
        emoji=False,
        highlight=False,
    )
    for piece in pieces:
        console.print(piece, soft_wrap=isinstance(piece, Text))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().split("\n")[:-1])
