"""Records of pairs that left the config: kept, found again, and forgotten at last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from globus_sync_directory.model.pair import task_label
from globus_sync_directory.model.record import LeftConfig, PairRecord
from globus_sync_directory.sync.records import update_records
from globus_sync_directory.sync.snapshot import Snapshot

from .samples import (
    BEGUN,
    DAY,
    ENDED,
    FINGERPRINT,
    LOOKED,
    MINUTE,
    NO_ANSWER,
    NOW,
    OTHER,
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

YEAR = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """What is remembered of a pair that is not in the config, before and after a look; None: nothing."""

    name: str
    before: PairRecord | None
    found: Snapshot
    after: PairRecord | None


LEFT_NOW = LeftConfig(since=NOW)
REPORTED_NOW = LeftConfig(since=NOW, is_end_reported=True)
ORPHANS = [
    Orphan(
        name="a running task whose pair has just left the config",
        before=record(1),
        found=snapshot(task(1)),
        after=record(1, left_config=LEFT_NOW),
    ),
    Orphan(name="it is still running", before=orphan(1), found=snapshot(task(1)), after=orphan(1)),
    Orphan(name="no answer about it", before=orphan(1), found=snapshot(unanswered={1: NO_ANSWER}), after=orphan(1)),
    Orphan(name="it is not listed yet", before=orphan(1), found=LOOKED, after=orphan(1)),
    Orphan(
        name="it succeeded, which needs no report",
        before=orphan(1),
        found=snapshot(ended(1)),
        after=orphan(1, had_files=True, is_end_reported=True, success=success()),
    ),
    Orphan(
        name="it failed, which is yet to be reported",
        before=orphan(1, replaced=remembered(2)),
        found=snapshot(ended(1, status="FAILED"), ended(2)),
        after=orphan(1, had_files=True, replaced=remembered(2)),
    ),
    Orphan(
        name="it is gone, of which there is nothing to report",
        before=orphan(1, replaced=remembered(2)),
        found=snapshot(gone=[1], unanswered={2: NO_ANSWER}),
        after=orphan(1, is_end_reported=True),
    ),
    Orphan(
        name="a pair that never ran",
        before=record(None),
        found=LOOKED,
        after=record(None, left_config=REPORTED_NOW),
    ),
    Orphan(
        name="a pending submission holds it",
        before=orphan(None, pending=pending()),
        found=LOOKED,
        after=orphan(None, pending=pending()),
    ),
    Orphan(
        name="a live task that was not remembered",
        before=orphan(1),
        found=snapshot(ended(1), task(2)),
        after=orphan(2, had_files=True, replaced=remembered(1), success=success(1)),
    ),
    Orphan(
        name="a live task of a pair that had ended for us",
        before=orphan(1, is_end_reported=True),
        found=snapshot(task(2)),
        after=orphan(2, replaced=remembered(1)),
    ),
    Orphan(
        name="a live task of a pair that nobody knows",
        before=None,
        found=snapshot(task(1, deadline=ENDED)),
        after=PairRecord(name="microscope", first_seen=NOW, task=remembered(1), left_config=LEFT_NOW),
    ),
    Orphan(
        name="the newest of two",
        before=None,
        found=snapshot(task(1, requested_at=BEGUN - DAY), task(2)),
        after=PairRecord(name="microscope", first_seen=NOW, task=remembered(2), left_config=LEFT_NOW),
    ),
    Orphan(
        name="a label without a name",
        before=None,
        found=snapshot(task(1, label=task_label("", FINGERPRINT, new_id(1)))),
        after=PairRecord(name=FINGERPRINT, first_seen=NOW, task=remembered(1), left_config=LEFT_NOW),
    ),
    Orphan(name="a task that is no transfer", before=None, found=snapshot(task(1, kind="DELETE")), after=None),
    Orphan(
        name="a live task between other collections that carries its label",
        before=orphan(1),
        found=snapshot(ended(1), task(2, destination_collection="")),
        after=orphan(1, had_files=True, is_end_reported=True, success=success()),
    ),
    Orphan(name="an ended task of a pair that nobody knows", before=None, found=snapshot(ended(1)), after=None),
    Orphan(name="a task that this tool did not start", before=None, found=snapshot(task(1, None)), after=None),
]


@pytest.mark.parametrize("case", ORPHANS, ids=lambda case: case.name)
def test_orphans(case: Orphan) -> None:
    """A record whose pair left the config, and a live task of ours that no pair of the config asks for."""
    known = {OTHER.fingerprint: record(8, OTHER)} | ({FINGERPRINT: case.before} if case.before else {})
    updated = update_records(known, case.found, scope(OTHER), NOW)
    assert updated.get(FINGERPRINT) == case.after
    assert updated[OTHER.fingerprint] == record(8, OTHER)
    assert len(updated) == 1 + bool(case.after)


@pytest.mark.parametrize(
    ("known", "found", "is_kept"),
    [
        (replace(orphan(1), left_config=LeftConfig(since=NOW - YEAR, is_end_reported=True)), LOOKED, True),
        (replace(orphan(1), left_config=LeftConfig(since=NOW - YEAR - MINUTE, is_end_reported=True)), LOOKED, False),
        (replace(orphan(1), left_config=LeftConfig(since=NOW - 2 * YEAR)), snapshot(task(1)), True),
        (replace(orphan(1), left_config=LeftConfig(since=NOW - 2 * YEAR)), LOOKED, True),
        (replace(orphan(1), left_config=LeftConfig(since=NOW - 2 * YEAR)), snapshot(ended(1)), False),
        (replace(orphan(1), left_config=LeftConfig(since=NOW - 2 * YEAR), pending=pending()), LOOKED, True),
    ],
)
def test_records_of_pairs_that_left_are_kept_for_a_year(known: PairRecord, found: Snapshot, is_kept: bool) -> None:
    """And for as long as their last task may be live: a typo must not cost a pair its memory."""
    updated = update_records({FINGERPRINT: known}, found, scope(OTHER), NOW)
    assert (FINGERPRINT in updated) is is_kept


def test_at_most_a_thousand_records_of_pairs_that_left() -> None:
    """The oldest are forgotten; what is in the config, or running, is not counted."""
    left = {
        f"{number:016x}": replace(
            orphan(None), left_config=LeftConfig(since=NOW - number * MINUTE, is_end_reported=True)
        )
        for number in reversed(range(1002))
    }
    running = replace(orphan(1), left_config=LeftConfig(since=NOW - DAY))
    known = {OTHER.fingerprint: record(8, OTHER), **left, FINGERPRINT: running}
    updated = update_records(known, snapshot(task(1), task(8, OTHER)), scope(OTHER), NOW)
    assert set(known) - set(updated) == {f"{1000:016x}", f"{1001:016x}"}
