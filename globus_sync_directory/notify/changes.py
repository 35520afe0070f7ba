"""Reports + records -> records: what has changed for each recipient of mail since the last mail. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from globus_sync_directory.config.settings import Settings
from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.record import Mailed, News, PairRecord
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.output.report_text import describe
from globus_sync_directory.text import count, shorten

_PROBLEMS = (ExitStatus.ATTENTION, ExitStatus.TOO_OLD, ExitStatus.SIGN_IN_REJECTED)
_WELL = (PairStatus.SUCCEEDED, PairStatus.STOPPED_AT_TIME_LIMIT)
_MOST_UNSENT = 10  # for one pair and one address; the newest are kept
_LONGEST_NAME = 60  # in a headline, which becomes the subject of a mail


def record_changes(
    settings: Settings, reports: Sequence[PairReport], records: Mapping[str, PairRecord]
) -> dict[str, PairRecord]:
    """
    Return all the records, with the news of ``reports`` added for each recipient.

    News is a problem that was not mailed since the pair was last well, a recovery, and for a pair's own addresses new
    files. If the suggested fix changes, it counts as a new problem. A new address gets no news of a success, which may
    be an old one. A pair without a record is left out: the next run would take a record
    that holds only mail for a complete one.
    """
    updated = dict(records)
    pairs = {pair.fingerprint: pair for pair in settings.pairs}
    for report in reports:
        pair = pairs.get(report.fingerprint)  # None for an orphaned task
        record = records.get(report.fingerprint)
        if pair and record:
            updated[report.fingerprint] = replace(record, mailed=_mailed(settings, pair, record, report))
    return updated


def recipients(settings: Settings, pair: Pair) -> list[str]:
    """Return the addresses that get mail about ``pair``: those for all pairs, then its own."""
    return list(dict.fromkeys([*settings.email, *pair.email]))


def _mailed(settings: Settings, pair: Pair, record: PairRecord, report: PairReport) -> dict[str, Mailed]:
    in_order = [report.before, report] if report.before else [report]
    mailed = {}
    for address in recipients(settings, pair):
        wants_file_counts = address in pair.email and address in record.mailed
        known = record.mailed.get(address, Mailed())
        for one in in_order:
            known = _with_news(known, one, wants_file_counts=wants_file_counts)
        mailed[address] = known
    return mailed


def _with_news(known: Mailed, report: PairReport, *, wants_file_counts: bool) -> Mailed:
    """Return what one address has been mailed after ``report``; if that is news, with it as unsent news."""
    if report.exit_status in _PROBLEMS:
        keys = _problem_keys(report)
        is_new = not set(keys) <= set(known.problems)
        words = _words(report)
        after = replace(known, problems=tuple(dict.fromkeys([*known.problems, *keys])))
        return _with_unsent(after, report, words) if is_new else after
    if report.status in _WELL and report.task_id != known.well_since:
        copied = report.task.files_copied if report.task else 0
        after = replace(known, problems=(), well_since=report.task_id)
        if known.problems:
            return _with_unsent(after, report, "recovered")
        return _with_unsent(after, report, f"{count(copied, 'file')} copied") if wants_file_counts and copied else after
    return known


def _problem_keys(report: PairReport) -> list[str]:
    """Return the keys of the problems of a report; two problems are the same if status and fix are the same."""
    keys = []
    if _has_problem(report):
        fix = report.problem.fix if report.problem else ""
        keys.append(f"{report.status.name} {fix}".strip())
    return [*keys, "TOO_OLD"] if report.is_too_old else keys


def _has_problem(report: PairReport) -> bool:
    """Return whether a person has to act, for another reason than the age of the last success."""
    return report.needs_attention or report.waits_too_long or report.status.exit_status in _PROBLEMS


def _words(report: PairReport) -> str:
    """Return what is wrong, for a headline."""
    if report.waits_too_long:
        return f"{report.status.words} for too long"
    return report.status.words if _has_problem(report) else "too old"


def _with_unsent(known: Mailed, report: PairReport, words: str) -> Mailed:
    news = News(headline=f"{shorten(report.name, _LONGEST_NAME)}: {words}", lines=tuple(describe(report)))
    return replace(known, unsent=(*known.unsent, news)[-_MOST_UNSENT:])
