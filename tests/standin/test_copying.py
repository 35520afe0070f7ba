"""What tasks copy, skip and delete, and what they record about it."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from globus_sdk import (
    DeleteData,
)

from globus_sync_directory.standin import ManualClock, StandIn

from .helpers import World

HOUR = 3600


def test_a_task_from_submission_to_success(world: World) -> None:
    """A transfer copies a tree byte for byte, with times if requested; its document and events say so."""
    world.write("a/x.txt", b"hello", mtime=1_000_000_000)
    world.write("a/sub dir/ü#.bin", b"z" * 5_000_000)
    task = world.run("/a", "/deep/new", verify_checksum=True, preserve_timestamp=True, label="first")
    assert world.tree() == {"deep/new/x.txt": b"hello", "deep/new/sub dir/ü#.bin": b"z" * 5_000_000}
    assert (world.target / "deep/new/x.txt").stat().st_mtime == 1_000_000_000
    assert (task["status"], task["label"], task["files"], task["directories"]) == ("SUCCEEDED", "first", 2, 2)
    assert (task["files_transferred"], task["bytes_transferred"], task["subtasks_total"]) == (2, 5_000_005, 5)
    assert task["nice_status"] is None
    assert task["is_ok"] is None
    assert task["completion_time"] == task["request_time"] == "2026-01-01T00:00:00+00:00"
    assert world.events(task["task_id"]) == ["STARTED", "PROGRESS", "SUCCEEDED"]
    done = sorted(item["source_path"] for item in world.tc.task_successful_transfers(task["task_id"]))
    assert done == ["/a/sub dir/ü#.bin", "/a/x.txt"]


def test_an_empty_directory_is_a_success(world: World) -> None:
    """An empty source directory makes a task with one directory, two subtasks and no files."""
    task = world.run("/", "/empty")
    assert (task["status"], task["files"], task["directories"], task["subtasks_total"]) == ("SUCCEEDED", 0, 1, 2)
    assert (world.target / "empty").is_dir()


@pytest.mark.parametrize(
    ("level", "copied"),
    [
        (None, {"absent", "size", "newer", "older", "same"}),
        (0, {"absent"}),
        (1, {"absent", "size"}),
        (2, {"absent", "newer"}),
        (3, {"absent", "size", "newer", "older"}),
    ],
)
def test_sync_levels(world: World, level: int | None, copied: set[str]) -> None:
    """Each sync level copies exactly what its criterion finds different, and counts the rest as skipped."""
    for name, contents, mtime in [
        ("size", b"longer", 1000), ("newer", b"new", 2000), ("older", b"old", 500), ("same", b"is", 1000)
    ]:  # fmt: skip
        world.write(name, contents, mtime=mtime)
        world.write(name, b"is" if name == "same" else b"xyz", at_target=True, mtime=1000)
    world.write("absent", b"a", mtime=1000)
    task = world.run(sync_level=level)
    done = {item["source_path"].strip("/") for item in world.tc.task_successful_transfers(task["task_id"])}
    assert done == copied
    assert task["files_skipped"] == 5 - len(copied)
    assert task["files"] == 5


def test_filter_rules(world: World) -> None:
    """The first matching rule decides by name, and an excluded directory excludes everything below it."""
    for name in ("keep.tmp", "drop.tmp", "data", "scratch/inner", "sub/scratch", "sub/Drop.tmp"):
        world.write(name)
    data = world.data()
    data.add_filter_rule("keep.*", method="include", type="file")
    data.add_filter_rule("*.tmp")
    data.add_filter_rule("scratch", type="dir")
    world.tc.submit_transfer(data)
    world.globus.wait()
    assert set(world.tree()) == {"keep.tmp", "data", "sub/scratch"}


def test_a_file_item_goes_to_the_full_path(world: World) -> None:
    """A file is copied to exactly the destination path; if that is a directory, it is an error."""
    world.write("f", b"1")
    assert world.run("/f", "/new/g", recursive=None)["status"] == "SUCCEEDED"
    assert world.tree() == {"new/g": b"1"}
    task = world.run("/f", "/new", recursive=None)
    assert (task["status"], task["nice_status"]) == ("ACTIVE", "IS_A_DIRECTORY")


def test_nothing_is_deleted_unless_requested(world: World) -> None:
    """What only the destination has stays; with delete_destination_extra it is deleted."""
    world.write("a")
    world.write("extra", at_target=True)
    world.run()
    assert set(world.tree()) == {"a", "extra"}
    world.run(delete_destination_extra=True)
    assert set(world.tree()) == {"a"}


def test_a_wrong_checksum_is_sent_again(world: World) -> None:
    """A verification that fails once is a fault, the file is sent again, and the task succeeds."""
    world.write("a", b"data")
    world.dst.wrong_checksums = 1
    task = world.run(verify_checksum=True)
    assert (task["status"], task["faults"]) == ("SUCCEEDED", 1)
    assert "VERIFY_CHECKSUM" in world.events(task["task_id"], query_params={"filter": "is_error:1"})


def test_skipped_errors(world: World) -> None:
    """With skip_source_errors an unreadable file is skipped and the task succeeds; without, the task retries."""
    world.write("bad/a")
    world.write("good")
    world.src.unreadable.add("/bad/a")
    task = world.run(skip_source_errors=True)
    assert (task["status"], task["subtasks_skipped_errors"], task["files_transferred"]) == ("SUCCEEDED", 1, 1)
    assert "SKIPPED_ERRORS" in world.events(task["task_id"])
    (skip,) = world.tc.task_skipped_errors(task["task_id"])
    assert (skip["error_code"], skip["source_path"], skip["is_directory"]) == ("PERMISSION_DENIED", "/bad/a", False)
    assert world.run(destination="/2")["nice_status"] == "PERMISSION_DENIED"
    world.src.unreadable.clear()
    world.clock.advance(HOUR)
    world.globus.wait()
    assert world.globus.tasks[-1].status == "SUCCEEDED"


def test_nothing_extra_is_deleted_where_a_path_was_skipped(world: World) -> None:
    """If a path was skipped, the destination keeps its extra files, even if a later attempt completes the task."""
    world.write("bad")
    world.write("sub/a")
    world.dst.full = True  # the first attempt fails
    world.write("extra", at_target=True)
    world.src.unreadable.add("/bad")
    task_id = world.run(skip_source_errors=True, delete_destination_extra=True)["task_id"]
    assert world.tc.get_task(task_id)["status"] == "ACTIVE"
    world.dst.full = False
    world.clock.advance(HOUR)
    world.globus.wait()
    assert world.tc.get_task(task_id)["status"] == "SUCCEEDED"
    assert "DELETE_DESTINATION_EXTRA_SKIPPED" in world.events(task_id)
    assert "extra" in world.tree()


def test_an_entry_of_another_type(world: World) -> None:
    """A file instead of a directory, or the reverse, is deleted with delete_destination_extra and an error without."""
    world.write("sub/a")
    world.write("file")
    world.write("sub", at_target=True)
    world.write("file/b", at_target=True)
    assert world.run()["status"] == "ACTIVE"
    world.tc.cancel_task(world.globus.tasks[-1].id)
    assert world.run(delete_destination_extra=True)["status"] == "SUCCEEDED"
    assert world.tree() == {"sub/a": b"x", "file": b"x"}


def test_what_was_skipped_stays_skipped(world: World) -> None:
    """A directory that was skipped is not copied by a later attempt of the same task."""
    world.write("closed/a")
    world.write("later/b")
    world.src.unreadable.add("/closed")
    world.dst.full = True
    task_id = world.run(skip_source_errors=True)["task_id"]
    world.src.unreadable.clear()
    world.dst.full = False
    world.clock.advance(HOUR)
    world.globus.wait()
    assert world.tc.get_task(task_id)["status"] == "SUCCEEDED"
    assert [entry["source_path"] for entry in world.tc.task_skipped_errors(task_id)] == ["/closed"]
    assert world.tree() == {"later/b": b"x"}


def test_a_missing_source_directory_can_be_skipped_as_well(world: World) -> None:
    """With skip_source_errors even the source directory itself is one skipped path of a successful task."""
    task = world.run("/missing", skip_source_errors=True)
    assert (task["status"], task["files"], task["subtasks_skipped_errors"]) == ("SUCCEEDED", 0, 1)
    (skip,) = world.tc.task_skipped_errors(task["task_id"])
    assert (skip["source_path"], skip["is_directory"]) == ("/missing", True)


def test_more_results_than_one_page(world: World) -> None:
    """successful_transfers has pages with markers, and the SDK's paginator reads them all."""
    for n in range(250):
        world.write(str(n), b"")
    task = world.run()
    pages = world.tc.paginated.task_successful_transfers(task["task_id"])
    assert len(list(pages.items())) == 250


def test_a_file_that_changes_while_it_is_copied(world: World) -> None:
    """A file that grows during the copy is a fault, is sent again, and arrives in its last state."""
    file = world.write("a", b"x" * 3_000_000)
    world.globus.hold(after_bytes=1_000_000)
    task_id = world.submit()
    world.globus.wait()
    assert 0 < world.tc.get_task(task_id)["bytes_transferred"] < 3_000_000
    assert world.tree() == {} or list(world.tree()) != ["a"]
    with file.open("ab") as grown:
        grown.write(b"y")
    world.globus.release()
    world.globus.wait()
    assert world.events(task_id, query_params={"filter": "is_error:1"}) == ["FILE_SIZE_CHANGED"]
    assert world.tree() == {"a": b"x" * 3_000_000 + b"y"}


def test_changing_files(world: World) -> None:
    """The field changing_files makes the next file change during the copy; the task still succeeds."""
    world.write("a")
    world.src.changing_files = 1
    task = world.run()
    assert (task["status"], task["faults"]) == ("SUCCEEDED", 1)
    assert "FILE_SIZE_CHANGED" in world.events(task["task_id"])
    assert world.tree() == {"a": b"x"}


def test_a_full_destination(world: World) -> None:
    """A full destination is retried, or fatal with fail_on_quota_errors; no half-written file stays."""
    world.write("a")
    world.dst.full = True
    assert world.run()["nice_status"] == "QUOTA_EXCEEDED"
    task = world.run(destination="/2", fail_on_quota_errors=True)
    assert (task["status"], task["fatal_error"]["code"]) == ("FAILED", "QUOTA_EXCEEDED")
    assert world.tree() == {}


def test_a_destination_that_may_not_be_written(world: World) -> None:
    """Without permission to write, a task stays ACTIVE with PERMISSION_DENIED and writes nothing."""
    world.write("a")
    world.dst.rules[world.client_id, ()] = "r"
    assert world.run()["nice_status"] == "PERMISSION_DENIED"
    assert world.tree() == {}


def test_base_paths(world: World) -> None:
    """With store_base_path_info the task document has what the paths of its items have in common on each side."""
    world.write("plate/one/a")
    world.write("plate/two/b")
    data = world.data("/plate/one", "/kept/one", additional_fields={"store_base_path_info": True})
    data.add_item("/plate/two", "/kept/two", recursive=True)
    task = world.tc.get_task(world.tc.submit_transfer(data)["task_id"])
    assert (task["source_base_path"], task["destination_base_path"]) == ("/plate", "/kept")
    assert world.run()["source_base_path"] is None


def test_deletes(world: World) -> None:
    """A delete removes its paths and fails at once for a missing one, unless it has ignore_missing."""
    world.write("d/a", at_target=True)

    def delete(path: str, **options: Any) -> Any:
        data = DeleteData(endpoint=world.dst.id, **options)
        data.add_item(path)
        task_id = world.tc.submit_delete(data)["task_id"]
        world.globus.wait()
        return world.tc.get_task(task_id)

    assert delete("/d")["fatal_error"]["code"] == "IS_A_DIRECTORY"
    assert delete("/d", recursive=True)["status"] == "SUCCEEDED"
    assert world.tree() == {}
    missing = delete("/d", recursive=True)
    assert (missing["status"], missing["fatal_error"]["code"], missing["faults"]) == ("FAILED", "FILE_NOT_FOUND", 1)
    assert (missing["type"], missing["destination_endpoint_id"]) == ("DELETE", None)
    assert (missing["subtasks_failed"], missing["subtasks_total"]) == (1, 1)
    assert delete("/d", recursive=True, ignore_missing=True)["status"] == "SUCCEEDED"
    assert delete("/d*", interpret_globs=True)["fatal_error"]["code"] == "FILE_NOT_FOUND"


def test_a_stop_in_the_middle_leaves_no_half_file(tmp_path: Path) -> None:
    """A stop while a file is copied joins all threads and leaves nothing of that file."""
    before = threading.active_count()
    with StandIn(clock=ManualClock()) as globus:
        world = World(globus, tmp_path)
        world.write("big", b"b" * 64_000_000)
        task = globus.task(world.submit(verify_checksum=True))
        while not task.bytes_transferred:
            time.sleep(0.0001)
    world.close()
    assert threading.active_count() == before
    assert task.status == "ACTIVE"
    assert list(world.target.iterdir()) == []
