"""Text that came from outside, made fit for a terminal, a log or a mail."""

from __future__ import annotations

import unicodedata

# Control, format (with the bidirectional marks), surrogate and private-use characters; line and paragraph separators.
_UNFIT = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def sanitize(text: object, limit: int = 300) -> str:
    """
    Return ``text`` as one line that is safe to print: unfit characters become spaces, runs of blanks one blank.

    At most ``limit`` characters; what is cut is shown by an ellipsis.
    """
    line = " ".join("".join(" " if is_unprintable(char) else char for char in str(text)).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def is_unprintable(char: str) -> bool:
    """Return whether this character could steer a terminal, break a line or hide other text."""
    return unicodedata.category(char) in _UNFIT


def quote(text: object) -> str:
    """Return ``text`` cleaned and within quotation marks, as messages show what a person or a service wrote."""
    return f"'{sanitize(text)}'"
