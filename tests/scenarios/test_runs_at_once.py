"""Several runs at the same moment, where the file system has no locks or on two hosts."""

from __future__ import annotations

import fcntl
import subprocess
import sys

import pytest
from world import World, assert_in_order

from globus_sync_directory import turn

pytestmark = pytest.mark.promise(4, "several runs at once, on a file system without locks")

WITHOUT_LOCKS = """
import fcntl
def reject(*_):
    raise OSError(37, "No locks available")
fcntl.flock = reject
from globus_sync_directory.cli import main
main()
"""


def start_without_locks(world: World, *arguments: str) -> subprocess.Popen[str]:
    """Start the command where flock fails, as on some network file systems."""
    command = [sys.executable, "-c", WITHOUT_LOCKS, *world.command(*arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(3))
def test_six_runs(world: World, attempt: int) -> None:
    """Six runs at once with one state file start one task for each pair, and all are remembered."""
    for number in range(4):
        world.pair(f"p{number}")
    world.globus.hold()
    runs = [start_without_locks(world) for _ in range(6)]
    outcomes = [(run.communicate(timeout=90), run.returncode) for run in runs]
    for (stdout, stderr), status in outcomes:
        assert status == 0, stdout + stderr
        assert "no locks on the file system" in stderr
    assert len(world.tasks) == 5
    world.clock.advance(3600)
    assert world.run().status == 0
    assert_in_order(world)
    assert len(world.tasks) == 5


@pytest.mark.slow
def test_runs_of_different_pairs(world: World) -> None:
    """Runs of different pairs at once keep each other's records."""
    names = [f"p{number}" for number in range(8)]
    for name in names:
        world.pair(name)
    world.globus.hold()
    runs = [start_without_locks(world, "-p", name) for name in names]
    for run in runs:
        run.communicate(timeout=90)
        assert run.returncode == 0
    records = world.state()
    for name in names:
        assert records[name]["task"] is not None
        assert records[name]["pending"] is None


@pytest.mark.promise(4, "two hosts with one state file, of which one has locks")
@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(3))
def test_a_host_with_locks_and_one_without(world: World, attempt: int) -> None:
    """Runs of different pairs at once: no start is lost, whoever has locks."""
    names = [f"p{number}" for number in range(6)]
    for name in names:
        world.pair(name)
    world.globus.hold()
    with world.start("-p", "microscope") as with_locks:
        runs = [start_without_locks(world, "-p", name) for name in names]
        for run in (with_locks, *runs):
            run.communicate(timeout=90)
            assert run.returncode == 0
    assert world.run().status == 0
    assert_in_order(world)
    assert len(world.tasks) == 7


@pytest.mark.promise(4, "two hosts at the same moment")
@pytest.mark.slow
@pytest.mark.parametrize("is_shared", [True, False], ids=["one state file", "two state files"])
def test_two_hosts(world: World, is_shared: bool) -> None:
    """Two hosts at the same moment start one task for each pair."""
    for number in range(4):
        world.pair(f"p{number}")
    world.globus.hold()
    places = [world.state_file, world.state_file if is_shared else world.root / "other.json"]
    runs = [start_without_locks(world, "-t", str(place)) for place in places]
    for run in runs:
        run.communicate(timeout=90)
        assert run.returncode == 0
    assert len(world.tasks) == 5
    assert world.run().status == 0
    assert_in_order(world)


def test_run_that_was_killed_while_it_wrote(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run without locks that was killed while it wrote does not keep later runs from writing."""

    def reject(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", reject)
    monkeypatch.setattr(turn, "PAUSE_SECONDS", 0.001)
    left_over = world.root / "config.state.json.writing"
    left_over.write_text("node7 pid 4711 0123456789abcdef")
    outcome = world.run()
    assert (outcome.status, outcome.statuses) == (0, {"microscope": "started"})
    assert "no locks on the file system" in outcome.stderr
    assert world.state()["microscope"]["task"]["task_id"] == world.tasks[0].id
    assert not left_over.exists()
