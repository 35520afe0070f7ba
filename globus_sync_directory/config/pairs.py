"""The sections that are pairs -> Pair."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import timedelta

from globus_sync_directory.config import keys
from globus_sync_directory.config.conflicts import find_conflicts
from globus_sync_directory.config.ini import Section
from globus_sync_directory.config.problems import FileProblem
from globus_sync_directory.config.sections import Values, read_values
from globus_sync_directory.model.pair import Directory, Pair, SyncLevel
from globus_sync_directory.text import is_unprintable

_NO_PAIR = "no pair; add a section such as [microscope] with src_endpoint and dst_endpoint"
_REQUIRED = (keys.SOURCE_COLLECTION, keys.DESTINATION_COLLECTION)


def read_pairs(sections: Sequence[Section], time_limit: timedelta | None) -> tuple[tuple[Pair, ...], list[FileProblem]]:
    """Return the pairs in ``sections``, and what is wrong with them; ``time_limit`` is for pairs without their own."""
    default = next((one for one in sections if one.name == keys.DEFAULT_SECTION), Section(keys.DEFAULT_SECTION, 0))
    defaults, problems = read_values(default, keys.PAIR_KEYS)
    pairs: list[tuple[int, Pair]] = []
    candidates = [one for one in sections if one.name not in {*keys.FIXED_SECTIONS, keys.DEFAULT_SECTION}]
    for section in candidates:
        if meant := _misspelt_section(section):
            problems.append(FileProblem(section.line, f"[{section.name}]: unknown section; did you mean [{meant}]?"))
            continue
        own, found = read_values(section, keys.PAIR_KEYS)
        values = own.over(defaults)
        problems += [*found, *_section_problems(section, values)]
        if pair := _pair(section.name, values, time_limit):
            pairs.append((section.line, pair))
    if not candidates:
        problems.append(FileProblem(0, _NO_PAIR))
    return tuple(pair for _, pair in pairs), [*problems, *find_conflicts(pairs)]


def _misspelt_section(section: Section) -> str | None:
    """Return the section that is meant by one that is nearly named like it and has no key that makes it a pair."""
    if {entry.key for entry in section.entries} & {key.name for key in _REQUIRED}:
        return None
    known = {name.lower(): name for name in (*keys.FIXED_SECTIONS, keys.DEFAULT_SECTION)}
    close = difflib.get_close_matches(section.name.lower(), known, n=1, cutoff=0.8)
    return known[close[0]] if close else None


def _section_problems(section: Section, values: Values) -> list[FileProblem]:
    """Return what is wrong with the section itself."""
    sentences = []
    if any(is_unprintable(char) for char in section.name):
        sentences.append("the name contains a control character or an invisible character")
    missing = [key.name for key in _REQUIRED if not values.has(key)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        sentences.append(
            f"{' and '.join(missing)} {verb} missing; a pair needs src_endpoint and dst_endpoint, "
            "the UUIDs of its two collections"
        )
    return [FileProblem(section.line, f"[{section.name}]: {sentence}") for sentence in sentences]


def _pair(name: str, values: Values, time_limit: timedelta | None) -> Pair | None:
    """Return the pair; None where a collection or a path is missing or bad."""
    source, destination = values.get(keys.SOURCE_COLLECTION), values.get(keys.DESTINATION_COLLECTION)
    if source is None or destination is None or values.is_bad(keys.SOURCE_PATH) or values.is_bad(keys.DESTINATION_PATH):
        return None
    source_path = values.get(keys.SOURCE_PATH) or "/"
    sync_level = values.get(keys.SYNC_LEVEL)
    return Pair(
        name=name,
        source=Directory(collection=source, path=source_path),
        destination=Directory(collection=destination, path=values.get(keys.DESTINATION_PATH) or source_path),
        sync_level=SyncLevel.CHECKSUM if sync_level is None else sync_level,  # EXISTS is 0
        time_limit=values.get(keys.TIME_LIMIT) or time_limit,
        max_age=values.get(keys.MAX_AGE),
        exclude=values.get(keys.EXCLUDE) or (),
        email=values.get(keys.EMAIL) or (),
    )
