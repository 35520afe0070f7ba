"""A source that has become empty, from what is remembered to the report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.sync.assess import assess

from .assessing import findings
from .samples import FINGERPRINT, PAIR, ended, orphan, record, snapshot

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


def test_an_orphaned_task() -> None:
    """A task whose pair has left the config is told of as well."""
    made = assess(findings({FINGERPRINT: orphan(1, had_files=True)}, snapshot(EMPTY), config=()))
    assert [report.status for report in made] == [PairStatus.SOURCE_IS_EMPTY]
