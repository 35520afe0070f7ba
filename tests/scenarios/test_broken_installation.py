"""A virtual environment that cannot run the tool."""

from __future__ import annotations

import shlex
import subprocess
import venv
from pathlib import Path

import pytest
from world import CLONE, World

pytestmark = pytest.mark.promise(7, "a broken installation")


def test_missing_packages(world: World, tmp_path: Path) -> None:
    """Without its packages the tool says which are missing, and the command that installs them: status 2."""
    environment = tmp_path / "empty venv"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    ended = subprocess.run(
        [python, "-m", "globus_sync_directory", *world.command("-d")],
        cwd=CLONE,
        env=world.bare_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert f"{python} does not have the packages that the tool needs (click, dateutil, globus_sdk, " in line
    assert f"-m venv --clear {shlex.quote(str(environment))} && " in line
    assert line.endswith(shlex.join([str(python), "-m", "pip", "install", "-e", "."]))
