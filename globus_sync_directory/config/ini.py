"""
The text of an ini file -> sections and entries with their line numbers.

The grammar is that of Python's ``configparser`` without interpolation: comments on lines of their own with ``#`` or
``;``, ``=`` or ``:`` between key and value, indented lines continue a value, keys in lower case. ``configparser``
itself stops at the first duplicate and forgets line numbers; users want every problem at once, with its line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from globus_sync_directory.config.problems import FileProblem
from globus_sync_directory.text import quote

CONTINUES = "an indented line continues the value of the key above"
_HEADER = re.compile(r"\[(?P<name>[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]\s*(?P<rest>.*)")
_ENTRY = re.compile(r"(?P<key>.+?)\s*[=:]\s*(?P<value>.*)")


@dataclass(frozen=True)
class Entry:
    """One ``key = value``, and the indented lines below it as (line number, text)."""

    key: str
    value: str
    line: int
    continuation: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Section:
    """One ``[name]`` and its entries in the order of the file."""

    name: str
    line: int
    entries: list[Entry] = field(default_factory=list)


def parse_ini(text: str, known_keys: Collection[str]) -> tuple[list[Section], list[FileProblem]]:
    """
    Return the sections of ``text``, each name once, and its problems; never raises.

    An indented line with one of ``known_keys``, or with a section, is a problem, and is read as if not indented.
    """
    reader = _Reader(known_keys)
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        line = raw.strip()
        if line and line[0] not in "#;":
            reader.take(number, line, indent=len(raw) - len(raw.lstrip()))
    return reader.sections, reader.problems


class _Reader:
    """What has been read so far."""

    def __init__(self, known_keys: Collection[str]) -> None:
        self.sections: list[Section] = []
        self.problems: list[FileProblem] = []
        self._known_keys = known_keys
        self._section: Section | None = None
        self._entry: Entry | None = None  # the one that an indented line continues
        self._indent = 0  # of that entry
        self._key_lines: dict[str, int] = {}  # since the last header

    def take(self, number: int, line: str, indent: int) -> None:
        """Add one line that is neither empty nor a comment."""
        if self._entry is not None and indent > self._indent:
            misplaced = self._section_or_key(line)
            if not misplaced:
                self._entry.continuation.append((number, line))
                return
            self._problem(number, f"{self._entry.key}: {CONTINUES}; remove the extra spaces before {quote(misplaced)}")
        else:
            self._indent = indent
        self._entry = None
        if line.startswith("["):
            self._begin_section(number, line)
        else:
            self._add_entry(number, line)

    def _section_or_key(self, line: str) -> str | None:
        """Return the section, or the known key, that this indented line seems to begin."""
        header = _HEADER.fullmatch(line)
        if header and not header["rest"]:
            return line
        entry = _ENTRY.fullmatch(line)
        if entry and difflib.get_close_matches(entry["key"].lower(), self._known_keys, n=1, cutoff=0.8):
            return entry["key"]
        return None

    def _begin_section(self, number: int, line: str) -> None:
        header = _HEADER.fullmatch(line)
        name = (header["name"] if header else line[1:]).strip()
        if not header:
            self.problems.append(FileProblem(number, f"{quote(line)} has no closing bracket"))
        elif header["rest"]:
            sentence = f"unexpected text after [{name}]: {quote(header['rest'])}; a comment needs a line of its own"
            self.problems.append(FileProblem(number, sentence))
        if not name:
            self.problems.append(FileProblem(number, "a section needs a name"))
        self._key_lines = {}
        earlier = next((section for section in self.sections if section.name == name), None)
        if earlier:
            sentence = f"duplicate section [{name}], first defined on line {earlier.line}"
            self.problems.append(FileProblem(number, sentence))
        else:
            self.sections.append(Section(name, number))
        self._section = earlier or self.sections[-1]

    def _add_entry(self, number: int, line: str) -> None:
        match = _ENTRY.fullmatch(line)
        if self._section is None:
            self._problem(number, f"{quote(line)} is before the first [section]; move it into a section")
        elif not match:
            self._problem(number, f"{quote(line)} is neither a [section] nor 'key = value'")
        else:
            key = match["key"].lower()
            if key in self._key_lines:
                self._problem(number, f"{key}: duplicate key, first defined on line {self._key_lines[key]}")
            self._key_lines.setdefault(key, number)
            self._entry = Entry(key, match["value"], number)
            self._section.entries.append(self._entry)

    def _problem(self, number: int, sentence: str) -> None:
        name = f"[{self._section.name}] " if self._section else ""
        self.problems.append(FileProblem(number, name + sentence))
