"""Any bytes as a state file and any document as a task: understood or rejected, never a crash."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globus_sync_directory.globus.documents import UnexpectedReply, read
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.state import VERSION, decode
from globus_sync_directory.sync.task_status import task_status

from .state_samples import CLIENT, ID, NOW

pytestmark = pytest.mark.promise(7, "any bytes and any text as config, state, names, labels, messages")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
)
OF_A_RECORD = ["name", "first_seen", "task", "success", "pending", "reservation", "setback", "mailed"]
RECORDS = JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(OF_A_RECORD, JSON))
OF_A_TASK = ["completion_time", "deadline", "label", "is_ok", "is_paused", "nice_status", "fatal_error", "files"]
OF_A_TASK += ["files_transferred", "files_skipped", "bytes_transferred", "effective_bytes_per_second", "faults"]
OF_A_TASK += ["source_endpoint_display_name", "subtasks_skipped_errors"]
TASKS = st.fixed_dictionaries(
    {
        "task_id": st.just(ID) | JSON,
        "status": st.sampled_from(["ACTIVE", "INACTIVE", "SUCCEEDED", "FAILED"]) | JSON,
        "request_time": st.just("2026-11-24T11:00:00+00:00") | JSON,
    },
    optional=dict.fromkeys(OF_A_TASK, JSON),
)


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_as_state(content: bytes) -> None:
    """A state file of any contents is read without an error, and kept if it holds nothing known."""
    loaded = decode(content, CLIENT)
    assert loaded.records == {}
    assert loaded.must_be_kept
    assert loaded.problem


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([1, VERSION]), RECORDS)
def test_any_record_in_a_state(version: int, record: Any) -> None:
    """A record of any shape in a correct state file makes the file damaged, not the run fail."""
    document = {"version": version, "client_id": CLIENT, "pairs": {"f": record}}
    loaded = decode(json.dumps(document).encode(), CLIENT)
    assert loaded.must_be_kept
    assert loaded.problem


@settings(max_examples=25, deadline=None)
@given(TASKS)
def test_any_task_document(document: dict[str, Any]) -> None:
    """A task document of any shape is a task with a status, or no task."""
    task = None
    with contextlib.suppress(UnexpectedReply):
        task = read(Task, document)
    assert task is None or isinstance(task_status(task, NOW, NOW)[0], PairStatus)
