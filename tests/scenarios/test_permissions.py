"""Files and directories that may not be read or written, are links, or were removed."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest
from world import CLONE, World

pytestmark = pytest.mark.promise(7, "files and directories without permission")


def as_ordinary_user() -> None:
    """Take from a child of root what lets root ignore permissions. Source: capabilities(7), prctl(2)."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            assert libc.prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP


def test_directory_of_the_state_file_without_write_permission(world: World) -> None:
    """Without permission to write beside the config, nothing is started: status 1, the file, the reason, the fix."""
    world.root.chmod(0o500)
    try:
        outcome = world.process(preexec_fn=as_ordinary_user)
    finally:
        world.root.chmod(0o700)
    assert outcome.status == 1
    assert f"{world.state_file} cannot be written: Permission denied" in outcome.stderr
    assert "--state-file" in outcome.stderr
    assert world.tasks == []


@pytest.mark.parametrize(("name", "status"), [("config.ini", 2), ("secret", 2), ("config.state.json", 1)])
def test_file_without_read_permission(world: World, name: str, status: int) -> None:
    """A file of ours that may not be read is named with the reason; nothing is started, and the file stays as it is."""
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


def test_link_in_the_place_of_the_lock_file(world: World) -> None:
    """A link in the place of the lock file is not followed: nothing is written to where it leads."""
    victim = world.root / "victim"
    victim.write_text("precious")
    world.state_file.with_name("config.state.json.lock").symlink_to(victim)
    outcome = world.run()
    assert outcome.status == 1
    assert "Remove the link" in outcome.stderr
    assert victim.read_text() == "precious"
    assert world.tasks == []


def test_current_directory_that_was_removed(world: World) -> None:
    """A relative path is a usage error where the current directory was removed."""
    removed = world.root / "removed"
    removed.mkdir()
    script = 'rmdir "$PWD"; exec "$0" -m globus_sync_directory'
    ended = subprocess.run(
        ["bash", "-c", script, sys.executable],
        cwd=removed,
        env=world.bare_environment | {"PYTHONPATH": str(CLONE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "the current directory was removed" in ended.stderr
