"""Records + snapshot -> records: what a run remembers of each pair from now on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from globus_sync_directory.model.record import PairRecord, Success
from globus_sync_directory.sync.records import last_task, record_of, update_records, with_new_pairs
from globus_sync_directory.sync.snapshot import Snapshot

from .samples import (
    BEGUN,
    DAY,
    DESTINATION,
    ENDED,
    FINGERPRINT,
    HOUR,
    LOOKED,
    NOW,
    OTHER,
    PAIR,
    SOURCE,
    ended,
    new_id,
    orphan,
    pending,
    record,
    remembered,
    scope,
    snapshot,
    success,
    task,
)

LIMITED = replace(PAIR, time_limit=5 * HOUR)
NEW = PairRecord(name="microscope", first_seen=NOW, source=SOURCE, destination=DESTINATION)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is remembered of a pair before a look at Globus, and afterwards."""

    name: str
    before: PairRecord | None
    found: Snapshot
    after: PairRecord


CASES = [
    Case(name="a new pair", before=None, found=LOOKED, after=NEW),
    Case(
        name="a new pair, whose history was asked for",
        before=None,
        found=snapshot(has_recent=True),
        after=replace(NEW, has_history=True),
    ),
    Case(
        name="a lost record: the newest task and the newest full success",
        before=None,
        found=snapshot(
            ended(1, requested_at=BEGUN - 3 * DAY, ended_at=BEGUN - 2 * DAY),
            ended(2, requested_at=BEGUN - 2 * DAY, ended_at=BEGUN - DAY),
            ended(3, status="FAILED", requested_at=BEGUN),
            ended(4, requested_at=BEGUN - DAY, paths_skipped=1),
            ended(5, pair=OTHER, requested_at=NOW),
            has_recent=True,
        ),
        after=replace(
            NEW,
            first_seen=BEGUN - 3 * DAY,
            had_files=True,
            has_history=True,
            task=remembered(3),
            success=success(2, BEGUN - DAY),
        ),
    ),
    Case(
        name="a record of a run that did not reach Globus: what was seen first counts",
        before=replace(NEW, first_seen=NOW - 9 * DAY),
        found=snapshot(ended(1), has_recent=True),
        after=replace(
            NEW,
            first_seen=NOW - 9 * DAY,
            had_files=True,
            has_history=True,
            task=remembered(1),
            success=success(1),
        ),
    ),
    Case(
        name="without the question for history nothing is taken from it",
        before=None,
        found=snapshot(ended(1)),
        after=NEW,
    ),
    Case(
        name="a record that has a task and no history keeps the task, and gains the success",
        before=record(1, has_history=False),
        found=snapshot(
            ended(1, status="FAILED", requested_at=BEGUN - DAY),
            ended(2, requested_at=BEGUN - 2 * DAY),
            ended(3, status="FAILED"),
            has_recent=True,
        ),
        after=record(1, had_files=True, success=success(2)),
    ),
    Case(
        name="a record that has a success keeps it",
        before=record(1, has_history=False, success=success(7, BEGUN)),
        found=snapshot(ended(2, requested_at=BEGUN - DAY), has_recent=True),
        after=record(1, had_files=True, success=success(7, BEGUN)),
    ),
    Case(
        name="history is taken once",
        before=record(None),
        found=snapshot(ended(2), has_recent=True),
        after=record(None),
    ),
    Case(name="nothing new", before=record(1), found=snapshot(task(1)), after=record(1)),
    Case(
        name="a success",
        before=record(1, success=success(7, BEGUN)),
        found=snapshot(ended(1, files_copied=3, bytes_copied=11)),
        after=record(1, had_files=True, success=Success(task_id=new_id(1), ended_at=ENDED, files=3, bytes=11)),
    ),
    Case(
        name="a success whose end Globus does not tell",
        before=record(1),
        found=snapshot(ended(1, ended_at=None)),
        after=record(1, had_files=True, success=success(1, BEGUN)),
    ),
    Case(name="gaps", before=record(1), found=snapshot(ended(1, paths_skipped=1)), after=record(1, had_files=True)),
    Case(
        name="a failure", before=record(1), found=snapshot(ended(1, status="FAILED")), after=record(1, had_files=True)
    ),
    Case(
        name="a live task that was not remembered",
        before=record(1, waiting_since=NOW),
        found=snapshot(ended(1, status="FAILED"), task(2)),
        after=record(2, had_files=True, replaced=remembered(1)),
    ),
    Case(
        name="the task before succeeded while an unknown one runs",
        before=record(1),
        found=snapshot(ended(1), task(2)),
        after=record(2, had_files=True, replaced=remembered(1), success=success(1)),
    ),
    Case(
        name="the first live task, and the newest of several",
        before=None,
        found=snapshot(task(2, requested_at=BEGUN - DAY), task(3), task(4, requested_at=BEGUN - HOUR)),
        after=replace(NEW, task=remembered(3)),
    ),
    Case(
        name="two live tasks: the remembered one stays",
        before=record(1),
        found=snapshot(task(1, requested_at=BEGUN - DAY), task(2)),
        after=record(1),
    ),
    Case(
        name="a live task leaves a pending submission to be resolved",
        before=record(1, pending=pending()),
        found=snapshot(ended(1, status="FAILED"), task(2)),
        after=record(2, had_files=True, replaced=remembered(1), pending=pending()),
    ),
    Case(
        name="a live task between other collections whose label was copied",
        before=record(1),
        found=snapshot(ended(1, status="FAILED"), task(2, destination_collection=SOURCE.collection)),
        after=record(1, had_files=True),
    ),
    Case(
        name="a lost record: tasks between other collections, and those that are no transfers, are none of it",
        before=None,
        found=snapshot(
            ended(1, source_collection=DESTINATION.collection), ended(2, kind="DELETE"), ended(3), has_recent=True
        ),
        after=replace(
            NEW,
            first_seen=ended(3).requested_at,
            had_files=True,
            has_history=True,
            task=remembered(3),
            success=success(3),
        ),
    ),
    Case(
        name="a replaced task that is gone is forgotten",
        before=record(2, replaced=remembered(1)),
        found=snapshot(task(2), gone=[1]),
        after=record(2),
    ),
    Case(
        name="a replaced task that is there waits to be reported",
        before=record(2, replaced=remembered(1)),
        found=snapshot(task(2), ended(1)),
        after=record(2, replaced=remembered(1)),
    ),
    Case(
        name="a pair that comes back finds its record",
        before=orphan(1, is_end_reported=True, success=success(), name="microsocpe"),
        found=snapshot(ended(1)),
        after=record(1, had_files=True, success=success()),
    ),
    Case(
        name="a record that was found by its label learns its ends",
        before=record(1, source=None, destination=None, name="x"),
        found=snapshot(task(1)),
        after=record(1),
    ),
]


EMPTY: dict[str, Any] = {"files_found": 0, "files_copied": 0}
OLD = success(7, BEGUN)
CASES += [
    Case(
        name="an empty source, after there have been files",
        before=record(1, had_files=True, success=OLD),
        found=snapshot(ended(1, **EMPTY)),
        after=record(1, had_files=True, success=OLD),
    ),
    Case(
        name="an empty source, after a version that did not remember files",
        before=record(1, success=OLD),
        found=snapshot(ended(1, **EMPTY)),
        after=record(1, had_files=True, success=OLD),
    ),
    Case(
        name="an empty source that has never had files",
        before=record(1, success=replace(OLD, files=0)),
        found=snapshot(ended(1, **EMPTY)),
        after=record(1, success=replace(success(1), files=0)),
    ),
    Case(
        name="files are remembered from a task that failed, and from those that were in step",
        before=record(1),
        found=snapshot(ended(1, status="FAILED", files_found=0, files_copied=0, files_in_step=1)),
        after=record(1, had_files=True),
    ),
    Case(
        name="a lost record: earlier files make an empty source no success",
        before=None,
        found=snapshot(
            ended(1, requested_at=BEGUN - 2 * DAY, ended_at=BEGUN),
            ended(2, requested_at=BEGUN - DAY, **EMPTY),
            ended(3, **EMPTY),
            has_recent=True,
        ),
        after=replace(
            NEW,
            first_seen=BEGUN - 2 * DAY,
            has_history=True,
            had_files=True,
            task=remembered(3),
            success=success(1, BEGUN),
        ),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_update_records(case: Case) -> None:
    """What a look at Globus changes in the record of a pair; the other pair of the config is not part of this run."""
    before = {FINGERPRINT: case.before} if case.before else {}
    known = {**before, OTHER.fingerprint: record(8, OTHER)}
    updated = update_records(known, case.found, scope(PAIR, config=(OTHER, PAIR)), NOW)
    assert updated == {FINGERPRINT: case.after, OTHER.fingerprint: record(8, OTHER)}


def test_an_empty_source_that_is_allowed() -> None:
    """With allow_empty it is a success like any other."""
    pair = replace(PAIR, allow_empty=True)
    before = {FINGERPRINT: record(1, had_files=True, success=OLD)}
    updated = update_records(before, snapshot(ended(1, **EMPTY)), scope(pair), NOW)
    assert updated == {FINGERPRINT: record(1, had_files=True, success=replace(success(1), files=0))}


def test_a_pair_outside_of_this_run_is_no_orphan() -> None:
    """With -p A a live task of B makes no record, for B is in the config."""
    updated = update_records({}, snapshot(task(8, OTHER)), scope(PAIR, config=(OTHER, PAIR)), NOW)
    assert updated == {FINGERPRINT: NEW}


def test_an_adopted_task_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A task that this state file does not know is worth a line: who started it?"""
    caplog.set_level("INFO")
    update_records({FINGERPRINT: record(1)}, snapshot(task(2), task(3, requested_at=BEGUN - DAY)), scope(PAIR), NOW)
    assert caplog.messages == [f"microscope: adopted task {new_id(2)}, which was not remembered"]
    caplog.clear()
    update_records({FINGERPRINT: record(2)}, snapshot(task(2)), scope(PAIR), NOW)
    assert caplog.messages == []


@pytest.mark.parametrize(("pair", "deadline"), [(PAIR, None), (LIMITED, ENDED), (None, None)])
def test_the_deadline_of_an_adopted_task(pair: Any, deadline: datetime | None) -> None:
    """It is ours only where the pair has a time limit; else Globus set it."""
    assert last_task(task(deadline=ENDED), pair) == remembered(deadline=deadline)


def test_record_of() -> None:
    """A pair's record has its present name and ends, and no sign that it was ever away."""
    known = orphan(1, name="old", source=None, destination=None)
    assert record_of({FINGERPRINT: known}, PAIR, NOW) == record(1)
    assert record_of({}, PAIR, NOW) == NEW


def test_with_new_pairs() -> None:
    """A pair without a record gets one, seen now; every other record stays as it is."""
    known = {FINGERPRINT: record(1), "another": record(2)}
    expected = PairRecord(name=OTHER.name, first_seen=NOW, source=OTHER.source, destination=OTHER.destination)
    assert with_new_pairs(known, scope(PAIR, OTHER), NOW) == {**known, OTHER.fingerprint: expected}
