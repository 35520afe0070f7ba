"""Any bytes and any text from outside: understood or refused, and never let through to a terminal as they are."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from globus_sync_directory.output.text import describe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from globus_sync_directory.globus.explain import explain, place_in
from globus_sync_directory.model.pair import Directory, Pair
from globus_sync_directory.model.status import PairReport, PairStatus, task_status
from globus_sync_directory.model.task import NotATask, Skipped, read_event, read_skipped, read_task
from globus_sync_directory.state import StateFile, Success
from globus_sync_directory.text import is_unprintable

pytestmark = pytest.mark.promise(7, "any bytes and any text as config, state, names, labels, messages")

CLIENT = "3f2a0c52-0000-4000-8000-0000000000aa"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
ONE, TWO = "763d50ee-e814-4080-878b-6a8be5cf7570", "9d6d994a-6d04-11e5-ba46-22000b92c6ec"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
)
TEXT = st.text(max_size=400) | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Lu"]), max_size=50)
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


@given(TEXT, TEXT, TEXT, TEXT, st.sampled_from(PairStatus))
def test_no_text_steers_a_terminal(name: str, message: str, path: str, code: str, verdict: PairStatus) -> None:
    """Whatever names, paths, codes and messages hold, each line of a report is printable and not endless."""
    pair = Pair(name=name, source=Directory(collection=ONE, path="/a"), destination=Directory(collection=TWO, path="/b"))
    task = read_task(
        {
            "task_id": ONE,
            "status": "ACTIVE",
            "request_time": "2026-11-23T00:00:00+00:00",
            "label": message,
            "source_endpoint_display_name": name,
        }
    )
    place = place_in(f"Error\nEndpoint: {name} ({ONE})\nFile: {path}\n{message}", pair)
    cause = explain(code, message, pair, place, f"{CLIENT}@clients.auth.globus.org")
    skipped = read_skipped({"error_code": code, "source_path": path, "error_details": message})
    read_event({"time": message, "code": code, "details": path})
    finding = PairReport(
        name=name,
        verdict=verdict,
        task=task,
        task_id=ONE,
        since=NOW,
        cause=cause,
        skipped=(skipped, Skipped(code=code, source_path=path, details=message)) * 3,
        success=Success(task_id=ONE, ended_at=NOW, files=10**12, bytes=10**18),
        counts_from=NOW,
        max_age=timedelta(hours=1),
        at=NOW + timedelta(days=400),
    )
    lines = describe(finding)
    assert len(lines) < 12
    for line in lines:
        assert len(line) < 1000
        assert not any(is_unprintable(char) for char in line)
