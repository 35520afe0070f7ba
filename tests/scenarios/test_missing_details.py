"""What only explains is asked for after the starts; if it does not come, that is one line of that pair's report."""

from __future__ import annotations

from collections import Counter

import pytest
from world import SUBMIT, World

from globus_sync_directory.globus import transport
from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.promise(6, "details that do not come")

NAMES = ("microscope", "two", "three")
STARTED = dict.fromkeys(NAMES, "started")
MISSING = "the reason is not known, because Globus did not send it: "


def with_gaps(world: World) -> None:
    """Let the last task of each pair leave something out."""
    for name in NAMES:
        world.pair(name, src_path=f"/{name}")
        (world.root / "source" / name).mkdir(exist_ok=True)
        (world.root / "source" / name / "closed").write_bytes(b"x")
    world.source.unreadable = {f"/{name}/closed" for name in NAMES}
    world.sync()


def with_failures(world: World) -> None:
    """Let the last task of each pair fail."""
    for name in NAMES:
        world.pair(name)
    world.globus.hold()
    world.sync()
    for task in world.tasks:
        world.globus.fail(task.id, "ENDPOINT_ERROR")
    world.globus.release()


KINDS = {"skipped_errors": with_gaps, "event_list": with_failures}


def assert_starts_came_first(world: World, kind: str) -> None:
    """Check that every submission was sent before the first question of this kind."""
    asked = [line.rsplit("/", 1)[1] for line in world.asked()]
    assert Counter(asked)[SUBMIT.rsplit("/", 1)[1]] == len(NAMES)
    assert SUBMIT.rsplit("/", 1)[1] not in asked[asked.index(kind) :]


def lines_about_what_is_missing(text: str) -> int:
    return " ".join(text.split()).count(MISSING)


@pytest.mark.parametrize("fault", [{"status": 500}, {"html": True, "status": 200}, {"cut": True}, {"truncate": 10}])
@pytest.mark.parametrize("kind", KINDS)
def test_of_every_pair(world: World, kind: str, fault: dict[str, object]) -> None:
    """Three in a row are no outage: every pair is started, and its report has the line, also that of -d."""
    KINDS[kind](world)
    world.globus.faults.add(Fault(path=f"*/{kind}", times=None, **fault))  # type: ignore[arg-type]
    look = world.run("-d")
    assert look.status == 1
    assert lines_about_what_is_missing(look.stdout) == len(NAMES)
    dry = world.run("-n")
    assert (dry.status, set(dry.statuses.values())) == (0, {"would start"})
    world.globus.hold()
    world.forget_requests()
    run = world.run()
    assert (run.status, run.statuses) == (0, STARTED)
    assert lines_about_what_is_missing(run.stdout) == len(NAMES)
    assert_starts_came_first(world, kind)
    world.globus.release()


@pytest.mark.parametrize("kind", KINDS)
def test_of_one_pair_that_hangs(world: World, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """It delays no start, and the others have their reasons."""
    KINDS[kind](world)
    monkeypatch.setattr(transport, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(transport, "REPEATS", 0)
    world.globus.faults.add(Fault(path=f"*/{world.tasks[0].id}/{kind}", times=None, delay=0.6))
    look = world.run("-d")
    assert look.status == 1
    assert lines_about_what_is_missing(look.stdout) == 1
    world.globus.hold()
    world.forget_requests()
    run = world.run()
    assert (run.status, run.statuses) == (0, STARTED)
    assert lines_about_what_is_missing(run.stdout) == 1
    assert_starts_came_first(world, kind)
    world.globus.release()
