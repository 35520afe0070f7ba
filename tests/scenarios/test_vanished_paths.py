"""A file that is deleted between the scan and the copy is no gap: all that is there was copied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from world import SUBMIT, World

from globus_sync_directory.standin import Fault

DAY = 86400
SKIPPED = "/v0.10/task/*/skipped_errors"
NOTE = "note: 1 path was gone when it was to be copied: '/images/z.tmp'; nothing to do"


def night(world: World, *arguments: str) -> None:
    """Run, and let the file that the night's run finds at the source vanish before it is copied."""
    vanishing = [world.images / name for name in ("y.tmp", "z.tmp")]
    for path in vanishing:
        path.write_bytes(b"x")
    world.globus.hold(after_files=2)
    world.sync(*arguments)
    vanishing[1].unlink()
    world.globus.release()
    world.globus.wait()


def test_a_night_is_a_success(world: World) -> None:
    """It is told, and nothing is wrong."""
    night(world)
    look = world.run("-d")
    assert (look.status, look.statuses) == (0, {"microscope": "succeeded"})
    assert NOTE in look.stdout
    assert "not copied" not in look.stdout
    assert world.run("-q", "-d").stdout == ""
    (pair,) = json.loads(world.run("-d", "--json").stdout)["pairs"]
    assert (pair["status"], pair["reason"], pair["skipped"]) == ("succeeded", None, [])
    assert NOTE.removeprefix("note: ") in pair["notes"]
    assert pair["task"]["paths_skipped"] == 1


def test_every_night(world: World) -> None:
    """Night after night of vanished paths keeps no success back, though each run starts the next task at once."""
    world.pair("microscope", max_age="36h", sync_level="mtime")
    for number in range(4):
        night(world)
        assert world.tasks[-1].submission.sync_level == 3  # what the night before left out is not known yet
        if number:
            assert world.state()["microscope"]["success"]["task_id"] == world.tasks[-2].id
        before = world.state_file.read_bytes()
        world.clock.advance(DAY // 2)
        look = world.run("-q", "-d")
        assert (look.status, look.stdout) == (0, "")
        assert world.state_file.read_bytes() == before
        world.clock.advance(DAY // 2)
    world.clock.advance(DAY)
    assert world.run("-d").status == 3


def test_budget(world: World) -> None:
    """One request for the skipped paths of such a pair, and in a run it is the last one."""
    night(world)
    world.forget_requests()
    world.run("-d")
    assert [line for line in world.asked() if "skipped_errors" in line] == [
        f"GET /v0.10/task/{world.tasks[0].id}/skipped_errors"
    ]
    world.forget_requests()
    world.sync()
    asked = world.asked()
    assert [line for line in asked if "skipped_errors" in line] == asked[-1:]


def test_a_night_that_is_known_by_the_next_start(world: World) -> None:
    """If a run could not start the next task, the one after it knows that the night was a full success."""
    world.pair("microscope", sync_level="mtime")
    night(world)
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, status=403, code="PermissionDenied"))
    assert world.run().statuses == {"microscope": "rejected"}
    assert world.state()["microscope"]["success"]["task_id"] == world.tasks[0].id
    world.forget_requests()
    world.sync()
    assert len([line for line in world.asked() if "/operation/" in line]) == 1  # the source
    assert world.tasks[-1].submission.sync_level == 2


def test_after_a_lost_state_file(world: World) -> None:
    """The last success is found again; -d says it and writes nothing."""
    night(world)
    world.state_file.unlink()
    assert json.loads(world.run("-d", "--json").stdout)["pairs"][0]["last_success"]
    assert not world.state_file.exists()
    world.sync()
    assert world.state()["microscope"]["success"]["task_id"] == world.tasks[0].id


def test_a_run_says_it_of_the_task_before(world: World) -> None:
    """A run that starts the next task has nothing to complain of."""
    night(world)
    run = world.run()
    assert (run.status, run.statuses) == (0, {"microscope": "started"})
    assert "previous task" not in run.stdout


def test_another_gap_beside_it(world: World) -> None:
    """A file that cannot be read is a gap as ever; it is named first, with its reason."""
    world.source.unreadable = {"/images/zz.txt"}
    (world.images / "zz.txt").write_bytes(b"x")
    night(world)
    look = world.run("-d")
    assert (look.status, look.statuses) == (1, {"microscope": "succeeded with gaps"})
    assert "2 paths not copied: '/images/zz.txt' (permission denied), '/images/z.tmp' (file not found)" in look.stdout
    assert "refuses access to source '/images/zz.txt'" in look.stdout


def test_more_than_a_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """If not all of them were read, nobody claims that all have vanished."""
    monkeypatch.setattr("globus_sync_directory.standin.api.tasks.MARKER_PAGE", 1)
    night(world)
    (world.images / "a.txt").write_bytes(b"changed")
    assert world.run("-d").statuses == {"microscope": "succeeded"}
    task = world.tasks[0]
    with task.changed:
        task.skips.append(task.skips[0])
    look = world.run("-d")
    assert (look.status, look.statuses) == (1, {"microscope": "succeeded with gaps"})


@pytest.mark.parametrize("fault", [{"status": 503}, {"cut": True}, {"body": b"[]"}])
def test_the_list_does_not_come(world: World, fault: dict[str, object]) -> None:
    """Then the gaps are not explained, and are no success; the start is not held up."""
    world.pair("other")
    night(world)
    world.globus.faults.add(Fault(path=SKIPPED, times=None, **fault))  # type: ignore[arg-type]
    look = world.run("-d", "-p", "microscope")
    assert look.statuses == {"microscope": "succeeded with gaps"}
    assert "the reason is not known, because Globus did not send it" in look.stdout
    run = world.sync()
    assert (run.status, run.statuses) == (0, {"microscope": "started", "other": "started"})


def test_the_source_itself(world: World) -> None:
    """If the source directory is gone, nothing was copied: failed."""
    world.globus.hold()
    world.sync()
    world.images.rename(Path(f"{world.images}.away"))
    world.globus.release()
    world.globus.wait()
    look = world.run("-d")
    assert (look.status, look.statuses) == (1, {"microscope": "failed"})
