"""The JSON: described by the schema that is shipped, sentences for people, everything else exact."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import PackageNotFoundError
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.report import Check, CheckResult, PairReport, RunReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import SkippedPath
from globus_sync_directory.output import as_json
from globus_sync_directory.output.as_json import to_json
from globus_sync_directory.text import is_unprintable

from .reports import BY_STATUS, DENIED, EVIL, LINK, MIDNIGHT, SUCCESS, TASK_ID, live_task, pair_report

SCHEMA = json.loads((files("globus_sync_directory") / "output" / "output.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def read(report: RunReport) -> dict[str, Any]:
    """What a program reads, checked against the schema."""
    document: dict[str, Any] = json.loads(to_json(report))
    VALIDATOR.validate(document)
    return document


def read_pair(report: PairReport) -> dict[str, Any]:
    pair: dict[str, Any] = read(RunReport(exit_status=report.exit_status, pairs=(report,)))["pairs"][0]
    return pair


def test_the_schema_knows_every_status() -> None:
    """The shipped schema is valid itself, and lists statuses, exit statuses and results as the code has them."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$defs"]["pair"]["properties"]["status"]["enum"] == [status.words for status in PairStatus]
    assert SCHEMA["$defs"]["check"]["properties"]["result"]["enum"] == [result.value for result in CheckResult]
    assert SCHEMA["$defs"]["exit_status"]["enum"] == list(ExitStatus)


@pytest.mark.parametrize("status", PairStatus, ids=lambda status: status.name)
def test_every_status(status: PairStatus) -> None:
    """Each report fits the schema, with its words, its exit status and whether a person has to look."""
    pair = read_pair(BY_STATUS[status])
    assert (pair["status"], pair["exit_status"]) == (status.words, status.exit_status)
    assert pair["needs_attention"] is (status.exit_status in (1, 3, 4))
    assert pair["task_link"] == (LINK if BY_STATUS[status].task_id else None)


def test_a_whole_pair() -> None:
    """Every key of a report in trouble; times in UTC, spans in seconds, sizes in bytes."""
    report = replace(
        BY_STATUS[PairStatus.STUCK],
        task=live_task(files_found=8, files_copied=7, bytes_copied=10, bytes_per_second=3, faults=2, label="x"),
        success=SUCCESS,
        notes=("a note",),
        skipped=(SkippedPath(code="DENIED", source_path="/a"),),
        max_age=timedelta(days=1),
        counts_from=SUCCESS.ended_at,
        before=BY_STATUS[PairStatus.FAILED],
    )
    assert read_pair(report) == {
        "name": "microscope",
        "orphaned": False,
        "status": "stuck",
        "exit_status": 1,
        "since": "2026-11-24T11:00:00+00:00",
        "too_old": True,
        "waits_since": None,
        "waits_too_long": False,
        "max_age_seconds": 86400,
        "last_success": {
            "task_id": TASK_ID,
            "ended_at": "2026-11-23T11:00:00+00:00",
            "age_seconds": 31 * 3600,
            "files": 2,
            "bytes": 11,
        },
        "reason": DENIED.reason,
        "fix": DENIED.fix,
        "command": DENIED.command,
        "needs_attention": True,
        "notes": ["a note"],
        "skipped": [{"path": "/a", "code": "DENIED"}],
        "task_id": TASK_ID,
        "task_link": LINK,
        "task": {
            "requested_at": "2026-11-24T11:00:00+00:00",
            "ended_at": None,
            "deadline": None,
            "label": "x",
            "files_found": 8,
            "files_copied": 7,
            "files_in_step": 0,
            "paths_skipped": 0,
            "bytes_copied": 10,
            "bytes_per_second": 3,
            "faults": 2,
        },
        "before": {
            "status": "failed",
            "reason": "no space left for '/archive'",
            "task_id": TASK_ID,
            "task_link": LINK,
        },
        "document": None,
    }


def test_the_run_and_its_checks() -> None:
    """The keys of the whole, and of a check; an empty text is null."""
    failed = Check(result=CheckResult.FAIL, sentence="no such path", fix="correct it", command="do that", pair="lab")
    checks = (failed, Check(result=CheckResult.NOTE, sentence="empty"))
    document = read(RunReport(exit_status=ExitStatus.ATTENTION, errors=("one",), checks=checks))
    assert (document["schema"], document["exit_status"], document["errors"]) == (2, 1, ["one"])
    assert document["checks"] == [
        {"result": "FAIL", "pair": "lab", "sentence": "no such path", "fix": "correct it", "command": "do that"},
        {"result": "note", "pair": None, "sentence": "empty", "fix": None, "command": None},
    ]
    empty = read_pair(pair_report(PairStatus.CANCELLED, problem=Problem(reason="why")))
    assert (empty["fix"], empty["command"], empty["before"]) == (None, None, None)


def test_too_old_and_orphaned() -> None:
    """An orphaned task says so; a pair that is too old needs attention though its status is well."""
    old = pair_report(PairStatus.SUCCEEDED, max_age=timedelta(hours=1), counts_from=MIDNIGHT)
    pair = read_pair(old)
    assert (pair["too_old"], pair["exit_status"], pair["needs_attention"]) == (True, 3, True)
    assert read_pair(pair_report(is_orphaned=True))["orphaned"] is True


TEXT = st.text(min_size=1, max_size=60) | st.just(EVIL) | st.just("/a  b" + "x" * 400)


@settings(max_examples=40)
@given(TEXT)
def test_sentences_are_sanitised_and_all_else_is_exact(text: str) -> None:
    """The output is printable ASCII; a program gets names, paths, labels, commands and documents as they are."""
    problem = Problem(reason=text, fix=text, command=text)
    pair = pair_report(
        PairStatus.FAILED,
        text,
        problem=problem,
        notes=(text,),
        skipped=(SkippedPath(code=text, source_path=text),),
        task=live_task(label=text),
        before=pair_report(PairStatus.FAILED, problem=problem),
        document={"label": text},
    )
    check = Check(result=CheckResult.FAIL, sentence=text, fix=text, command=text, pair=text)
    report = RunReport(exit_status=ExitStatus.ATTENTION, errors=(text,), pairs=(pair,), checks=(check,))
    written = to_json(report)
    assert all(char == "\n" or " " <= char <= "~" for char in written)
    document = json.loads(written)
    shown = document["pairs"][0]
    exact = [shown["name"], shown["command"], shown["skipped"][0]["path"], shown["task"]["label"]]
    exact += [shown["document"]["label"], document["checks"][0]["pair"], document["checks"][0]["command"]]
    assert exact == [text] * 7
    sentences = [shown["reason"], shown["fix"] or "", shown["before"]["reason"], *shown["notes"], *document["errors"]]
    sentences += [document["checks"][0]["sentence"], document["checks"][0]["fix"] or "", shown["skipped"][0]["code"]]
    assert not any(is_unprintable(char) for sentence in sentences for char in sentence)


def test_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clone that runs without an installation has no version to show, and still prints its object."""

    def not_installed(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(as_json, "version", not_installed)
    assert read(RunReport(exit_status=ExitStatus.OK))["version"] == "unknown"
