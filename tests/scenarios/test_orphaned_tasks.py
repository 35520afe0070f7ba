"""Tasks whose pair has left the config or has other paths now."""

from __future__ import annotations

import json

import pytest
from tiers import also_slow
from world import World

pytestmark = pytest.mark.promise(4, "orphaned tasks")


def test_corrected_path(world: World) -> None:
    """A pair whose path was wrong, so that it was never started, starts as soon as the path is corrected."""
    world.pair("microscope", src_path="/imagess")
    assert world.run().statuses == {"microscope": "blocked"}
    world.pair("microscope", src_path="/images")
    assert world.run().statuses == {"microscope": "started"}


def test_orphaned_task_that_globus_has_forgotten(world: World) -> None:
    """A pair does not wait for an orphaned task that Globus has forgotten: it has ended."""
    world.sync()
    world.globus.forget(world.tasks[0].id)
    world.clock.advance(86400)
    (world.root / "source" / "new").mkdir()
    world.pair("microscope", src_path="/new")
    assert world.run().statuses == {"microscope": "started"}


@pytest.mark.parametrize("is_state_lost", [False, True])
def test_orphaned_task_of_another_host(world: World, is_state_lost: bool) -> None:
    """A pair with a new source waits for its earlier task, also where another host started it or the state is lost."""
    world.sync()
    world.globus.hold()
    world.run("-t", str(world.root / "other.json"))
    if is_state_lost:
        world.state_file.unlink()
    (world.root / "source" / "new").mkdir()
    world.pair("microscope", src_path="/new")
    assert world.run().statuses["microscope"] == "waiting for the earlier task"
    assert len(world.live) == 1


@pytest.mark.parametrize("path", also_slow("/la\u0308b", "/LÄB", "/~/läb"))
def test_a_path_retyped_in_another_form(world: World, path: str) -> None:
    """A pair whose destination is written in another Unicode form or case waits for its task that is still running."""
    world.globus.hold()
    world.pair("microscope", dst_path="/läb")
    world.run()
    world.pair("microscope", dst_path=path)
    assert world.run().statuses["microscope"] == "waiting for the earlier task"
    assert len(world.tasks) == 1
    world.globus.release()
    world.globus.wait()
    assert world.run().statuses["microscope"] == "started"


def test_a_dry_run_beside_an_orphan_of_the_same_name(world: World) -> None:
    """The document belongs to the pair, not to the orphaned task with the same name; with ``--json`` too."""
    world.globus.hold()
    world.run()
    (world.root / "source" / "new").mkdir()
    world.pair("microscope", src_path="/new", dst_path="/elsewhere")
    report = world.run("-n", "-v").stdout
    assert report.index('"/elsewhere/"') < report.index("orphaned task of [microscope]: running")
    assert report.count('"DATA_TYPE": "transfer"') == 1
    pairs = json.loads(world.run("-n", "--json").stdout)["pairs"]
    assert [(pair["orphaned"], pair["document"] is None) for pair in pairs] == [(False, False), (True, True)]
    world.globus.release()


@pytest.mark.promise(7, "waiting for a task that makes no progress")
def test_orphaned_task_that_needs_attention(world: World) -> None:
    """A pair that waits for a suspended task needs attention too, although only the label of that task is known."""
    world.globus.hold()
    world.run()
    world.tasks[0].suspend()
    world.state_file.unlink()
    (world.root / "source" / "other").mkdir()
    world.pair("microscope", src_path="/other")
    outcome = world.run()
    assert (outcome.status, outcome.statuses["microscope"]) == (1, "blocked")
    assert "and makes no progress: it is suspended" in outcome.stdout
    assert world.run("-d").statuses["microscope"] == "blocked"
