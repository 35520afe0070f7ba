"""
Globus' documents -> our values. Nothing else reads the service's field names.

A field with a value of the wrong type is as good as missing, and so is an empty text: only what nothing can be done
without makes a document useless. Unknown fields are ignored.
Source of the names: Globus Transfer API, task, file_operations and endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar, get_type_hints
from uuid import UUID

import msgspec

from globus_sync_directory.model.collection import Collection
from globus_sync_directory.model.task import Event, Pause, SkippedPath, Task

_HIGHEST_COUNT = 2**63  # more is nonsense
_LONGEST_TEXT = 20_000  # characters
_IDS = ("task_id", "collection_id", "collection", "source_collection", "destination_collection")

# Globus' name of a field, where it differs from ours; a dot leads into an inner document.
_NAMES: Mapping[type, Mapping[str, str]] = {
    Task: {
        "requested_at": "request_time",
        "kind": "type",
        "ended_at": "completion_time",
        "fatal_code": "fatal_error.code",
        "fatal_description": "fatal_error.description",
        "cancelled_by": "canceled_by_admin",
        "cancel_message": "canceled_by_admin_message",
        "files_found": "files",
        "files_copied": "files_transferred",
        "files_in_step": "files_skipped",
        "paths_skipped": "subtasks_skipped_errors",
        "bytes_copied": "bytes_transferred",
        "bytes_per_second": "effective_bytes_per_second",
        "source_collection": "source_endpoint_id",
        "destination_collection": "destination_endpoint_id",
        "source_path": "source_base_path",
        "destination_path": "destination_base_path",
        "source_name": "source_endpoint_display_name",
        "destination_name": "destination_endpoint_display_name",
    },
    Event: {},
    SkippedPath: {"code": "error_code", "details": "error_details"},
    Pause: {"collection": "endpoint_id"},
    Collection: {
        "collection_id": "id",
        "name": "display_name",
        "kind": "entity_type",
        "owner": "owner_string",
        "is_connected": "gcp_connected",
        "without_verification": "disable_verify",
        "always_encrypts": "force_encryption",
        "unused_days": "auto_delete_timeout",
    },
}
_TYPES = {
    kind: {name: UUID if name in _IDS else wanted for name, wanted in get_type_hints(kind).items()} for kind in _NAMES
}
_Kind = TypeVar("_Kind")


class UnexpectedReply(ValueError):
    """The reply does not hold what was asked for."""


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """The one task that belongs to a submission id; ``is_new`` is False where an earlier submission started it."""

    task_id: str
    is_new: bool


def read(kind: type[_Kind], document: object, **found: object) -> _Kind:
    """
    Return a value of this kind with all that is usable in ``document``, and with ``found`` where nothing is.

    Raises UnexpectedReply where something is missing without which the kind makes no sense.
    """
    for ours, wanted in _TYPES[kind].items():
        with suppress(msgspec.ValidationError, ValueError, OverflowError):
            found[ours] = _normal(msgspec.convert(_field(document, _NAMES[kind].get(ours, ours)), wanted))
    try:
        return kind(**found)
    except TypeError:
        raise UnexpectedReply(f"no {kind.__name__}") from None


def read_list(kind: type[_Kind], document: object, key: str = "DATA", *, skip_unreadable: bool = False) -> list[_Kind]:
    """Return the entries of a list, without or with those that cannot be read; raises UnexpectedReply."""
    entries = []
    for entry in read_field(document, key, list):
        try:
            if isinstance(entry, Mapping):
                entries.append(read(kind, entry))
        except UnexpectedReply:
            if not skip_unreadable:
                raise
    return entries


def read_field(document: object, key: str, kind: type[_Kind]) -> _Kind:
    """Return the value of one field; raises UnexpectedReply."""
    try:
        return msgspec.convert(_field(document, key), kind)
    except msgspec.ValidationError:
        raise UnexpectedReply(f"no usable {key}") from None


def read_page(document: object) -> tuple[list[Task], int]:
    """Return the tasks in a page of a task list, and how many the whole list has; raises UnexpectedReply."""
    return read_list(Task, document), read_field(document, "total", int)


def read_pauses(document: object, task: Task) -> list[Pause]:
    """Return the reasons in the "pause_info" document of ``task``, those with a message first."""
    pauses = []
    with suppress(UnexpectedReply):
        pauses = read_list(Pause, document, "pause_rules")
    for side, collection in (("source", task.source_collection), ("destination", task.destination_collection)):
        for key in (f"{side}_pause_message", f"{side}_pause_message_share"):
            if message := _field(document, key):
                pauses.append(read(Pause, {"endpoint_id": collection, "message": message}))
    return sorted(pauses, key=lambda pause: not pause.message)


def read_listing(document: object) -> str:
    """Return the type of what was listed, a dir; raises UnexpectedReply where ``document`` is no listing."""
    read_field(document, "DATA", list)
    return "dir"


def read_submitted(document: object) -> Submitted:
    """Return what the reply to a submission says; raises UnexpectedReply."""
    return Submitted(task_id=read_task_id(document), is_new=read_code(document) != "Duplicate")


def _read_id(document: object, key: str) -> str:
    return str(read_field(document, key, UUID))


# One field each; all raise UnexpectedReply.
read_submission_id = partial(_read_id, key="value")  # a fresh one
read_task_id = partial(_read_id, key="task_id")  # of the task that a submission started
read_type = partial(read_field, key="type", kind=str)  # of what a ``stat`` found: dir, file, ...
read_code = partial(read_field, key="code", kind=str)  # what a reply calls its outcome


def _field(document: Any, name: str) -> Any:
    """Return the value of one field as it came, or None."""
    for key in name.split("."):
        document = document.get(key) if isinstance(document, Mapping) else None
    return document


def _normal(value: object) -> object:
    """Return the value as we keep it: a count in bounds, a time in UTC, ...; raises ValueError, OverflowError."""
    if value == "":
        raise ValueError("an empty text is as good as none")
    if isinstance(value, UUID | str):
        return str(value)[:_LONGEST_TEXT]
    if isinstance(value, int) and not isinstance(value, bool):
        return min(max(0, value), _HIGHEST_COUNT)
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if not 1971 < moment.year < 9999:
            raise ValueError("not every time zone can show this year")
        return moment
    return value
