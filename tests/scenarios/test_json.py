"""--json: one object, described by the schema that is shipped, also for errors."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from world import NOBODY, Outcome, World

from globus_sync_directory.standin.faults import Fault

SCHEMA = json.loads((files("globus_sync_directory") / "output" / "output.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def read(outcome: Outcome) -> dict[str, Any]:
    """The object on stdout, checked against the schema; its status is the exit status."""
    document: dict[str, Any] = json.loads(outcome.stdout)
    VALIDATOR.validate(document)
    assert document["status"] == outcome.status
    return document


def test_run_look_and_rehearsal(world: World) -> None:
    """-n has the document that a run then submits; run and look have task, link, counts and last success."""
    rehearsed = read(world.run("--json", "-n"))["pairs"][0]
    assert rehearsed["verdict"] == "would start"
    started = read(world.run("--json"))["pairs"][0]
    world.globus.wait()
    body = world.tasks[0].submission.body
    unlike = ("submission_id", "label")
    assert {key: rehearsed["document"][key] for key in body if key not in unlike} == {
        key: body[key] for key in body if key not in unlike
    }
    assert (started["verdict"], started["task_id"]) == ("started", world.tasks[0].id)
    looked = read(world.run("--json", "-d"))["pairs"][0]
    assert (looked["verdict"], looked["task"]["files_copied"], looked["task"]["bytes_copied"]) == ("succeeded", 2, 11)
    assert looked["last_success"]["files"] == 2
    assert looked["task_link"].endswith(world.tasks[0].id)


def test_trouble_has_why_cure_and_command(world: World) -> None:
    """A pair in trouble has its reason, its cure and the command in fields of their own."""
    world.source.rules[world.client_id, ()] = ""
    pair = read(world.run("--json"))["pairs"][0]
    assert (pair["verdict"], pair["status"], pair["is_error"]) == ("not startable", 1, True)
    assert "permission denied" in pair["why"]
    assert world.client_id in pair["cure"]
    assert pair["command"].startswith("globus endpoint permission create ")


def test_gaps_and_age(world: World) -> None:
    """What was left out is listed, and an age that is too high is marked."""
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
    from globus_sync_directory.state import StateFile

    with StateFile(world.state_file, world.client_id).lock(world.clock.now()):
        assert "another run holds the lock" in read(world.run("--json"))["errors"][0]
    world.globus.faults.add(Fault(path="*", times=None, cut=True))
    pair = read(world.run("--json"))["pairs"][0]
    assert (pair["verdict"], pair["status"]) == ("not reached", 75)
    world.globus.faults.clear()
    world.secret_file.write_text("wrong")
    assert read(world.run("--json"))["pairs"][0]["verdict"] == "sign-in refused"
    world.secret_file.write_text(world.secret)
    assert read(world.run("--json", "-t", "/nowhere/state.json"))["errors"]
    monkeypatch.setattr("globus_sync_directory.sync.run.run", lambda *_: 1 / 0)
    assert "this is a bug" in read(world.run("--json"))["errors"][0]


def test_check(world: World) -> None:
    """check gives its findings as a list, those that failed with good = false and the cure."""
    assert all(check["good"] is not False for check in read(world.run("--json", "check"))["checks"])
    world.pair("bad", dst_endpoint=NOBODY)
    failed = [check for check in read(world.run("--json", "check"))["checks"] if check["good"] is False]
    assert failed
    assert all(check["cure"] for check in failed)


def test_hostile_text_is_escaped(world: World) -> None:
    """No control character, escape sequence or bidi mark stands in the output as itself."""
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
    assert read(world.run("-q", "--json"))["status"] == 1
