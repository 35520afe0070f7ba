"""A report on one pair -> lines: a single line if the pair is well, else below it the reason, the fix and the link."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task, task_link
from globus_sync_directory.output.line import Colour, Line, Mark
from globus_sync_directory.output.units import ago, moment, size, span
from globus_sync_directory.text import count, quote

SKIPPED_SHOWN = 3
_INDENT = " " * 4
_IN_THE_QUEUE = "waiting in the queue (Globus runs three transfers per application at a time)"
_CONTINUES = "the next run starts it again and continues where it stopped"
_WHAT_HAPPENS_NOW = {
    PairStatus.SUSPENDED: "Globus does not continue this task by itself",
    PairStatus.PAUSED: "Globus continues when the pause ends",
    PairStatus.SUCCEEDED_WITH_GAPS: "everything else was copied; the next run retries the rest",
    PairStatus.FAILED: _CONTINUES,
    PairStatus.CANCELLED: _CONTINUES,
    PairStatus.RAN_OUT_OF_TIME: _CONTINUES,
    PairStatus.BLOCKED: "not started; each run checks again",
    PairStatus.REJECTED: "not started; each run tries again",
}
_COLOURS: dict[ExitStatus, Colour] = {ExitStatus.OK: "green", ExitStatus.TRY_LATER: "yellow"}
_NOTHING_HAS_RUN = Problem(
    reason="nothing has run since",
    fix="check that the cron or scrontab entry still exists: crontab -l, scrontab -l",
)


def describe(report: PairReport) -> list[str]:
    """Return the lines about one pair, neither wrapped nor sanitised."""
    return [line.text for line in pair_lines(report)]


def pair_lines(report: PairReport, *, is_one_line: bool = True) -> list[Line]:
    """Return the lines about one pair; a brief report is a single one, unless ``is_one_line`` is False."""
    start = f"{title(report)}: "
    first = start + headline(report)
    mark = Mark(start=len(start), end=len(start) + len(report.status.words), colour=colour(report))
    link = task_link(report.task_id) if report.task_id else ""
    facts = [*_progress(report), *_last_success(report)]
    if is_one_line and is_brief(report):
        return [Line(text="; ".join([first, *facts, *([link] if link else [])]), hanging=4, mark=mark)]
    return [
        Line(text=first, hanging=4, mark=mark),
        *_previous_task(report),
        *(_labelled("note", note) for note in report.notes),
        *_known_by_label(report),
        *(Line(text=_INDENT + fact) for fact in facts),
        *_skipped(report),
        *_too_old(report),
        *_problem(report.problem, _what_happens_now(report)),
        *([_labelled("task", link, is_whole=True)] if link else []),
        *(_document(report.document) if report.document is not None else []),
    ]


def is_brief(report: PairReport) -> bool:
    """Return whether the report has nothing to explain, so that one line holds it."""
    has_more = report.problem or report.notes or report.known_by_label or report.document is not None
    is_calm = report.exit_status in (ExitStatus.OK, ExitStatus.TRY_LATER)
    return is_calm and not has_more and not report.skipped and not _previous_task(report)


def title(report: PairReport) -> str:
    """Return what a report calls its pair, or a task that belongs to no pair of the config."""
    return f"orphaned task of [{report.name}]" if report.is_orphaned else report.name


def headline(report: PairReport) -> str:
    """Return the status with its time and age, such as ``running, since 2026-11-24 01:00 NZDT (7 h ago)``."""
    line = report.status.words
    if report.since:
        has_ended = report.task is not None and not report.task.is_live
        word = "" if has_ended or report.status is PairStatus.STARTED else "since "
        age = ago(report.since, report.at)
        line += f", {word}{moment(report.since)}" + (f" ({age})" if age else "")
    return line + ("; TOO OLD" if report.is_too_old else "")


def summary(reports: Sequence[PairReport]) -> str:
    """Return one line that counts the statuses, such as ``3 pairs: 2 running, 1 failed; 1 orphaned task``."""
    pairs = [report for report in reports if not report.is_orphaned]
    counts = Counter(report.status.words for report in pairs)
    line = count(len(pairs), "pair") + (": " if pairs else "")
    line += ", ".join(f"{number} {words}" for words, number in counts.items())
    orphans = len(reports) - len(pairs)
    return line + (f"; {count(orphans, 'orphaned task')}" if orphans else "")


def colour(report: PairReport) -> Colour:
    """Return the colour of the status on a terminal."""
    return _COLOURS.get(report.exit_status, "red")


def figures(task: Task) -> list[str]:
    """Return what a task has copied, compared and met so far, each as a short phrase."""
    copied = count(task.files_copied, "file") + " copied"
    if task.is_live and task.files_found:
        copied += f" of {task.files_found:,} found so far"
    copied += f", {size(task.bytes_copied)}"
    if task.is_live and task.bytes_per_second:
        copied += f", {size(task.bytes_per_second)}/s"
    phrases = [copied]
    if task.files_in_step:
        phrases.append(f"{task.files_in_step:,} already in step")
    if task.faults:
        phrases.append(count(task.faults, "fault"))
    if task.ended_at and task.ended_at - task.requested_at >= timedelta(minutes=1):
        phrases.append(f"took {span(task.ended_at - task.requested_at)}")
    return phrases


def _progress(report: PairReport) -> list[str]:
    task = report.task
    if report.status is PairStatus.QUEUED:
        return [_IN_THE_QUEUE]
    if task is None:
        return []
    did_something = task.files_copied or task.files_in_step or task.faults or task.status == "SUCCEEDED"
    return ["; ".join(figures(task))] if task.is_live or did_something else []


def _last_success(report: PairReport) -> list[str]:
    if report.status is PairStatus.SUCCEEDED or report.is_orphaned:
        return []
    success = report.success
    if success is None:
        needs_one = report.exit_status in (ExitStatus.ATTENTION, ExitStatus.TOO_OLD)
        return ["last success: none known"] if needs_one else []
    age = ago(success.ended_at, report.at)
    done = f"{count(success.files, 'file')} copied, {size(success.bytes)}" if success.files else "nothing to copy"
    return [f"last success: {moment(success.ended_at)}" + (f" ({age})" if age else "") + f", {done}"]


def _previous_task(report: PairReport) -> list[Line]:
    """Return what is left to say about the task that this run replaced."""
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
    has_own_fix = report.problem is not None
    return [Line(text=line), *(_fix(before.problem) if before.problem and not has_own_fix else [])]


def _known_by_label(report: PairReport) -> list[Line]:
    if not report.known_by_label:
        return []
    return [_labelled("note", "recognised by its label only: its pair was removed, or is in another config")]


def _skipped(report: PairReport) -> list[Line]:
    shown = [f"{quote(path.source_path)} ({path.code.lower().replace('_', ' ')})" for path in report.skipped]
    number = max(report.task.paths_skipped if report.task else 0, len(shown))
    if not number:
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
    return lines + (_problem(_NOTHING_HAS_RUN, "") if is_idle else [])


def _problem(problem: Problem | None, now: str) -> list[Line]:
    if problem is None:
        return []
    return [_labelled("why", problem.reason), *([_labelled("now", now)] if now else []), *_fix(problem)]


def _fix(problem: Problem) -> list[Line]:
    lines = [_labelled("fix", problem.fix)] if problem.fix else []
    return lines + ([_labelled("run", problem.command, is_whole=True)] if problem.command else [])


def _what_happens_now(report: PairReport) -> str:
    """Return what Globus, or the next run, does about a problem without anybody's help."""
    if report.is_orphaned:
        return ""
    if report.task and report.status in (PairStatus.STUCK, PairStatus.RUNNING_WITH_ERRORS):
        deadline = report.task.deadline
        return "Globus keeps trying" + (f", until {moment(deadline)} at the latest" if deadline else "")
    return _WHAT_HAPPENS_NOW.get(report.status, "")


def _document(document: Mapping[str, Any]) -> list[Line]:
    explanation = "document (the submission id and the end of the label are added when it is submitted):"
    text = json.dumps(document, indent=2).splitlines()
    return [Line(text=_INDENT + explanation), *(Line(text=_INDENT + line, is_whole=True) for line in text)]


def _labelled(label: str, text: str, *, is_whole: bool = False) -> Line:
    start = f"{_INDENT}{label + ':':<6}"
    return Line(text=start + text, hanging=len(start), is_whole=is_whole)
