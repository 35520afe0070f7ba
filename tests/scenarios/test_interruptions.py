"""Ctrl-C and other signals at awkward moments."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from world import CLONE, World

from globus_sync_directory import cli

pytestmark = pytest.mark.promise(8, "a signal at an awkward moment")

# A module that stands for a package while a person presses Ctrl-C.
INTERRUPTED_IMPORT = """
import os, signal
os.kill(os.getpid(), signal.{name})
raise SystemExit("the signal was lost")
"""
SIGNAL_AT_THE_END = """
import atexit, os, signal
atexit.register(os.kill, os.getpid(), signal.SIGINT)
from globus_sync_directory.__main__ import main
main()
"""


class InterruptedStream(io.StringIO):
    """A stream at which a signal comes whenever it is written, until it has come ``times``."""

    def __init__(self, number: signal.Signals, times: int) -> None:
        super().__init__()
        self.number = number
        self.times = times

    def write(self, text: str) -> int:
        if self.times:
            self.times -= 1
            os.kill(os.getpid(), self.number)
        return super().write(text)


def test_while_the_log_is_written(world: World) -> None:
    """Logging does not swallow a signal that comes in the middle of a line."""
    stderr = InterruptedStream(signal.SIGTERM, times=1)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(stderr):
        status = cli.invoke(world.command())
    assert stderr.times == 0
    assert status == 130


def test_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C while the first is being reported changes nothing: status 130, no traceback."""
    monkeypatch.setattr(cli, "load_settings", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    stderr = InterruptedStream(signal.SIGINT, times=1)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(stderr):
        status = cli.invoke(world.command())
    assert stderr.times == 0
    assert (status, stderr.getvalue()) == (130, "interrupted by SIGINT\n")


@pytest.mark.parametrize("package", ["click", "globus_sdk"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_during_the_imports(world: World, tmp_path: Path, package: str, name: str) -> None:
    """A signal while packages are imported is status 130 and one line, no traceback."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / f"{package}.py").write_text(INTERRUPTED_IMPORT.format(name=name))
    environment = world.bare_environment | {"PYTHONPATH": str(tmp_path / "packages")}
    outcome = world.process(cwd=CLONE, env=environment)
    assert outcome.status == 130
    assert outcome.stdout == ""
    (line,) = outcome.stderr.splitlines()
    assert f"interrupted by {name}" in line


def test_after_the_report(world: World) -> None:
    """A signal that comes after the report does not change the exit status, and nobody calls the run interrupted."""
    ended = subprocess.run(
        [sys.executable, "-c", SIGNAL_AT_THE_END, "--version"],
        cwd=CLONE,
        env=world.bare_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
