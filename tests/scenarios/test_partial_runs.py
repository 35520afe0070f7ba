"""Runs of one pair only (``-p``): the records of the others stay, and nothing is asked about them."""

from __future__ import annotations

import threading

import pytest
from world import SUBMIT, TASK_LIST, World

from globus_sync_directory.commands import wait
from globus_sync_directory.model.pair import fingerprint_in
from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.promise(4, "a run of one pair only")


def test_lost_state_file(world: World) -> None:
    """A run of one pair after the state file was lost does not hide from later runs what Globus knows of the others."""
    world.pair("second")
    world.sync()
    world.state_file.unlink()
    world.run("-p", "microscope")
    assert world.run("-d").statuses["second"] == "succeeded"


@pytest.mark.slow
def test_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While waiting for one pair, no look asks for the forgotten task of another pair."""
    monkeypatch.setattr(wait, "FIRST_PAUSE_SECONDS", 0.1)
    world.pair("other", src_path="/images")
    world.sync()
    fingerprint = world.named("other").fingerprint
    (other,) = [task for task in world.tasks if fingerprint_in(task.label) == fingerprint]
    world.globus.forget(other.id)
    world.clock.advance(3600)
    world.globus.hold()
    world.run("-p", "microscope")
    world.forget_requests()
    threading.Timer(0.5, world.globus.release).start()
    assert world.run("-d", "-w", "-p", "microscope").status == 0
    assert world.asked().count(f"GET {TASK_LIST}") >= 3
    assert [line for line in world.asked() if other.id in line] == []


@pytest.mark.promise(4, "a manual run during a run from cron")
def test_run_of_one_pair_during_another_run(world: World) -> None:
    """A run of one pair while another run submits is status 75, and starts nothing."""
    world.pair("other")
    seen: list[int] = []
    action = Fault(method="POST", path=SUBMIT, action=lambda: seen.append(world.process("-p", "other").status))
    world.globus.faults.add(action)
    assert world.sync().status == 0
    assert seen == [75]
    assert len(world.tasks) == 2
