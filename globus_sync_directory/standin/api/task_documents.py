"""The documents by which Transfer describes a task: its state, its events, its files and its pauses."""

import json
from os.path import commonpath
from typing import Any

from ..behaviour import Behaviour
from ..engine.collection import Collection, PauseRule
from ..engine.errors import TransferError
from ..engine.task import Event, Progress, Skip, Success, Task
from ..storage import join_path
from .documents import timestamp
from .error_details import event_details, skip_details
from .errors import Document

_OPTIONS = (
    "encrypt_data", "verify_checksum", "preserve_timestamp", "delete_destination_extra", "skip_source_errors",
    "fail_on_quota_errors",
)  # fmt: skip
_COPIED = (
    "status", "is_paused", "faults", "history_deleted", "files", "directories", "files_transferred", "files_skipped",
    "bytes_transferred", "bytes_checksummed", "canceled_by_admin", "canceled_by_admin_message",
)  # fmt: skip
_SUBTASKS = ("pending", "retrying", "expired", "canceled", "failed")
_PAUSABLE = ("ls", "mkdir", "rename", "symlink", "task_delete", "task_transfer_read", "task_transfer_write")


def task_document(task: Task) -> Document:
    """Return the task document. Source: Globus Transfer API, "Task document"."""
    with task.changed:
        return {**_request(task), **_state(task), **_subtasks(task)}


def _request(task: Task) -> Document:
    options = task.submission.options
    document: Document = {
        "DATA_TYPE": "task",
        "task_id": task.id,
        "type": task.submission.kind.upper(),
        "command": "API 0.10",
        "label": task.label,
        "owner_id": task.owner,
        "username": "u_" + task.owner.replace("-", "")[:26],
        "request_time": timestamp(task.request_time),
        "deadline": timestamp(task.deadline),
        "sync_level": task.submission.sync_level,
        "filter_rules": task.submission.filter_rules,
        "recursive_symlinks": "ignore",
        **{name: options.get(name, False) for name in _OPTIONS},
    }
    for side, collection in {"source": task.source_collection, "destination": task.destination_collection}.items():
        document |= {
            f"{side}_endpoint": collection and f"standin#{collection.id}",
            f"{side}_endpoint_id": collection and collection.id,
            f"{side}_endpoint_display_name": collection and collection.name,
            f"{side}_local_user": options.get(f"{side}_local_user"),
            f"{side}_local_user_status": collection and "OK",
            f"{side}_base_path": _base_path(task, side) if options.get("store_base_path_info") else None,
        }
    return document


def _base_path(task: Task, side: str) -> str:
    """Return the longest path that all items have in common on the "source" or "destination" side."""
    return commonpath([join_path(getattr(item, side)) for item in task.submission.items])


def _state(task: Task) -> Document:
    nice = task.nice_status
    code = task.fatal_error
    return {
        **{name: getattr(task, name) for name in _COPIED},
        "nice_status_details": None,
        "completion_time": timestamp(task.completion_time),
        "fatal_error": {"code": code, "description": _describe(code)} if code else None,
        "is_ok": nice in ("OK", "Queued") if nice else None,
        "nice_status": nice,
        "nice_status_short_description": nice,
        "nice_status_expires_in": -1 if nice else None,
        "symlinks": 0,
        "effective_bytes_per_second": task.bytes_per_second,
    }


def _subtasks(task: Task) -> dict[str, int]:
    """One subtask for each item and for each file or directory of a transfer. Source: recordings."""
    items = {(index, ()) for index in range(len(task.submission.items))}
    paths = task.seen | {key for key in task.skipped if key[1]}
    counts = dict.fromkeys(_SUBTASKS, 0)
    rest = len(paths - task.done)
    if task.is_live:
        other = "retrying" if task.error else "pending"
        counts["pending"] = len(items - task.done)
    else:
        endings = {"EXPIRED": "expired", "CANCELED": "canceled"}
        other = "succeeded" if task.status == "SUCCEEDED" else endings.get(task.fatal_error or "CANCELED", "failed")
        rest += len(items - task.done)
    done = len((items & task.done) - task.skipped) + len((paths & task.done) - task.skipped)
    counts |= {"total": len(items) + len(paths), "succeeded": done, "skipped_errors": len(task.skips)}
    counts[other] += rest
    return {f"subtasks_{name}": count for name, count in counts.items()}


def event_document(event: Event, behaviour: Behaviour) -> Document:
    return {
        "DATA_TYPE": "event",
        "description": _describe(event.code),
        "time": timestamp(event.time),
        "code": event.code,
        "details": _details(event.details, behaviour),
        "is_error": event.is_error,
    }


def _describe(code: str) -> str:
    """Return the short text of an event or error code."""
    return "deadline expired" if code == "EXPIRED" else code.replace("_", " ").lower()


def _details(details: str | TransferError | Progress, behaviour: Behaviour) -> str:
    if isinstance(details, str):
        return details
    if isinstance(details, TransferError):
        return event_details(details, behaviour)
    mbps = details.bytes_per_second * 8 / 1e6
    done = {"bytes_transferred": details.bytes_transferred, "duration": details.seconds, "mbps": mbps}
    return json.dumps(done, indent=2)


def success_document(success: Success) -> Document:
    return {
        "DATA_TYPE": "successful_transfer",
        "dynamic": False,
        **_paths(success),
        "size": success.size,
        "checksum": success.checksum,
        "checksum_algorithm": success.checksum_algorithm,
    }


def skip_document(skip: Skip, behaviour: Behaviour) -> Document:
    return {
        "DATA_TYPE": "skipped_error",
        "external_checksum": None,
        "checksum_algorithm": None,
        "is_symlink": False,
        "is_delete_destination_extra": False,
        **_paths(skip),
        "error_code": skip.error.code,
        "error_details": skip_details(skip.error, behaviour),
        "error_time": timestamp(skip.time),
        "is_directory": skip.is_directory,
    }


def _paths(entry: Success | Skip) -> dict[str, Any]:
    return {"source_path": join_path(entry.source_path), "destination_path": join_path(entry.destination_path)}


def pause_rule_document(collection: Collection, rule: PauseRule) -> Document:
    return {
        "DATA_TYPE": "pause_rule_limited",
        "id": rule.id,
        "message": rule.message,
        "start_time": None,
        "endpoint_id": collection.id,
        "endpoint_display_name": collection.name,
        "identity_id": None,
        **{f"pause_{name}": name in rule.operations for name in _PAUSABLE},
    }
