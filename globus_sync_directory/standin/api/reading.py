"""Strict reading of what clients send: from JSON to values of the engine, or the 400 with which the service answers."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from ..engine.copying import CHECKSUMS
from ..engine.files import read_path
from ..engine.submission import Item, Submission
from .errors import Document, bad_request

_COMMON: dict[str, type] = {
    "DATA_TYPE": str, "submission_id": str, "label": str, "deadline": str, "DATA": list, "notify_on_succeeded": bool,
    "notify_on_failed": bool, "notify_on_inactive": bool, "skip_activation_check": bool, "store_base_path_info": bool,
}  # fmt: skip
_FIELDS: dict[str, dict[str, type]] = {
    "transfer": _COMMON | {
        "source_endpoint": str, "destination_endpoint": str, "sync_level": int, "verify_checksum": bool,
        "preserve_timestamp": bool, "encrypt_data": bool, "delete_destination_extra": bool, "skip_source_errors": bool,
        "fail_on_quota_errors": bool, "filter_rules": list, "source_local_user": str, "destination_local_user": str,
        "recursive_symlinks": str, "perf_cc": int, "perf_p": int, "perf_pp": int, "perf_udt": bool,
    },
    "delete": _COMMON | {
        "endpoint": str, "recursive": bool, "ignore_missing": bool, "interpret_globs": bool, "local_user": str,
    },
    "transfer_item": {
        "DATA_TYPE": str, "source_path": str, "destination_path": str, "recursive": bool, "external_checksum": str,
        "checksum_algorithm": str,
    },
    "delete_item": {"DATA_TYPE": str, "path": str},
    "filter_rule": {"DATA_TYPE": str, "method": str, "type": str, "name": str},
    "mkdir": {"DATA_TYPE": str, "path": str, "local_user": str},
    "rename": {"DATA_TYPE": str, "old_path": str, "new_path": str, "local_user": str},
    "task": {"DATA_TYPE": str, "label": str, "deadline": str},
}  # fmt: skip
_DOCUMENTS = {document: {name: kind | None for name, kind in fields.items()} for document, fields in _FIELDS.items()}


def read_json(data: bytes) -> Document:
    """Return the JSON object in a request body. Raises ApiError 400, also for escapes that are not Unicode text."""
    try:
        body = json.loads(data)
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise bad_request(f"Could not parse JSON: {error}", "BadRequest") from None
    if not isinstance(body, dict):
        raise bad_request("Expected a JSON object")
    return body


def read_document(body: Any, data_type: str, required: tuple[str, ...] = ()) -> Document:
    """Return the fields of a document without nulls. Raises ApiError 400 for an unknown, missing or mistyped field."""
    if not isinstance(body, dict) or body.get("DATA_TYPE") != data_type:
        raise bad_request(f"Expected a document with DATA_TYPE '{data_type}'")
    fields = read_fields(body, _DOCUMENTS[data_type], f"document '{data_type}'")
    for name in required:
        if fields.get(name) in (None, ""):
            raise bad_request(f"Missing field '{name}' in document '{data_type}'")
    return {name: value for name, value in fields.items() if value is not None}


def read_fields(body: Document, types: Mapping[str, Any], where: str) -> Document:
    """Return the document if it has only these fields, each of its type. Raises ApiError 400."""
    for name, value in body.items():
        if name not in types:
            raise bad_request(f"Unknown field '{name}' in {where}; there are {', '.join(types)}")
        kinds = get_args(types[name]) or (types[name],)
        if type(value) not in kinds and object not in kinds:
            raise bad_request(f"Field '{name}' of {where} has the wrong type")
    return body


def read_uuid(text: str, what: str) -> str:
    """Return a UUID in lower case with dashes. Raises ApiError 400."""
    try:
        if len(text) == 36:
            return str(uuid.UUID(text))
    except ValueError:
        pass
    raise bad_request(f"Invalid {what} '{text[:80]}': Invalid characters", "BadRequest")


def read_label(fields: Mapping[str, Any], limit: int) -> str | None:
    """Return the label. Raises ApiError 400. Source: task_submit, 'label'."""
    label: str | None = fields.get("label")
    if label is not None:
        if len(label) > limit:
            raise bad_request(f"Label is longer than {limit} characters")
        if label != label.strip() or "\n" in label or "\r" in label:
            raise bad_request("Label has line breaks, or blanks at its ends")
    return label


def read_deadline(fields: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return the deadline, aware (UTC unless it has an offset). Raises ApiError 400, also for one in the past."""
    text = fields.get("deadline")
    if text is None:
        return None
    try:
        deadline = datetime.fromisoformat(text)
        deadline = deadline.replace(tzinfo=deadline.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad_request(f"Invalid deadline '{text[:80]}'") from None
    if deadline <= now:
        raise bad_request("The deadline has passed already")
    return deadline


def read_submission(body: Document, kind: str, now: datetime, label_limit: int) -> Submission:
    """Return the submission in a "transfer" or "delete" document. Raises ApiError 400. Source: task_submit."""
    ends = ("source_endpoint", "destination_endpoint") if kind == "transfer" else ("endpoint",)
    fields = read_document(body, kind, ("submission_id", *ends))
    _check_options(fields, kind)
    read_item = _read_transfer_item if kind == "transfer" else _read_delete_item
    items = tuple(read_item(item) for item in fields["DATA"])
    if fields.get("delete_destination_extra") and any(item.recursive is False for item in items):
        raise bad_request("delete_destination_extra needs recursive items")
    rules = fields.get("filter_rules")
    return Submission(
        kind=kind,
        submission_id=read_uuid(fields["submission_id"], "submission_id"),
        label=read_label(fields, label_limit),
        deadline=read_deadline(fields, now),
        source=read_uuid(fields[ends[0]], "endpoint name"),
        destination=read_uuid(fields[ends[-1]], "endpoint name") if kind == "transfer" else None,
        items=items,
        filter_rules=None if rules is None else [_read_filter_rule(rule) for rule in rules],
        sync_level=fields.get("sync_level"),
        options=fields,
        body=body,
    )


def _check_options(fields: Document, kind: str) -> None:
    if not fields.get("DATA"):
        code = "ClientError.BadRequest.NoTransferItems" if kind == "transfer" else "ClientError.BadRequest"
        raise bad_request(f"A {kind} requires at least one item", code)
    if fields.get("sync_level", 0) not in range(4):
        raise bad_request("Field 'sync_level' must be 0, 1, 2 or 3")
    if fields.get("recursive_symlinks", "ignore") != "ignore":
        raise bad_request("Field 'recursive_symlinks' is not supported by these collections")


def _read_transfer_item(body: Any) -> Item:
    fields = read_document(body, "transfer_item", ("source_path", "destination_path"))
    algorithm = fields.get("checksum_algorithm", "MD5").upper().replace("-", "")
    if algorithm not in CHECKSUMS:
        raise bad_request("Unknown checksum_algorithm")
    if fields.get("recursive") and "external_checksum" in fields:
        raise bad_request("external_checksum is for files only")
    return Item(
        source=read_path(fields["source_path"]),
        destination=read_path(fields["destination_path"]),
        recursive=fields.get("recursive"),
        external_checksum=fields.get("external_checksum"),
        checksum_algorithm=algorithm,
    )


def _read_delete_item(body: Any) -> Item:
    return Item(source=read_path(read_document(body, "delete_item", ("path",))["path"]))


def _read_filter_rule(body: Any) -> Document:
    rule = {"method": "exclude", "type": None, **read_document(body, "filter_rule", ("name",))}
    if rule["method"] not in ("include", "exclude") or rule["type"] not in ("file", "dir", None):
        raise bad_request("A filter rule has method 'include' or 'exclude' and type 'file', 'dir' or null")
    return rule
