"""What a run has found out, and the report that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.sync.assess import Findings, assess
from globus_sync_directory.sync.details import Details
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.snapshot import Snapshot

from .samples import FINGERPRINT, NOW, PAIR, scope, snapshot

LOST = Problem(reason="the answer of Globus was lost", fix="nothing to do; the next run resolves it")
NOTHING_KNOWN = snapshot()


def findings(
    records: Mapping[str, PairRecord],
    found: Snapshot = NOTHING_KNOWN,
    outcomes: Mapping[str, Outcome] | None = None,
    details: Mapping[str, Details] | None = None,
    config: Sequence[Pair] = (PAIR,),
    pairs: Sequence[Pair] | None = None,
) -> Findings:
    """Return what a run has found out."""
    return Findings(
        scope=scope(*(config if pairs is None else pairs), config=config),
        records=records,
        snapshot=found,
        outcomes=outcomes or {},
        details=details or {},
        now=NOW,
    )


def report_on_pair(
    known: PairRecord | None,
    found: Snapshot = NOTHING_KNOWN,
    outcome: Outcome | None = None,
    details: Mapping[str, Details] | None = None,
) -> PairReport:
    """Return the report on PAIR."""
    outcomes = {FINGERPRINT: outcome} if outcome else {}
    (made,) = assess(findings({FINGERPRINT: known} if known else {}, found, outcomes, details))
    return made
