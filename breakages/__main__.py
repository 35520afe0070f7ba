"""
Breaks the tool on purpose, one small change at a time, and counts the changes that no quick test notices.

    python -m breakages --report=docs/reliability.md

Run it in the repository root, with the extra ``test``. What is tried follows from the code, ``--count`` and ``--seed``
alone. Each change is made in a copy of its own. There the unit tests that call the changed function run, those of its
room first, and then the scenarios; ``--fast`` leaves those out. Tests that do not end have noticed the change too.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from pathlib import Path

import click
import pytest

from breakages.changes import Change, changes
from breakages.plugins import Chosen, Recorder
from breakages.report import write_report

PACKAGE = "globus_sync_directory"
# What is broken: where the promises are kept. Then the unit tests that are likely to notice it.
ROOMS = {
    "sync/*.py": "tests/unit/sync/",
    "state.py": "tests/unit/test_state",
    "model/*.py": "tests/unit/model/",
    "config/conflicts.py": "tests/unit/config/test_conflicts.py",
    "globus/transport.py": "tests/unit/globus/test_transport.py",
}
# Those that are about these rooms, the quick ones first.
SCENARIOS = [
    f"tests/scenarios/test_{name}.py"
    for name in (
        "run", "statuses", "failed_starts", "one_task", "pending_submissions", "memory", "orphaned_tasks",
        "partial_runs", "state_file", "runs_at_once", "vanished_paths", "empty_source", "people", "budget",
        "monitoring", "full_disks", "permissions", "bad_replies", "tokens", "reasons_and_fixes", "missing_details",
        "bad_input", "wait", "end_to_end",
    )
]  # fmt: skip
PYTEST = ["-n", "0", "-x", "-q", "-p", "no:cacheprovider", "--assert=plain", "--tb=short", "--hypothesis-seed=0"]
PRELOADED = [
    "flask", "globus_sdk.services.auth", "globus_sdk.services.transfer", "hypothesis.strategies", "jwt", "msgspec",
    "rich.table", "werkzeug.serving", "xdist",
]  # fmt: skip
MEMORY_BYTES = 4 << 30
PATIENCE = 10  # times as long as the tests take on the code as it is: the computer may be busy
LONGEST_START_SECONDS = 30
ENDLESS = -signal.SIGKILL
OF_ANOTHER_COPY = 99

_fork = multiprocessing.get_context("fork")  # a child has imported already what takes long


@dataclass(frozen=True)
class Broken:
    """A change of one file of the package."""

    path: str
    change: Change

    def __str__(self) -> str:
        return f"{self.path}:{self.change.line}: {self.change.words}"


@dataclass(frozen=True)
class Stage:
    """Tests that run together, and how many seconds they take on the code as it is."""

    files: tuple[str, ...]
    plugin: object
    seconds: float


@click.command(help=__doc__)
@click.option("--count", default=400, show_default=True, help="How many changes are tried.")
@click.option("--seed", default=1, show_default=True, help="Other changes are tried for each number.")
@click.option("--jobs", default=os.cpu_count(), show_default=True, help="How many at a time.")
@click.option("--fast", is_flag=True, help="Without the scenarios; more goes unnoticed.")
@click.option("--report", type=click.Path(exists=True, path_type=Path), help="Write the result into this document.")
@click.argument("files", nargs=-1)
def main(count: int, seed: int, jobs: int, fast: bool, report: Path | None, files: tuple[str, ...]) -> None:
    """Try changes of FILES, such as sync/plan.py, or of all files where promises are kept."""
    begun = time.monotonic()
    tried = choose(count, seed, files)
    for name in PRELOADED:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="breakages-") as directory:
        template = Path(directory, "template")
        copy_sources(template)
        calls = record_calls(template)
        scenarios = [] if fast else [measured_scenarios(template)]
        click.echo(f"{len(calls)} unit tests pass; {len(tried)} changes follow; those that nothing notices:")
        found: dict[Broken, int] = {}
        with ProcessPoolExecutor(jobs, mp_context=_fork) as pool:
            places = (Path(directory, str(number)) for number in range(len(tried)))
            running = {
                pool.submit(notice, template, place, broken, [*stages(broken, calls), *scenarios]): broken
                for place, broken in zip(places, tried, strict=True)
            }
            for done in as_completed(running):
                found[running[done]] = done.result()
                if found[running[done]] == 0:
                    click.echo(f"{len(found):4}: {running[done]}")
    unnoticed = [broken for broken in tried if found[broken] == 0]
    endless = sum(status == ENDLESS for status in found.values())
    minutes = (time.monotonic() - begun) / 60
    click.echo(f"{len(unnoticed)} of {len(tried)} not noticed; tests without end: {endless}; {minutes:.0f} minutes")
    if report:
        write_report(report, len(tried), endless, [(one.path, one.change) for one in unnoticed])


def choose(count: int, seed: int, files: Sequence[str]) -> list[Broken]:
    """Return ``count`` changes, spread evenly over all that are known."""
    known: list[Broken] = []
    for path in (path for pattern in ROOMS for path in sorted(Path(PACKAGE).glob(pattern))):
        name = str(path.relative_to(PACKAGE))
        if not files or name in files:
            known += [Broken(name, change) for change in changes(path.read_text(encoding="utf-8"))]
    count = min(count, len(known))
    dice = random.Random(seed)  # noqa: S311  # no secret
    bounds = [number * len(known) // count for number in range(count + 1)]
    return [known[dice.randrange(begin, end)] for begin, end in itertools.pairwise(bounds)]


def copy_sources(target: Path) -> None:
    """Copy the files here that git knows of or would add, as they are now."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if os.path.lexists(name):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, target / name, follow_symlinks=False)


# -- Which tests ------------------------------------------------------------------------------------------------------


def record_calls(template: Path) -> dict[str, tuple[float, list[list[str]]]]:
    """Return how long each unit test takes, in seconds, and which functions it calls; they must all pass."""
    output = Path(f"{template}.json")
    must_pass(template, ["tests/unit"], Recorder(f"{template}/{PACKAGE}/", output))
    found: dict[str, tuple[float, list[list[str]]]] = json.loads(output.read_text(encoding="utf-8"))
    return found


def measured_scenarios(template: Path) -> Stage:
    """Return the scenarios, which must pass."""
    begun = time.monotonic()
    must_pass(template, SCENARIOS, None)
    return Stage(tuple(SCENARIOS), None, time.monotonic() - begun)


def must_pass(template: Path, files: Sequence[str], plugin: object) -> None:
    """Run these tests on the code as it is."""
    if run_tests(template, files, plugin, None):
        output = Path(f"{template}.out").read_text(encoding="utf-8", errors="replace")
        raise click.ClickException(f"the code as it is does not pass:\n{output}")


def stages(broken: Broken, calls: dict[str, tuple[float, list[list[str]]]]) -> list[Stage]:
    """Return the unit tests that call what was changed: those of its room, then the others."""
    function = [broken.path, broken.change.function]
    callers = {key: seconds for key, (seconds, called) in calls.items() if function in called}
    if not callers:  # it is used when the module is imported, so any test may notice
        callers = {key: seconds for key, (seconds, _) in calls.items()}
    room = next(tests for pattern, tests in ROOMS.items() if Path(broken.path).match(pattern))
    near = [key for key in callers if key.startswith(room)]
    far = [key for key in callers if not key.startswith(room)]
    own = f"/test_{Path(broken.path).stem}.py"
    made = []
    for ids in filter(None, (near, far)):
        files = sorted({key.partition("::")[0] for key in ids}, key=lambda file: (not file.endswith(own), file))
        made.append(Stage(tuple(files), Chosen(frozenset(ids)), sum(callers[key] for key in ids)))
    return made


# -- One change -------------------------------------------------------------------------------------------------------


def notice(template: Path, place: Path, broken: Broken, tests: Sequence[Stage]) -> int:
    """Return the status of the first tests that notice a change, ENDLESS if they do not end; 0 if none does."""
    shutil.copytree(template, place, symlinks=True)
    try:
        (place / PACKAGE / broken.path).write_text(broken.change.source, encoding="utf-8")
        results = (
            run_tests(place, stage.files, stage.plugin, LONGEST_START_SECONDS + PATIENCE * stage.seconds)
            for stage in tests
        )
        return next(filter(None, results), 0)
    finally:
        for left in (place, Path(f"{place}.tmp")):
            shutil.rmtree(left, ignore_errors=True)
        Path(f"{place}.out").unlink(missing_ok=True)


def run_tests(place: Path, files: Sequence[str], plugin: object, seconds: float | None) -> int:
    """Return the exit status of pytest in ``place``; ENDLESS if it took longer than ``seconds``."""
    process: ForkProcess = _fork.Process(target=functools.partial(child, place, files, plugin))
    process.start()
    process.join(seconds)
    assert process.pid is not None  # noqa: S101
    try:
        os.killpg(process.pid, signal.SIGKILL)  # and whatever the tests have left running
    except ProcessLookupError:
        process.kill()
    process.join()
    if process.exitcode in (None, pytest.ExitCode.NO_TESTS_COLLECTED, OF_ANOTHER_COPY):
        raise RuntimeError(f"status {process.exitcode} of pytest in {place}: {' '.join(files)}")
    return process.exitcode


def child(place: Path, files: Sequence[str], plugin: object) -> None:
    """Run pytest on the code in ``place``, and end this process."""
    os.setsid()
    os.chdir(place)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for descriptor, name in enumerate((os.devnull, f"{place}.out", f"{place}.out")):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND), descriptor)
    sys.path.insert(0, str(place))
    os.environ["PYTHONPATH"] = str(place)
    status = pytest.main([*PYTEST, f"--basetemp={place}.tmp", *files], plugins=[plugin] if plugin else [])
    loaded = str(sys.modules[PACKAGE].__file__)
    os._exit(status if loaded.startswith(f"{place}/") else OF_ANOTHER_COPY)


if __name__ == "__main__":
    main()
