"""
Globus' documents -> our values. Nothing else reads the service's field names.

A field with a value of the wrong type is as good as missing: only what nothing can be done without makes a document
useless. Unknown fields are ignored. Source of the names: Globus Transfer API, task, file_operations and endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, get_type_hints
from uuid import UUID

import msgspec

from globus_sync_directory.model.collection import Collection
from globus_sync_directory.model.task import Event, Pause, SkippedPath, Task

_HIGHEST_COUNT = 2**63  # more is nonsense
_LONGEST_DETAILS = 20_000  # characters of an entry of a task's log

# Our name of a field -> Globus' name.
_TASK = {
    "status": "status",
    "requested_at": "request_time",
    "label": "label",
    "ended_at": "completion_time",
    "deadline": "deadline",
    "is_ok": "is_ok",
    "is_paused": "is_paused",
    "nice_status": "nice_status",
    "files_found": "files",
    "files_copied": "files_transferred",
    "files_in_step": "files_skipped",
    "paths_skipped": "subtasks_skipped_errors",
    "bytes_copied": "bytes_transferred",
    "bytes_per_second": "effective_bytes_per_second",
    "faults": "faults",
    "source_collection": "source_endpoint_id",
    "destination_collection": "destination_endpoint_id",
    "source_name": "source_endpoint_display_name",
    "destination_name": "destination_endpoint_display_name",
}
_FATAL_ERROR = {"fatal_code": "code", "fatal_description": "description"}
_EVENT = {"code": "code", "is_error": "is_error", "time": "time", "description": "description", "details": "details"}
_SKIPPED_PATH = {"code": "error_code", "source_path": "source_path", "details": "error_details"}
_PAUSE = {"collection": "endpoint_id", "message": "message"}
_COLLECTION = {"name": "display_name", "kind": "entity_type", "owner": "owner_string", "is_connected": "gcp_connected"}


class UnexpectedReply(ValueError):
    """The reply does not hold what was asked for."""


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """The one task that belongs to a submission id; ``is_new`` is False where an earlier submission started it."""

    task_id: str
    is_new: bool


def read_task(document: object) -> Task:
    """Return the task in ``document``; raises UnexpectedReply where it has no task_id, status or request_time."""
    found = _usable(document, _TASK, Task)
    if not found.get("status") or "requested_at" not in found:
        raise UnexpectedReply("no task")
    found |= _usable(_field(document, "fatal_error"), _FATAL_ERROR, Task)
    for name in ("source_collection", "destination_collection"):
        found[name] = found.get(name, "").lower()
    return Task(task_id=_uuid(document, "task_id"), **found)


def read_tasks(document: object, *, skip_unreadable: bool = False) -> list[Task]:
    """
    Return the tasks in a page of a task list.

    ``skip_unreadable`` leaves out entries that are no tasks; without it they make the page an UnexpectedReply.
    """
    tasks = []
    for entry in _entries(document):
        try:
            tasks.append(read_task(entry))
        except UnexpectedReply:
            if not skip_unreadable:
                raise
    return tasks


def read_total(document: object) -> int:
    """Return how many entries the whole list has of which this is a page; raises UnexpectedReply."""
    total = _field(document, "total")
    if not isinstance(total, int):
        raise UnexpectedReply("no total")
    return total


def read_events(document: object) -> list[Event]:
    """Return the entries of a task's log, without those that have no time; raises UnexpectedReply for no log at all."""
    usable = (_usable(entry, _EVENT, Event) for entry in _entries(document))
    return [_event(found) for found in usable if "time" in found]


def _event(found: Mapping[str, Any]) -> Event:
    whole = {"code": "", "is_error": False, **found}
    return Event(**{**whole, "details": whole.get("details", "")[:_LONGEST_DETAILS]})


def read_skipped_paths(document: object) -> list[SkippedPath]:
    """Return the paths that a task left out; raises UnexpectedReply where there is no list."""
    nothing = {"code": "", "source_path": ""}
    return [SkippedPath(**{**nothing, **_usable(entry, _SKIPPED_PATH, SkippedPath)}) for entry in _entries(document)]


def read_pauses(document: object, task: Task) -> list[Pause]:
    """Return the reasons in the "pause_info" document of ``task``, those with a message first."""
    listed = _field(document, "pause_rules")
    rules = [rule for rule in listed if isinstance(rule, Mapping)] if isinstance(listed, list) else []
    pauses = [_pause(_usable(rule, _PAUSE, Pause)) for rule in rules]
    for side, collection in (("source", task.source_collection), ("destination", task.destination_collection)):
        for key in (f"{side}_pause_message", f"{side}_pause_message_share"):
            if _field(document, key):
                pauses.append(_pause({"collection": collection, **_usable(document, {"message": key}, Pause)}))
    return sorted(pauses, key=lambda pause: not pause.message)


def _pause(found: Mapping[str, Any]) -> Pause:
    return Pause(collection=found.get("collection", "").lower(), message=found.get("message", ""))


def read_collection(document: object, collection_id: str) -> Collection:
    """Return what a collection's document says of it; raises UnexpectedReply where it has no id."""
    if not _field(document, "id"):
        raise UnexpectedReply("no collection")
    found = {"kind": "", "owner": "", "is_connected": None, **_usable(document, _COLLECTION, Collection)}
    return Collection(collection_id=collection_id, **{**found, "name": found.get("name") or collection_id})


def read_type(document: object) -> str:
    """Return the type of what a ``stat`` found: dir, file, ...; raises UnexpectedReply."""
    kind = _field(document, "type")
    if not isinstance(kind, str):
        raise UnexpectedReply("no type")
    return kind


def read_listing(document: object) -> None:
    """Raise UnexpectedReply where ``document`` is no listing of a directory."""
    _entries(document)


def read_submission_id(document: object) -> str:
    """Return a fresh submission id; raises UnexpectedReply."""
    return _uuid(document, "value")


def read_submitted(document: object) -> Submitted:
    """Return what the reply to a submission says; raises UnexpectedReply."""
    return Submitted(task_id=_uuid(document, "task_id"), is_new=read_code(document) != "Duplicate")


def read_code(document: object) -> str:
    """Return the code of a reply to an operation; raises UnexpectedReply."""
    code = _field(document, "code")
    if not isinstance(code, str):
        raise UnexpectedReply("no code")
    return code


def _field(document: object, key: str) -> Any:
    """Return the value of one field as it came, or None."""
    return document.get(key) if isinstance(document, Mapping) else None


def _entries(document: object) -> list[Mapping[str, Any]]:
    entries = _field(document, "DATA")
    if not isinstance(entries, list):
        raise UnexpectedReply("no list")
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _uuid(document: object, key: str) -> str:
    try:
        return str(msgspec.convert(_field(document, key), UUID))
    except msgspec.ValidationError:
        raise UnexpectedReply(f"no usable {key}") from None


_types = cache(get_type_hints)


def _usable(document: object, names: Mapping[str, str], kind: type) -> dict[str, Any]:
    """Return those fields of ``kind``, by our names, for which ``document`` has a usable value."""
    types = _types(kind)
    found = {}
    for ours, theirs in names.items():
        with suppress(msgspec.ValidationError, ValueError, OverflowError):
            found[ours] = _bounded(msgspec.convert(_field(document, theirs), types[ours]))
    return found


def _bounded(value: object) -> object:
    """Return a count that can be stored, or a time as aware UTC; raises ValueError or OverflowError for an odd time."""
    if isinstance(value, int) and not isinstance(value, bool):
        return min(max(0, value), _HIGHEST_COUNT)
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if not 1971 < moment.year < 9999:
            raise ValueError("not every time zone can show this year")
        return moment
    return value
