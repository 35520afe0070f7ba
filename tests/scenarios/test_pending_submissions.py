"""Submissions whose answer was never seen: resolved later, never doubled, never forgotten."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from world import SUBMIT, World, no_room

from globus_sync_directory.globus import threads
from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.promise(4, "submissions without an answer")

NEVER_ARRIVES: dict[str, Any] = {"method": "POST", "path": SUBMIT, "cut": True, "times": 3}
ANSWER_IS_LOST: dict[str, Any] = {**NEVER_ARRIVES, "when": "after"}


@pytest.fixture
def lagging(world: World) -> World:
    """The world in which a new task is missing from the list for a minute."""
    world.globus.behaviour = replace(world.globus.behaviour, task_list_lag=timedelta(seconds=60))
    return world


@pytest.mark.promise(4, "a pending submission that the list does not show yet, and a changed config")
def test_other_source_while_the_task_may_be_unlisted(lagging: World) -> None:
    """While a task may be missing from the list, nothing else is started to its destination, and it is remembered."""
    lagging.globus.hold()
    lagging.globus.faults.add(Fault(**ANSWER_IS_LOST))
    assert lagging.run().status == 75
    (task,) = lagging.tasks
    (lagging.root / "source" / "images2").mkdir()
    lagging.pair("microscope", src_path="/images2")
    lagging.run()
    assert lagging.live == [task]
    lagging.clock.advance(120)
    lagging.run()
    assert task.id in lagging.state_file.read_text()
    assert len(lagging.tasks) == 1


@pytest.mark.promise(4, "a pending submission that the list does not show yet, and a changed config")
def test_other_document_while_the_task_may_be_unlisted(lagging: World) -> None:
    """A submission whose task ended before any list showed it is not dropped: its success is found later."""
    lagging.globus.faults.add(Fault(**ANSWER_IS_LOST))
    lagging.sync()
    (task,) = lagging.tasks
    lagging.pair("microscope", exclude="*.tmp")
    assert lagging.run().statuses == {"microscope": "start unconfirmed"}
    lagging.clock.advance(120)
    lagging.run()
    assert lagging.state()["microscope"]["success"]["task_id"] == task.id


@pytest.mark.promise(4, "pending submissions, and no room for one of them")
def test_no_room_for_another_pair(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one of two finds no room, the other is sent again all the same, and its earlier task is found."""
    monkeypatch.setattr(threads, "AT_A_TIME", 1)  # so that it is the first that finds no room
    (world.root / "source" / "first").mkdir()
    world.pairs.clear()
    world.pair("first")
    world.pair("second", src_path="/images", dst_path="/archive/images")
    world.globus.faults.add(no_room(times=1))
    world.run("-p", "first")
    world.globus.faults.clear()
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, status=503, times=3))
    world.globus.faults.add(Fault(**ANSWER_IS_LOST, nth=4))
    world.run()
    world.globus.faults.clear()
    world.globus.wait()
    (task,) = world.tasks
    world.globus.faults.add(no_room(times=1))
    world.run()
    assert world.state()["second"]["success"]["task_id"] == task.id
    assert world.state()["first"]["pending"] is not None


def test_expired_submission_id(world: World) -> None:
    """A submission id that Globus does not accept any more is dropped; the same run starts the pair with a new one."""
    world.globus.behaviour = replace(world.globus.behaviour, submission_id_lifetime=timedelta(hours=1))
    world.globus.faults.add(Fault(**NEVER_ARRIVES))
    assert world.run().status == 75
    world.clock.advance(2 * 3600)
    assert world.run().statuses == {"microscope": "started"}
    assert len(world.tasks) == 1


def test_pair_that_another_host_has_started(world: World) -> None:
    """A pending submission is dropped where another task of the pair is running, and the log names that task."""
    world.globus.hold()
    world.globus.faults.add(Fault(**NEVER_ARRIVES))
    world.run()
    world.run("-t", str(world.root / "other.json"))
    world.clock.advance(3600)
    outcome = world.run()
    assert outcome.statuses == {"microscope": "running"}
    assert f"Globus has no task of it, and task {world.tasks[0].id} is running" in outcome.stderr
    assert len(world.tasks) == 1


def test_other_pair_with_the_same_destination(world: World) -> None:
    """A pair waits for an orphaned pending submission to its destination, and not for a task that has ended."""
    world.globus.hold()
    world.run()
    world.globus.cancel(world.tasks[0].id)
    world.globus.faults.add(Fault(**NEVER_ARRIVES))
    world.run()
    (world.root / "source" / "other").mkdir()
    world.pair("microscope", src_path="/other")
    outcome = world.run()
    assert outcome.statuses["microscope"] == "waiting for the earlier task"
    assert "a pending submission of [microscope] may write to the same destination" in outcome.stdout
    world.clock.advance(11 * 60)
    assert world.run().statuses["microscope"] == "started"


def test_submission_from_the_future(world: World) -> None:
    """A pending submission whose time is in the future, because a clock was wrong, is resolved all the same."""
    world.globus.faults.add(Fault(**NEVER_ARRIVES))
    world.run()
    document = json.loads(world.state_file.read_text())
    for record in document["pairs"].values():
        record["pending"]["reserved_at"] = "2037-01-01T00:00:00+00:00"
    world.state_file.write_text(json.dumps(document))
    world.pair("microscope", exclude="*.tmp")
    assert world.run().statuses == {"microscope": "started"}
