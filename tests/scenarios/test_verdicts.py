"""One verdict a pair: each row of the design's table, from a real task that is in that state."""

from __future__ import annotations

import pytest
from world import World

from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.promise(7, "each state a task can be in")


def headline(world: World, *arguments: str) -> tuple[int, str, str]:
    """Status, verdict and the whole report of a look."""
    outcome = world.run(*(arguments or ("-d",)))
    first = outcome.stdout.splitlines()[0]
    return outcome.status, first.removeprefix("microscope: ").split(",")[0], outcome.stdout


def test_running(world: World) -> None:
    """A task that gets on: since when, how many files of those found so far."""
    world.globus.hold(after_files=1)
    world.sync()
    status, verdict, report = headline(world)
    assert (status, verdict) == (0, "running")
    assert "1 file copied of " in report


def test_queued(world: World) -> None:
    """Beyond three tasks at a time Globus queues: status 0."""
    for name in ("one", "two", "three"):
        world.pair(name)
    world.globus.hold()
    world.sync()
    report = world.run("-d")
    assert report.status == 0
    assert sorted(report.statuses.values()) == ["queued", "running", "running", "running"]
    assert "waiting: Globus works on three tasks of one application at a time" in report.stdout


def test_running_with_errors_then_stuck(world: World) -> None:
    """An error is status 0 while there was progress within an hour, and after that stuck, with error and cure."""
    world.globus.hold(after_files=1)
    world.sync()
    world.destination.full = True
    world.globus.release()
    world.globus.wait()
    status, verdict, report = headline(world)
    assert (status, verdict) == (0, "running with errors")
    assert "no space or quota left" in report
    world.clock.advance(3700)
    world.globus.wait()
    status, verdict, report = headline(world)
    assert (status, verdict) == (1, "stuck")
    assert "no space or quota left for destination '/archive/images/" in report
    assert "fix:  make room there" in report
    assert "fault" in report


def test_offline_destination(world: World) -> None:
    """A collection that cannot be reached is told by its side and id, with whom to ask."""
    world.globus.hold()
    world.sync()
    world.destination.online = False
    world.globus.release()
    world.globus.wait()
    world.clock.advance(3700)
    world.globus.wait()
    status, verdict, report = headline(world)
    assert (status, verdict) == (1, "stuck")
    assert f"the destination collection 'Archive' ({world.destination.id}) is not connected" in report


def test_paused_and_suspended(world: World) -> None:
    """A paused and a suspended task need a person: status 1, with the cure."""
    world.globus.hold()
    world.sync()
    world.tasks[0].pause()
    status, verdict, report = headline(world)
    assert (status, verdict) == (1, "paused")
    assert "ask that administrator" in report
    world.tasks[0].unpause()
    world.tasks[0].suspend()
    status, verdict, report = headline(world)
    assert (status, verdict) == (1, "suspended")
    assert f"globus task cancel {world.tasks[0].id}" in report


def test_succeeded(world: World) -> None:
    """A full success: files and bytes; a second time, files already in step."""
    world.sync()
    status, verdict, report = headline(world)
    assert (status, verdict) == (0, "succeeded")
    assert "2 files copied, 11 B" in report
    world.sync()
    assert "0 files copied, 0 B; 2 already in step" in headline(world)[2]


def test_succeeded_with_gaps(world: World) -> None:
    """Paths left out because of errors are counted and named, status 1, and the next comparison is by checksum."""
    world.pair("microscope", sync_level="size")
    world.source.unreadable = {"/images/deep"}
    world.sync()
    status, verdict, report = headline(world)
    assert (status, verdict) == (1, "succeeded with gaps")
    assert "1 path left out: '/images/deep' (permission denied)" in report
    assert "last success: none known" in report
    world.run()
    assert world.tasks[1].submission.sync_level == 3


def test_source_directory_skipped_is_a_failure(world: World) -> None:
    """When the source directory itself was left out nothing was copied: failed, status 1."""
    world.globus.hold()
    world.sync()
    world.source.unreadable = {"/images"}
    world.globus.release()
    world.globus.wait()
    status, verdict, report = headline(world)
    assert (status, verdict) == (1, "failed")
    assert "permission denied" in report


def test_ran_out_of_time_in_the_queue(world: World) -> None:
    """A time limit spent in the queue is status 1 and says so."""
    for name in ("one", "two", "three"):
        world.pair(name)
    world.globus.hold()
    world.sync("-p", "one", "-p", "two", "-p", "three")
    world.pair("microscope", timelimitmins="30")
    world.sync("-p", "microscope")
    world.clock.advance(31 * 60)
    world.globus.wait()
    status, verdict, report = headline(world, "-d", "-p", "microscope")
    assert (status, verdict) == (1, "ran out of time without progress")
    assert "spent its 30 minutes in the queue" in report


def test_ran_out_of_time_while_comparing(world: World) -> None:
    """A time limit that is shorter than the comparison is status 1 and names the key to change."""
    world.sync()
    world.pair("microscope", timelimitmins="30")
    world.globus.hold(after_files=1)
    world.sync()
    world.clock.advance(31 * 60)
    world.globus.wait()
    status, verdict, report = headline(world)
    assert (status, verdict) == (1, "ran out of time without progress")
    assert "raise timelimitmins of [microscope]" in report
    assert "last success: " in report


def test_ran_out_of_time_with_an_error(world: World) -> None:
    """A time limit that passed without a file arriving because of an error: the error is told."""
    world.pair("microscope", timelimitmins="30")
    world.destination.full = True
    world.sync()
    world.clock.advance(31 * 60)
    world.globus.wait()
    status, verdict, report = headline(world)
    assert (status, verdict) == (1, "ran out of time without progress")
    assert "no space or quota left" in report


def test_failed(world: World) -> None:
    """A failed task is status 1, with Globus' own reason."""
    world.globus.hold()
    world.sync()
    world.globus.fail(world.tasks[0].id, "ENDPOINT_ERROR")
    status, verdict, report = headline(world)
    assert (status, verdict) == (1, "failed")
    assert "does not work properly" in report
    assert "by itself" not in report
    assert "now:  the next run starts it again" in report


def test_cancelled(world: World) -> None:
    """A cancelled task is status 1; the next run starts the pair again."""
    world.globus.hold()
    world.sync()
    world.globus.cancel(world.tasks[0].id)
    world.globus.release()
    status, verdict, report = headline(world)
    assert (status, verdict) == (1, "cancelled")
    assert "the next run starts it again" in report
    assert world.sync().stdout.startswith("microscope: started")
    assert headline(world)[1] == "succeeded"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"src_path": "/missing"}, "there is no source directory '/missing' on collection"),
        ({"src_path": "/images/a.txt"}, "is not a directory"),
        ({"src_endpoint": "00000000-1111-4222-8333-444444444444"}, "Globus knows no source collection"),
        ({"dst_endpoint": "00000000-1111-4222-8333-444444444444"}, "Globus knows no destination collection"),
    ],
)
def test_not_startable(world: World, change: dict[str, str], words: str) -> None:
    """What waiting cannot cure stops a start before it: status 1, the reason, and the key to correct."""
    world.pair("microscope", **change)
    status, verdict, report = headline(world, "-q")
    assert (status, verdict) == (1, "blocked")
    assert words in report
    assert f"correct [microscope] {next(iter(change))}" in report
    assert world.tasks == []


def test_not_startable_without_permission(world: World) -> None:
    """Without permission the report says whom to share the guest collection with, and how."""
    world.source.rules.clear()
    status, verdict, report = headline(world, "-q")
    assert (status, verdict) == (1, "blocked")
    assert "permission denied for source '/images'" in report
    assert f"share it with {world.client_id}@clients.auth.globus.org, permission r" in report


def test_deleted_collection(world: World) -> None:
    """A deleted collection is blocked."""
    world.destination.deleted = True
    status, verdict, report = headline(world, "-q")
    assert (status, verdict) == (1, "blocked")
    assert "the destination collection" in report
    assert "has been deleted" in report


def test_file_where_the_destination_should_be(world: World) -> None:
    """A file in the place of the destination directory is blocked."""
    world.archive.parent.mkdir(parents=True)
    world.archive.write_text("a file")
    status, verdict, report = headline(world, "-q")
    assert (status, verdict) == (1, "blocked")
    assert "destination '/archive/images' on collection" in report


def test_offline_source_is_no_obstacle(world: World) -> None:
    """A collection that is offline now is a note, and the task is submitted: Globus waits for it."""
    world.source.online = False
    outcome = world.run()
    assert outcome.status == 0
    assert outcome.stdout.startswith("microscope: started")
    assert f"the source collection {world.source.id} does not work properly just now" in outcome.stdout


def test_offline_personal_endpoint_is_refused_by_globus(world: World) -> None:
    """Globus takes no task for a personal endpoint that is off: refused, with what to switch on."""
    world.source.entity_type = "GCP_guest_collection"
    world.source.online = False
    outcome = world.run()
    assert outcome.status == 1
    assert outcome.stdout.startswith("microscope: refused")
    assert "is not connected" in outcome.stdout
    assert "start Globus Connect Personal on that computer" in outcome.stdout
    assert world.state()["microscope"]["pending"] is None


def test_refused(world: World) -> None:
    """A submission that Globus refuses is status 1 with its reason, and nothing stays reserved."""
    world.globus.faults.add(
        Fault(method="POST", path="/v0.10/transfer", status=403, code="PermissionDenied", message="no role")
    )
    outcome = world.run()
    assert outcome.status == 1
    assert outcome.stdout.startswith("microscope: refused")
    assert world.state()["microscope"]["pending"] is None


def test_a_look_tells_of_a_start_that_came_to_nothing(world: World) -> None:
    """The morning's -d tells that the night's start was not possible, since when, until a task is started again."""
    world.sync()
    world.source.rules.clear()
    world.run()
    began = world.state()["microscope"]["failed_start"]["since"]
    status, verdict, report = headline(world)
    assert (status, verdict) == (1, "blocked")
    assert "permission denied for source '/images'" in report
    assert "last success: " in report
    world.clock.advance(24 * 3600 + 30)
    world.run()
    assert world.state()["microscope"]["failed_start"]["since"] == began
    assert "(1 d ago)" in headline(world)[2]
    world.source.rules[world.client_id, ()] = "r"
    world.sync()
    assert headline(world)[:2] == (0, "succeeded")


def test_a_look_tells_who_waits_for_room(world: World) -> None:
    """-d tells of a pair that Globus had no room for, and since when."""
    refusal = {"status": 409, "code": "ClientError.Conflict.TooManyPendingJobs"}
    world.globus.faults.add(Fault(method="POST", path="/v0.10/transfer", **refusal))  # type: ignore[arg-type]
    assert "waiting for room" in world.run().stdout
    world.clock.advance(7230)
    status, verdict, report = headline(world)
    assert (status, verdict) == (0, "waiting for room")
    assert "(2 h ago)" in report


def test_error_on_one_file_names_the_right_side(world: World) -> None:
    """An error about a file at the source is told as the source's, with no advice to give write permission there."""
    world.globus.hold()
    world.sync()
    world.globus.release()
    task = world.tasks[0]
    world.globus.hold()
    world.run()
    task = world.tasks[-1]
    details = f"Error (transfer)\nEndpoint: x ({world.source.id})\nFile: /images/deep/secret.txt\nMessage: no\n"
    task.suspend("PERMISSION_DENIED", details)
    world.clock.advance(3700)
    status, verdict, report = headline(world)
    assert (status, verdict) == (1, "suspended")
    assert "permission denied for source '/images/deep/secret.txt'" in report
    assert "permission rw" not in report


def test_text_from_outside_is_cleaned(world: World) -> None:
    """Escape sequences and bidi marks in names and messages never reach the terminal or the log."""
    evil = "x\x1b[31m\u202e\u200f\r\ny"
    (world.images / evil).write_text("x")
    world.source.unreadable = {f"/images/{evil}"}
    world.source.name = evil
    world.sync()
    report = world.run("-d")
    assert "succeeded with gaps" in report.stdout
    world.globus.faults.add(
        Fault(method="POST", path="/v0.10/transfer", status=400, code=f"Bad{evil}", message=evil * 200)
    )
    refused = world.run("-v")
    for text in (report.stdout, report.stderr, refused.stdout, refused.stderr):
        assert not set("\x1b\u202e\u200f\r") & set(text)
        assert all(len(line) < 1200 for line in text.splitlines())
