"""Any bytes and any text from outside: understood or refused, and never let through to a terminal as they are."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from globus_sync_directory.model.status import PairStatus, task_status
from globus_sync_directory.model.task import NotATask, read_task
from globus_sync_directory.state import StateFile

pytestmark = pytest.mark.promise(7, "any bytes and any text as config, state, names, labels, messages")

CLIENT = "3f2a0c52-0000-4000-8000-0000000000aa"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
)
FIELDS = ["task_id", "status", "request_time", "completion_time", "deadline", "label", "is_ok", "is_paused", "files"]
FIELDS += ["files_transferred", "bytes_transferred", "effective_bytes_per_second", "faults", "fatal_error"]
FIELDS += ["source_endpoint_display_name", "nice_status", "subtasks_skipped_errors", "files_skipped"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_as_state(tmp_path: Path, content: bytes) -> None:
    """A state file of any contents is read without an error, and is set aside if it says nothing we know."""
    path = tmp_path / "state.json"
    path.write_bytes(content)
    recall = StateFile(path, CLIENT).read()
    assert not recall.usable
    assert recall.to_set_aside
    assert recall.trouble


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(JSON)
def test_any_entry_in_a_state(tmp_path: Path, entry: Any) -> None:
    """An entry of any shape in an otherwise right state file makes it damaged, not a crash."""
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"version": 1, "client_id": CLIENT, "pairs": {"f": entry}}))
    assert not StateFile(path, CLIENT).read().usable


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)))
def test_any_task_document(document: dict[str, Any]) -> None:
    """A task document of any shape is a task that can be judged, or none."""
    task = None
    with contextlib.suppress(NotATask):
        task = read_task(document)
    assert task is None or isinstance(task_status(task, NOW, NOW)[0], PairStatus)
