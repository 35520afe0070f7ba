"""Which task is whose: a label that was copied is none of ours, and neither is an older task of the same id."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.task import Task
from globus_sync_directory.sync.ours import is_start_of, label_fingerprint, tasks_of

from .samples import (
    BEGUN,
    FINGERPRINT,
    MINUTE,
    ONE,
    OTHER,
    PAIR,
    SOURCE,
    TWO,
    ended,
    new_id,
    orphan,
    pending,
    task,
)

HOME = replace(PAIR, source=replace(SOURCE, path="/~/images"))
FITTING: list[tuple[Pair, dict[str, Any]]] = [
    (PAIR, {}),
    (PAIR, {"source_path": "/images", "destination_path": "/archive/images"}),
    (PAIR, {"source_path": "/images/", "destination_path": "/archive/images/"}),
    (PAIR, {"source_path": "/", "destination_path": "/archive"}),
    (PAIR, {"source_path": "/images/run 1"}),
    (HOME, {"source_path": "/~/images"}),
    (HOME, {"source_path": "/home/lab/images"}),
    (PAIR, {"source_path": "/~/images"}),
]
FOREIGN: list[tuple[Pair, dict[str, Any]]] = [
    (PAIR, {"kind": "DELETE"}),
    (PAIR, {"kind": ""}),
    (PAIR, {"source_collection": TWO}),
    (PAIR, {"destination_collection": ONE}),
    (PAIR, {"destination_collection": ""}),
    (PAIR, {"source_path": "/images2"}),
    (PAIR, {"destination_path": "/archive/images2"}),
    (HOME, {"source_path": "/~/other"}),
]


@pytest.mark.parametrize(
    ("pair", "shown", "is_ours"),
    [*((pair, shown, True) for pair, shown in FITTING), *((pair, shown, False) for pair, shown in FOREIGN)],
)
def test_a_label_counts_together_with_the_ends(pair: Pair, shown: dict[str, Any], is_ours: bool) -> None:
    """Type and collections must match, and paths where Globus shows any that can be compared."""
    found = task(1, pair, **shown)
    assert tasks_of([found], pair.fingerprint, pair) == ([found] if is_ours else [])
    assert is_start_of(found, pending(1, pair), pair, None) is is_ours


def test_whose_label() -> None:
    """The fingerprint decides; the newest task is the first."""
    found = [task(1), task(2, OTHER), task(3, None), ended(4, requested_at=BEGUN + MINUTE)]
    assert tasks_of(found, FINGERPRINT, PAIR) == [found[3], found[0]]
    assert [label_fingerprint(one) for one in found] == [FINGERPRINT, OTHER.fingerprint, "", FINGERPRINT]
    assert label_fingerprint(task(1, kind="DELETE")) == ""


def test_ends_that_are_not_known() -> None:
    """Of a record that was found by its label, the label is all there is."""
    found = task(1, source_path="/x")
    assert tasks_of([found], FINGERPRINT, orphan(1, source=None, destination=None)) == [found]


@pytest.mark.parametrize(
    ("found", "last", "is_started"),
    [
        (task(9), None, True),
        (ended(9), task(1), True),
        (task(9, requested_at=BEGUN + MINUTE), ended(1), True),
        (task(8), None, False),  # another nonce
        (task(9, OTHER), None, False),
        (task(9, label="microscope"), None, False),
        (ended(9), ended(9), False),  # the id was used before, for the last task
        (ended(9, requested_at=BEGUN - MINUTE), ended(1), False),  # ... or for an earlier one
    ],
)
def test_what_a_submission_has_started(found: Task, last: Task | None, is_started: bool) -> None:
    """A task with its very label, and none from before."""
    assert is_start_of(found, pending(9), PAIR, last) is is_started


def test_a_renamed_pair() -> None:
    """A pending submission has the label that was sent, whatever the pair is called now."""
    renamed = replace(PAIR, name="renamed")
    assert is_start_of(task(9), pending(9), renamed, None)
    assert not is_start_of(task(9, renamed), pending(9), renamed, None)
    assert new_id(9) == pending(9).submission_id
