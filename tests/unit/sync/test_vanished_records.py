"""Records + details -> records: a task whose skipped paths have all vanished is a success, also a replaced one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.task import SkippedPath, Task
from globus_sync_directory.sync.details import Details
from globus_sync_directory.sync.records import with_vanished

from .samples import (
    BEGUN,
    DAY,
    ENDED,
    FINGERPRINT,
    OTHER,
    PAIR,
    ended,
    new_id,
    orphan,
    record,
    remembered,
    scope,
    snapshot,
    success,
    task,
)
from .task_reports import GAP, LOST

NIGHT = ended(1, paths_skipped=2)
GONE = Details(skipped=(SkippedPath(code="FILE_NOT_FOUND", source_path="/images/a"), LOST))
EMPTY = replace(NIGHT, files_found=0, files_copied=0)
OLD = success(7, BEGUN)
AS_BEFORE = record(1, had_files=True, success=OLD)


def after(known: PairRecord, *tasks: Task, **found: Details) -> PairRecord:
    """Return the record of PAIR after these details of the tasks ``t1``, ``t2``, ..."""
    details = {new_id(int(name[1:])): of_task for name, of_task in found.items()}
    other = record(8, OTHER)
    records = {FINGERPRINT: known, OTHER.fingerprint: other}
    pairs = (OTHER,) if known.left_config else (OTHER, PAIR)
    made = with_vanished(records, snapshot(*tasks), details, scope(*pairs))
    assert made.pop(OTHER.fingerprint) == other
    return made.pop(FINGERPRINT)


@pytest.mark.parametrize("known", [AS_BEFORE, replace(AS_BEFORE, success=None)])
def test_the_last_task(known: PairRecord) -> None:
    """It is the last success, and what was known of the files stays."""
    assert after(known, NIGHT, t1=GONE) == record(1, had_files=True, success=success(1))


def test_the_task_that_was_just_replaced() -> None:
    """The next task was started before anybody could know it; whether that one is known already does not matter."""
    known = record(2, had_files=True, success=OLD, replaced=remembered(1))
    assert after(known, NIGHT, t1=GONE) == replace(known, success=success(1))
    assert after(known, NIGHT, task(2), t1=GONE) == replace(known, success=success(1))


def test_the_newest_success_stays() -> None:
    """A replaced task is no newer success than the last one, in whatever order they are looked at."""
    newer = ended(2, ended_at=ENDED + DAY)
    known = record(2, replaced=remembered(1), success=success(2, ENDED + DAY))
    assert after(known, NIGHT, newer, t1=GONE) == known
    both = after(replace(known, success=OLD), NIGHT, replace(newer, paths_skipped=2), t1=GONE, t2=GONE)
    assert both == known


@pytest.mark.parametrize(
    ("found", "details"),
    [
        (NIGHT, Details(missing="Globus did not send it")),
        (NIGHT, Details(skipped=(*GONE.skipped[:1], GAP))),
        (replace(NIGHT, paths_skipped=3), GONE),  # more than were read
        (NIGHT, Details(skipped=(SkippedPath(code="FILE_NOT_FOUND", source_path="/images"), LOST))),
        (EMPTY, GONE),
        (ended(1, "FAILED", paths_skipped=2), GONE),
        (task(1, paths_skipped=2), GONE),
    ],
)
def test_no_success(found: Task, details: Details) -> None:
    """Gaps, a list that is missing or not whole, an empty source, and a task that has not succeeded."""
    assert after(AS_BEFORE, found, t1=details) == AS_BEFORE


def test_without_details() -> None:
    """Nothing changes."""
    assert after(AS_BEFORE, NIGHT) == AS_BEFORE
    assert after(AS_BEFORE) == AS_BEFORE


def test_an_empty_source_that_is_allowed() -> None:
    """With allow_empty the night is a success like any other."""
    pair = replace(PAIR, allow_empty=True)
    made = with_vanished({FINGERPRINT: AS_BEFORE}, snapshot(EMPTY), {new_id(1): GONE}, scope(pair))
    assert made == {FINGERPRINT: replace(AS_BEFORE, success=replace(success(1), files=0))}


def test_an_orphaned_task() -> None:
    """It has ended well, of which there is nothing to report."""
    known = orphan(1, had_files=True, replaced=remembered(2))
    assert after(known, NIGHT, t1=GONE) == orphan(1, had_files=True, success=success(1), is_end_reported=True)
    assert after(known, NIGHT, t1=Details(missing="x")) == known
