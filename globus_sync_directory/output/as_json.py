"""
A report -> one JSON object, as ``output.schema.json`` beside this module describes it.

Sentences are sanitised, as people read them. Names, paths, labels, commands and documents are exact; JSON escapes them.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.report import Check, PairReport, RunReport
from globus_sync_directory.model.task import task_link
from globus_sync_directory.text import sanitize

_NO_PROBLEM = Problem(reason="")
_OF_A_TASK = ["requested_at", "ended_at", "deadline", "label", "files_found", "files_copied", "files_in_step"]
_OF_A_TASK += ["paths_skipped", "bytes_copied", "bytes_per_second", "faults"]


def to_json(report: RunReport) -> str:
    """
    Return ``report`` as one JSON object and a line break, in ASCII.

    Times are ISO 8601 in UTC, ages and spans whole seconds, sizes bytes.
    """
    document = {
        "schema": 2,
        "version": _installed_version(),
        "time": datetime.now(UTC),
        "exit_status": report.exit_status,
        "errors": [sanitize(line) for line in report.errors],
        "pairs": [_pair(pair) for pair in report.pairs],
        "checks": [_check(check) for check in report.checks],
    }
    return json.dumps(document, indent=1, default=_time_or_seconds) + "\n"


def _installed_version() -> str:
    try:
        return version("globus_sync_directory")
    except PackageNotFoundError:  # the wrapper also runs a clone that is not installed
        return "unknown"


def _pair(report: PairReport) -> dict[str, Any]:
    problem, success = report.problem or _NO_PROBLEM, report.success
    return {
        "name": report.name,
        "orphaned": report.is_orphaned,
        **_outcome(report),
        "exit_status": report.exit_status,
        "since": report.since,
        "too_old": report.is_too_old,
        "waits_since": report.waits_since,
        "waits_too_long": report.waits_too_long,
        "max_age_seconds": report.max_age,
        "last_success": success and {**asdict(success), "age_seconds": report.at - success.ended_at},
        "fix": sanitize(problem.fix) or None,
        "command": problem.command or None,
        "needs_attention": report.exit_status not in (ExitStatus.OK, ExitStatus.TRY_LATER),
        "notes": [sanitize(note) for note in report.notes],
        "skipped": [{"path": path.source_path, "code": sanitize(path.code)} for path in report.skipped],
        "task": report.task and {name: getattr(report.task, name) for name in _OF_A_TASK},
        "before": report.before and _outcome(report.before),
        "document": report.document,
    }


def _outcome(report: PairReport) -> dict[str, Any]:
    return {
        "status": report.status.words,
        "reason": sanitize(report.problem.reason) if report.problem else None,
        "task_id": report.task_id,
        "task_link": task_link(report.task_id) if report.task_id else None,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "result": check.result.value,
        "pair": check.pair,
        "sentence": sanitize(check.sentence),
        "fix": sanitize(check.fix) or None,
        "command": check.command or None,
    }


def _time_or_seconds(value: datetime | timedelta) -> str | int:
    if isinstance(value, timedelta):
        return round(value.total_seconds())
    return value.astimezone(UTC).isoformat(timespec="seconds")
