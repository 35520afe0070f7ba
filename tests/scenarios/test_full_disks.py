"""A disk without room for the state file, and a process without file descriptors."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.promise(4, "no room for the state file")


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


def test_disk_that_fills_up_stops_submitting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When answers cannot be written down any more, no further submission is begun; the next run settles the rest."""
    for number in range(30):
        world.pair(f"p{number}")
    replace_durably = state._replace_durably
    writes: list[int] = []

    def full_after_two(path: object, data: bytes) -> None:
        writes.append(1)
        if len(writes) > 2:
            raise OSError(28, "No space left on device")
        replace_durably(path, data)  # type: ignore[arg-type]

    world.globus.hold()
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=None, delay=0.2))  # slower than any disk
    with monkeypatch.context() as patch:
        patch.setattr(state, "_replace_durably", full_after_two)
        outcome = world.run()
    assert outcome.status == 1
    assert len(world.tasks) <= 2 * worker_pool.AT_A_TIME
    assert "cannot be written: No space left on device" in outcome.stderr
    assert world.run().status == 0
    assert len(world.tasks) == 31
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
