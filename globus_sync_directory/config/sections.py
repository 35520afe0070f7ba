"""The entries of one section -> its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from globus_sync_directory.config import keys
from globus_sync_directory.config.ini import CONTINUES, Entry, Section
from globus_sync_directory.config.keys import Key, Keys
from globus_sync_directory.config.problems import HIDDEN, FileProblem, looks_like_client_secret
from globus_sync_directory.config.values import MOVE_SECRET, BadValue, reject_quotes, suggestion

_Value = TypeVar("_Value")

_SECRET_KEYS = {"secret", "clientsecret"}  # without the underscores


@dataclass(frozen=True)
class Values:
    """The values of a section, by the names of their keys; a key whose value is bad has a line and no value."""

    lines: Mapping[str, int] = field(default_factory=dict)
    converted: Mapping[str, object] = field(default_factory=dict)

    def get(self, key: Key[_Value]) -> _Value | None:
        """Return the value of ``key``; None where it is missing or bad."""
        return cast("_Value | None", self.converted.get(key.name))

    def has(self, key: Key[object]) -> bool:
        """Return whether the section has this key, with a good value or a bad one."""
        return key.name in self.lines

    def is_bad(self, key: Key[object]) -> bool:
        """Return whether the section has this key with a bad value."""
        return key.name in self.lines and key.name not in self.converted

    def over(self, defaults: Values) -> Values:
        """Return these values, and the defaults where this section lacks the key."""
        kept = {name: value for name, value in defaults.converted.items() if name not in self.lines}
        return Values({**defaults.lines, **self.lines}, {**kept, **self.converted})


def read_values(section: Section, known: Keys) -> tuple[Values, list[FileProblem]]:
    """Return the values of ``section``, which may have the ``known`` keys, and its problems."""
    lines: dict[str, int] = {}
    converted: dict[str, object] = {}
    problems: list[FileProblem] = []
    for entry in section.entries:
        where = f"[{section.name}] {entry.key}"
        key = known.get(entry.key)
        if key is None:
            problems.append(_unknown_key(section, entry, known))
            continue
        lines[entry.key] = entry.line
        if entry.continuation and not key.is_list:
            line = entry.continuation[0][0]
            problems.append(FileProblem(line, f"{where}: {CONTINUES}; write the value of {entry.key} on one line"))
            continue
        try:
            converted[entry.key] = _convert(entry, key)
        except BadValue as bad:
            problems.append(FileProblem(entry.line, f"{where}: {bad}"))
    return Values(lines, converted), problems


def _convert(entry: Entry, key: Key[object]) -> object:
    text = "\n".join([entry.value, *(line for _, line in entry.continuation)])
    if key.is_list:
        return key.convert(text)
    if not text:
        raise BadValue("no value; add one or remove the line")
    reject_quotes(text)
    try:
        return key.convert(text)
    except BadValue as bad:
        hint = "; a comment needs a line of its own" if " #" in text or " ;" in text else ""
        raise BadValue(f"{bad}{hint}") from None


def _unknown_key(section: Section, entry: Entry, known: Keys) -> FileProblem:
    if looks_like_client_secret(entry.key + "="):  # a line that is only the secret: "=" is its last character
        return FileProblem(entry.line, f"[{section.name}] {HIDDEN}: {MOVE_SECRET}")
    where = f"[{section.name}] {entry.key}: "
    if entry.key.replace("_", "") in _SECRET_KEYS:
        return FileProblem(entry.line, where + MOVE_SECRET)
    names = [name for name in known if name != keys.DELETE.name]
    hint = suggestion(entry.key, names) or f"; known keys: {', '.join(names)}"
    return FileProblem(entry.line, f"{where}unknown key{hint}")
