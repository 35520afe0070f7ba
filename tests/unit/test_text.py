"""Text from outside: made safe to print, and nothing else changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globus_sync_directory.text import count, is_unprintable, quote, sanitize, shorten

TEXT = st.text(max_size=400) | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Lu"]), max_size=50)


@given(TEXT)
def test_sanitize_leaves_one_printable_line(text: str) -> None:
    """Nothing can steer a terminal or break the line; what can be printed stays where it was, blanks and all."""
    line = sanitize(text)
    assert not any(map(is_unprintable, line))
    assert len(line.splitlines()) <= 1
    assert [(old, new) for old, new in zip(text, line, strict=True) if old != new and not is_unprintable(old)] == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("/data/my  lab", "/data/my  lab"),
        ("\x1b[31mred", " [31mred"),
        ("a\r\nb\tc", "a  b c"),
        ("\u202eexe.txt\u2066", " exe.txt "),
        ("one\u2028two\u2029three", "one two three"),
        ("\x9b31m\x7f", " 31m "),
        ("\udcff\ue000", "  "),
        ("größe 顕微鏡 ✓", "größe 顕微鏡 ✓"),
        ("x" * 5000, "x" * 5000),
    ],
)
def test_sanitize(text: str, line: str) -> None:
    """Unprintable characters become blanks; nothing is cut, and blanks are not folded."""
    assert sanitize(text) == line


def test_quote_keeps_paths_whole() -> None:
    """A path of 400 characters with two blanks comes out as it is."""
    path = "/my  lab/" + "x" * 391
    assert quote(path) == f"'{path}'"


@given(TEXT, st.integers(1, 200))
def test_shorten_gives_a_short_line(text: str, limit: int) -> None:
    """Prose is one line of at most so many characters, without blanks around or between that mean nothing."""
    line = shorten(text, limit)
    assert len(line) <= limit
    assert not any(map(is_unprintable, line))
    assert line == " ".join(line.split())


def test_shorten() -> None:
    """What fits stays; what does not ends with three dots in one."""
    assert shorten("a \n  b") == "a b"
    assert shorten("one two three", 9) == "one two…"
    assert shorten("one", 3) == "one"
    assert shorten("four", 3) == "fo…"


@pytest.mark.parametrize(("number", "text"), [(0, "0 files"), (1, "1 file"), (1200, "1,200 files")])
def test_count(number: int, text: str) -> None:
    """A number with its noun."""
    assert count(number, "file") == text
