"""What a list of skipped paths shows, and which tasks are successes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from globus_sync_directory.model.pair import Directory, Pair
from globus_sync_directory.model.task import SkippedPath
from globus_sync_directory.sync.success import Skips, is_success, judge_skips, may_be_empty

from .samples import ONE, PAIR, SOURCE, ended, expired, record, task
from .task_reports import GAP, LOST

NESTED = replace(LOST, source_path="/images/deep/c/")
TOP = Directory(collection=ONE, path="/")
NO_PATH = replace(LOST, source_path="")


@pytest.mark.parametrize(
    ("skipped", "number", "source", "skips"),
    [
        ([LOST], 1, SOURCE, Skips.VANISHED),
        ([LOST, NESTED], 2, SOURCE, Skips.VANISHED),
        ([LOST], 1, TOP, Skips.VANISHED),
        ([LOST], 2, SOURCE, Skips.GAPS),  # a first page
        ([], 1, SOURCE, Skips.GAPS),  # not known
        ([LOST, GAP], 2, SOURCE, Skips.GAPS),
        ([LOST, GAP], 1, SOURCE, Skips.GAPS),
        ([replace(LOST, code="AMBIGUOUS_PATH")], 1, SOURCE, Skips.GAPS),
        ([replace(LOST, source_path="/images2/b")], 1, SOURCE, Skips.GAPS),
        ([LOST, replace(LOST, source_path="/images2/b")], 2, SOURCE, Skips.GAPS),
        ([NO_PATH], 1, SOURCE, Skips.GAPS),
        ([NO_PATH], 1, TOP, Skips.GAPS),
        ([LOST], 1, None, Skips.GAPS),
        ([replace(LOST, is_directory=True)], 1, SOURCE, Skips.GAPS),  # perhaps a disk that is not mounted
        ([replace(LOST, source_path="/images/")], 1, SOURCE, Skips.SOURCE),
        ([replace(GAP, source_path="/images"), LOST], 2, SOURCE, Skips.SOURCE),
        ([replace(LOST, source_path="/")], 1, TOP, Skips.SOURCE),
        ([], 0, SOURCE, Skips.GAPS),
    ],
)
def test_judge_skips(skipped: Sequence[SkippedPath], number: int, source: Directory | None, skips: Skips) -> None:
    """Only where every path is a file below the source that was not found, nothing has been left out."""
    assert judge_skips(ended(paths_skipped=number), skipped, source) is skips


@pytest.mark.parametrize(
    ("had_files", "pair", "expected"),
    [
        (False, PAIR, True),
        (True, PAIR, False),
        (True, replace(PAIR, allow_empty=True), True),
        (False, None, True),
        (True, None, False),
    ],
)
def test_may_be_empty(had_files: bool, pair: Pair | None, expected: bool) -> None:
    """A source that has never had files may be empty, and one for which the config says so."""
    assert may_be_empty(record(1, had_files=had_files), pair) is expected


def test_is_success() -> None:
    """A success copied all there is, and there is something or there never was."""
    known = record(1, had_files=True)
    empty = ended(files_found=0, files_copied=0)
    assert is_success(ended(), known, PAIR)
    assert is_success(ended(paths_skipped=1), known, PAIR, Skips.VANISHED)
    assert is_success(empty, record(1), PAIR)
    for other in (ended(paths_skipped=1), empty, expired(), ended(status="FAILED"), task(files_found=1)):
        assert not is_success(other, known, PAIR)
