"""
Pairs that would undo each other's work.

Storage may ignore case or the form in which Unicode is written, and ``/~/`` is often the top of a collection. So
directories are compared in a form that ignores all three: it is better to reject a harmless config than to lose a file.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from globus_sync_directory.config.problems import FileProblem
from globus_sync_directory.model.pair import Directory, Pair
from globus_sync_directory.text import quote


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """A pair with its line in the file, and its directories as they are compared."""

    pair: Pair
    line: int
    source: Directory
    destination: Directory


def find_conflicts(pairs: Sequence[tuple[int, Pair]]) -> list[FileProblem]:
    """
    Return what is wrong with these pairs, each given after its line in the file.

    On one collection: a destination that overlaps its own source or the destination of an earlier pair, and pairs that
    copy in a circle.
    """
    candidates = [
        _Candidate(pair=pair, line=line, source=_comparable(pair.source), destination=_comparable(pair.destination))
        for line, pair in pairs
    ]
    own = [one for one in candidates if one.source.overlaps(one.destination)]
    others = [one for one in candidates if not one.source.overlaps(one.destination)]
    return [*map(_own_problem, own), *_destination_problems(candidates), *map(_circle_problem, _circles(others))]


def _comparable(directory: Directory) -> Directory:
    path = directory.path
    if path == "/~" or path.startswith("/~/"):
        path = path[2:] or "/"
    folded = unicodedata.normalize("NFD", path.casefold())
    return Directory(collection=directory.collection, path=folded)


def _lineage(directory: Directory) -> Iterator[Directory]:
    """Yield every directory that contains this one, from the top of the collection; this one is the last."""
    yield Directory(collection=directory.collection, path="/")
    for end, char in enumerate(directory.path):
        if char == "/" and end:
            yield Directory(collection=directory.collection, path=directory.path[:end])
    if directory.path != "/":
        yield directory


def _own_problem(one: _Candidate) -> FileProblem:
    source, destination = quote(one.pair.source.path), quote(one.pair.destination.path)
    return FileProblem(
        one.line,
        f"[{one.pair.name}]: the destination {destination} {_relation(one.destination, one.source)} its own source "
        f"{source} on the same collection{_hint(one.pair, one.pair.source)}",
    )


def _destination_problems(candidates: Sequence[_Candidate]) -> Iterator[FileProblem]:
    """Yield one problem for each destination that overlaps an earlier one."""
    earlier: dict[Directory, _Candidate] = {}
    inside: dict[Directory, _Candidate] = {}  # for each directory around an earlier destination, that destination
    for one in candidates:
        lineage = list(_lineage(one.destination))
        other = next((earlier[around] for around in lineage if around in earlier), inside.get(one.destination))
        if other:
            yield FileProblem(
                one.line,
                f"[{one.pair.name}]: the destination {quote(one.pair.destination.path)} "
                f"{_relation(one.destination, other.destination)} the destination {quote(other.pair.destination.path)} "
                f"of [{other.pair.name}] on the same collection; give each pair a destination of its own"
                f"{_hint(one.pair, other.pair.destination)}",
            )
        earlier.setdefault(one.destination, one)
        for around in lineage:
            inside.setdefault(around, one)


def _relation(one: Directory, other: Directory) -> str:
    if one == other:
        return "is the same as"
    return "is inside" if other.contains(one) else "contains"


def _hint(pair: Pair, other: Directory) -> str:
    """Return why two directories overlap whose names, as they are written, do not."""
    if pair.destination.overlaps(other):
        return ""
    return " (upper and lower case, Unicode forms, and '/~/' and '/' count as the same)"


def _circles(pairs: list[_Candidate]) -> Iterator[list[_Candidate]]:
    """Yield circles of pairs in which each pair reads what the one before it wrote; no pair twice."""
    while circle := _one_circle(pairs):
        yield circle
        pairs = [one for one in pairs if one not in circle]


def _one_circle(pairs: list[_Candidate]) -> list[_Candidate]:
    writers_at: defaultdict[Directory, set[int]] = defaultdict(set)
    writers_inside: defaultdict[Directory, set[int]] = defaultdict(set)
    for index, one in enumerate(pairs):
        writers_at[one.destination].add(index)
        for around in _lineage(one.destination):
            writers_inside[around].add(index)
    written_before = {
        index: writers_inside[one.source].union(*(writers_at[around] for around in _lineage(one.source)))
        for index, one in enumerate(pairs)
    }
    try:
        TopologicalSorter(written_before).prepare()
    except CycleError as error:
        return [pairs[index] for index in error.args[1][:-1]]
    return []


def _circle_problem(circle: list[_Candidate]) -> FileProblem:
    names = " -> ".join(f"[{one.pair.name}]" for one in [*circle, circle[0]])
    first = circle[0]
    return FileProblem(first.line, f"[{first.pair.name}]: these pairs copy in a circle: {names}; remove one of them")
