"""Filters, order and pages of the lists that Transfer returns. Every function raises ApiError 400 for a bad query."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TypeVar

from .errors import Document, bad_request

T = TypeVar("T")

MAX_PAGE = 1000

# The keys of filters, each with its possible values where these are known.
_TASK = {
    "task_id": (), "status": ("ACTIVE", "INACTIVE", "SUCCEEDED", "FAILED"), "type": ("TRANSFER", "DELETE"),
    "label": (), "request_time": (), "completion_time": (),
}  # fmt: skip
_EVENT = {"is_error": ("0", "1")}
_FILE: Mapping[str, Sequence[str]] = {"name": (), "type": (), "last_modified": ()}

Test = Callable[[Document], bool]


def task_filter(text: str) -> Test:
    """Return the test of a task document that a ``filter`` of task_list means."""
    default = {"type": "TRANSFER"}  # Source: SDK, TransferClient.task_list
    return _every(default | _clauses(text, _TASK))


def event_filter(text: str) -> Test:
    """Return the test of an event document that a ``filter`` of event_list means."""
    return _every(_clauses(text, _EVENT))


def file_filter(texts: Sequence[str]) -> Test:
    """Return the test of a file document that the ``filter`` parameters of a listing mean: one of them is enough."""
    tests = [_every(_clauses(text, _FILE)) for text in texts]
    return lambda file: not tests or any(test(file) for test in tests)


def _clauses(text: str, known: Mapping[str, Sequence[str]]) -> dict[str, str]:
    clauses = dict(part.partition(":")[::2] for part in text.split("/") if part)
    for key, value in clauses.items():
        if key not in known:
            raise bad_request(f"Unknown filter '{key}'")
        if not value or (known[key] and not set(value.split(",")) <= set(known[key])):
            raise bad_request(f"Invalid value '{value}' in filter '{key}'")
    return clauses


def _every(clauses: Mapping[str, str]) -> Test:
    tests = [_test(key, value) for key, value in clauses.items()]
    return lambda document: all(test(document) for test in tests)


def _test(key: str, value: str) -> Test:
    values = value.split(",")
    match key:
        case "label" | "name":
            patterns = [_pattern(part, bare=key == "name") for part in values]
            return lambda document: any(test(document[key] or "") for test in patterns)
        case "request_time" | "completion_time" | "last_modified":
            return _span(key, value)
        case "task_id":
            values = value.lower().split(",")
        case "is_error":
            return lambda event: str(int(event[key])) in values
    return lambda document: document[key] in values


def _pattern(text: str, *, bare: bool) -> Callable[[str], bool]:
    """Return the test in ``~pattern``, ``!~pattern``, ``=text``, ``!text`` or, with ``bare``, ``text``."""
    negated = text.startswith("!")
    rest = text.removeprefix("!")
    if rest.startswith("~"):
        pattern = re.sub(r"([\[?])", r"[\1]", rest[1:].lower())  # only * is a wildcard
        return lambda value: fnmatchcase(value.lower(), pattern) is not negated
    if not (negated or bare or rest.startswith("=")):
        raise bad_request(f"Filter value '{text}' needs an operator")
    return lambda value: (value == rest.removeprefix("=")) is not negated


def _span(key: str, value: str) -> Test:
    after, comma, before = value.partition(",")
    if not comma:
        raise bad_request(f"Filter '{key}' needs two times with a comma between them")
    start, end = _moment(after), _moment(before)

    def test(document: Document) -> bool:
        moment = _moment(document[key] or "")
        return moment is not None and (start is None or moment >= start) and (end is None or moment < end)

    return test


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f"Invalid time '{text}'") from None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def ordered(documents: list[Document], text: str | None) -> list[Document]:
    """Return the documents in an order such as ``size DESC,name``."""
    for part in reversed(text.split(",") if text else []):
        key, _, direction = part.strip().partition(" ")
        is_unknown = any(isinstance(document.get(key, {}), dict | list) for document in documents)
        if is_unknown or direction not in ("", "ASC", "DESC"):
            raise bad_request(f"Invalid orderby '{text}'")
        documents = sorted(
            documents,
            key=lambda document, key=key: (document[key] is not None, document[key]),  # type: ignore[misc]
            reverse=direction == "DESC",
        )
    return documents


def page(
    query: Mapping[str, str], everything: Sequence[T], default: int, most: int = MAX_PAGE
) -> tuple[list[T], Document]:
    """Return one page, and the counts that belong to it."""
    offset = number(query, "offset", 0)
    limit = min(number(query, "limit", default), most)
    shown = list(everything[offset : offset + limit])
    return shown, {"length": len(shown), "limit": limit, "offset": offset, "total": len(everything)}


def number(query: Mapping[str, str], name: str, default: int) -> int:
    """Return a query parameter that is a count."""
    text = query.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise bad_request(f"Invalid {name} '{text}'")
    return int(text)


def selected(document: Document, fields: str | None) -> Document:
    """Return only these fields of a document, or all if ``fields`` is empty."""
    if not fields:
        return document
    return {name: document[name] for name in fields.split(",") if name in document}
