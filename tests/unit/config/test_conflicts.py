"""Which pairs may be in one config."""

from __future__ import annotations

import pytest

from globus_sync_directory.config.conflicts import find_conflicts
from globus_sync_directory.model.pair import Directory, Pair

from .samples import ONE, TWO

Paths = tuple[str, str, str, str]  # source collection and path, destination collection and path
SAME = " (upper and lower case, Unicode forms, and '/~/' and '/' count as the same)"
OWN = "; give each pair a destination of its own"


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
    ("source", "destination", "words"),
    [
        ("/a", "/a", "'/a' is the same as its own source '/a' on the same collection"),
        ("/a", "/a/b", "'/a/b' is inside its own source '/a' on the same collection"),
        ("/a/b", "/a", "'/a' contains its own source '/a/b' on the same collection"),
        ("/", "/x", "'/x' is inside its own source '/' on the same collection"),
        ("/x", "/", "'/' contains its own source '/x' on the same collection"),
        ("/data", "/Data/x", "'/Data/x' is inside its own source '/data' on the same collection" + SAME),
        ("/~/data", "/data", "'/data' is the same as its own source '/~/data' on the same collection" + SAME),
        ("/~", "/data", "'/data' is inside its own source '/~' on the same collection" + SAME),
        ("/é", "/e\u0301", "'/e\u0301' is the same as its own source '/é' on the same collection" + SAME),
    ],
)
def test_own_source(source: str, destination: str, words: str) -> None:
    """A pair may not write into, around or over what it reads."""
    assert conflicts((ONE, source, ONE, destination)) == [(10, f"[p0]: the destination {words}")]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("/x", "/x", "'/x' is the same as the destination '/x' of [p0] on the same collection" + OWN),
        ("/x", "/x/y/z", "'/x/y/z' is inside the destination '/x' of [p0] on the same collection" + OWN),
        ("/x/y/z", "/x", "'/x' contains the destination '/x/y/z' of [p0] on the same collection" + OWN),
        ("/x", "/", "'/' contains the destination '/x' of [p0] on the same collection" + OWN),
        ("/", "/x", "'/x' is inside the destination '/' of [p0] on the same collection" + OWN),
        ("/x/A", "/X/a", "'/X/a' is the same as the destination '/x/A' of [p0] on the same collection" + OWN + SAME),
        ("/straße", "/STRASSE", "'/STRASSE' is the same as the destination '/straße' of [p0] on the same collection"
         + OWN + SAME),
    ],
)  # fmt: skip
def test_two_destinations(first: str, second: str, words: str) -> None:
    """Two pairs may not write into the same directory, or one inside the other."""
    found = conflicts((ONE, "/a", TWO, first), (ONE, "/b", TWO, second))
    assert found == [(20, f"[p1]: the destination {words}")]


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
