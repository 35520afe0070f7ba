"""Findings -> what each recipient of mail does not know yet, kept in the ledger until it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from globus_sync_directory.config.load import Config
from globus_sync_directory.errors import EXIT_ATTENTION, EXIT_SIGN_IN_REJECTED, EXIT_TOO_OLD
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.status import PairReport, PairStatus
from globus_sync_directory.output.text import describe, files
from globus_sync_directory.state import Mailed
from globus_sync_directory.sync.ledger import Ledger
from globus_sync_directory.text import sanitize

_TROUBLE = (EXIT_ATTENTION, EXIT_TOO_OLD, EXIT_SIGN_IN_REJECTED)
_WELL = (PairStatus.SUCCEEDED, PairStatus.STOPPED_AT_TIME_LIMIT)
_MOST_UNSENT = 10  # of a pair and an address, the newest


def record_changes(config: Config, learned: Mapping[Pair, Sequence[PairReport]], ledger: Ledger, now: datetime) -> None:
    """
    Write down what ``learned`` (per pair, its findings in the order they were made) has of news, for each recipient.

    News is a trouble that was not told since the pair was last well, the end of one that was, and to a pair's own
    addresses a sync that brought files. A trouble is the same where verdict and cure are. An address that is new is
    told of no success that was there before it. Raises StateError.
    """
    changes: dict[str, dict[str, Mailed]] = {}
    for pair, findings in learned.items():
        memory = ledger.memories.get(pair.fingerprint)
        if memory is None:
            # Globus could not be asked, for want of a state file: nothing may be written of this pair, or the next run
            # would take what little that is for all there was.
            continue
        told = {
            address: _with_news(pair, memory.mailed.get(address), findings, is_own=address in pair.email)
            for address in recipients(config, pair)
        }
        if told != memory.mailed:
            changes[pair.fingerprint] = told
    ledger.remember_mail(changes)


def recipients(config: Config, pair: Pair) -> list[str]:
    """Return who hears of a pair: those who hear of all, then its own."""
    return list(dict.fromkeys([*config.email, *pair.email]))


def _with_news(pair: Pair, before: Mailed | None, findings: Sequence[PairReport], *, is_own: bool) -> Mailed:
    """Return what one address knows once it has been sent all that is news in ``findings``."""
    told = before or Mailed()
    name = sanitize(pair.name, 60)
    for finding in findings:
        headline = ""
        if finding.status in _TROUBLE:
            is_bad = finding.verdict.status in _TROUBLE
            cure = finding.cause.fix if finding.cause else ""
            keys = [f"{finding.verdict.name} {cure}".strip()] * is_bad + ["TOO_OLD"] * finding.is_too_old
            if set(keys) - set(told.troubles):
                headline = f"{name}: {finding.verdict.words if is_bad else 'too old'}"
            told = replace(told, troubles=tuple(dict.fromkeys([*told.troubles, *keys])))
        elif finding.verdict in _WELL and finding.task_id != told.well_since:
            brought = finding.task.files_done if finding.task else 0
            if told.troubles:
                headline = f"{name}: well again"
            elif is_own and brought and before is not None:
                headline = f"{name}: {files(brought)} copied"
            told = replace(told, troubles=(), well_since=finding.task_id)
        if headline:
            news = (headline, "\n".join(describe(finding)))
            told = replace(told, unsent=(*told.unsent, news)[-_MOST_UNSENT:])
    return told
