"""What is remembered of a pair survives typos, pairs that are out of the config for a while, and killed runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from world import NOBODY, TASK_LIST, Outcome, World

from globus_sync_directory.standin import Fault

HOUR = 3600
OUT_OF_THE_CONFIG = "a pair out of the config for one run: a typo, maintenance"


def record(world: World) -> dict[str, Any]:
    """What the state file has of the pair that is there from the start; another record may have its name."""
    document = json.loads(world.state_file.read_text(encoding="utf-8"))
    found: dict[str, Any] = document["pairs"][world.named("microscope").fingerprint]
    return found


def lose_record(world: World) -> None:
    """Take that pair's record out of the state file, as an older host with a copy of it might."""
    document = json.loads(world.state_file.read_text(encoding="utf-8"))
    del document["pairs"][world.named("microscope").fingerprint]
    world.state_file.write_text(json.dumps(document), encoding="utf-8")


def fail_task(world: World) -> None:
    """Let the only task fail."""
    world.globus.fail(world.tasks[0].id, "ENDPOINT_ERROR")
    world.globus.release()


def run_with_typo(world: World) -> Outcome:
    """One run with a typo in src_endpoint."""
    right = world.pairs["microscope"]["src_endpoint"]
    world.pair("microscope", src_endpoint=NOBODY)
    outcome = world.run()
    world.pair("microscope", src_endpoint=right)
    return outcome


def run_without_pair(world: World) -> Outcome:
    """One run in which the pair's section is commented out."""
    keys = world.pairs.pop("microscope")
    world.pair("other")
    outcome = world.run()
    world.pairs["microscope"] = keys
    world.write_config()
    return outcome


@pytest.mark.promise(7, OUT_OF_THE_CONFIG)
@pytest.mark.parametrize("run_once", [run_with_typo, run_without_pair])
def test_last_success_survives(world: World, run_once: Callable[[World], Outcome]) -> None:
    """A pair that comes back finds its last success, and max_age counts from there; no orphan is reported meanwhile."""
    world.pair("microscope", max_age="36h")
    world.sync()
    world.clock.advance(30 * HOUR)
    assert "orphaned" not in run_once(world).stdout
    world.globus.hold()
    look = world.run("-d", "-p", "microscope")
    assert (look.status, look.statuses) == (0, {"microscope": "succeeded"})
    assert world.tasks[0].id in look.stdout
    assert world.run("-p", "microscope").statuses == {"microscope": "started"}
    assert record(world)["success"]["task_id"] == world.tasks[0].id
    world.clock.advance(5 * HOUR)
    assert world.run("-d", "-p", "microscope").status == 0
    world.clock.advance(2 * HOUR)
    late = world.run("-d", "-p", "microscope")
    assert late.status == 3
    assert "(1 d 13 h ago), 2 files copied" in late.stdout
    world.globus.release()


@pytest.mark.promise(4, OUT_OF_THE_CONFIG)
def test_live_task_survives(world: World) -> None:
    """The task of a pair that is out of the config is reported as orphaned; when the pair is back it is its own."""
    world.globus.hold()
    world.run()
    assert run_without_pair(world).statuses == {"other": "started", "orphaned task of [microscope]": "running"}
    assert world.run().statuses == {"microscope": "running", "other": "running"}
    assert len(world.tasks) == 2
    world.globus.release()


@pytest.mark.promise(7, OUT_OF_THE_CONFIG)
def test_failure_survives(world: World) -> None:
    """A failure while the pair was out of the config is reported then, once, and again when the pair is back."""
    world.globus.hold()
    world.run()
    fail_task(world)
    assert run_without_pair(world).statuses == {"other": "started", "orphaned task of [microscope]": "failed"}
    assert run_without_pair(world).statuses.keys() == {"other"}
    look = world.run("-d", "-p", "microscope")
    assert (look.status, look.statuses) == (1, {"microscope": "failed"})


@pytest.mark.promise(4, "a pair that is missing from the state file")
@pytest.mark.parametrize(
    ("end", "before", "after"),
    [(None, "running", "running"), ("succeed", "succeeded", "started"), ("fail", "failed", "started")],
)
def test_record_that_was_lost(world: World, end: str | None, before: str, after: str) -> None:
    """A pair without a record is looked for at Globus, once: its last task, whatever its status, and its success."""
    world.pair("other")
    world.sync()
    world.globus.hold()
    world.run()
    mine = [task for task in world.tasks if task.label and task.label.startswith("microscope")]
    if end == "fail":
        world.globus.fail(mine[1].id, "ENDPOINT_ERROR")
    if end == "succeed":
        world.globus.release()
        world.globus.wait()
        world.globus.hold()
    lose_record(world)
    assert world.run("-d").statuses["microscope"] == before
    assert world.run().statuses["microscope"] == after
    assert record(world)["success"]["task_id"] == mine[end == "succeed"].id
    world.forget_requests()
    world.run()
    assert world.asked().count(f"GET {TASK_LIST}") == 1
    world.globus.release()


@pytest.mark.promise(7, "a run that is killed between the start of a task and its report")
def test_failure_whose_report_was_lost(world: World) -> None:
    """How the task ended that a killed run has replaced is reported by -d and by the next run, then no more."""
    world.globus.hold()
    world.run()
    fail_task(world)
    world.globus.hold()
    # The logs of failed tasks are asked for after the starts and before the report.
    world.globus.faults.add(Fault(path="*/event_list", action=lambda: process.kill()))
    with world.start() as process:
        stdout, _ = process.communicate(timeout=60)
    assert (process.returncode, stdout, len(world.tasks)) == (-9, "", 2)
    for arguments in (("-d",), ()):
        outcome = world.run(*arguments)
        assert outcome.statuses == {"microscope": "running"}
        assert "previous task: failed: " in outcome.stdout
    assert "previous task" not in world.run().stdout
    world.globus.release()


def test_record_of_a_pair_that_left_long_ago(world: World) -> None:
    """A record is forgotten once its pair has been out of the config for more than a year."""
    world.sync()
    run_without_pair(world)
    document = json.loads(world.state_file.read_text(encoding="utf-8"))
    document["pairs"][world.named("microscope").fingerprint]["left_config"]["since"] = "2020-01-01T00:00:00Z"
    world.state_file.write_text(json.dumps(document), encoding="utf-8")
    run_without_pair(world)
    assert world.state().keys() == {"other"}
