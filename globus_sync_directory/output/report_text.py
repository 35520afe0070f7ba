"""
A report -> lines, not yet wrapped, coloured or sanitised.

A pair that is well has one line. Any other has the reason, the fix and the link on lines below it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.report import Check, CheckResult, PairReport, RunReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import task_link
from globus_sync_directory.output.units import moment, moment_and_age, size, span
from globus_sync_directory.text import count, quote, sanitize

Colour = Literal["green", "yellow", "red"]

SKIPPED_SHOWN = 3
_INDENT = " " * 4
_IN_THE_QUEUE = "waiting in the queue (Globus runs three transfers per application at a time)"
_BY_LABEL = "recognised by its label only: its pair was removed, or is in another config"
_DOCUMENT = "document (the submission id and the end of the label are added when it is submitted):"
_CONTINUES = "the next run starts it again and continues where it stopped"
_WHAT_HAPPENS_NOW = {
    PairStatus.SUSPENDED: "Globus does not continue this task by itself",
    PairStatus.PAUSED: "Globus continues when the pause ends",
    PairStatus.SOURCE_IS_EMPTY: "nothing is removed at the destination; the next run looks again",
    PairStatus.SUCCEEDED_WITH_GAPS: "everything else was copied; the next run retries the rest",
    PairStatus.FAILED: _CONTINUES,
    PairStatus.CANCELLED: _CONTINUES,
    PairStatus.RAN_OUT_OF_TIME: _CONTINUES,
    PairStatus.BLOCKED: "not started; each run checks again",
    PairStatus.REJECTED: "not started; each run tries again",
}
# The paths that their tasks have skipped had vanished, which is a note.
_WITHOUT_GAPS = (PairStatus.SUCCEEDED, PairStatus.SOURCE_IS_EMPTY)
_OF_THE_WHOLE_RUN = {
    PairStatus.NOT_REACHED: "Globus was not reached",
    PairStatus.SIGN_IN_REJECTED: "the sign-in was rejected",
}
_COLOURS: dict[ExitStatus, Colour] = {ExitStatus.OK: "green", ExitStatus.TRY_LATER: "yellow"}
_COLOURS_OF_CHECKS: dict[CheckResult, Colour] = {CheckResult.OK: "green", CheckResult.NOTE: "yellow"}
_NOTHING_HAS_RUN = Problem(
    reason="nothing has run since",
    fix="check that the cron or scrontab entry still exists: crontab -l, scrontab -l",
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """
    One line of a report; the text begins with its own indentation.

    ``hanging``: the indentation of the continuation lines if it is wrapped. ``is_whole``: it is never wrapped, so that
    a link, a command or a document can be copied as one piece. ``mark``: begin, end and colour of a coloured part.
    """

    text: str
    hanging: int = 8
    is_whole: bool = False
    mark: tuple[int, int, Colour] | None = None


def run_parts(report: RunReport, *, quiet: bool) -> tuple[list[Line], list[PairReport], list[Line]]:
    """
    Return what to show of a report: the lines before the pairs, the reports on pairs, the lines after them.

    With ``quiet`` that is only what explains the exit status.
    """
    before = [line for check in report.checks if not quiet or check.exit_status for line in _check_lines(check)]
    if report.checks and not quiet:
        failed = sum(check.result is CheckResult.FAIL for check in report.checks)
        outcome = f"{failed} failed" if failed else "all is well"
        before.append(Line(text=f"{count(len(report.checks), 'check')}: {outcome}"))
    pairs = [pair for pair in report.pairs if not quiet or pair.exit_status]
    unasked = [pair for pair in pairs if pair.status in _OF_THE_WHOLE_RUN]
    shared = unasked[0].problem if len({(pair.status, pair.problem) for pair in unasked}) == 1 < len(unasked) else None
    if shared:
        before.append(Line(text=f"{_OF_THE_WHOLE_RUN[unasked[0].status]}: {shared.reason}", hanging=4))
        before += labelled("fix", shared.fix)
        pairs = [replace(pair, problem=None) if pair in unasked else pair for pair in pairs]
    after = [] if quiet else [summary(report.pairs) if len(report.pairs) > 1 else "", report.closing_line]
    return before, pairs, [Line(text=text, hanging=4) for text in after if text]


def plain_lines(report: RunReport, *, quiet: bool) -> list[str]:
    """Return the report as files and pipes get it: each line sanitised, none wrapped."""
    before, pairs, after = run_parts(report, quiet=quiet)
    lines = [*before, *(line for pair in pairs for line in pair_lines(pair)), *after]
    return [sanitize(line.text) for line in lines]


def describe(report: PairReport) -> list[str]:
    """Return the lines about one pair, neither wrapped nor sanitised."""
    return [line.text for line in pair_lines(report)]


def pair_lines(report: PairReport, *, may_be_one_line: bool = True) -> list[Line]:
    """Return the lines about one pair; a single one if that is allowed and nothing needs an explanation."""
    start = f"{title(report)}: "
    mark = (len(start), len(start) + len(report.status.words), colour(report))
    first = Line(text=start + headline(report), hanging=4, mark=mark)
    facts = [*_progress(report), *_last_success(report)]
    link = task_link(report.task_id) if report.task_id else ""
    notes = labelled("note", *report.notes, _BY_LABEL if report.known_by_label else "")
    above = [*_previous_task(report), *notes]
    below = [*_skipped(report), *_too_old(report), *_waits_too_long(report)]
    below += [*_problem(report.problem, _what_happens_now(report)), *_document(report.document)]
    if may_be_one_line and not above and not below:
        return [replace(first, text="; ".join(filter(None, [first.text, *facts, link])))]
    facts_below = [Line(text=_INDENT + fact) for fact in facts]
    return [first, *above, *facts_below, *below, *labelled("task", link, is_whole=True)]


def labelled(label: str, *texts: str, is_whole: bool = False, indent: int = 4) -> list[Line]:
    """Return a line for each text that is not empty, with a label such as ``fix:`` before it."""
    start = " " * indent + f"{label + ':':<6}"
    return [Line(text=start + text, hanging=len(start), is_whole=is_whole) for text in texts if text]


def title(report: PairReport) -> str:
    """Return what a report calls its pair, or a task that belongs to no pair of the config."""
    return f"orphaned task of [{report.name}]" if report.is_orphaned else report.name


def headline(report: PairReport) -> str:
    """Return the status with its time and age, such as ``running, since 2026-11-24 01:00 NZDT (7 h ago)``."""
    line = report.status.words
    if report.since:
        has_ended = report.task is not None and not report.task.is_live
        word = "" if has_ended or report.status is PairStatus.STARTED else "since "
        line += f", {word}{moment_and_age(report.since, report.at)}"
    return line + ("; WAITS TOO LONG" if report.waits_too_long else "") + ("; TOO OLD" if report.is_too_old else "")


def colour(report: PairReport) -> Colour:
    """Return the colour of the status on a terminal."""
    return _COLOURS.get(report.exit_status, "red")


def summary(reports: Sequence[PairReport]) -> str:
    """Return one line that counts the statuses, such as ``3 pairs: 2 running, 1 failed; 1 orphaned task``."""
    pairs = [report for report in reports if not report.is_orphaned]
    counts = Counter(report.status.words for report in pairs)
    line = count(len(pairs), "pair") + (": " if pairs else "")
    line += ", ".join(f"{number} {words}" for words, number in counts.items())
    orphans = len(reports) - len(pairs)
    return line + (f"; {count(orphans, 'orphaned task')}" if orphans else "")


def _check_lines(check: Check) -> list[Line]:
    word = check.result.value
    about = f"{check.pair}: " if check.pair else ""
    mark = (0, len(word), _COLOURS_OF_CHECKS.get(check.result, "red"))
    return [
        Line(text=f"{word:<4}  {about}{check.sentence}", hanging=6, mark=mark),
        *labelled("fix", check.fix, indent=6),
        *labelled("run", check.command, indent=6, is_whole=True),
    ]


def _progress(report: PairReport) -> list[str]:
    """Return what the task has copied so far, its rate, faults and duration."""
    task = report.task
    if report.status is PairStatus.QUEUED:
        return [_IN_THE_QUEUE]
    if task is None:
        return []
    if not (task.is_live or task.files_copied or task.files_in_step or task.faults or task.status == "SUCCEEDED"):
        return []
    copied = count(task.files_copied, "file") + " copied"
    if task.is_live and task.files_found:
        copied += f" of {task.files_found:,} found so far"
    copied += f", {size(task.bytes_copied)}"
    if task.is_live and task.bytes_per_second:
        copied += f", {size(task.bytes_per_second)}/s"
    phrases = [copied]
    if task.files_in_step:
        phrases.append(f"{task.files_in_step:,} already in sync")
    if task.faults:
        phrases.append(count(task.faults, "fault"))
    if task.ended_at and task.ended_at - task.requested_at >= timedelta(minutes=1):
        phrases.append(f"took {span(task.ended_at - task.requested_at)}")
    return ["; ".join(phrases)]


def _last_success(report: PairReport) -> list[str]:
    if report.status is PairStatus.SUCCEEDED or report.is_orphaned:
        return []
    success = report.success
    if success is None:
        needs_one = report.exit_status in (ExitStatus.ATTENTION, ExitStatus.TOO_OLD)
        return ["last success: none known"] if needs_one else []
    done = f"{count(success.files, 'file')} copied, {size(success.bytes)}" if success.files else "nothing to copy"
    return [f"last success: {moment_and_age(success.ended_at, report.at)}, {done}"]


def _previous_task(report: PairReport) -> list[Line]:
    """Return the lines about the task that this run replaced, unless that succeeded."""
    before = report.before
    if before is None or before.status is PairStatus.SUCCEEDED:
        return []
    line = f"{_INDENT}previous task: {before.status.words}"
    if before.problem:
        line += f": {before.problem.reason}"
    if before.status is PairStatus.STOPPED_AT_TIME_LIMIT:
        line += "; this one continues from there"
    if before.task_id:
        line += f" ({task_link(before.task_id)})"
    fix = _fix(before.problem) if before.problem and not report.problem else []
    return [Line(text=line), *labelled("note", *before.notes), *fix]


def _skipped(report: PairReport) -> list[Line]:
    shown = [f"{quote(path.source_path)} ({path.code.lower().replace('_', ' ')})" for path in report.skipped]
    number = max(report.task.paths_skipped if report.task else 0, len(shown))
    if not number or (report.status in _WITHOUT_GAPS and not shown):
        return []
    more = f", and {number - SKIPPED_SHOWN:,} more" if number > SKIPPED_SHOWN else ""
    more += f" (--json lists {len(shown):,})" if len(shown) > SKIPPED_SHOWN else ""
    names = f": {', '.join(shown[:SKIPPED_SHOWN])}{more}" if shown else ""
    return [Line(text=f"{_INDENT}{count(number, 'path')} not copied{names}")]


def _too_old(report: PairReport) -> list[Line]:
    if not (report.is_too_old and report.max_age and report.counts_from):
        return []
    what = "the last success was at" if report.success else "no success is known since"
    lines = [Line(text=f"{_INDENT}too old: {what} {moment(report.counts_from)}; max_age is {span(report.max_age)}")]
    is_idle = report.status in (PairStatus.SUCCEEDED, PairStatus.NEVER_RUN) and report.problem is None
    return lines + (_problem(_NOTHING_HAS_RUN) if is_idle else [])


def _waits_too_long(report: PairReport) -> list[Line]:
    if not (report.waits_too_long and report.waits_since):
        return []
    since, longest = moment_and_age(report.waits_since, report.at), span(report.longest_wait)
    limit = f"max_age is {longest}" if report.max_age else f"without max_age, {longest} is the limit"
    return [Line(text=f"{_INDENT}waits too long: nothing else has happened since {since}; {limit}")]


def _problem(problem: Problem | None, now: str = "") -> list[Line]:
    return labelled("why", problem.reason) + labelled("now", now) + _fix(problem) if problem else []


def _fix(problem: Problem) -> list[Line]:
    return labelled("fix", problem.fix) + labelled("run", problem.command, is_whole=True)


def _what_happens_now(report: PairReport) -> str:
    """Return what Globus or the next run does about a problem by itself."""
    if report.is_orphaned:
        return ""
    if report.task and report.status in (PairStatus.STUCK, PairStatus.RUNNING_WITH_ERRORS):
        deadline = report.task.deadline
        return "Globus keeps trying" + (f", until {moment(deadline)} at the latest" if deadline else "")
    return _WHAT_HAPPENS_NOW.get(report.status, "")


def _document(document: Mapping[str, Any] | None) -> list[Line]:
    if document is None:
        return []
    text = json.dumps(document, indent=2).splitlines()
    return [Line(text=_INDENT + _DOCUMENT), *(Line(text=_INDENT + line, is_whole=True) for line in text)]
