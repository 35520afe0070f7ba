"""Which pairs may be in one config."""

from __future__ import annotations

import pytest

from globus_sync_directory.config.conflicts import find_conflicts
from globus_sync_directory.model.pair import Directory, Pair

from .samples import ONE, TWO

Paths = tuple[str, str, str, str]  # source collection and path, destination collection and path
SAME = " (case, Unicode forms, and '/~/' and '/' count as the same)"
OTHER = "; choose another directory"


def conflicts(*all_paths: Paths) -> list[tuple[int, str]]:
    """What is wrong with the pairs p0, p1, ... on lines 10, 20, ..."""
    pairs = [
        Pair(
            name=f"p{number}",
            source=Directory(collection=paths[0], path=paths[1]),
            destination=Directory(collection=paths[2], path=paths[3]),
        )
        for number, paths in enumerate(all_paths)
    ]
    found = find_conflicts([(number * 10 + 10, pair) for number, pair in enumerate(pairs)])
    return [(problem.line, problem.sentence) for problem in found]


@pytest.mark.parametrize(
    ("source", "destination", "hint"),
    [
        ("/a", "/a", ""),
        ("/a", "/a/b", ""),
        ("/a/b", "/a", ""),
        ("/", "/x", ""),
        ("/x", "/", ""),
        ("/data", "/Data/x", SAME),
        ("/~/data", "/data", SAME),
        ("/~", "/data", SAME),
        ("/é", "/e\u0301", SAME),
    ],
)
def test_own_source(source: str, destination: str, hint: str) -> None:
    """A pair may not write into, around or over what it reads."""
    words = f"[p0]: the destination '{destination}' overlaps '{source}', its own source, on the same collection"
    assert conflicts((ONE, source, ONE, destination)) == [(10, words + hint + OTHER)]


@pytest.mark.parametrize(
    ("first", "second", "hint"),
    [
        ("/x", "/x", ""),
        ("/x", "/x/y/z", ""),
        ("/", "/x", ""),
        ("/x/A", "/X/a", SAME),
        ("/straße", "/STRASSE", SAME),
    ],
)
def test_two_destinations(first: str, second: str, hint: str) -> None:
    """Two pairs may not write into the same directory, or one inside the other; the inner or later one is named."""
    words = f"[p1]: the destination '{second}' overlaps '{first}', the destination of [p0], on the same collection"
    found = conflicts((ONE, "/a", TWO, first), (ONE, "/b", TWO, second))
    assert found == [(20, words + hint + OTHER)]
    if first != second and not hint:
        (problem,) = conflicts((ONE, "/b", TWO, second), (ONE, "/a", TWO, first))
        assert problem == (10, words.replace("p0", "p2").replace("p1", "p0").replace("p2", "p1") + OTHER)


def test_neighbours_between_overlapping_destinations() -> None:
    """A directory whose name begins like another's does not come between that one and what is inside."""
    found = conflicts((ONE, "/a", TWO, "/x"), (ONE, "/b", TWO, "/x y"), (ONE, "/c", TWO, "/x/y"))
    assert [line for line, _ in found] == [30]


def test_one_line_for_each_pair() -> None:
    """Many pairs with one destination give one line each, not one for every two."""
    assert [line for line, _ in conflicts(*[(ONE, f"/{number}", TWO, "/x") for number in range(9)])] == [
        *range(20, 91, 10)
    ]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (
            [(ONE, "/a", TWO, "/x"), (TWO, "/x", ONE, "/a")],
            [(10, "[p0]: these pairs copy in a circle: [p0] -> [p1] -> [p0]; remove one of them")],
        ),
        (
            [(ONE, "/a", TWO, "/x"), (TWO, "/x/in", ONE, "/b"), (ONE, "/b", ONE, "/A/c")],
            [(10, "[p0]: these pairs copy in a circle: [p0] -> [p1] -> [p2] -> [p0]; remove one of them")],
        ),
        (
            [(ONE, "/a", TWO, "/a"), (TWO, "/a", ONE, "/a"), (ONE, "/b", TWO, "/b"), (TWO, "/b", ONE, "/b")],
            [
                (10, "[p0]: these pairs copy in a circle: [p0] -> [p1] -> [p0]; remove one of them"),
                (30, "[p2]: these pairs copy in a circle: [p2] -> [p3] -> [p2]; remove one of them"),
            ],
        ),
    ],
)
def test_circles(paths: list[Paths], expected: list[tuple[int, str]]) -> None:
    """Each circle is named once, in the order in which the pairs copy."""
    assert conflicts(*paths) == expected


@pytest.mark.parametrize(
    "paths",
    [
        [(ONE, "/a", TWO, "/x"), (ONE, "/a", TWO, "/y")],
        [(ONE, "/a", TWO, "/xy"), (ONE, "/b", TWO, "/x")],
        [(ONE, "/a", TWO, "/x"), (TWO, "/x", ONE, "/b")],
        [(ONE, "/a", TWO, "/a")],
        [(ONE, "/a", ONE, "/ab")],
        [(ONE, "/a", TWO, "/x"), (TWO, "/y", ONE, "/a")],
        [(ONE, "/a", ONE, "/~b"), (ONE, "/c", ONE, "/b")],
    ],
)
def test_no_conflict(paths: list[Paths]) -> None:
    """Neighbours, chains, and one source with two destinations are fine."""
    assert conflicts(*paths) == []
