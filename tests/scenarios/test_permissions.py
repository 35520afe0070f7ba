"""Files and directories that may not be read or written, are links, or are gone."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.promise(7, "files and directories without permission")


def as_ordinary_user() -> None:
    """Take from a child of root what lets root pass over permissions. Source: capabilities(7), prctl(2)."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            assert libc.prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP


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


def test_the_lock_is_never_somebody_elses_file(world: World) -> None:
    """A link in the place of the lock file is not followed: nothing is written to where it leads."""
    victim = world.root / "victim"
    victim.write_text("precious")
    world.state_file.with_name("config.state.json.lock").symlink_to(victim)
    outcome = world.run()
    assert outcome.status == 1
    assert "Remove the link" in outcome.stderr
    assert victim.read_text() == "precious"


def test_a_directory_that_is_gone(world: World) -> None:
    """Where the current directory was removed, a path that hangs on it is a usage error."""
    lost = world.root / "lost"
    lost.mkdir()
    script = 'rmdir "$PWD"; exec "$0" -m globus_sync_directory'
    command = ["bash", "-c", script, sys.executable]
    ended = subprocess.run(command, cwd=lost, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "the current directory is gone" in ended.stderr
