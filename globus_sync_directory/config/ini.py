"""
The text of an ini file -> sections and entries with their line numbers.

The grammar is that of Python's ``configparser`` without interpolation: comments on lines of their own with ``#`` or
``;``, ``=`` or ``:`` between key and value, indented lines continue a value, keys in lower case. ``configparser``
itself stops at the first duplicate and forgets line numbers; users want every problem at once, with its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from globus_sync_directory.text import quote

# The name may contain pairs of brackets. The rest of a good header is its closing bracket.
_HEADER = re.compile(r"\[(?P<name>[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)(?P<rest>.*)")
# What follows the name where an indented line is a header, good or bad. A pattern such as [ab]*.tif goes on at once.
_REST_OF_HEADER = re.compile(r"\]?\s*([#;].*)?|\]\s.*")
_ENTRY = re.compile(r"(?P<key>.+?)\s*[=:]\s*(?P<value>.*)")


@dataclass(frozen=True)
class FileProblem:
    """One problem; line 0 is the file as a whole."""

    line: int
    sentence: str


@dataclass(frozen=True)
class Entry:
    """One ``key = value``; ``lines`` are the value and the indented lines below it."""

    key: str
    line: int
    lines: list[str]


@dataclass(frozen=True)
class Section:
    """One ``[name]`` and its entries in the order of the file."""

    name: str
    line: int
    entries: list[Entry] = field(default_factory=list)


def parse_ini(text: str) -> tuple[dict[str, Section], list[FileProblem]]:
    """
    Return the sections of ``text`` by their names, and its problems; never raises.

    An indented line that looks like a section or like ``key = value`` is a problem, and is read as if not indented.
    """
    reader = _Reader()
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        line = raw.strip()
        if line and line[0] not in "#;":
            reader.take(number, line, indent=len(raw) - len(raw.lstrip()))
    return reader.sections, reader.problems


class _Reader:
    """What has been read so far."""

    def __init__(self) -> None:
        self.sections: dict[str, Section] = {}
        self.problems: list[FileProblem] = []
        self._section: Section | None = None
        self._entry: Entry | None = None  # the one that an indented line continues
        self._indent = 0  # of that entry
        self._key_lines: dict[str, int] = {}  # since the last header

    def take(self, number: int, line: str, indent: int) -> None:
        """Add one line that is neither empty nor a comment."""
        header, entry = _HEADER.fullmatch(line), _ENTRY.fullmatch(line)
        if self._entry and indent > self._indent:
            if not entry and not (header and _REST_OF_HEADER.fullmatch(header["rest"])):
                self._entry.lines.append(line)
                return
            sentence = f"an indented line continues the value above; remove the extra spaces before {quote(line)}"
            self._problem(number, f"{self._entry.key}: {sentence}")
        else:
            self._indent = indent
        self._entry = None
        if header:
            self._begin_section(number, header)
        elif not self._section:
            self._problem(number, f"{quote(line)} is before the first [section]; move it into a section")
        elif not entry:
            self._problem(number, f"{quote(line)} is neither a [section] nor 'key = value'")
        else:
            self._entry = Entry(entry["key"].lower(), number, [entry["value"]])
            self._section.entries.append(self._entry)
            first = self._key_lines.setdefault(self._entry.key, number)
            if first != number:
                self._problem(number, f"{self._entry.key}: duplicate key, first defined on line {first}")

    def _begin_section(self, number: int, header: re.Match[str]) -> None:
        self._section, self._key_lines = None, {}
        name = header["name"].strip()
        if not name or header["rest"] != "]":
            self._problem(number, f"{quote(header[0])} is not a section; write only a name in brackets on this line")
        section = self.sections.setdefault(name, Section(name, number))
        if section.line != number:
            self._problem(number, f"duplicate section [{name}], first defined on line {section.line}")
        self._section = section

    def _problem(self, number: int, sentence: str) -> None:
        name = f"[{self._section.name}] " if self._section else ""
        self.problems.append(FileProblem(number, name + sentence))
