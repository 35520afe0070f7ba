"""--json: one object, described by the schema that is shipped, also for errors."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from world import NOBODY, Outcome, World

from globus_sync_directory.standin import Fault
from globus_sync_directory.state import StateStore

SCHEMA = json.loads((files("globus_sync_directory") / "output" / "output.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def read(outcome: Outcome) -> dict[str, Any]:
    """The object on stdout, checked against the schema; it has the exit status."""
    document: dict[str, Any] = json.loads(outcome.stdout)
    VALIDATOR.validate(document)
    assert document["exit_status"] == outcome.status
    return document


def test_run_status_and_dry_run(world: World) -> None:
    """-n has the document that a run then submits; a run and -d have task, link, counts and last success."""
    planned = read(world.run("--json", "-n"))["pairs"][0]
    assert planned["status"] == "would start"
    started = read(world.run("--json"))["pairs"][0]
    world.globus.wait()
    body = world.tasks[0].submission.body
    unlike = ("submission_id", "label")
    assert {key: planned["document"][key] for key in body if key not in unlike} == {
        key: body[key] for key in body if key not in unlike
    }
    assert (started["status"], started["task_id"]) == ("started", world.tasks[0].id)
    looked = read(world.run("--json", "-d"))["pairs"][0]
    assert (looked["status"], looked["task"]["files_copied"], looked["task"]["bytes_copied"]) == ("succeeded", 2, 11)
    assert looked["last_success"]["files"] == 2
    assert looked["task_link"].endswith(world.tasks[0].id)


def test_a_problem_has_reason_fix_and_command(world: World) -> None:
    """A pair that needs attention has the reason, the fix and its command in fields of their own."""
    world.source.rules[world.client_id, ()] = ""
    pair = read(world.run("--json"))["pairs"][0]
    assert (pair["status"], pair["exit_status"], pair["needs_attention"]) == ("blocked", 1, True)
    assert "permission denied" in pair["reason"]
    assert world.client_id in pair["fix"]
    assert pair["command"].startswith("globus endpoint permission create ")


def test_gaps_and_age(world: World) -> None:
    """What was not copied is listed, and an age that is too high is marked."""
    world.pair("microscope", max_age="1h")
    world.source.unreadable = {"/images/deep"}
    world.sync()
    world.clock.advance(7200)
    pair = read(world.run("--json", "-d"))["pairs"][0]
    assert pair["skipped"] == [{"path": "/images/deep", "code": "PERMISSION_DENIED"}]
    assert (pair["too_old"], pair["max_age_seconds"], pair["last_success"]) == (True, 3600, None)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["--no-such-option"], 2), (["-p", "nobody"], 2), (["-q", "-v"], 2), (["-c", "/nowhere/config.ini"], 2)],
)
def test_wrong_usage_and_config(world: World, arguments: list[str], status: int) -> None:
    """Wrong usage and config errors are an object too, with the exit status and the lines inside."""
    outcome = world.run("--json", *arguments)
    assert outcome.status == status
    assert read(outcome)["errors"]


def test_errors_of_the_whole_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A held lock, no network, a wrong secret, a state file that cannot be written and a bug: each an object."""
    with StateStore(world.state_file, world.client_id).lock(world.clock.now()):
        assert "another run holds the lock" in read(world.run("--json"))["errors"][0]
    world.globus.faults.add(Fault(path="*", times=None, cut=True))
    pair = read(world.run("--json"))["pairs"][0]
    assert (pair["status"], pair["exit_status"]) == ("not reached", 75)
    world.globus.faults.clear()
    world.secret_file.write_text("wrong")
    assert read(world.run("--json"))["pairs"][0]["status"] == "sign-in rejected"
    world.secret_file.write_text(world.secret)
    assert read(world.run("--json", "-t", "/nowhere/state.json"))["errors"]
    monkeypatch.setattr("globus_sync_directory.commands.sync.run", lambda *_: 1 / 0)
    assert "this is a bug" in read(world.run("--json"))["errors"][0]


def test_check(world: World) -> None:
    """check lists what it looked at, each with a result; what failed has a fix."""
    assert {check["result"] for check in read(world.run("--json", "check"))["checks"]} == {"ok", "note"}
    world.pair("bad", dst_endpoint=NOBODY)
    failed = [check for check in read(world.run("--json", "check"))["checks"] if check["result"] == "FAIL"]
    assert failed
    assert all(check["fix"] for check in failed)


def test_hostile_text_is_escaped(world: World) -> None:
    """No control character, escape sequence or bidi mark is in the output as itself."""
    world.source.name = "\x1b[31mred\x7f\u202e\u2066\x85"
    (world.images / "evil\x1b]0;x\x07\u202e\x7f").write_text("x")
    world.source.unreadable = {"/images/evil\x1b]0;x\x07\u202e\x7f"}
    world.sync()
    outcome = world.run("--json", "-d")
    assert read(outcome)["pairs"][0]["skipped"]
    assert outcome.stdout.isascii()
    assert all(char == "\n" or " " <= char <= "~" for char in outcome.stdout)


def test_quiet_prints_nothing_while_all_is_well(world: World) -> None:
    """-q --json prints an object only when the status is not 0."""
    assert world.run("-q", "--json").stdout == ""
    world.pair("bad", src_path="/missing")
    assert read(world.run("-q", "--json"))["exit_status"] == 1
