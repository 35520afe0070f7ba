"""Findings -> what a person reads: one line for a pair that is well, and below any other what that person asks next."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click
from dateutil import tz

from globus_sync_directory.globus.explain import Problem
from globus_sync_directory.text import sanitize
from globus_sync_directory.errors import EXIT_ATTENTION, EXIT_OK, EXIT_TOO_OLD, EXIT_TRY_LATER
from globus_sync_directory.model.task import Task, task_link
from globus_sync_directory.model.status import PairReport, PairStatus

_INDENT = "    "
_SKIPPED_SHOWN = 3
_NARROWEST, _LONGEST_PADDED_NAME = 30, 24  # columns
_OF_THE_WHOLE_RUN = (PairStatus.NOT_REACHED, PairStatus.SIGN_IN_REJECTED)
_CONTINUES = "the next run starts it again, and goes on where it stopped"
_WHAT_GOES_ON = {
    PairStatus.SUSPENDED: "nothing goes on by itself",
    PairStatus.PAUSED: "Globus goes on when the pause ends",
    PairStatus.SUCCEEDED_WITH_GAPS: "all else was copied; the next run tries the rest again",
    PairStatus.FAILED: _CONTINUES,
    PairStatus.CANCELLED: _CONTINUES,
    PairStatus.RAN_OUT_OF_TIME: _CONTINUES,
    PairStatus.BLOCKED: "nothing was started; every run looks again",
    PairStatus.REJECTED: "nothing was started; every run tries again",
}


@dataclass(frozen=True)
class _Line:
    text: str
    unbroken: bool = False  # a command or an address, to be copied as one piece


def render(findings: Sequence[PairReport], *, width: int | None = None, colour: bool = False) -> list[str]:
    """
    Return the lines of the report on ``findings``.

    ``width`` is that of the terminal in columns, None where nothing is to be wrapped. Why Globus could not be asked at
    all is told once, before the pairs.
    """
    shared = _shared_cause(findings)
    lines: list[str] = []
    if shared:
        lines += wrapped(f"Globus could not be asked: {shared.reason}", width, _INDENT)
        if shared.fix:
            lines += wrapped(f"{_INDENT}cure: {shared.fix}", width, _INDENT * 2)
    names = [_name(finding) for finding in findings]
    column = max((columns(name) for name in names if columns(name) <= _LONGEST_PADDED_NAME), default=0)
    for finding, name in zip(findings, names, strict=True):
        start = f"{name}: " + " " * (column - columns(name))
        first, *details = _lines(finding, shared, width)
        headline, *more = wrapped(start + first.text, width, _INDENT)
        if colour and headline.startswith(start + finding.verdict.words):
            rest = headline.removeprefix(start + finding.verdict.words)
            headline = start + click.style(finding.verdict.words, fg=_hue(finding)) + rest
        lines += [headline, *more]
        for line in details:
            lines += wrapped(_INDENT + line.text, None if line.unbroken else width, _INDENT * 2)
    return lines


def describe(finding: PairReport) -> list[str]:
    """Return the lines about one pair, unwrapped: the verdict, and indented below it details, cause and cure."""
    return render([finding])


def summary(findings: Sequence[PairReport]) -> str:
    """Return one line that counts the verdicts, such as ``3 pairs: 2 running, 1 failed; 1 left over``."""
    pairs = [finding for finding in findings if not finding.left_over]
    counts = Counter(finding.verdict.words for finding in pairs)
    told = ", ".join(f"{count} {words}" for words, count in counts.items())
    left_over = len(findings) - len(pairs)
    return f"{len(pairs)} pair{'' if len(pairs) == 1 else 's'}: {told}" + (f"; {left_over} left over" * bool(left_over))


def document_lines(document: Mapping[str, Any]) -> list[str]:
    """Return a task document that would be submitted as JSON lines, indented like what stands above it."""
    lines = ["document (submission id, and the end of the label, are given when it is submitted):"]
    return [_INDENT + line for line in lines + json.dumps(document, indent=2).splitlines()]


def columns(text: str) -> int:
    """Return how many columns ``text`` takes on a terminal: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def moment(instant: datetime) -> str:
    """Return an instant in this host's zone, as ``2026-11-24 01:00 NZDT``."""
    return instant.astimezone(tz.tzlocal()).strftime("%Y-%m-%d %H:%M %Z")


def span(duration: timedelta) -> str:
    """Return a duration in its two largest units, such as ``1 d 5 h`` or ``12 min``."""
    minutes = int(duration.total_seconds() // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return " ".join(parts[:2]) or "0 min"


def size(count: int) -> str:
    """Return a number of bytes in the decimal unit that suits it, such as ``7.2 MB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.5 else f"{amount:.2g} {unit}"
        amount /= 1000
    return f"{amount:,.0f} PB"


def files(count: int) -> str:
    """Return ``1 file`` or ``1,200 files``."""
    return f"{count:,} file{'' if count == 1 else 's'}"


def wrapped(text: str, width: int | None, hanging: str) -> list[str]:
    """
    Return ``text`` broken at blanks into lines of at most ``width`` columns, those after the first indented.

    Words wider than that stay whole; None breaks nothing.
    """
    if width is None or columns(text) <= width:
        return [text]
    found: list[str] = []
    current = text[: len(text) - len(text.lstrip())]
    for word in re.findall(r"\S+ *", text):
        if current.strip() and columns(current + word.rstrip()) > max(width, _NARROWEST):
            found.append(current.rstrip())
            current = hanging
        current += word
    return [*found, current.rstrip()]


def _shared_cause(findings: Sequence[PairReport]) -> Problem | None:
    """Return why no pair, or more than one, could be asked for, where it is the same for all of those."""
    causes = {finding.cause for finding in findings if finding.verdict in _OF_THE_WHOLE_RUN}
    several = sum(finding.verdict in _OF_THE_WHOLE_RUN for finding in findings) > 1
    return causes.pop() if several and len(causes) == 1 else None


def _lines(finding: PairReport, shared: Problem | None, width: int | None) -> list[_Line]:
    """Return the lines about a pair without its name; a single one where there is nothing to explain."""
    facts = [*_facts(finding), *_last_success(finding)]
    is_told = finding.cause is None or (finding.cause == shared and finding.verdict in _OF_THE_WHOLE_RUN)
    link = [task_link(finding.task_id)] if finding.task_id else []
    if is_told and finding.status in (EXIT_OK, EXIT_TRY_LATER) and not (finding.notes or finding.known_by_label):
        line = "; ".join([_headline(finding), *facts])
        with_link = "; ".join([line, *link])
        fits = width is None or columns(f"{_name(finding)}: {with_link}") <= width
        return [_Line(with_link if fits else line)]
    is_new = [note for note in finding.notes if not (finding.cause and note.startswith(finding.cause.reason))]
    lines = [_headline(finding), *is_new]
    if finding.known_by_label:
        lines.append("known by its label alone: of a pair that is gone, or of another config of this application")
    lines += facts
    if finding.skipped or finding.verdict is PairStatus.SUCCEEDED_WITH_GAPS:
        lines.append(_skipped(finding))
    if finding.is_too_old and finding.max_age and finding.counts_from:
        what = "last success" if finding.success else "this pair was first seen"
        limit = span(finding.max_age)
        lines.append(f"too old: {what} {moment(finding.counts_from)}, longer ago than max_age ({limit})")
        if finding.verdict in (PairStatus.SUCCEEDED, PairStatus.NEVER_RUN):
            lines.append("cure: no run has come since; look whether the schedule still stands: crontab -l, scrontab -l")
    explained = _cause(finding, finding.cause) if finding.cause and not is_told else []
    return [*map(_Line, lines), *explained, *(_Line(f"task: {address}", unbroken=True) for address in link)]


def _cause(finding: PairReport, cause: Problem) -> list[_Line]:
    lines = [_Line(f"{'why: ' if finding.status else 'note:'} {cause.reason}")]
    goes_on = _what_goes_on(finding)
    if goes_on:
        lines.append(_Line(f"now:  {goes_on}"))
    if cause.fix:
        lines.append(_Line(f"cure: {cause.fix}"))
    if cause.command:
        lines.append(_Line(f"run:  {cause.command}", unbroken=True))
    return lines


def _what_goes_on(finding: PairReport) -> str:
    """Return what Globus, or the next run, does about it without anybody's help."""
    if finding.left_over:
        return ""
    if finding.task and finding.verdict in (PairStatus.STUCK, PairStatus.RUNNING_WITH_ERRORS):
        until = f", until {moment(finding.task.deadline)} at the latest" if finding.task.deadline else ""
        return f"Globus keeps trying{until}"
    return _WHAT_GOES_ON.get(finding.verdict, "")


def _name(finding: PairReport) -> str:
    return f"left over from [{sanitize(finding.name)}]" if finding.left_over else sanitize(finding.name)


def _headline(finding: PairReport) -> str:
    line = finding.verdict.words
    if finding.since:
        word = "" if _has_ended(finding) or finding.verdict is PairStatus.STARTED else "since "
        line += f", {word}{moment(finding.since)}{_ago(finding.since, finding.at)}"
    if finding.is_too_old:
        line += "; TOO OLD"
    return line


def _hue(finding: PairReport) -> str:
    return {EXIT_OK: "green", EXIT_TRY_LATER: "yellow"}.get(finding.status, "red")


def _facts(finding: PairReport) -> list[str]:
    facts = _progress(finding.task) if finding.task else []
    if finding.verdict is PairStatus.QUEUED:
        facts = ["waiting: Globus works on three tasks of one application at a time"]
    return facts


def _progress(task: Task) -> list[str]:
    done = f"{files(task.files_done)} copied, {size(task.bytes_done)}"
    took = ""
    if task.is_live:
        of_known = f" of {task.files:,} found so far" if task.files else ""
        rate = f", {size(task.bytes_per_second)}/s" if task.bytes_per_second else ""
        done = f"{files(task.files_done)} copied{of_known}, {size(task.bytes_done)}{rate}"
    elif task.ended_at and task.ended_at - task.requested_at >= timedelta(minutes=1):
        took = f"; took {span(task.ended_at - task.requested_at)}"
    in_step = f"; {task.files_in_step:,} already in step" if task.files_in_step else ""
    faults = f"; {task.faults:,} fault{'' if task.faults == 1 else 's'}" if task.faults else ""
    return [done + in_step + faults + took] if task.is_live or not _is_bare(task) else []


def _is_bare(task: Task) -> bool:
    """Return whether an ended task has no figure worth a line."""
    return not (task.files_done or task.files_in_step or task.faults or task.status == "SUCCEEDED")


def _skipped(finding: PairReport) -> str:
    shown = [
        f"'{sanitize(path.source_path, 100)}' ({sanitize(path.code).lower().replace('_', ' ')})" for path in finding.skipped
    ]
    count = max(finding.task.skipped_by_error if finding.task else 0, len(shown))
    more = f", and {count - _SKIPPED_SHOWN:,} more (--json names them)" if count > _SKIPPED_SHOWN else ""
    named = f": {', '.join(shown[:_SKIPPED_SHOWN])}{more}" if shown else ""
    return f"{count:,} path{'' if count == 1 else 's'} left out{named}"


def _last_success(finding: PairReport) -> list[str]:
    success = finding.success
    if finding.verdict is PairStatus.SUCCEEDED or finding.left_over:
        return []
    if success is None:
        return ["last success: none known"] if finding.status in (EXIT_ATTENTION, EXIT_TOO_OLD) else []
    ago = _ago(success.ended_at, finding.at)
    done = f"{files(success.files)} copied, {size(success.bytes)}" if success.files else "nothing to copy"
    return [f"last success: {moment(success.ended_at)}{ago}, {done}"]


def _has_ended(finding: PairReport) -> bool:
    return finding.task is not None and not finding.task.is_live


def _ago(instant: datetime, now: datetime | None) -> str:
    if now is None or now - instant < timedelta(minutes=1):
        return ""
    return f" ({span(now - instant)} ago)"
