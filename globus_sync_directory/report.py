"""Findings -> what a person reads: a line with the verdict of each pair, and below it what that person asks next."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from dateutil import tz

from globus_sync_directory.clean import clean
from globus_sync_directory.errors import EXIT_NEEDS_A_PERSON, EXIT_TOO_OLD
from globus_sync_directory.tasks import Task, task_link
from globus_sync_directory.verdicts import Finding, Verdict

_SKIPPED_SHOWN = 3


def describe(finding: Finding) -> list[str]:
    """Return the lines about one pair: the verdict, and indented below it details, cause, cure and last success."""
    return [_headline(finding), *(f"    {line}" for line in _details(finding))]


def summary(findings: Sequence[Finding]) -> str:
    """Return one line that counts the verdicts, such as ``3 pairs: 2 running, 1 failed``."""
    counts = Counter(finding.verdict.words for finding in findings)
    told = ", ".join(f"{count} {words}" for words, count in counts.items())
    return f"{len(findings)} pair{'' if len(findings) == 1 else 's'}: {told}"


def document_lines(document: dict[str, Any] | None) -> list[str]:
    """Return a task document that would be submitted as JSON lines, indented like what stands above it."""
    if document is None:
        return []
    lines = ["document (submission id, and the end of the label, are given when it is submitted):"]
    return [f"    {line}" for line in lines + json.dumps(document, indent=2).splitlines()]


def _headline(finding: Finding) -> str:
    name = f"left over from [{clean(finding.name)}]" if finding.left_over else clean(finding.name)
    line = f"{name}: {finding.verdict.words}"
    if finding.since:
        word = "" if _has_ended(finding) or finding.verdict is Verdict.STARTED else "since "
        line += f", {word}{_moment(finding.since)}{_ago(finding.since, finding.at)}"
    if finding.is_too_old:
        line += "; TOO OLD"
    return line


def _details(finding: Finding) -> list[str]:
    lines = [*finding.notes]
    if finding.known_by_label:
        lines.append("known by its label alone: of a pair that is gone, or of another config of this application")
    if finding.task:
        lines += _progress(finding.task)
    if finding.skipped:
        lines.append(_skipped(finding))
    if finding.cause:
        lines.append(f"{'why' if finding.status else 'note'}: {finding.cause.what}")
        if finding.cause.cure:
            lines.append(f"cure: {finding.cause.cure}")
    if finding.is_too_old and finding.max_age and finding.counts_from:
        what = "last success" if finding.success else "this pair was first seen"
        limit = _span(finding.max_age)
        lines.append(f"too old: {what} {_moment(finding.counts_from)}, longer ago than max_age ({limit})")
    lines += _last_success(finding)
    if finding.task_id:
        lines.append(f"task: {task_link(finding.task_id)}")
    return lines


def _progress(task: Task) -> list[str]:
    done = f"{_files(task.files_done)} copied, {_size(task.bytes_done)}"
    if task.is_live:
        of_known = f" of {task.files:,} found so far" if task.files else ""
        rate = f", {_size(task.bytes_per_second)}/s" if task.bytes_per_second else ""
        done = f"{_files(task.files_done)} copied{of_known}, {_size(task.bytes_done)}{rate}"
    in_step = f"; {task.files_in_step:,} already in step" if task.files_in_step else ""
    faults = f"; {task.faults:,} fault{'' if task.faults == 1 else 's'}" if task.faults else ""
    return [done + in_step + faults] if task.is_live or not _is_bare(task) else []


def _is_bare(task: Task) -> bool:
    """Return whether an ended task has no figure worth a line."""
    return not (task.files_done or task.files_in_step or task.faults or task.status == "SUCCEEDED")


def _skipped(finding: Finding) -> str:
    shown = [
        f"'{clean(path.source_path, 100)}' ({clean(path.code).lower().replace('_', ' ')})" for path in finding.skipped
    ]
    count = max(finding.task.skipped_by_error if finding.task else 0, len(shown))
    more = f", and {count - _SKIPPED_SHOWN:,} more" if count > _SKIPPED_SHOWN else ""
    return f"{count:,} path{'' if count == 1 else 's'} left out: {', '.join(shown[:_SKIPPED_SHOWN])}{more}"


def _last_success(finding: Finding) -> list[str]:
    success = finding.success
    if finding.verdict is Verdict.SUCCEEDED or finding.left_over:
        return []
    if success is None:
        return ["last success: none known"] if finding.status in (EXIT_NEEDS_A_PERSON, EXIT_TOO_OLD) else []
    ago = _ago(success.ended_at, finding.at)
    return [f"last success: {_moment(success.ended_at)}{ago}, {_files(success.files)}, {_size(success.bytes)}"]


def _has_ended(finding: Finding) -> bool:
    return finding.task is not None and not finding.task.is_live


def _moment(moment: datetime) -> str:
    """Return an instant in this host's zone, as ``2026-11-24 01:00 NZDT``."""
    return moment.astimezone(tz.tzlocal()).strftime("%Y-%m-%d %H:%M %Z")


def _ago(moment: datetime, now: datetime | None) -> str:
    if now is None or now - moment < timedelta(minutes=1):
        return ""
    return f" ({_span(now - moment)} ago)"


def _span(span: timedelta) -> str:
    """Return a duration in its two largest units, such as ``1 d 5 h`` or ``12 min``."""
    minutes = int(span.total_seconds() // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return " ".join(parts[:2]) or "0 min"


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.2g} {unit}"
        size /= 1000
    return f"{size:,.0f} PB"
