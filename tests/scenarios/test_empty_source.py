"""A disk that is not mounted is an empty directory: that must not look like a success, night after night."""

from __future__ import annotations

import json
import shutil

import pytest
from mail_server import MailServer, configure, serving
from world import World

from globus_sync_directory.commands import wait

pytestmark = pytest.mark.promise(7, "a source that has become empty")

DAY = 86400
REASON = "no file was found in source '/images'"
FIX = "fix:  check that the disk is mounted; if the source may be empty, set allow_empty = true in [microscope]"


def unmount(world: World) -> None:
    """Leave the mount point of the source's disk as an empty directory."""
    world.images.rename(world.root / "disk")
    world.images.mkdir()


def mount(world: World) -> None:
    world.images.rmdir()
    (world.root / "disk").rename(world.images)


def test_four_nights(world: World) -> None:
    """-q -d speaks from the first morning on; once the last success is too old, -q does, too."""
    world.pair("microscope", max_age="2d")
    world.sync("-q")
    success = world.state()["microscope"]["success"]
    unmount(world)
    nights, mornings = [], []
    for _ in range(4):
        world.clock.advance(DAY - 7200)
        nights.append(world.sync("-q"))
        world.clock.advance(3600)
        mornings.append(world.run("-q", "-d"))
    assert success is None  # of a task that had not ended yet
    assert world.state()["microscope"]["success"]["task_id"] == world.tasks[0].id
    assert [morning.status for morning in mornings] == [1, 1, 1, 1]
    assert all("microscope: source is empty, " in morning.stdout for morning in mornings)
    assert all(REASON in morning.stdout and FIX in morning.stdout for morning in mornings)
    assert ["TOO OLD" in morning.stdout for morning in mornings] == [False, False, True, True]
    assert [night.status for night in nights] == [0, 0, 3, 3]
    assert "previous task: source is empty: no file was found" in nights[2].stdout


def test_json(world: World) -> None:
    """--json says the same, and the last success is that of the night before."""
    world.sync()
    unmount(world)
    world.sync()
    (pair,) = json.loads(world.run("-d", "--json").stdout)["pairs"]
    assert (pair["status"], pair["exit_status"], pair["needs_attention"]) == ("source is empty", 1, True)
    assert pair["last_success"]["task_id"] == world.tasks[0].id
    assert REASON in pair["reason"]
    assert "allow_empty = true in [microscope]" in pair["fix"]


def test_until_it_is_mounted_again(world: World) -> None:
    """The next task then compares by checksum, and all is well."""
    world.pair("microscope", sync_level="mtime")
    world.sync()
    unmount(world)
    world.sync()
    mount(world)
    assert world.sync("-n").statuses == {"microscope": "would start"}
    world.sync()
    assert [task.submission.sync_level for task in world.tasks] == [3, 2, 3]
    assert world.run("-d").statuses == {"microscope": "succeeded"}
    world.sync()
    assert world.tasks[-1].submission.sync_level == 2


@pytest.mark.parametrize("looks", [0, 1])
def test_lost_state(world: World, looks: int) -> None:
    """Recent tasks show that there were files, whether or not -d saw the empty source before."""
    world.sync()
    unmount(world)
    world.sync()
    for _ in range(looks):
        assert world.run("-d").status == 1
    world.state_file.unlink()
    look = world.run("-d")
    assert (look.status, look.statuses) == (1, {"microscope": "source is empty"})
    assert "last success: " in look.stdout
    world.sync()
    assert world.state()["microscope"]["success"]["task_id"] == world.tasks[0].id
    assert world.run("-d").statuses == {"microscope": "source is empty"}


def test_state_of_an_older_version(world: World) -> None:
    """It says how many files the last success has copied, but not that there were files."""
    world.sync()
    unmount(world)
    world.sync()
    document = json.loads(world.state_file.read_text())
    for entry in document["pairs"].values():
        del entry["had_files"]
    world.state_file.write_text(json.dumps(document))
    world.globus.forget(world.tasks[0].id)
    assert world.run("-d").statuses == {"microscope": "source is empty"}


def test_after_nights_without_anything_new(world: World) -> None:
    """Files that were in step are files, though the last success has copied none."""
    world.sync()
    world.sync()
    unmount(world)
    world.sync()
    assert world.run("-d").statuses == {"microscope": "source is empty"}


def test_after_a_task_that_failed(world: World) -> None:
    """A first task that saw files and failed shows that there should be some."""
    world.globus.hold(after_files=1)
    world.sync()
    world.run()
    world.globus.fail(world.tasks[0].id, "ENDPOINT_ERROR")
    world.globus.release()
    unmount(world)
    world.sync()
    look = world.run("-d")
    assert look.statuses == {"microscope": "source is empty"}
    assert "last success: none known" in look.stdout


def test_all_files_are_excluded(world: World) -> None:
    """Globus finds no file then; the fix names exclude."""
    world.sync()
    world.pair("microscope", exclude="*.txt")
    world.sync()
    look = world.run("-d")
    assert (look.status, look.statuses) == (1, {"microscope": "source is empty"})
    assert "check that the disk is mounted, and that exclude does not leave out everything; if" in look.stdout


def test_allowed(world: World) -> None:
    """With allow_empty it is a success with a note; that also holds for what was seen before."""
    world.sync()
    unmount(world)
    world.sync()
    assert world.run("-d").status == 1
    world.pair("microscope", allow_empty="true")
    look = world.run("-d")
    assert (look.status, look.statuses) == (0, {"microscope": "succeeded"})
    assert "note: no file was found at the source" in look.stdout
    world.sync()
    assert world.state()["microscope"]["success"]["task_id"] == world.tasks[1].id


def test_a_pair_that_never_had_files(world: World) -> None:
    """It is a success with a note, again and again; from its first file on it should have some."""
    shutil.rmtree(world.images)
    world.images.mkdir()
    for _ in range(3):
        world.sync()
        look = world.run("-d")
        assert (look.status, look.statuses) == (0, {"microscope": "succeeded"})
        assert "note: no file was found at the source" in look.stdout
    (world.images / "first.tif").write_bytes(b"x")
    world.sync()
    assert world.run("-d").statuses == {"microscope": "succeeded"}
    (world.images / "first.tif").unlink()
    world.sync()
    assert world.run("-d").statuses == {"microscope": "source is empty"}


def test_with_gaps(world: World) -> None:
    """A directory that cannot be read, and no file beside it: a gap, with the note that there was no file."""
    world.sync()
    (world.images / "a.txt").unlink()
    world.source.unreadable = {"/images/deep"}
    world.sync()
    look = world.run("-d")
    assert (look.status, look.statuses) == (1, {"microscope": "succeeded with gaps"})
    assert "note: no file was found at the source" in look.stdout


def test_mail_is_sent_once(world: World) -> None:
    """The problem is told once, however many nights it lasts, and so is its end."""
    with serving(MailServer()) as post:
        configure(world, post)
        world.sync()
        unmount(world)
        for _ in range(4):
            world.sync()
        ((_, subject, text),) = post.take()
        assert subject == "globus_sync_directory: microscope: source is empty"
        assert "allow_empty = true in [microscope]" in text
        mount(world)
        world.sync()
        assert post.take() == []
        world.sync()
        assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: recovered"]


def test_while_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """-w ends with it as soon as the task has ended."""
    monkeypatch.setattr(wait, "FIRST_PAUSE_SECONDS", 0.05)
    world.sync()
    unmount(world)
    waited = world.run("-w")
    assert (waited.status, waited.statuses) == (1, {"microscope": "source is empty"})
