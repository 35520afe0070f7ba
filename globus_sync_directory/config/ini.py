"""
The text of an ini file -> sections and entries that know their lines.

The grammar is that of Python's ``configparser`` with its defaults and without interpolation: full-line comments
with ``#`` or ``;``, ``=`` or ``:`` between key and value, deeper-indented lines continue a value, keys are
lower-cased. ``configparser`` itself stops at the first duplicate and forgets line numbers, and people who mend a
file want every problem at once with its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_HEADER = re.compile(r"\[(?P<name>.+)\]")
_ENTRY = re.compile(r"(?P<key>.*?)\s*[=:]\s*(?P<value>.*)$")


@dataclass
class Entry:
    """One ``key = value``; ``value`` holds a line break for each continuation line."""

    key: str
    value: str
    line: int


@dataclass
class Section:
    """One ``[name]`` with its entries in the order of the file."""

    name: str
    line: int
    entries: list[Entry] = field(default_factory=list)


def parse_ini(text: str) -> tuple[list[Section], list[tuple[int, str]]]:
    """Return the sections of ``text`` and its problems as (line number, sentence); never raises."""
    sections: list[Section] = []
    problems: list[tuple[int, str]] = []
    open_entry: Entry | None = None
    entry_indent = 0
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        line = raw.strip()
        indent = len(raw) - len(raw.lstrip())
        if not line or line[0] in "#;":
            continue
        if open_entry is not None and indent > entry_indent:
            open_entry.value = f"{open_entry.value}\n{line}" if open_entry.value else line
            continue
        open_entry = None
        entry_indent = indent
        if header := _HEADER.match(line):
            name = header["name"]
            earlier = next((section for section in sections if section.name == name), None)
            if earlier:
                problems.append((number, f"[{name}] stands in the file twice, first in line {earlier.line}"))
            sections.append(Section(name, number))
        elif not sections:
            problems.append((number, f"{line!r} stands before the first [section]"))
        elif (entry := _ENTRY.match(line)) and entry["key"]:
            key = entry["key"].lower()
            first = next((known for known in sections[-1].entries if known.key == key), None)
            if first:
                problems.append((number, f"[{sections[-1].name}] {key}: given twice, first in line {first.line}"))
            open_entry = Entry(key, entry["value"], number)
            sections[-1].entries.append(open_entry)
        else:
            problems.append((number, f"[{sections[-1].name}] {line!r} is neither a [section] nor 'key = value'"))
    return sections, problems
