"""Runs of one pair only (``-p``): the others keep what is known of them, and cost nothing."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.promise(4, "a run of one pair only")


def test_partial_run_with_lost_state_recovers_all_pairs(world: World) -> None:
    """-p with a lost state file does not make the other pairs forget what Globus still knows."""
    world.pair("second")
    world.sync()
    world.state_file.unlink()
    world.run("-p", "microscope")
    assert world.run("-d").statuses["second"] == "succeeded"


def test_waiting_asks_about_its_own_tasks_only(world: World) -> None:
    """With -w and -p, tasks of other pairs that Globus has forgotten are asked for once, not at each look."""
    world.pair("other", src_path="/images", dst_path="/archive/other")
    world.sync()
    world.globus.forget(next(task for task in world.tasks if task.label.startswith("other")).id)
    world.clock.advance(3600)
    world.globus.hold()
    world.run("-p", "microscope")
    world.forget_requests()
    threading.Timer(2.5, world.globus.release).start()
    assert world.run("-d", "-w", "-p", "microscope").status == 0
    assert len([line for line in world.asked() if "/v0.10/task/" in line]) == 1


@pytest.mark.promise(4, "a manual run during a run from cron")
def test_manual_run_during_a_run_from_cron(world: World) -> None:
    """A run for one pair while another run submits: it is told who is at work, and nothing is doubled."""
    world.pair("other")
    seen: list[int] = []
    action = Fault(method="POST", path=SUBMIT, action=lambda: seen.append(world.process("-p", "other").status))
    world.globus.faults.add(action)
    assert world.sync().status == 0
    assert seen == [75]
    assert len(world.tasks) == 2
