"""A source that has become empty, from what is remembered to the report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.sync.assess import assess
from globus_sync_directory.sync.records import update_records

from .assessing import findings
from .samples import FINGERPRINT, NOW, PAIR, ended, orphan, record, scope, snapshot, success, task

EMPTY = ended(1, files_found=0, files_copied=0)


@pytest.mark.parametrize(
    ("had_files", "allow_empty", "status"),
    [
        (True, False, PairStatus.SOURCE_IS_EMPTY),
        (True, True, PairStatus.SUCCEEDED),
        (False, False, PairStatus.SUCCEEDED),
    ],
)
def test_a_pair(had_files: bool, allow_empty: bool, status: PairStatus) -> None:
    """A pair that has had files needs attention, unless the config allows it."""
    pair = replace(PAIR, allow_empty=allow_empty)
    (made,) = assess(findings({FINGERPRINT: record(1, had_files=had_files)}, snapshot(EMPTY), config=(pair,)))
    assert made.status is status


@pytest.mark.parametrize(("files", "had_files"), [(0, False), (1, True)])
def test_a_success_that_older_versions_remember(files: int, had_files: bool) -> None:
    """Only one that copied files shows that there were any."""
    known = record(1, success=replace(success(7), files=files))
    updated = update_records({FINGERPRINT: known}, snapshot(task(1)), scope(PAIR), NOW)
    assert updated[FINGERPRINT].had_files is had_files


def test_an_orphaned_task() -> None:
    """A task whose pair has left the config is told of as well."""
    made = assess(findings({FINGERPRINT: orphan(1, had_files=True)}, snapshot(EMPTY), config=()))
    assert [report.status for report in made] == [PairStatus.SOURCE_IS_EMPTY]
