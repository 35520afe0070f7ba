"""Ctrl-C and other signals at awkward moments."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiers import also_slow
from trickle import trickling_server
from world import CLONE, SUBMIT, TASK_LIST, World

from globus_sync_directory import cli
from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.promise(8, "a signal at an awkward moment")

# A module that stands for a package while a person presses Ctrl-C.
INTERRUPTED_IMPORT = """
import os, signal
os.kill(os.getpid(), signal.{name})
raise SystemExit("the signal was lost")
"""
# The main thread sees every signal as late as one that comes just before it begins to wait.
LATE_SIGNALS = """
import signal, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
from globus_sync_directory.__main__ import main
main()
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


def interrupted(process: subprocess.Popen[str]) -> str:
    """End a run by a signal: it ends at once, with the status for that; return its stderr."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=15)
    assert time.monotonic() - begun < 5
    assert process.returncode == 130
    assert "interrupted by SIGTERM" in stderr
    assert "Traceback" not in stderr
    return stderr


def start_with_late_signals(world: World, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", LATE_SIGNALS, *world.command(*arguments)],
        cwd=CLONE,
        env={**os.environ, **world.globus.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("path", also_slow(SUBMIT, "/v2/oauth2/token", TASK_LIST, "*/stat", "/v0.10/submission_id"))
def test_just_before_a_wait(world: World, path: str) -> None:
    """A signal that comes just before the run begins to wait for a reply ends it at once too, and loses nothing."""
    world.globus.hold()
    world.globus.faults.add(Fault(path=path, when="after", delay=20, times=None))
    with start_with_late_signals(world) as process:
        while not any(Fault(path=path).matches(*line.split(" ")) for line in world.asked()):
            time.sleep(0.01)
        interrupted(process)
    world.globus.faults.clear()
    assert (world.run().status, len(world.tasks)) == (0, 1)
    world.globus.release()


@pytest.mark.parametrize("service", also_slow("TRANSFER", "AUTH"))
def test_while_a_reply_trickles_in(world: World, monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    """A signal ends the run at once also while a reply comes byte by byte, in its head or in its body."""
    for start in (b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"):
        with trickling_server(start, b" ") as server:
            monkeypatch.setenv(f"GLOBUS_SDK_SERVICE_URL_{service}", f"http://127.0.0.1:{server.port}")
            with world.start(env=dict(os.environ)) as process:
                assert server.is_talking.wait(20)
                interrupted(process)
