"""The grammar: sections, keys and values with their lines."""

from __future__ import annotations

import pytest

from globus_sync_directory.config.ini import parse_ini

CONTINUES = "an indented line continues the value above; remove the extra spaces before"
NOT_A_SECTION = "is not a section; write only a name in brackets on this line"


def read(text: str) -> dict[str, dict[str, str]]:
    """The sections as configparser would give them."""
    sections, problems = parse_ini(text)
    assert problems == []
    return {
        name: {entry.key: "\n".join(entry.lines) for entry in section.entries} for name, section in sections.items()
    }


def problems(text: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.sentence) for problem in parse_ini(text)[1]]


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("", {}),
        ("[a]\n", {"a": {}}),
        ("[a]\nk = v\n", {"a": {"k": "v"}}),
        ("[a]\r\nk=v\r\rl:w\r\n", {"a": {"k": "v", "l": "w"}}),
        ("# c\n; c\n[a]\n  # c\nk = v\n\n", {"a": {"k": "v"}}),
        ("[a]\nKey = Value\n", {"a": {"key": "Value"}}),
        ("[a]\nk =\n", {"a": {"k": ""}}),
        ("[a]\nk = v = w: x # y ; z % $\n", {"a": {"k": "v = w: x # y ; z % $"}}),
        ("  [a]\n  k = v\n  l = w\n", {"a": {"k": "v", "l": "w"}}),
        ("[a]\n\tk = v\n\tl = w\n[b]\n", {"a": {"k": "v", "l": "w"}, "b": {}}),
        ("[a]\nk = v,\n  w\n\n  # c\n  x\n", {"a": {"k": "v,\nw\nx"}}),
        ("[a]\nk = v\n  [!x]*.tif\n", {"a": {"k": "v\n[!x]*.tif"}}),
        ("[ a [1] b [2] ]\n", {"a [1] b [2]": {}}),
        ("[100% #1; x]\n", {"100% #1; x": {}}),
    ],
)
def test_accepted(text: str, sections: dict[str, dict[str, str]]) -> None:
    """Comments, both separators, any line ends, any indentation, and lists over several lines."""
    assert read(text) == sections


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k = v\n[a]\n", [(1, "'k = v' is before the first [section]; move it into a section")]),
        ("[a]\nwhat is this\n", [(2, "[a] 'what is this' is neither a [section] nor 'key = value'")]),
        ("[a]\n= v\n", [(2, "[a] '= v' is neither a [section] nor 'key = value'")]),
        ("[a]\nk = 1\nl = 2\nK = 3\nk = 4\n", [(4, "[a] k: duplicate key, first defined on line 2"),
                                               (5, "[a] k: duplicate key, first defined on line 2")]),
        ("[a]\n[b]\n[a]\n", [(3, "duplicate section [a], first defined on line 1")]),
        ("[a]\nk = 1\n[a]\nk = 1\n", [(3, "duplicate section [a], first defined on line 1")]),
        ("[oops\nk = 1\nl = 2\n", [(1, f"'[oops' {NOT_A_SECTION}")]),
        ("[a] b\n", [(1, f"'[a] b' {NOT_A_SECTION}")]),
        ("[a] # [b]\n", [(1, f"'[a] # [b]' {NOT_A_SECTION}")]),
        ("[]\n", [(1, f"'[]' {NOT_A_SECTION}")]),
        (
            "[a]\nexclude = x,\n  src_path = /y\n\tsrc_paht: /y\n",
            [
                (3, f"[a] exclude: {CONTINUES} 'src_path = /y'"),
                (4, f"[a] src_path: {CONTINUES} 'src_paht: /y'"),
            ],
        ),
        (
            "[a]\nexclude = x\n  [b]\n  src_path = /y\n",
            [(3, f"[a] exclude: {CONTINUES} '[b]'")],
        ),
    ],
)  # fmt: skip
def test_problems(text: str, expected: list[tuple[int, str]]) -> None:
    """Each problem once, with its line."""
    assert problems(text) == expected


@pytest.mark.parametrize("text", ["[oops\nk = 1\n", "[oops] x\nk = 1\n", "[a]\nexclude = x\n  [oops]\n  k = 1\n"])
def test_a_bad_header_still_begins_its_section(text: str) -> None:
    """The keys below a bad header are not taken for keys of the section above."""
    section = list(parse_ini(text)[0].values())[-1]
    assert (section.name, [entry.key for entry in section.entries]) == ("oops", ["k"])
