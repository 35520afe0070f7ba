"""A run that hangs and keeps the lock: nothing is started any more, so that must be heard."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from world import World

pytestmark = pytest.mark.promise(7, "a run that hangs and keeps the lock")

HOLDER = "node7 pid 4711 since "
FIX = "nothing is started until it ends; look at that process, and end it if it hangs"


@contextmanager
def hanging(world: World, hours: float) -> Iterator[str]:
    """Hold the lock, as a run on another host does since so many hours; yield what its file says."""
    since = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds")
    with Path(f"{world.state_file}.lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(f"{HOLDER}{since}\n")
        file.flush()
        yield f"{HOLDER}{since}"


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_a_run(world: World, quiet: tuple[str, ...]) -> None:
    """It says who holds the lock, since when and what to do, with -q too."""
    with hanging(world, 25) as holder:
        run = world.run(*quiet)
    assert (run.status, run.stdout, world.tasks) == (75, "", [])
    assert run.stderr == f"another run holds the lock: {holder}, for longer than a day; {FIX}\n"


@pytest.mark.parametrize("arguments", [("-d",), ("-q", "-d"), ("-n",), ("-q", "-n"), ("-d", "-w")])
def test_a_look(world: World, arguments: tuple[str, ...]) -> None:
    """-d says it beside the report on the pairs, and ends with 75; it writes nothing."""
    world.sync()
    with hanging(world, 25) as holder:
        before = {path: path.read_bytes() for path in world.root.iterdir() if path.is_file()}
        look = world.run(*arguments)
        assert {path: path.read_bytes() for path in world.root.iterdir() if path.is_file()} == before
    assert look.status == 75
    assert f"another run holds the lock: {holder}, for longer than a day; {FIX}" in look.stderr
    assert bool(look.statuses) is ("-q" not in arguments)
    assert world.run(*arguments).status == 0  # nobody holds it any more


def test_check(world: World) -> None:
    """check says it too, as a failure, and ends with 75."""
    world.sync()
    with hanging(world, 25) as holder:
        found = world.run("check")
    assert found.status == 75
    assert f"FAIL  another run holds the lock: {holder}, for longer than a day; {FIX}\n" in found.stdout
    with hanging(world, 23):
        assert world.run("check").status == 0


def test_json(world: World) -> None:
    """--json has it among the errors, from a run and from -d."""
    with hanging(world, 25):
        for arguments in ((), ("-d",)):
            report = json.loads(world.run("--json", "-q", *arguments).stdout)
            (line,) = report["errors"]
            assert (report["exit_status"], line.endswith(FIX)) == (75, True)


def test_a_pair_in_trouble_comes_first(world: World) -> None:
    """A pair that needs a person is 1, whoever holds the lock; both are said."""
    world.source.unreadable = {"/images/deep"}
    world.sync()
    with hanging(world, 25):
        look = world.run("-q", "-d")
    assert (look.status, look.statuses) == (1, {"microscope": "succeeded with gaps"})
    assert FIX in look.stderr


def test_a_young_holder(world: World) -> None:
    """Until then -q is silent, with 75 from a run and 0 from -d."""
    with hanging(world, 23):
        run, look = world.run("-q"), world.run("-q", "-d")
    assert (run.status, run.stdout, run.stderr) == (75, "", "")
    assert (look.status, look.stdout, look.stderr) == (0, "", "")


def test_a_run_that_was_killed(world: World) -> None:
    """What its lock file says is old, but nobody holds the lock: the next run begins."""
    with hanging(world, 25):
        pass
    assert world.run("-d").status == 0
    assert world.sync().statuses == {"microscope": "started"}
    assert world.run("-d").statuses == {"microscope": "succeeded"}
