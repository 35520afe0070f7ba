"""Whatever happens to stdout and stderr, a process ends with an exit status of the table and prints no complaint."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from world import CLONE, Outcome, World

pytestmark = pytest.mark.promise(7, "streams that are full, closed, or read by nobody")

LOST = "standard output cannot be written: No space left on device\n"
COMPLAINTS = ("Traceback", "Exception ignored", "lost sys.", "BrokenPipeError", "OSError", "Bad file descriptor")


@dataclass(frozen=True)
class Case:
    """A command line, and the exit status where both streams can be written."""

    arguments: tuple[str, ...]
    status: int


COMMANDS: Mapping[str, Case] = {
    "--help": Case(("--help",), 0),
    "--version": Case(("--version",), 0),
    "a run": Case((), 0),
    "-d -v": Case(("-d", "-v"), 0),
    "no config": Case(("-c", "/nowhere/config.ini"), 2),
    "misspelt": Case(("chekc",), 2),
}
# One that only prints, and one that does everything; the others are alike and belong to the slow tier.
TYPICAL = [name if name in ("--help", "a run") else pytest.param(name, marks=pytest.mark.slow) for name in COMMANDS]
FULL = (">/dev/full", "2>/dev/full", ">/dev/full 2>/dev/full")
CLOSED = ("<&- >&- 2>&-", *(pytest.param(one, marks=pytest.mark.slow) for one in (">&-", "2>&-")))
UNREAD = (("stdout", "stderr"), *(pytest.param((one,), marks=pytest.mark.slow) for one in ("stdout", "stderr")))


def run_with(world: World, redirections: str, *arguments: str) -> Outcome:
    """Run the command as an ordinary user's shell does, with these redirections."""
    command = ["sh", "-c", f'exec "$@" {redirections}', "sh", sys.executable, "-m", "globus_sync_directory"]
    ended = subprocess.run(
        [*command, *world.command(*arguments)],
        cwd=CLONE,
        env=world.bare_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


def assert_no_complaint(outcome: Outcome) -> None:
    for word in COMPLAINTS:
        assert word not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("redirections", FULL)
@pytest.mark.parametrize("name", COMMANDS)
def test_full_disk(world: World, name: str, redirections: str) -> None:
    """A report that cannot be written is status 1 and a sentence on stderr; a log that cannot be written is nothing."""
    case = COMMANDS[name]
    outcome = run_with(world, redirections, *case.arguments)
    is_report_lost = redirections.startswith(">") and case.status == 0
    assert outcome.status == (1 if is_report_lost else case.status)
    assert_no_complaint(outcome)
    assert outcome.stderr.count(LOST) == (is_report_lost and "2>" not in redirections)
    assert len(world.tasks) == (name == "a run")


@pytest.mark.parametrize("redirections", CLOSED)
@pytest.mark.parametrize("name", TYPICAL)
def test_closed(world: World, name: str, redirections: str) -> None:
    """A stream that is closed from the start changes no status: nobody wants to read it."""
    case = COMMANDS[name]
    outcome = run_with(world, redirections, *case.arguments)
    assert outcome.status == case.status
    assert_no_complaint(outcome)
    assert len(world.tasks) == (name == "a run")


@pytest.mark.parametrize("streams", UNREAD, ids="+".join)
@pytest.mark.parametrize("name", TYPICAL)
def test_reader_that_left(world: World, name: str, streams: tuple[str, ...]) -> None:
    """A reader that has left, such as ``head``, changes no status."""
    case = COMMANDS[name]
    reader, writer = os.pipe()
    os.close(reader)
    options = dict.fromkeys(streams, writer)
    try:
        outcome = world.process(*case.arguments, cwd=CLONE, env=world.bare_environment, **options)
    finally:
        os.close(writer)
    assert outcome.status == case.status
    assert_no_complaint(outcome)
    assert len(world.tasks) == (name == "a run")


def test_limit_on_the_size_of_files(world: World) -> None:
    """Help that a limit of the shell keeps from being written is lost like on a full disk."""
    place = world.root / "help.txt"
    script = f"ulimit -f 0; exec \"$@\" --help >'{place}'"
    ended = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "globus_sync_directory"],
        cwd=CLONE,
        env=world.bare_environment | {"PYTHONDONTWRITEBYTECODE": "1"},  # Python would write truncated files
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, "standard output cannot be written: File too large\n")
