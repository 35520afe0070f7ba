"""The deliberate breakages: what is changed in a piece of code."""

from __future__ import annotations

import ast

import pytest
import reliability_table

from breakages import report
from breakages.changes import changes


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("if a < b: pass", ["if False", "if True", "if a <= b", "if a >= b"]),
        ("if a and b: pass", ["if False", "if True", "if a", "if a or b", "if b"]),
        ("if not a: pass", ["if False", "if True", "if a"]),
        ("x = a is None", ["x = a is not None"]),
        ("x = y + 1", ["x = 1", "x = y", "x = y + 0", "x = y + 2", "x = y - 1"]),
        ("x = any(y)", ["x = all(y)"]),
        ("x = y.strip()", ["x = y"]),
        ("x = re.sub(y)", []),
        ("x = f(y, key=z)", ["x = f(y)"]),
        ("x = (y, z)", ["x = (y,)", "x = (z,)"]),
        ("x = {'a': y}", ["x = {}"]),
        ("x = [y for y in z if y]", ["x = [y for y in z if False]", "x = [y for y in z if True]"]),
        ("x: int | None = y", []),
        ("f(x)", ["pass"]),
        ("x.y = z", ["pass"]),
        ("raise x", ["pass"]),
        ("while x: break", ["while False", "while x"]),
        ("return f(x)", ["return False", "return True"]),
        ('"What it does."', []),
    ],
)
def test_what_is_changed(line: str, expected: list[str]) -> None:
    """Each change is one that a test should notice, and there are no others."""
    made = changes(f"import re\ndef function() -> bool:\n    {line}\n")
    lines = [ast.unparse(ast.parse(change.source).body[1].body[0]).split(":\n")[0] for change in made]  # type: ignore[attr-defined]
    assert sorted(lines) == expected


def test_whose_tests_are_to_notice() -> None:
    """A change is of the outermost function or method, or of none."""
    source = """
class A:
    b = 1
    def c(self):
        def d(): return not e
        return d
def f(): return not g
"""
    made = [(change.line, change.function) for change in changes(source)]
    assert made == [(3, ""), (3, ""), (5, "A.c"), (7, "f")]


def test_both_parts_of_the_document_stay() -> None:
    """What writes the table of the promises leaves the part about breakages as it is."""
    assert report.HEADING == reliability_table.BELOW
