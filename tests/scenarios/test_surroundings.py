"""What a host may lack: rights, room, locks, descriptors."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from world import SUBMIT, World, assert_in_order

from globus_sync_directory.standin import Fault

WITHOUT_LOCKS = """
import fcntl
def refuse(*_):
    raise OSError(37, "No locks available")
fcntl.flock = refuse
from globus_sync_directory.cli import main
main()
"""


def as_ordinary_user() -> None:
    """Take from a child of root what lets root pass over permissions. Source: capabilities(7), prctl(2)."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            assert libc.prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP


def without_locks(world: World, *arguments: str) -> subprocess.Popen[str]:
    """Start the command where flock is refused, as on some network file systems."""
    command = [sys.executable, "-c", WITHOUT_LOCKS, *world.command(*arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.promise(7, "files and directories without permission")
def test_state_directory_without_write_permission(world: World) -> None:
    """No permission to write beside the config: status 1, what and where, and nothing is started."""
    world.root.chmod(0o500)
    try:
        outcome = world.process(preexec_fn=as_ordinary_user)
    finally:
        world.root.chmod(0o700)
    assert outcome.status == 1
    assert f"{world.state_file} cannot be written: Permission denied" in outcome.stderr
    assert "--state-file" in outcome.stderr
    assert world.tasks == []


@pytest.mark.promise(7, "files and directories without permission")
@pytest.mark.parametrize(("name", "status"), [("config.ini", 2), ("secret", 2), ("config.state.json", 1)])
def test_file_without_read_permission(world: World, name: str, status: int) -> None:
    """A file of ours that may not be read: its name, the reason, the status, nothing started, nothing touched."""
    world.sync()
    path = world.root / name
    before = path.read_bytes()
    path.chmod(0)
    outcome = world.process(preexec_fn=as_ordinary_user)
    path.chmod(0o600)
    assert outcome.status == status
    assert f"{path}" in outcome.stderr
    assert "cannot be read: Permission denied" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert len(world.tasks) == 1
    assert path.read_bytes() == before


@pytest.mark.promise(4, "no room for the state file")
@pytest.mark.parametrize("size", [0, 100, 600])
def test_no_room_for_the_state(world: World, size: int) -> None:
    """A disk with no room for the state: status 1, nothing is started, and the next run makes it good."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    world.globus.hold()
    outcome = world.process(preexec_fn=limit)
    assert outcome.status == 1
    assert "File too large" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert world.tasks == []
    assert world.run().status == 0
    assert_in_order(world)
    world.globus.release()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 kB, where this machine lets us mount one."""
    disk = tmp_path / "small disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "none", disk], capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.promise(4, "no room for the state file")
@pytest.mark.parametrize("taken", [0, 16, 28])
def test_full_file_system(world: World, small_disk: Path, taken: int) -> None:
    """A file system that fills up, sooner or later in a run: status 1, and one task a pair once there is room again."""
    for number in range(11):
        world.pair(f"p{number}")
    (small_disk / "other").write_bytes(bytes(1024 * taken))
    state = str(small_disk / "state.json")
    world.globus.hold()
    outcome = world.run("-t", state)
    assert outcome.status == 1
    assert "No space left on device" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    (small_disk / "other").unlink()
    subprocess.run(["mount", "-o", "remount,size=1m", small_disk], check=True)
    assert world.run("-t", state).status == 0
    assert len(world.tasks) == 12
    shutil.copy(state, world.state_file)
    assert_in_order(world)
    world.globus.release()


def test_check_sees_a_full_disk(world: World, small_disk: Path) -> None:
    """A state file whose disk has no room left is a FAIL of check: no run could start anything."""
    with contextlib.suppress(OSError):
        (small_disk / "other").write_bytes(bytes(64 * 1024))
    outcome = world.run("check", "-t", str(small_disk / "state.json"))
    assert outcome.status == 1
    assert "state.json: its disk is full" in outcome.stdout


@pytest.mark.slow
@pytest.mark.promise(7, "64 file descriptors")
def test_few_descriptors(world: World) -> None:
    """Sixty-four file descriptors are enough for thirty pairs."""
    for number in range(29):
        world.pair(f"p{number}")
    outcome = world.process(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    assert outcome.status == 0, outcome.stderr
    assert len(world.tasks) == 30


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
