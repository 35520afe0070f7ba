"""One status a pair: each row of the design's table, from a real task that is in that state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from world import World

pytestmark = pytest.mark.promise(7, "each state a task can be in")


def test_running(world: World) -> None:
    """A task that makes progress: how many files of those found so far."""
    world.globus.hold(after_files=1)
    world.sync()
    report = world.run("-d")
    assert (report.status, report.statuses) == (0, {"microscope": "running"})
    assert "1 file copied of " in report.stdout


def test_queued(world: World) -> None:
    """Globus queues every task after the first three: status 0."""
    for name in ("one", "two", "three"):
        world.pair(name)
    world.globus.hold()
    world.sync()
    report = world.run("-d")
    assert report.status == 0
    assert sorted(report.statuses.values()) == ["queued", "running", "running", "running"]
    assert "waiting in the queue (Globus runs three transfers per application at a time)" in report.stdout


def test_running_with_errors_then_stuck(world: World) -> None:
    """An error is status 0 for an hour after the last progress; then the task is stuck: status 1, reason and fix."""
    world.globus.hold(after_files=1)
    world.sync()
    world.destination.full = True
    world.globus.release()
    world.globus.wait()
    report = world.run("-d")
    assert (report.status, report.statuses) == (0, {"microscope": "running with errors"})
    assert "no space or quota left" in report.stdout
    world.clock.advance(3700)
    world.globus.wait()
    report = world.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "stuck"})
    assert "no space or quota left for destination '/archive/images/" in report.stdout
    assert "fix:  free some space there" in report.stdout
    assert "fault" in report.stdout


def test_offline_destination(world: World) -> None:
    """The report names a collection that is not connected by its side, name and id."""
    world.globus.hold()
    world.sync()
    world.destination.online = False
    world.globus.release()
    world.globus.wait()
    world.clock.advance(3700)
    world.globus.wait()
    report = world.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "stuck"})
    assert f"the destination collection 'Archive' ({world.destination.id}) cannot be reached" in report.stdout


def test_paused_and_suspended(world: World) -> None:
    """A paused task and a suspended one need attention: status 1, with the fix."""
    world.globus.hold()
    world.sync()
    world.tasks[0].pause()
    report = world.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "paused"})
    assert "ask that administrator" in report.stdout
    world.tasks[0].unpause()
    world.tasks[0].suspend()
    report = world.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "suspended"})
    assert f"globus task cancel {world.tasks[0].id}" in report.stdout


def test_paused_since_its_pause(world: World) -> None:
    """The report counts a pause from its begin, not from the submission."""
    world.globus.hold()
    world.run()
    world.clock.advance(23 * 3600)
    world.tasks[0].pause()
    world.clock.advance(630)
    assert "(10 min ago)" in world.run("-d").stdout


def test_progress_before_many_errors(world: World) -> None:
    """A task that made progress a minute ago is not stuck, however many errors came since."""
    world.globus.hold()
    world.run()
    task = world.tasks[0]
    world.clock.advance(7200)
    with task.changed:
        task.add_event("PROGRESS")
    world.clock.advance(60)
    with task.changed:
        for _ in range(1200):
            task.error = task.add_event("VERIFY_CHECKSUM", "x", is_error=True)
    assert world.run("-d").statuses == {"microscope": "running with errors"}


def test_succeeded(world: World) -> None:
    """A full success: files and bytes; a second time, files already in sync."""
    world.sync()
    report = world.run("-d")
    assert (report.status, report.statuses) == (0, {"microscope": "succeeded"})
    assert "2 files copied, 11 B" in report.stdout
    world.sync()
    assert "0 files copied, 0 B; 2 already in sync" in world.run("-d").stdout


def test_empty_source_is_mentioned(world: World) -> None:
    """A success without a single file is reported with a note: the disk may not be mounted."""
    (world.root / "source" / "empty").mkdir()
    world.pair("microscope", src_path="/empty", dst_path="/archive/images")
    world.sync()
    assert "no file was found at the source" in world.run("-d").stdout


def test_succeeded_with_gaps(world: World) -> None:
    """Paths that errors kept from being copied are counted and named: status 1; the next task compares by checksum."""
    world.pair("microscope", sync_level="size")
    world.source.unreadable = {"/images/deep"}
    world.sync()
    report = world.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "succeeded with gaps"})
    assert "1 path not copied: '/images/deep' (permission denied)" in report.stdout
    assert "last success: none known" in report.stdout
    world.run()
    assert world.tasks[1].submission.sync_level == 3


def test_skipped_source_directory_is_a_failure(world: World) -> None:
    """Where the source directory itself was skipped, nothing was copied: failed, status 1."""
    world.globus.hold()
    world.sync()
    world.source.unreadable = {"/images"}
    world.globus.release()
    world.globus.wait()
    report = world.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "failed"})
    assert "permission denied" in report.stdout


def test_ran_out_of_time_in_the_queue(world: World) -> None:
    """A time limit that passed in the queue is status 1, with that reason."""
    for name in ("one", "two", "three"):
        world.pair(name)
    world.globus.hold()
    world.sync("-p", "one", "-p", "two", "-p", "three")
    world.pair("microscope", timelimitmins="30")
    world.sync("-p", "microscope")
    world.clock.advance(31 * 60)
    world.globus.wait()
    report = world.run("-d", "-p", "microscope")
    assert (report.status, report.statuses) == (1, {"microscope": "ran out of time without progress"})
    assert "the time limit of 30 minutes passed in the queue" in report.stdout


def test_ran_out_of_time_while_comparing(world: World) -> None:
    """A time limit that is shorter than the comparison is status 1 and names the key to change."""
    world.sync()
    world.pair("microscope", timelimitmins="30")
    world.globus.hold(after_files=1)
    world.sync()
    world.clock.advance(31 * 60)
    world.globus.wait()
    report = world.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "ran out of time without progress"})
    assert "raise timelimitmins of [microscope]" in report.stdout
    assert "last success: " in report.stdout


def test_ran_out_of_time_with_an_error(world: World) -> None:
    """Where an error kept every file from being copied within the time limit, the report gives that error."""
    world.pair("microscope", timelimitmins="30")
    world.destination.full = True
    world.sync()
    world.clock.advance(31 * 60)
    world.globus.wait()
    report = world.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "ran out of time without progress"})
    assert "no space or quota left" in report.stdout


def test_previous_task_is_judged_by_the_deadline_it_had(world: World) -> None:
    """A time limit that was set later does not explain why Globus ended a task earlier."""
    world.globus.hold(after_files=1)
    world.sync()
    world.clock.advance(4 * 86400)
    world.globus.wait()
    world.pair("microscope", timelimitmins="300")
    assert "previous task: ran out of time without progress" in world.run().stdout


def test_failed(world: World) -> None:
    """A failed task is status 1, with Globus' own reason."""
    world.globus.hold()
    world.sync()
    world.globus.fail(world.tasks[0].id, "ENDPOINT_ERROR")
    report = world.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "failed"})
    assert "is not working properly" in report.stdout
    assert "now:  the next run starts it again" in report.stdout


def test_cancelled(world: World) -> None:
    """A cancelled task is status 1; the next run starts the pair again."""
    world.globus.hold()
    world.sync()
    world.globus.cancel(world.tasks[0].id)
    world.globus.release()
    report = world.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "cancelled"})
    assert "the next run starts it again" in report.stdout
    assert world.sync().stdout.startswith("microscope: started")
    assert world.run("-d").statuses == {"microscope": "succeeded"}


def test_two_live_tasks_of_one_pair(world: World) -> None:
    """Where Globus accepts two tasks of one pair, the report names both."""
    world.globus.hold()
    lag = timedelta(minutes=1)
    world.globus.behaviour = replace(world.globus.behaviour, task_list_lag=lag, identical_paths_refused=False)
    world.run()
    world.run("-t", str(world.root / "other.json"))
    assert len(world.live) == 2
    world.clock.advance(120)
    report = world.run().stdout
    assert all(task.id in report for task in world.tasks)
    assert "another task of this pair is running too" in report
