"""Orphaned tasks: what is reported of them, and when they are left out."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.sync.assess import assess
from globus_sync_directory.sync.snapshot import Snapshot

from .assessing import LOST, NOTHING_KNOWN, findings
from .samples import FINGERPRINT, NO_ANSWER, OTHER, THIRD, ended, orphan, pending, record, snapshot, success, task


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """A record whose pair is not in the config, and the report it makes, if any."""

    name: str
    known: PairRecord
    found: Snapshot = NOTHING_KNOWN
    status: PairStatus | None
    exit_status: ExitStatus = ExitStatus.OK
    by_label: bool = False


ORPHANS = [
    Orphan(name="running", known=orphan(), found=snapshot(task()), status=PairStatus.RUNNING),
    Orphan(
        name="suspended",
        known=orphan(),
        found=snapshot(task(status="INACTIVE")),
        status=PairStatus.SUSPENDED,
        exit_status=ExitStatus.ATTENTION,
    ),
    Orphan(
        name="found by its label alone: it may belong to another config",
        known=orphan(source=None, destination=None),
        found=snapshot(task(status="INACTIVE")),
        status=PairStatus.SUSPENDED,
        by_label=True,
    ),
    Orphan(
        name="failed: it is said, and costs nothing",
        known=orphan(),
        found=snapshot(ended(status="FAILED")),
        status=PairStatus.FAILED,
    ),
    Orphan(
        name="failed, and nobody has noticed yet that its pair left",
        known=record(1),
        found=snapshot(ended(status="FAILED")),
        status=PairStatus.FAILED,
    ),
    Orphan(
        name="ended with gaps",
        known=orphan(),
        found=snapshot(ended(paths_skipped=1)),
        status=PairStatus.SUCCEEDED_WITH_GAPS,
    ),
    Orphan(name="succeeded", known=orphan(success=success()), found=snapshot(ended()), status=None),
    Orphan(
        name="failed, reported already",
        known=orphan(is_end_reported=True),
        found=snapshot(ended(status="FAILED")),
        status=None,
    ),
    Orphan(name="gone", known=orphan(), found=snapshot(gone=[1]), status=None),
    Orphan(name="never run", known=orphan(None), status=None),
    Orphan(name="not listed yet", known=orphan(), status=PairStatus.STARTED),
    Orphan(
        name="no answer",
        known=orphan(),
        found=snapshot(unanswered={1: NO_ANSWER}),
        status=PairStatus.NOT_REACHED,
        exit_status=ExitStatus.TRY_LATER,
    ),
    Orphan(
        name="pending",
        known=orphan(pending=pending()),
        found=snapshot(ended()),
        status=PairStatus.START_UNCONFIRMED,
        exit_status=ExitStatus.TRY_LATER,
    ),
    Orphan(
        name="pending, and nothing else",
        known=orphan(None, pending=pending()),
        status=PairStatus.START_UNCONFIRMED,
        exit_status=ExitStatus.TRY_LATER,
    ),
    Orphan(
        name="pending, and its task is running", known=orphan(pending=pending()), found=snapshot(task()),
        status=PairStatus.RUNNING,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", ORPHANS, ids=lambda case: case.name)
def test_orphan(case: Orphan) -> None:
    """An orphaned task is reported while it is live, and once if it ended badly."""
    found = findings({FINGERPRINT: case.known, OTHER.fingerprint: record(None, OTHER)}, case.found, config=(OTHER,))
    first, *others = assess(found)
    assert first.name == "sequencer"
    assert [made.status for made in others] == ([case.status] if case.status else [])
    for made in others:
        assert made.is_orphaned
        assert made.known_by_label is case.by_label
        assert made.exit_status is case.exit_status
        assert (made.problem == LOST) is (made.status is PairStatus.START_UNCONFIRMED)
        assert (made.name, made.fingerprint, made.max_age) == ("microscope", FINGERPRINT, None)


def test_orphans_wait_for_a_run_of_all_pairs() -> None:
    """With -p they are left out: a bad end is reported once, to who looks after all pairs."""
    records = {FINGERPRINT: orphan()}
    found = findings(records, snapshot(ended(status="FAILED")), config=(OTHER, THIRD), pairs=(OTHER,))
    assert [made.name for made in assess(found)] == ["sequencer"]
