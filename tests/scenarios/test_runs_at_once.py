"""Several runs at the same moment where the file system has no locks, or on two hosts."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.promise(4, "runs at once on a file system that refuses locks")


WITHOUT_LOCKS = """
import fcntl
def refuse(*_):
    raise OSError(37, "No locks available")
fcntl.flock = refuse
from globus_sync_directory.cli import main
main()
"""


def without_locks(world: World, *arguments: str) -> subprocess.Popen[str]:
    """Start the command where flock is refused, as on some network file systems."""
    command = [sys.executable, "-c", WITHOUT_LOCKS, *world.command(*arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.promise(4, "runs at once on a file system that refuses locks")
@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(3))
def test_six_at_once_without_locks(world: World, attempt: int) -> None:
    """Where the file system refuses locks, six runs at once on one state file: one task a pair, all remembered."""
    for number in range(4):
        world.pair(f"p{number}")
    world.globus.hold()
    runs = [without_locks(world) for _ in range(6)]
    outcomes = [(run.communicate(timeout=90), run.returncode) for run in runs]
    for (stdout, stderr), status in outcomes:
        assert status == 0, stdout + stderr
        assert "no locks on the file system" in stderr
    assert len(world.tasks) == 5
    world.clock.advance(3600)
    assert world.run().status == 0
    assert_in_order(world)
    assert len(world.tasks) == 5
    world.globus.release()


@pytest.mark.promise(4, "runs at once on a file system that refuses locks")
@pytest.mark.slow
def test_changes_of_two_runs_without_locks_are_both_kept(world: World) -> None:
    """Without locks, runs for different pairs at the same moment do not undo each other's entries."""
    names = [f"p{number}" for number in range(8)]
    for name in names:
        world.pair(name)
    world.globus.hold()
    runs = [without_locks(world, "-p", name) for name in names]
    for run in runs:
        run.communicate(timeout=90)
        assert run.returncode == 0
    entries = world.state()
    for name in names:
        assert entries[name]["task"] is not None
        assert entries[name]["pending"] is None
    world.globus.release()


@pytest.mark.promise(4, "two hosts at the same moment")
@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_two_hosts_at_once(world: World, shared: bool) -> None:
    """Two hosts at the same moment, with one state file or one each: one task a pair."""
    for number in range(4):
        world.pair(f"p{number}")
    world.globus.hold()
    places = [world.state_file, world.state_file if shared else world.root / "other.json"]
    runs = [without_locks(world, "-t", str(place)) for place in places]
    for run in runs:
        run.communicate(timeout=90)
        assert run.returncode == 0
    assert len(world.tasks) == 5
    assert world.run().status == 0
    assert_in_order(world)
    world.globus.release()


def test_killed_while_it_has_the_turn_to_write(world: World) -> None:
    """A run without locks that was killed while it wrote does not keep others from writing for long."""
    turn = world.root / "config.state.json.writing"
    turn.touch()
    os.utime(turn, (1, 1))
    with without_locks(world) as run:
        run.communicate(timeout=60)
    assert run.returncode == 0
    assert not turn.exists()
