"""A few real processes: every way to start the tool, runs that overlap, signals and kills."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiers import also_slow
from world import SUBMIT, World, tree

from globus_sync_directory.standin import Fault

TOP = Path(__file__).resolve().parents[2]


def test_as_module_and_as_console_script(world: World) -> None:
    """`python -m globus_sync_directory` and `globus-sync-directory` do the same."""
    first = world.process()
    world.globus.wait()
    script = shutil.which("globus-sync-directory", path=os.path.dirname(sys.executable))
    assert script is not None
    second = subprocess.run([script, *world.command("-d")], capture_output=True, text=True, timeout=60)
    assert first.stdout.startswith("microscope: started")
    assert second.stdout.startswith("microscope: succeeded")
    assert (first.status, second.returncode) == (0, 0)
    assert tree(world.archive) == tree(world.images)


def test_through_the_wrapper_from_an_empty_environment(world: World) -> None:
    """As cron does it: `env -i HOME=... wrapper`, config and venv beside the wrapper; status and log are kept."""
    folder = world.root / "a folder"
    folder.mkdir()
    shutil.copy(TOP / "nesi_sync_directory_wrapper.sh", folder)
    shutil.copy(world.config, folder)
    (folder / "venv" / "bin").mkdir(parents=True)
    (folder / "venv" / "bin" / "python").symlink_to(sys.executable)
    if (config := Path(sys.prefix) / "pyvenv.cfg").exists():
        shutil.copy(config, folder / "venv")
        (folder / "venv" / "lib").symlink_to(Path(sys.prefix) / "lib")
    variables = [f"{name}={value}" for name, value in world.globus.environment.items()]
    command = [
        "env",
        "-i",
        f"HOME={world.root}",
        "GLOBUS_SYNC_DIRECTORY_PYTHON_MODULE=",
        *variables,
        str(folder / "nesi_sync_directory_wrapper.sh"),
        "-s",
        str(world.secret_file),
    ]
    first = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60)
    world.globus.wait()
    world.source.rules.clear()
    second = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60)
    log = (folder / "globus_sync_directory.log").read_text()
    assert first.returncode == 0, first.stderr
    assert second.returncode == 1
    assert "microscope: started" in log
    assert "microscope: blocked" in log
    assert "exit status 1" in log
    assert (folder / "config.state.json").exists()
    assert tree(world.archive) == tree(world.images)


@pytest.mark.slow
@pytest.mark.promise(4, "ten processes at once")
def test_ten_at_once(world: World) -> None:
    """Ten runs at the same moment: one task; each run ends with 0, or with 75 and the holder's name."""
    world.globus.hold()
    runs = [world.start() for _ in range(10)]
    outcomes = [(run.communicate(timeout=90), run.returncode) for run in runs]
    assert len(world.tasks) == 1
    assert 0 in {status for _, status in outcomes}
    for (_, stderr), status in outcomes:
        assert status in (0, 75)
        if status == 75:
            assert "another run holds the lock: " in stderr
            assert "pid " in stderr
    world.globus.release()


def test_lock_is_named_and_quiet(world: World) -> None:
    """While a run is at work another says who holds the lock, 75; with -q nothing but in the log file; -d works."""
    log = world.root / "log"
    world.globus.faults.add(Fault(path="/v0.10/submission_id", delay=1.5))
    with world.start() as first:
        while "GET /v0.10/submission_id" not in world.asked():
            time.sleep(0.01)
        second, quiet, look = world.run(), world.run("-q", "--log-file", str(log)), world.run("-d")
        first.communicate(timeout=60)
    assert (second.status, second.stdout) == (75, "")
    assert f"pid {first.pid} since" in second.stderr
    assert (quiet.status, quiet.stdout, quiet.stderr) == (75, "", "")
    assert f"another run holds the lock: {os.uname().nodename} pid {first.pid} since" in log.read_text()
    assert (look.status, look.stdout.strip()) == (0, "microscope: never run")
    assert first.returncode == 0


@pytest.mark.promise(8, "a signal while a submission is under way")
@pytest.mark.parametrize("number", also_slow(signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
def test_signal_while_a_submission_is_under_way(world: World, number: signal.Signals) -> None:
    """A signal ends the run at once with 130, says what is pending, and the next run resolves it with one task."""
    world.globus.hold()
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, when="after", delay=20))
    with world.start() as process:
        while f"POST {SUBMIT}" not in world.asked():
            time.sleep(0.01)
        begun = time.monotonic()
        process.send_signal(number)
        _, stderr = process.communicate(timeout=15)
    assert time.monotonic() - begun < 5
    assert process.returncode == 130
    assert f"interrupted by {number.name}" in stderr
    assert "start unconfirmed, resolved by the next run: microscope" in stderr
    assert "Traceback" not in stderr
    world.globus.faults.clear()
    outcome = world.run()
    assert (outcome.status, len(world.tasks)) == (0, 1)
    world.globus.release()


@pytest.mark.parametrize("when", also_slow("after", "before"))
def test_killed_while_it_submits(world: World, when: str) -> None:
    """Killed between submission and answer, whether or not that was processed: one task after the next run."""
    world.globus.hold()
    process = world.start()
    world.globus.faults.add(
        Fault(method="POST", path=SUBMIT, when=when, cut=True, action=lambda: process.kill())  # type: ignore[arg-type]
    )
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    outcome = world.run()
    assert outcome.status == 0
    assert len(world.tasks) == 1
    assert world.state()["microscope"]["task"]["task_id"] == world.tasks[0].id
    world.globus.release()


@pytest.mark.promise(7, "closed streams, a full disk behind stdout, a reader that left")
@pytest.mark.parametrize("closed", [">/dev/full", *also_slow("<&- >&- 2>&-", "<&-", ">&-", "2>&-"), "| true"])
def test_streams_that_are_gone(world: World, closed: str) -> None:
    """Closed streams, a full disk behind stdout or a reader that left do not stop the run."""
    command = " ".join(f"'{part}'" for part in [sys.executable, "-m", "globus_sync_directory", *world.command()])
    script = f"{command} {closed}; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    world.globus.wait()
    assert result.returncode == (1 if "full" in closed else 0), result.stderr
    assert "Traceback" not in result.stderr
    assert "Exception" not in result.stderr
    assert tree(world.archive) == tree(world.images)


@pytest.mark.slow
@pytest.mark.parametrize(
    "surroundings",
    [
        {"LANG": "C", "LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"HOME": ""},
        {"TERM": ""},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_narrow_surroundings(world: World, surroundings: dict[str, str]) -> None:
    """Names beyond ASCII in a C locale, no HOME, no TERM: the run works."""
    world.pair("läb ✓")
    environment = {name: value for name, value in os.environ.items() if name not in surroundings}
    environment |= {name: value for name, value in surroundings.items() if value}
    outcome = world.process(env=environment)
    assert outcome.status == 0, outcome.stderr
    assert list(outcome.statuses.values()) == ["started", "started"]


@pytest.mark.parametrize("umask", also_slow(0o000, 0o077))
def test_umask(world: World, umask: int) -> None:
    """State and lock file are readable by their owner alone, whatever the umask."""
    assert world.process(umask=umask).status == 0
    for path in (world.state_file, Path(f"{world.state_file}.lock")):
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.promise(9, "command line and environment of the process")
def test_secret_is_not_in_the_process_list(world: World) -> None:
    """Neither the command line nor the environment of the process has the secret."""
    world.globus.faults.add(Fault(path="/v0.10/submission_id", delay=0.5))
    with world.start("-v") as process:
        while "GET /v0.10/submission_id" not in world.asked():
            time.sleep(0.01)
        seen = Path(f"/proc/{process.pid}/cmdline").read_bytes() + Path(f"/proc/{process.pid}/environ").read_bytes()
        stdout, stderr = process.communicate(timeout=60)
    secret = world.secret
    assert secret.encode() not in seen
    assert secret not in stdout + stderr
    assert secret not in world.state_file.read_text()
    assert all(secret not in str(request) for request in world.globus.requests if "token" not in request.path)
