"""
Pairs that would undo each other's work.

Directories are compared loosely: it is better to reject a harmless config than to lose a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from globus_sync_directory.config.ini import FileProblem
from globus_sync_directory.model.pair import Directory, Pair
from globus_sync_directory.text import quote


@dataclass(frozen=True)
class _Candidate:
    """A pair with its line in the file, and its directories as they are compared."""

    line: int
    pair: Pair
    source: Directory
    destination: Directory


def find_conflicts(pairs: Iterable[tuple[int, Pair]]) -> list[FileProblem]:
    """
    Return what is wrong with these pairs, each given after its line in the file.

    On one collection: a destination that overlaps its own source or the destination of another pair, and pairs that
    copy in a circle.
    """
    candidates = [_Candidate(line, pair, pair.source.loosely, pair.destination.loosely) for line, pair in pairs]
    own = [one for one in candidates if one.source.overlaps(one.destination)]
    problems = [_overlap(one, one.pair.source, "its own source") for one in own]
    outer: _Candidate | None = None
    # In this order, everything inside a directory comes directly after it.
    for one in sorted(candidates, key=lambda one: (one.destination.collection, one.destination.path.split("/"))):
        if outer and outer.destination.contains(one.destination):
            problems.append(_overlap(one, outer.pair.destination, f"the destination of [{outer.pair.name}]"))
        else:
            outer = one
    return [*problems, *_circles([one for one in candidates if one not in own])]


def _overlap(one: _Candidate, other: Directory, what: str) -> FileProblem:
    destination = one.pair.destination
    hint = "" if destination.overlaps(other) else " (case, Unicode forms, and '/~/' and '/' count as the same)"
    sentence = f"the destination {quote(destination.path)} overlaps {quote(other.path)}, {what}, on the same collection"
    return FileProblem(one.line, f"[{one.pair.name}]: {sentence}{hint}; choose another directory")


def _circles(pairs: list[_Candidate]) -> Iterator[FileProblem]:
    """Yield a problem for each circle, in which each pair reads what the one before it wrote; no pair is in two."""
    while True:
        written_before = {one: [other for other in pairs if other.destination.overlaps(one.source)] for one in pairs}
        try:
            TopologicalSorter(written_before).prepare()
            return
        except CycleError as error:
            circle: list[_Candidate] = error.args[1]  # the last is the first again
        names = [f"[{one.pair.name}]" for one in circle]
        sentence = f"{names[0]}: these pairs copy in a circle: {' -> '.join(names)}; remove one of them"
        yield FileProblem(circle[0].line, sentence)
        pairs = [one for one in pairs if one not in circle]
