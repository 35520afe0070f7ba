"""An answer -> one JSON object, as ``output.schema.json`` beside this module describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

from globus_sync_directory.model.run_report import RunReport, Check
from globus_sync_directory.text import sanitize
from globus_sync_directory.errors import EXIT_OK
from globus_sync_directory.state import Success
from globus_sync_directory.model.task import Task, task_link
from globus_sync_directory.model.status import PairReport

SCHEMA = 1


def to_json(answer: RunReport) -> str:
    """
    Return ``answer`` as one JSON object and a line break, in ASCII: whatever a remote side sent is escaped.

    Times are ISO 8601 in UTC, ages and spans whole seconds, sizes bytes.
    """
    document = {
        "schema": SCHEMA,
        "version": version("globus_sync_directory"),
        "time": _time(datetime.now(UTC)),
        "status": answer.status,
        "errors": list(answer.errors),
        "pairs": [_finding(finding, answer.documents.get(finding.name)) for finding in answer.findings],
        "checks": [_check(check) for check in answer.checks],
    }
    return json.dumps(document, indent=1) + "\n"


def _finding(finding: PairReport, document: Mapping[str, Any] | None) -> dict[str, Any]:
    cause = finding.cause
    return {
        "name": finding.name,
        "left_over": finding.left_over,
        "verdict": finding.verdict.words,
        "status": finding.status,
        "since": _time(finding.since),
        "too_old": finding.is_too_old,
        "max_age_seconds": _seconds(finding.max_age),
        "last_success": finding.success and _success(finding.success, finding.at),
        "why": cause.reason if cause else None,
        "is_error": bool(cause) and finding.status != EXIT_OK,
        "cure": (cause.fix or None) if cause else None,
        "command": (cause.command or None) if cause else None,
        "notes": list(finding.notes),
        "skipped": [{"path": path.source_path, "code": sanitize(path.code)} for path in finding.skipped],
        "task_id": finding.task_id,
        "task_link": finding.task_id and task_link(finding.task_id),
        "task": finding.task and _task(finding.task),
        "document": document,
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "requested_at": _time(task.requested_at),
        "ended_at": _time(task.ended_at),
        "deadline": _time(task.deadline),
        "label": task.label,
        "files_found": task.files,
        "files_copied": task.files_done,
        "files_in_step": task.files_in_step,
        "paths_skipped": task.skipped_by_error,
        "bytes_copied": task.bytes_done,
        "bytes_per_second": task.bytes_per_second,
        "faults": task.faults,
    }


def _success(success: Success, now: datetime | None) -> dict[str, Any]:
    return {
        "task_id": success.task_id,
        "ended_at": _time(success.ended_at),
        "age_seconds": _seconds(now - success.ended_at) if now else None,
        "files": success.files,
        "bytes": success.bytes,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "good": check.good,
        "pair": check.pair,
        "what": check.reason,
        "cure": check.fix or None,
        "command": check.command or None,
    }


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None


def _seconds(span: timedelta | None) -> int | None:
    return round(span.total_seconds()) if span is not None else None
