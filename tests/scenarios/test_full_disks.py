"""A disk without room for the state file; a process without file descriptors."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from world import SUBMIT, Outcome, World, assert_in_order

from globus_sync_directory import state
from globus_sync_directory.globus import threads
from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.promise(4, "no room for the state file")


def run_with_limit(world: World, size: int) -> Outcome:
    """Run the command where no file may grow beyond ``size`` bytes."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    # Python would write truncated files into __pycache__.
    return world.process(preexec_fn=limit, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})


@pytest.mark.parametrize("size", [0, 600, pytest.param(100, marks=pytest.mark.slow)])
def test_limit_on_the_size_of_files(world: World, size: int) -> None:
    """Without room for the state file nothing is started: status 1; the next run with room starts the pair."""
    world.globus.hold()
    outcome = run_with_limit(world, size)
    assert outcome.status == 1
    assert "File too large" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert world.tasks == []
    assert world.run().status == 0
    assert_in_order(world)


def test_report_without_a_state_file(world: World) -> None:
    """Without a state file and without room for one, the report holds what Globus knows of the pair."""
    world.sync()
    world.state_file.unlink()
    outcome = run_with_limit(world, 0)
    assert (outcome.status, outcome.statuses) == (1, {"microscope": "succeeded"})
    assert world.tasks[0].id in outcome.stdout
    assert len(world.tasks) == 1
    assert not world.state_file.exists()


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


@pytest.mark.parametrize("taken", [0, 16, 28])
def test_disk_that_becomes_full(world: World, small_disk: Path, taken: int) -> None:
    """Whenever in a run the disk becomes full: status 1, and one task a pair once there is room again."""
    for number in range(11):
        world.pair(f"p{number}")
    (small_disk / "other").write_bytes(bytes(1024 * taken))
    place = str(small_disk / "state.json")
    world.globus.hold()
    outcome = world.run("-t", place)
    assert outcome.status == 1
    assert "No space left on device" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    (small_disk / "other").unlink()
    subprocess.run(["mount", "-o", "remount,size=1m", small_disk], check=True)
    assert world.run("-t", place).status == 0
    assert len(world.tasks) == 12
    shutil.copy(place, world.state_file)
    assert_in_order(world)


def test_answers_that_cannot_be_recorded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where answers cannot be recorded any more, no further submission is begun; the next run resolves the rest."""
    for number in range(30):
        world.pair(f"p{number}")
    replace_durably = state._replace_durably
    writes: list[int] = []

    def full_after_two(path: Path, data: bytes) -> None:
        writes.append(1)
        if len(writes) > 2:
            raise OSError(28, "No space left on device")
        replace_durably(path, data)

    world.globus.hold()
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=None, delay=0.2))  # slower than any disk
    with monkeypatch.context() as patch:
        patch.setattr(state, "_replace_durably", full_after_two)
        outcome = world.run()
    assert outcome.status == 1
    assert len(world.tasks) <= 2 * threads.AT_A_TIME
    assert "cannot be written: No space left on device" in outcome.stderr
    world.globus.faults.clear()
    assert world.run().status == 0
    assert len(world.tasks) == 31


def test_check_of_a_full_disk(world: World, small_disk: Path) -> None:
    """``check`` fails where the disk of the state file is full: no run could start anything."""
    with contextlib.suppress(OSError):
        (small_disk / "other").write_bytes(bytes(64 * 1024))
    outcome = world.run("check", "-t", str(small_disk / "state.json"))
    assert outcome.status == 1
    assert "state.json: its disk is full" in outcome.stdout


@pytest.mark.slow
@pytest.mark.promise(7, "64 file descriptors")
def test_few_file_descriptors(world: World) -> None:
    """64 file descriptors are enough for thirty pairs."""
    for number in range(29):
        world.pair(f"p{number}")
    outcome = world.process(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    assert outcome.status == 0, outcome.stderr
    assert len(world.tasks) == 30
