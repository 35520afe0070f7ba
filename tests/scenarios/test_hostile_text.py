"""Text from outside that tries to do more than be read: file names, messages, logs."""

from __future__ import annotations

import json

import pytest
from world import SUBMIT, TASK_LIST, World

from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.promise(7, "hostile text from outside")


def test_control_characters(world: World) -> None:
    """Escape sequences and bidi marks in names and messages never reach the terminal or the log."""
    hostile = "x\x1b[31m\u202e\u200f\r\ny"
    (world.images / hostile).write_text("x")
    world.source.unreadable = {f"/images/{hostile}"}
    world.source.name = hostile
    world.sync()
    report = world.run("-d")
    assert report.statuses == {"microscope": "succeeded with gaps"}
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, status=400, code=f"Bad{hostile}", message=hostile * 200))
    rejected = world.run("-v")
    assert rejected.statuses == {"microscope": "rejected"}
    for text in (report.stdout, report.stderr, rejected.stdout, rejected.stderr):
        assert not set("\x1b\u202e\u200f\r") & set(text)
        assert all(len(line) < 1200 for line in text.splitlines())


def test_command_in_a_path(world: World) -> None:
    """A path from a task's log is shown as the reason, but is no part of a command that a person may paste."""
    world.globus.hold()
    world.run()
    task = world.tasks[0]
    with task.changed:
        path = "/archive/images/x'; touch y; '/"
        details = f"Error (transfer)\nEndpoint: x ({world.destination.id})\nFile: {path}\nMessage: x\n---\n"
        task.error = task.add_event("PERMISSION_DENIED", details, is_error=True)
    world.clock.advance(2 * 3600)
    report = world.run("-d").stdout
    with_path = [line for line in report.splitlines() if "touch" in line]
    assert with_path
    assert all(line.startswith("    why: ") for line in with_path)


def test_texts_of_a_state_file(world: World) -> None:
    """Whoever can write the state file cannot control the terminal with what is in it, nor forge a line."""
    hostile = "\x1b[31m\u202e\u009b2J\r\nmicroscope: succeeded"

    def spoil(value: object) -> object:
        if isinstance(value, dict):
            return {key: text(key, inner) for key, inner in value.items()}
        return [spoil(inner) for inner in value] if isinstance(value, list) else value

    def text(key: str, value: object) -> object:
        is_text = key in ("name", "reason", "fix", "command", "label", "path") and isinstance(value, str)
        return f"{value}{hostile}" if is_text else spoil(value)

    world.globus.hold()
    world.pair("gone")
    world.pair("blocked", src_path="/missing")
    world.run()
    del world.pairs["gone"]
    world.write_config()
    world.state_file.write_text(json.dumps(spoil(json.loads(world.state_file.read_text()))))
    log = world.root / "log"
    outcomes = [world.run(*options, "--log-file", str(log)) for options in (["-d"], ["-d", "--json"], ["-n", "-v"], [])]
    assert "orphaned task of [gone [31m" in outcomes[0].stdout
    world.state_file.write_text(f'{{"version": 2, "client_id": "{world.client_id}", "pairs": {{"{hostile}": 1}}}}')
    outcomes += [world.run("-d", "--log-file", str(log)), world.run("--log-file", str(log))]
    for printed in [part for outcome in outcomes for part in (outcome.stdout, outcome.stderr)] + [log.read_text()]:
        assert not set("\x1b\u202e\u009b\r") & set(printed)
        assert "\nmicroscope: succeeded" not in printed
    world.globus.release()


@pytest.mark.slow
def test_long_text_in_a_log(world: World) -> None:
    """An entry of a task's log with very many blanks does not keep the report waiting."""
    world.sync()
    (task,) = world.tasks
    failed = {**world.globus.task_document(task), "status": "FAILED", "fatal_error": {"code": "X", "description": "d"}}
    details = f"Endpoint: x ({world.source.id})\nFile: a{' ' * 400_000}b"
    event = {"code": "FILE_NOT_FOUND", "is_error": True, "time": "2026-01-01T00:00:00+00:00", "details": details}
    world.globus.faults.add(Fault(path=TASK_LIST, nth=2, body={"DATA": [failed], "total": 1}))
    world.globus.faults.add(Fault(path="*/event_list", body={"DATA": [event], "total": 1}))
    with world.start("-d") as process:  # a slow regular expression cannot be interrupted in this process
        try:
            stdout, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 1
    assert "microscope: failed" in stdout
