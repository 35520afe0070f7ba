"""Globus' documents, as they should be and as they should not: what is usable is used, and nothing raises but one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globus_sync_directory.globus import documents
from globus_sync_directory.globus.documents import Submitted, UnexpectedReply, read, read_list
from globus_sync_directory.model.collection import Collection
from globus_sync_directory.model.task import Event, Pause, SkippedPath, Task

ID, ONE, TWO = (f"{digit * 8}-0000-4000-8000-00000000abcd" for digit in "123")
read_task = partial(read, Task)
read_tasks = partial(read_list, Task)
read_events = partial(read_list, Event, skip_unreadable=True)
read_skipped_paths = partial(read_list, SkippedPath)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TASK = {
    "DATA_TYPE": "task",
    "task_id": ID.upper(),
    "status": "ACTIVE",
    "type": "TRANSFER",
    "request_time": "2026-11-23T12:00:00+00:00",
    "completion_time": None,
    "deadline": "2026-11-24 12:00:00+13:00",
    "label": "lab sync-1",
    "is_ok": False,
    "is_paused": True,
    "nice_status": "Queued",
    "fatal_error": {"code": "X", "description": "y"},
    "canceled_by_admin": "SOURCE",
    "canceled_by_admin_message": "no  room",
    "files": 5,
    "files_transferred": 2,
    "files_skipped": 1,
    "subtasks_skipped_errors": 4,
    "bytes_transferred": 10**15,
    "effective_bytes_per_second": 7,
    "faults": 3,
    "source_endpoint_id": ONE.upper(),
    "destination_endpoint_id": TWO,
    "source_base_path": "/images/",
    "destination_base_path": "/archive/",
    "source_endpoint_display_name": "Lab",
    "destination_endpoint_display_name": "Archive",
    "a_field_of_tomorrow": {"x": [1]},
}


def test_a_whole_task() -> None:
    """Every field is found; ids are in lower case and times are UTC."""
    assert read_task(TASK) == Task(
        task_id=ID,
        status="ACTIVE",
        requested_at=NOON,
        kind="TRANSFER",
        label="lab sync-1",
        deadline=datetime(2026, 11, 23, 23, tzinfo=UTC),
        is_ok=False,
        is_paused=True,
        nice_status="Queued",
        fatal_code="X",
        fatal_description="y",
        cancelled_by="SOURCE",
        cancel_message="no  room",
        files_found=5,
        files_copied=2,
        files_in_step=1,
        paths_skipped=4,
        bytes_copied=10**15,
        bytes_per_second=7,
        faults=3,
        source_collection=ONE,
        destination_collection=TWO,
        source_path="/images/",
        destination_path="/archive/",
        source_name="Lab",
        destination_name="Archive",
    )


def test_the_smallest_task() -> None:
    """Three fields make a task; all else is unknown."""
    document = {"task_id": ID, "status": "SUCCEEDED", "request_time": "2026-11-23T12:00:00Z"}
    assert read_task(document) == Task(task_id=ID, status="SUCCEEDED", requested_at=NOON)


NOTHING: list[object] = [None, "", 0, 1, True, [], {}, [TASK], "text", 1.5]


@pytest.mark.parametrize("document", [
    *NOTHING,
    *({**TASK, key: value} for key in ("task_id", "status", "request_time") for value in NOTHING if value != "text"),
    *({key: value for key, value in TASK.items() if key != left_out} for left_out in ("task_id", "status")),
    {**TASK, "task_id": "no uuid"},
    {**TASK, "request_time": "yesterday"},
    {**TASK, "request_time": "0001-01-01T00:00:00+23:59"},
    {**TASK, "request_time": "9999-12-31T23:59:59-23:59"},
    {**TASK, "request_time": "1970-01-01T00:00:00+00:00"},
])  # fmt: skip
def test_no_task(document: object) -> None:
    """Without a usable id, status and time of request it is no task."""
    with pytest.raises(UnexpectedReply):
        read_task(document)


@pytest.mark.parametrize(("key", "value", "field", "expected"), [
    ("files", -5, "files_found", 0),
    ("files", True, "files_found", 0),
    ("files", 1.5, "files_found", 0),
    ("files", "5", "files_found", 0),
    ("files", None, "files_found", 0),
    ("files", [], "files_found", 0),
    ("bytes_transferred", 10**400, "bytes_copied", 2**63),
    ("faults", float("nan"), "faults", 0),
    ("is_ok", None, "is_ok", True),
    ("is_ok", "no", "is_ok", True),
    ("is_ok", 0, "is_ok", True),
    ("is_paused", 1, "is_paused", False),
    ("is_paused", "yes", "is_paused", False),
    ("canceled_by_admin", None, "cancelled_by", ""),
    ("canceled_by_admin", {}, "cancelled_by", ""),
    ("canceled_by_admin_message", None, "cancel_message", ""),
    ("canceled_by_admin_message", ["x"], "cancel_message", ""),
    ("label", None, "label", ""),
    ("label", 5, "label", ""),
    ("label", "\ud800\x1b[31m", "label", "\ud800\x1b[31m"),
    ("nice_status", {"a": 1}, "nice_status", ""),
    ("source_endpoint_id", None, "source_collection", ""),
    ("source_endpoint_id", 7, "source_collection", ""),
    ("source_endpoint_id", "no uuid", "source_collection", ""),
    ("fatal_error", "text", "fatal_code", ""),
    ("fatal_error", None, "fatal_description", ""),
    ("fatal_error", {"code": 5, "description": None}, "fatal_code", ""),
    ("completion_time", "soon", "ended_at", None),
    ("completion_time", 5, "ended_at", None),
    ("completion_time", "2026-11-23T12:00:00", "ended_at", NOON),
    ("completion_time", "2026-11-23 12:00:00.000+00:00", "ended_at", NOON),
    ("deadline", "1971-12-31T00:00:00+00:00", "deadline", None),
    ("deadline", "9999-01-01T00:00:00+00:00", "deadline", None),
    ("deadline", "0001-01-01T00:00:00+23:59", "deadline", None),
    ("deadline", "2026-13-45T00:00:00Z", "deadline", None),
    ("status", "NEW_STATUS", "status", "NEW_STATUS"),
])  # fmt: skip
def test_one_odd_field_loses_no_task(key: str, value: object, field: str, expected: object) -> None:
    """A value that cannot be used is as good as none, and everything else of the task is kept."""
    task = read_task({**TASK, key: value})
    assert getattr(task, field) == expected
    whole = read_task(TASK)
    same = [name for name in Task.__dataclass_fields__ if name not in (field, "fatal_code", "fatal_description")]
    assert [getattr(task, name) for name in same] == [getattr(whole, name) for name in same]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.just(ID)
    | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
)
READERS: list[Callable[[Any], object]] = [
    read_task,
    read_tasks,
    documents.read_page,
    read_events,
    read_skipped_paths,
    lambda document: documents.read_pauses(document, read_task(TASK)),
    lambda document: read(Collection, document, name=ONE),
    documents.read_type,
    documents.read_listing,
    documents.read_submission_id,
    documents.read_submitted,
    documents.read_code,
]
KEYS = [*TASK, "id", "type", "value", "code", "total", "time", "details", "error_code", "source_path", "pause_rules"]
KEYS += ["display_name", "entity_type", "owner_string", "gcp_connected", "source_pause_message", "is_error"]
DOCUMENTS = st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, JSON))


@settings(max_examples=30, deadline=None)
@given(
    JSON | DOCUMENTS | st.builds(lambda entries: {"DATA": entries, "total": 1}, st.lists(DOCUMENTS | JSON, max_size=3))
)
def test_any_document(document: object) -> None:
    """A reply of any shape is understood, or an UnexpectedReply, and never anything else."""
    for reader in READERS:
        with suppress(UnexpectedReply):
            reader(document)


@pytest.mark.parametrize("document", [None, [], {}, {"DATA": None}, {"DATA": {}}, {"DATA": "x"}, {"data": []}])
def test_no_list(document: object) -> None:
    """What is no list must not pass for an empty one: an empty list of live tasks would start tasks."""
    for reader in (read_tasks, read_events, read_skipped_paths, documents.read_listing):
        with pytest.raises(UnexpectedReply):
            reader(document)


def test_an_unreadable_task_in_a_list() -> None:
    """One entry that is no task spoils the list, unless it may be left out."""
    page = {"DATA": [TASK, {"task_id": ID}, TASK]}
    with pytest.raises(UnexpectedReply):
        read_tasks(page)
    assert read_tasks(page, skip_unreadable=True) == [read_task(TASK)] * 2


def test_page() -> None:
    """The tasks of one page, and the number of entries on all pages; without either it is no page."""
    assert documents.read_page({"DATA": [TASK], "total": 12}) == ([read_task(TASK)], 12)
    for document in ({"DATA": [TASK]}, {"DATA": [TASK], "total": "12"}, {"total": 12}):
        with pytest.raises(UnexpectedReply):
            documents.read_page(document)


def test_events() -> None:
    """An event has a time; everything else may be missing, and endless details are cut."""
    time = "2026-11-23T12:00:00Z"
    page = {
        "DATA": [
            {"code": "X", "is_error": True, "time": time, "description": "d", "details": "y" * 30_000},
            {"time": time, "code": None, "is_error": "yes", "details": {"a": 1}},
            {"code": "NO_TIME"},
            None,
        ]
    }
    first, second = read_events(page)
    assert (first.code, first.is_error, first.time, first.description) == ("X", True, NOON, "d")
    assert first.details == "y" * 20_000
    assert second == Event(code="", is_error=False, time=NOON)


def test_skipped_paths() -> None:
    """Each path with what Globus says of it; one without a name is counted all the same."""
    page = {"DATA": [{"error_code": "FILE_NOT_FOUND", "source_path": "/a  b", "error_details": "d"}, {"error_code": 5}]}
    whole = SkippedPath(code="FILE_NOT_FOUND", source_path="/a  b", details="d")
    assert read_skipped_paths(page) == [whole, SkippedPath(code="", source_path="")]


@pytest.mark.parametrize(("document", "expected"), [
    ({}, []),
    (None, []),
    ({"pause_rules": "x", "source_pause_message": None}, []),
    ({"pause_rules": [{"endpoint_id": TWO.upper(), "message": None}, 5, {"message": "m"}]}, [("", "m"), (TWO, "")]),
    ({"source_pause_message": "s", "destination_pause_message_share": "d"}, [(ONE, "s"), (TWO, "d")]),
    ({"pause_rules": [{"endpoint_id": ONE}], "destination_pause_message": 7}, [(ONE, ""), (TWO, "")]),
])  # fmt: skip
def test_pauses(document: object, expected: list[tuple[str, str]]) -> None:
    """Rules and messages of both sides, those with a message first."""
    found = documents.read_pauses(document, read_task(TASK))
    assert found == [Pause(collection=collection, message=message) for collection, message in expected]


@pytest.mark.parametrize(("fields", "expected"), [
    ({"display_name": "Lab", "entity_type": "GCP_mapped_collection", "owner_string": "me@x", "gcp_connected": True},
     ("Lab", "GCP_mapped_collection", "me@x", True)),
    ({"display_name": None, "gcp_connected": None}, (ONE, "", "", None)),
    ({"display_name": "", "entity_type": ""}, (ONE, "", "", None)),
    ({"display_name": 5, "entity_type": [], "gcp_connected": "yes"}, (ONE, "", "", None)),
])  # fmt: skip
def test_collection(fields: dict[str, object], expected: tuple[str, str, str, bool | None]) -> None:
    """A collection is shown by its name, or by its id."""
    name, kind, owner, is_connected = expected
    assert read(Collection, {"id": ONE, **fields}, name=ONE) == Collection(
        collection_id=ONE, name=name, kind=kind, owner=owner, is_connected=is_connected
    )


@pytest.mark.parametrize(("fields", "expected"), [
    ({"disable_verify": True, "force_encryption": True, "auto_delete_timeout": 90}, (True, True, 90)),
    ({"disable_verify": False, "force_encryption": None, "auto_delete_timeout": None}, (False, False, 0)),
    ({"disable_verify": "yes", "force_encryption": 1, "auto_delete_timeout": True}, (False, False, 0)),
    ({"auto_delete_timeout": -1}, (False, False, 0)),
])  # fmt: skip
def test_settings_of_a_collection(fields: dict[str, object], expected: tuple[bool, bool, int]) -> None:
    """What its administrator has set; without a usable value, the usual."""
    found = read(Collection, {"id": ONE, **fields}, name=ONE)
    assert (found.without_verification, found.always_encrypts, found.unused_days) == expected


@pytest.mark.parametrize("document", [None, {}, {"display_name": "Lab"}, []])
def test_no_collection(document: object) -> None:
    """A collection has an id."""
    with pytest.raises(UnexpectedReply):
        read(Collection, document, name=ONE)


@pytest.mark.parametrize(("code", "is_new"), [("Accepted", True), ("Duplicate", False), ("Anything", True)])
def test_submitted(code: str, is_new: bool) -> None:
    """A submission starts a task, or names the one that it has started before."""
    assert documents.read_submitted({"task_id": ID, "code": code}) == Submitted(task_id=ID, is_new=is_new)


@pytest.mark.parametrize(
    "document", [{"code": "Accepted"}, {"task_id": ID}, {"task_id": "x", "code": "Accepted"}, None]
)
def test_not_submitted(document: object) -> None:
    """Without a task id and a code nobody knows what became of the submission."""
    with pytest.raises(UnexpectedReply):
        documents.read_submitted(document)


def test_single_values() -> None:
    """A submission id, and the type of a directory."""
    assert documents.read_submission_id({"value": ID}) == ID
    assert documents.read_type({"type": "dir"}) == "dir"
    documents.read_listing({"DATA": []})
    for reader in (documents.read_submission_id, documents.read_type, documents.read_code):
        with pytest.raises(UnexpectedReply):
            reader({"value": 5, "type": None})
