"""
A report -> one JSON object, as ``output.schema.json`` beside this module describes it.

Sentences are sanitised, as people read them. Names, paths, labels, commands and documents are exact; JSON escapes them.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import Success
from globus_sync_directory.model.report import Check, PairReport, RunReport
from globus_sync_directory.model.task import Task, task_link
from globus_sync_directory.text import sanitize

SCHEMA = 2


def to_json(report: RunReport) -> str:
    """
    Return ``report`` as one JSON object and a line break, in ASCII.

    Times are ISO 8601 in UTC, ages and spans whole seconds, sizes bytes.
    """
    document = {
        "schema": SCHEMA,
        "version": _installed_version(),
        "time": _time(datetime.now(UTC)),
        "exit_status": report.exit_status,
        "errors": [sanitize(line) for line in report.errors],
        "pairs": [_pair(pair) for pair in report.pairs],
        "checks": [_check(check) for check in report.checks],
    }
    return json.dumps(document, indent=1) + "\n"


def _installed_version() -> str:
    try:
        return version("globus_sync_directory")
    except PackageNotFoundError:  # the wrapper also runs a clone that nobody has installed
        return "unknown"


def _pair(report: PairReport) -> dict[str, Any]:
    return {
        "name": report.name,
        "orphaned": report.is_orphaned,
        "status": report.status.words,
        "exit_status": report.exit_status,
        "since": _time(report.since),
        "too_old": report.is_too_old,
        "max_age_seconds": _seconds(report.max_age),
        "last_success": report.success and _success(report.success, report.at),
        "reason": _reason(report.problem),
        "fix": _sentence(report.problem.fix) if report.problem else None,
        "command": (report.problem.command or None) if report.problem else None,
        "needs_attention": report.exit_status not in (ExitStatus.OK, ExitStatus.TRY_LATER),
        "notes": [sanitize(note) for note in report.notes],
        "skipped": [{"path": path.source_path, "code": sanitize(path.code)} for path in report.skipped],
        "task_id": report.task_id,
        "task_link": _link(report),
        "task": report.task and _task(report.task),
        "before": report.before and _before(report.before),
        "document": report.document,
    }


def _before(report: PairReport) -> dict[str, Any]:
    return {
        "status": report.status.words,
        "reason": _reason(report.problem),
        "task_id": report.task_id,
        "task_link": _link(report),
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "requested_at": _time(task.requested_at),
        "ended_at": _time(task.ended_at),
        "deadline": _time(task.deadline),
        "label": task.label,
        "files_found": task.files_found,
        "files_copied": task.files_copied,
        "files_in_step": task.files_in_step,
        "paths_skipped": task.paths_skipped,
        "bytes_copied": task.bytes_copied,
        "bytes_per_second": task.bytes_per_second,
        "faults": task.faults,
    }


def _success(success: Success, now: datetime) -> dict[str, Any]:
    return {
        "task_id": success.task_id,
        "ended_at": _time(success.ended_at),
        "age_seconds": _seconds(now - success.ended_at),
        "files": success.files,
        "bytes": success.bytes,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "result": check.result.value,
        "pair": check.pair,
        "sentence": sanitize(check.sentence),
        "fix": _sentence(check.fix),
        "command": check.command or None,
    }


def _reason(problem: Problem | None) -> str | None:
    return sanitize(problem.reason) if problem else None


def _sentence(text: str) -> str | None:
    return sanitize(text) or None


def _link(report: PairReport) -> str | None:
    return task_link(report.task_id) if report.task_id else None


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None


def _seconds(span: timedelta | None) -> int | None:
    return round(span.total_seconds()) if span is not None else None
