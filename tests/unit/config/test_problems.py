"""Problems as lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from globus_sync_directory.config.problems import FileProblem, as_lines, conceal

from .samples import SECRET


def test_order() -> None:
    """Lines come in the order of the file, and the file as a whole last."""
    problems = [FileProblem(0, "no pair"), FileProblem(12, "b"), FileProblem(3, "a")]
    assert as_lines(Path("my lab.ini"), problems) == ["my lab.ini:3: a", "my lab.ini:12: b", "my lab.ini: no pair"]


@pytest.mark.parametrize(
    ("line", "secret", "shown"),
    [
        ("a\nb\r\nc", None, "a b c"),
        (f"x '{SECRET}'", None, "x '(hidden)'"),
        (f"x /y/{SECRET}/z", None, "x /y/(hidden)/z"),
        ("x ABCD.efgh y", "abcd.EFGH", "x (hidden) y"),
        ("x abcd.efgh: y", "abcd.efgh=", "x (hidden): y"),
        ("a short word", "short", "a short word"),
        (f"'{'/abc' * 12}=1' is a path", SECRET, f"'{'/abc' * 12}=1' is a path"),
    ],
)
def test_conceal(line: str, secret: str | None, shown: str) -> None:
    """The secret is hidden in upper or lower case, and so is what looks like one; the rest stays."""
    assert conceal(line, secret) == shown
