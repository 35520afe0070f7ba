"""A line of a report, before anybody wraps, colours or sanitises it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Colour = Literal["green", "yellow", "red"]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The part of a line that has a colour on a terminal: a status, or the outcome of a check."""

    start: int
    end: int
    colour: Colour


@dataclass(frozen=True, kw_only=True)
class Line:
    """
    One line; the text begins with its own indentation.

    ``hanging``: the indentation of what does not fit on the first line. ``is_whole``: a link, a command or a document,
    which is never wrapped, so that it can be copied as one piece.
    """

    text: str
    hanging: int = 8
    is_whole: bool = False
    mark: Mark | None = None
