"""A pair -> the transfer document that Globus gets. The only place that writes the service's field names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from globus_sdk import MISSING, TransferData

from globus_sync_directory.model.pair import Pair, SyncLevel, task_label

NO_SUBMISSION_ID_YET = "00000000-0000-0000-0000-000000000000"
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_SHOW_PATHS = {"store_base_path_info": True}  # in the task document: they tell whose a task is
_NOT_COMPARED = ("deadline", "submission_id", "label", "sync_level", *_SHOW_PATHS)


def build_document(pair: Pair, submission_id: str, sync_level: SyncLevel, now: datetime) -> dict[str, Any]:
    """
    Return the transfer document for one run of ``pair``, ready for JSON.

    ``now`` is aware and on Globus' clock; the deadline counts from it. Source: Globus Transfer API, task_submit.
    """
    data = TransferData(
        pair.source.collection,
        pair.destination.collection,
        label=task_label(pair.name, pair.fingerprint, submission_id),
        submission_id=submission_id,
        sync_level=int(sync_level),
        verify_checksum=True,
        preserve_timestamp=True,
        skip_source_errors=True,  # one unreadable file must not stop all others; it is reported as a gap
        notify_on_succeeded=False,  # an application has no inbox
        notify_on_failed=False,
        notify_on_inactive=False,
        additional_fields=_SHOW_PATHS,
    )
    data.add_item(pair.source.path_with_slash, pair.destination.path_with_slash, recursive=True)
    for pattern in pair.exclude:
        data.add_filter_rule(pattern.removesuffix("/"), type="dir" if pattern.endswith("/") else MISSING)
    return with_deadline(_plain(data), pair, now)


def with_deadline(document: Mapping[str, Any], pair: Pair, now: datetime) -> dict[str, Any]:
    """Return the same document with the deadline that ``pair`` has when it is submitted at ``now``."""
    dated = {key: value for key, value in document.items() if key != "deadline"}
    if pair.time_limit:
        dated["deadline"] = (now + pair.time_limit).isoformat(timespec="seconds")
    return dated


def deadline_in(document: Mapping[str, Any]) -> datetime | None:
    """Return the deadline in a document, aware UTC."""
    deadline = document.get("deadline")
    return datetime.fromisoformat(deadline) if isinstance(deadline, str) else None


def asks_for(document: Mapping[str, Any], pair: Pair) -> bool:
    """
    Return whether ``document`` asks for what the config wants of ``pair`` now, whenever that is to end.

    A document of an earlier run may compare by checksum although the config asks for less.
    """
    level = document.get("sync_level")
    if level not in (int(pair.sync_level), int(SyncLevel.CHECKSUM)):
        return False
    wanted = build_document(pair, NO_SUBMISSION_ID_YET, SyncLevel(level), _ANY_TIME)
    return _compared(document) == _compared(wanted)


def _compared(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in _NOT_COMPARED}


def _plain(value: Any) -> Any:
    """Return the SDK's document as plain dicts and lists, without what is missing."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items() if inner is not MISSING}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, int | float | str | None) else str(value)
