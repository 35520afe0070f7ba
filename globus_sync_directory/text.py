"""
Text that came from outside: the config, the file system, Globus.

Inside the program, text is unchanged. ``sanitize`` is called once for each line, where the line leaves the program: on
the way to the terminal, the log, a mail or JSON. The other functions are for
the modules that build sentences.
"""

from __future__ import annotations

import unicodedata

# Control, format (with the bidirectional marks), surrogate and private-use characters; line and paragraph separators.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def sanitize(text: str) -> str:
    """Return ``text`` as one line that is safe to print: each unprintable character is a space; nothing is cut."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if is_unprintable(char) else char for char in text)


def is_unprintable(char: str) -> bool:
    """Return whether this character could control a terminal, break a line or hide other text."""
    return unicodedata.category(char) in _UNPRINTABLE


def quote(text: object) -> str:
    """Return a name or path as sentences show it: unchanged, between quotation marks."""
    return f"'{text}'"


def shorten(text: str, limit: int = 160) -> str:
    """Return a message from outside as one line of at most ``limit`` characters; not for paths and commands."""
    line = " ".join(sanitize(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def count(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 file`` or ``1,200 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
