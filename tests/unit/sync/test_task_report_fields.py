"""What a report on a task holds beside its status and its problem."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.sync.details import Details

from .samples import ENDED, FINGERPRINT, NOW, ONE, ended, new_id, task
from .task_reports import BLANK, DENIED, GAP, LOST, NOTHING, report


def test_what_is_filled_in() -> None:
    """The task, its id, its skipped paths and since when; what was there stays."""
    found = ended(paths_skipped=2)
    made = report(found, Details(skipped=(GAP, LOST)))
    assert (made.task, made.task_id, made.since, made.skipped) == (found, new_id(1), ENDED, (GAP, LOST))
    assert (made.fingerprint, made.name, made.at, made.notes) == (FINGERPRINT, "microscope", NOW, BLANK.notes)


B = "'/images/b.tif'"
NO_FILES = "no file was found at the source"
UNKNOWN = "the reason is not known, because Globus did not send it"


@pytest.mark.parametrize(
    ("found", "details", "notes"),
    [
        (ended(), NOTHING, []),
        (ended(files_found=0, files_copied=0), NOTHING, [NO_FILES]),
        (ended(files_found=1, files_copied=0), NOTHING, []),
        (ended(files_found=0, files_copied=1), NOTHING, []),
        (ended(status="FAILED", files_found=0, files_copied=0), NOTHING, []),
        (ended(files_found=0, files_copied=0, files_in_step=1), NOTHING, []),
        (ended(files_found=0, files_copied=0, paths_skipped=1), NOTHING, [NO_FILES]),
        (ended(paths_skipped=1), Details(skipped=(LOST,)), [f"1 path was gone when it was to be copied: {B}; nothing"]),
        (ended(paths_skipped=2), Details(skipped=(LOST,)), []),
        (
            ended(paths_skipped=5),
            Details(skipped=(LOST,) * 5),
            [f"5 paths were gone when they were to be copied: {B}, {B}, {B}, and 2 more; nothing to do"],
        ),
        (task(files_found=0, files_copied=0), NOTHING, []),
        (ended(status="FAILED"), Details(missing=UNKNOWN), [UNKNOWN]),
    ],
)
def test_notes(found: Task, details: Details, notes: list[str]) -> None:
    """An empty source is worth a note, and so is a reason that did not come; notes of before come first."""
    before, *added = report(found, details).notes
    assert [before] == list(BLANK.notes)
    assert [note[: len(expected)] for note, expected in zip(added, notes, strict=True)] == notes


@pytest.mark.parametrize(
    ("found", "counts_from"),
    [
        (ended(), ENDED),
        (ended(paths_skipped=1), BLANK.counts_from),
        (ended(status="FAILED"), BLANK.counts_from),
        (ended(ended_at=None), BLANK.counts_from),
        (task(), BLANK.counts_from),
    ],
)
def test_age_counts_from_full_successes(found: Task, counts_from: datetime) -> None:
    """max_age counts from the last success without gaps; what was known before counts otherwise."""
    assert report(found).counts_from == counts_from


def test_paths_that_vanished() -> None:
    """They are no gaps: the age counts from this task, and it has nothing to explain."""
    made = report(ended(paths_skipped=1), Details(skipped=(LOST,)))
    assert (made.status, made.problem, made.skipped) == (PairStatus.SUCCEEDED, None, ())
    assert made.counts_from == ENDED


@pytest.mark.parametrize(("number", "more"), [(1, ""), (3, ""), (4, ", and 1 more"), (1003, ", and 1,000 more")])
def test_the_first_of_the_paths_that_vanished(number: int, more: str) -> None:
    """A note names three of them."""
    gone = tuple(replace(LOST, source_path=f"/images/{at}") for at in range(number))
    note = report(ended(paths_skipped=number), Details(skipped=gone)).notes[-1]
    named = ", ".join(f"'/images/{at}'" for at in range(min(3, number)))
    assert f" to be copied: {named}{more}; nothing to do" in note


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({}, f"source '/images/run 7' on collection {ONE}"),
        ({"source_name": "Lab PC"}, f"source '/images/run 7' on collection 'Lab PC' ({ONE})"),
        ({"source_name": ONE}, f"source '/images/run 7' on collection {ONE}"),
        ({"destination_name": "Archive"}, f"source '/images/run 7' on collection {ONE}"),
    ],
)
def test_names_of_collections(names: dict[str, Any], shown: str) -> None:
    """A person reads the name of a collection beside its id, where Globus says it."""
    problem = report(task(is_ok=False, **names), Details(events=(DENIED,))).problem
    assert problem is not None
    assert problem.reason == f"permission denied for {shown}"


@pytest.mark.parametrize("path", ["/images", "/images/", "/images//"])
def test_slashes_at_the_end_of_the_source(path: str) -> None:
    """The source is the source, however Globus writes its end."""
    skipped = Details(skipped=(GAP, replace(GAP, source_path=path)))
    assert report(ended(paths_skipped=2), skipped).status is PairStatus.FAILED
