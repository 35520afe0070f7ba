"""What tasks do: copy, skip, queue, retry, expire, get cancelled, and remember it."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from globus_sdk import DeleteData, TransferAPIError

from globus_sync_directory.standin import ManualClock, PauseRule, StandIn

HOUR = 3600


def test_a_task_from_submission_to_success(world):
    """A transfer copies a tree byte for byte, with times if asked, and its document and events tell so."""
    world.write("a/x.txt", b"hello", mtime=1_000_000_000)
    world.write("a/sub dir/ü#.bin", b"z" * 5_000_000)
    task = world.run("/a", "/deep/new", verify_checksum=True, preserve_timestamp=True, label="first")
    assert world.tree() == {"deep/new/x.txt": b"hello", "deep/new/sub dir/ü#.bin": b"z" * 5_000_000}
    assert (world.target / "deep/new/x.txt").stat().st_mtime == 1_000_000_000
    assert (task["status"], task["label"], task["files"], task["directories"]) == ("SUCCEEDED", "first", 2, 2)
    assert (task["files_transferred"], task["bytes_transferred"], task["subtasks_total"]) == (2, 5_000_005, 8)
    assert task["nice_status"] is None
    assert task["is_ok"] is None
    assert task["completion_time"] == task["request_time"] == "2026-01-01T00:00:00+00:00"
    assert world.events(task["task_id"]) == ["STARTED", "PROGRESS", "SUCCEEDED"]
    done = sorted(item["source_path"] for item in world.tc.task_successful_transfers(task["task_id"]))
    assert done == ["/a/sub dir/ü#.bin", "/a/x.txt"]


def test_an_empty_directory_is_a_success(world):
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
def test_sync_levels(world, level, copied):
    """Each sync level copies exactly what its one criterion finds different, and counts the rest as skipped."""
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


def test_filter_rules(world):
    """The first matching rule decides by name, and an excluded directory takes all below it along."""
    for name in ("keep.tmp", "drop.tmp", "data", "scratch/inner", "sub/scratch", "sub/Drop.tmp"):
        world.write(name)
    data = world.data()
    data.add_filter_rule("keep.*", method="include", type="file")
    data.add_filter_rule("*.tmp")
    data.add_filter_rule("scratch", type="dir")
    world.tc.submit_transfer(data)
    world.globus.wait()
    assert set(world.tree()) == {"keep.tmp", "data", "sub/scratch"}


def test_a_file_item_goes_to_the_full_path(world):
    """A file is copied to exactly the destination path; onto an existing directory it is an error, not put inside."""
    world.write("f", b"1")
    assert world.run("/f", "/new/g", recursive=None)["status"] == "SUCCEEDED"
    assert world.tree() == {"new/g": b"1"}
    task = world.run("/f", "/new", recursive=None)
    assert (task["status"], task["nice_status"]) == ("ACTIVE", "IS_A_DIRECTORY")


def test_nothing_is_deleted_unless_asked(world):
    """What only the destination has stays; with delete_destination_extra it goes."""
    world.write("a")
    world.write("extra", at_target=True)
    world.run()
    assert set(world.tree()) == {"a", "extra"}
    world.run(delete_destination_extra=True)
    assert set(world.tree()) == {"a"}


def test_a_wrong_checksum_is_sent_again(world):
    """A verification that fails once is a fault, the file is sent again, and the task succeeds."""
    world.write("a", b"data")
    world.dst.wrong_checksums = 1
    task = world.run(verify_checksum=True)
    assert (task["status"], task["faults"]) == ("SUCCEEDED", 1)
    assert "VERIFY_CHECKSUM" in world.events(task["task_id"], query_params={"filter": "is_error:1"})


def test_a_repeated_submission_is_a_duplicate(world):
    """The same submission id gets the first task, even while identical paths would be refused, or after its end."""
    world.globus.hold()
    data = world.data()
    first = world.tc.submit_transfer(data)
    again = world.tc.submit_transfer(data)
    assert (first["code"], again["code"]) == ("Accepted", "Duplicate")
    assert again["task_id"] == first["task_id"]
    world.globus.release()
    world.globus.wait()
    data["label"] = "another document"
    assert world.tc.submit_transfer(data)["task_id"] == first["task_id"]
    assert len(world.globus.tasks) == 1


def test_a_submission_id_belongs_to_one_identity(world):
    """Another application may use the same submission id for a task of its own."""
    other, secret = world.globus.add_client()
    for collection, right in ((world.src, "r"), (world.dst, "rw")):
        collection.rules[other, ()] = right
    data = world.data()
    mine = world.tc.submit_transfer(data)["task_id"]
    theirs = world.sign_in(other, secret).submit_transfer(data)
    assert (theirs["code"], theirs["task_id"] == mine) == ("Accepted", False)


def test_the_switches_of_submission_ids(world, new_id):
    """A changed body, an own id and an old id are refused where the switches say so."""
    data = world.data()
    world.tc.submit_transfer(data)
    world.globus.wait()
    world.globus.behaviour = replace(world.globus.behaviour, changed_body="refused", own_submission_ids=False)
    data["label"] = "changed"
    assert refusal(lambda: world.tc.submit_transfer(data)) == (400, "ClientError.BadRequest")
    assert refusal(lambda: world.submit(submission_id=new_id)) == (400, "ClientError.BadRequest")
    world.globus.behaviour = replace(world.globus.behaviour, submission_id_lifetime=timedelta(hours=1))
    world.clock.advance(2 * HOUR)
    assert refusal(lambda: world.tc.submit_transfer(data)) == (400, "ClientError.BadRequest")


def test_identical_paths_are_refused_while_the_first_is_live(world):
    """A new submission id with the paths of a live task is a 409 that names no task; other paths are fine."""
    world.globus.hold()
    first = world.submit("/", "/a")
    with pytest.raises(TransferAPIError) as caught:
        world.submit("/", "/a/", sync_level=3)
    assert (caught.value.http_status, caught.value.code) == (409, "ClientError.Conflict")
    assert caught.value.message == "A transfer with identical paths has not yet completed"
    assert first not in caught.value.text
    world.submit("/", "/b")
    world.globus.release()
    world.globus.wait()
    world.submit("/", "/a")


def test_three_at_a_time_and_the_rest_queued(world):
    """Three transfers of an identity are worked on, a fourth is Queued and healthy; deletes have their own places."""
    world.globus.hold()
    ids = [world.submit("/", f"/{n}") for n in range(4)]
    world.write("gone", at_target=True)
    data = DeleteData(endpoint=world.dst.id)
    data.add_item("/gone")
    delete = world.tc.submit_delete(data)["task_id"]
    world.globus.wait()
    found = [world.tc.get_task(task_id) for task_id in ids]
    assert [task["nice_status"] for task in found] == ["OK", "OK", "OK", "Queued"]
    assert found[3]["is_ok"] is True
    assert world.globus.task(delete).parked
    world.globus.cancel(ids[0])
    world.globus.wait()
    assert world.tc.get_task(ids[3])["nice_status"] == "OK"
    world.globus.release()
    world.globus.wait()
    assert {task.status for task in world.globus.tasks} == {"SUCCEEDED", "FAILED"}
    assert not (world.target / "gone").exists()


def test_a_hundred_pending_tasks_are_the_limit(world):
    """The hundred and first pending task of an identity is refused."""
    world.globus.hold()
    for n in range(100):
        world.submit("/", f"/{n}")
    assert refusal(lambda: world.submit("/", "/more")) == (409, "ClientError.Conflict.TooManyPendingJobs")


def test_a_missing_source_is_retried_until_it_is_there(world):
    """Without its source a task stays ACTIVE with FILE_NOT_FOUND, at growing intervals, until the source appears."""
    task = world.run("/later", "/")
    assert (task["status"], task["nice_status"]) == ("ACTIVE", "FILE_NOT_FOUND")
    assert (task["is_ok"], task["faults"]) == (False, 1)
    first = world.globus.task(task["task_id"])
    waits = []
    for _ in range(3):
        waits.append((first.retry_at - world.clock.now()).total_seconds())
        world.clock.advance(waits[-1])
        world.globus.wait()
    assert waits == [10, 20, 40]
    assert world.tc.get_task(first.id)["faults"] == 4
    world.write("later/a")
    world.clock.advance(HOUR)
    world.globus.wait()
    assert world.tc.get_task(first.id)["status"] == "SUCCEEDED"


def test_a_retrying_task_frees_its_place(world):
    """Three tasks in trouble do not keep a fourth from running."""
    for n in range(3):
        world.submit("/missing", f"/{n}")
    world.globus.wait()
    world.write("a")
    assert world.run("/", "/fine")["status"] == "SUCCEEDED"


@pytest.mark.parametrize("minutes", [None, 30])
def test_a_task_expires_at_its_deadline(world, minutes):
    """At the given deadline, or a day after the start without progress, a task is FAILED with EXPIRED."""
    deadline = minutes and (world.clock.now() + timedelta(minutes=minutes)).isoformat()
    task = world.run("/missing", "/", deadline=deadline)
    seconds = (minutes or 24 * 60) * 60
    world.clock.advance(seconds - 1)
    world.globus.wait()
    assert world.tc.get_task(task["task_id"])["status"] == "ACTIVE"
    world.clock.advance(1)
    task = world.tc.get_task(task["task_id"])
    assert (task["status"], task["fatal_error"]["code"]) == ("FAILED", "EXPIRED")
    assert task["fatal_error"]["description"] == "deadline expired"
    assert task["subtasks_expired"] > 0
    assert world.events(task["task_id"])[-1] == "EXPIRED"


def test_a_deadline_stops_a_task_in_the_middle(world):
    """A task that meets its deadline while copying keeps what is whole and leaves no part of a file."""
    for name in "abc":
        world.write(name)
    world.globus.hold(after_files=2)
    task_id = world.submit(deadline=(world.clock.now() + timedelta(hours=1)).isoformat())
    world.globus.wait()
    world.clock.advance(HOUR)
    world.globus.wait()
    task = world.tc.get_task(task_id)
    assert (task["status"], task["fatal_error"]["code"], task["files_transferred"]) == ("FAILED", "EXPIRED", 2)
    assert set(world.tree()) == {"a", "b"}


def test_progress_and_the_queue_push_the_services_own_deadline(world):
    """Progress makes the service's own deadline 72 hours, and a healthy queued task does not expire."""
    for name in "ab":
        world.write(name)
    world.globus.hold(after_files=1)
    ids = [world.submit("/", f"/{n}") for n in range(4)]
    world.globus.wait()
    world.clock.advance(71 * HOUR)
    assert [world.globus.task(task_id).status for task_id in ids] == ["ACTIVE"] * 4
    world.clock.advance(2 * HOUR)
    world.globus.wait()
    assert [world.globus.task(task_id).status for task_id in ids] == ["FAILED"] * 3 + ["ACTIVE"]


def test_skipped_errors(world):
    """With skip_source_errors an unreadable file is left out, told, and the task succeeds; without, it is retried."""
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


def test_nothing_extra_is_deleted_where_a_path_was_skipped(world):
    """A path that was skipped keeps the destination's extra files, also when a later attempt is the one that ends."""
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


def test_what_is_of_another_type_is_in_the_way(world):
    """A file where a directory belongs, and the reverse, go with delete_destination_extra, and stop a task without."""
    world.write("sub/a")
    world.write("file")
    world.write("sub", at_target=True)
    world.write("file/b", at_target=True)
    assert world.run()["status"] == "ACTIVE"
    world.tc.cancel_task(world.globus.tasks[-1].id)
    assert world.run(delete_destination_extra=True)["status"] == "SUCCEEDED"
    assert world.tree() == {"sub/a": b"x", "file": b"x"}


def test_a_deadline_that_was_changed_stays(world):
    """A deadline given afterwards is no longer the service's own, which moves: the task expires at it."""
    world.globus.hold()
    for _ in range(3):
        world.submit(destination=f"/{len(world.globus.tasks)}")
    task_id = world.submit(destination="/queued")
    soon = (world.clock.now() + timedelta(hours=1)).isoformat()
    world.tc.update_task(task_id, {"DATA_TYPE": "task", "deadline": soon})
    world.clock.advance(1800)
    assert world.tc.get_task(task_id)["deadline"] == soon
    world.clock.advance(1801)
    assert world.tc.get_task(task_id)["fatal_error"]["code"] == "EXPIRED"
    world.globus.release()


def test_sending_again_in_vain_is_no_progress(world):
    """A file that always changes is tried at growing intervals, although bytes move each time."""
    world.write("a")
    world.src.changing_files = 1000
    task = world.globus.task(world.run()["task_id"])
    pauses = []
    for _ in range(4):
        pauses.append((task.retry_at - world.clock.now()).total_seconds())
        world.clock.advance(pauses[-1])
        world.globus.wait()
    assert pauses == [10, 20, 40, 80]


def test_an_error_is_over_once_files_arrive(world):
    """While a later attempt gets on, the task is well again."""
    for name in ("a", "b"):
        world.write(name)
    world.dst.online = False
    task_id = world.run()["task_id"]
    assert world.tc.get_task(task_id)["nice_status"] == "CONNECT_FAILED"
    world.dst.online = True
    world.globus.hold(after_files=1)
    world.clock.advance(3600)
    world.globus.wait()
    task = world.tc.get_task(task_id)
    assert (task["nice_status"], task["is_ok"], task["files_transferred"]) == ("OK", True, 1)
    world.globus.release()


def test_what_was_skipped_stays_skipped(world):
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


def test_a_missing_source_directory_can_be_skipped_as_well(world):
    """With skip_source_errors even the source directory itself is one skipped path of a successful task."""
    task = world.run("/missing", skip_source_errors=True)
    assert (task["status"], task["files"], task["subtasks_skipped_errors"]) == ("SUCCEEDED", 0, 1)
    (skip,) = world.tc.task_skipped_errors(task["task_id"])
    assert (skip["source_path"], skip["is_directory"]) == ("/missing", True)


def test_more_results_than_one_page(world):
    """successful_transfers is paged by markers that the SDK's paginator follows to the end."""
    for n in range(250):
        world.write(str(n), b"")
    task = world.run()
    pages = world.tc.paginated.task_successful_transfers(task["task_id"])
    assert len(list(pages.items())) == 250


@pytest.mark.parametrize("phase", ["queued", "held", "copying", "retrying", "paused", "suspended"])
def test_cancel_in_each_phase(world, phase):
    """A cancelled task is FAILED with CANCELED at once, whatever it was doing, and leaves no part of a file."""
    world.write("big", b"b" * 3_000_000)
    if phase in ("queued", "held"):
        world.globus.hold()
    if phase == "queued":
        for n in range(3):
            world.submit("/", f"/first{n}")
    if phase == "copying":
        world.globus.hold(after_files=0)
    task_id = world.submit("/missing" if phase == "retrying" else "/", "/t")
    world.globus.wait()
    task = world.globus.task(task_id)
    if phase in ("paused", "suspended"):
        world.globus.hold()
        task_id = world.submit("/", "/u")
        world.globus.wait()
        task = world.globus.task(task_id)
        task.pause() if phase == "paused" else task.suspend()
        world.globus.wait()
    assert world.tc.cancel_task(task_id)["code"] == "Canceled"
    found = world.tc.get_task(task_id)
    assert (found["status"], found["fatal_error"]) == ("FAILED", {"code": "CANCELED", "description": "canceled"})
    assert world.events(task_id)[-1] == "CANCELED"
    assert world.tc.cancel_task(task_id)["code"] == "TaskComplete"
    assert not [name for name in world.tree() if "standin" in name]


def test_hold_stops_after_so_many_files(world):
    """hold(after_files=N) lets each task do N files; release lets it finish."""
    for name in "abcde":
        world.write(name)
    world.globus.hold(after_files=3)
    task = world.run()
    assert (task["status"], task["files_transferred"]) == ("ACTIVE", 3)
    world.globus.release()
    world.globus.wait()
    assert len(world.tree()) == 5


def test_looking_moves_nothing(world):
    """However often a held task is looked at, it stays as it is."""
    world.write("a")
    world.globus.hold()
    task_id = world.submit()
    world.globus.wait()
    looks = {world.tc.get_task(task_id).text for _ in range(5)}
    assert len(looks) == 1


def test_pause_and_suspend(world):
    """A paused task is ACTIVE and tells its rule; a suspended one INACTIVE and not ok; both go on afterwards."""
    world.globus.hold()
    task_id = world.submit()
    task = world.globus.task(task_id)
    task.pause()
    world.globus.release()
    world.globus.wait()
    found = world.tc.get_task(task_id)
    assert (found["status"], found["is_paused"]) == ("ACTIVE", True)
    assert world.tc.task_pause_info(task_id)["source_pause_message"] == "Paused by the manager of the collection"
    task.unpause()
    world.globus.wait()
    assert world.tc.get_task(task_id)["status"] == "SUCCEEDED"
    world.globus.hold()
    task = world.globus.task(world.submit(destination="/2"))
    task.suspend()
    world.globus.release()
    world.globus.wait()
    found = world.tc.get_task(task.id)
    assert (found["status"], found["is_ok"], found["nice_status"]) == ("INACTIVE", False, "NO_CREDENTIALS")
    task.resume()
    world.globus.wait()
    assert task.status == "SUCCEEDED"


def test_a_collections_pause_rule(world):
    """A rule pauses the tasks of its collection, also new ones, tells why, and stops operations that it names."""
    world.write("a")
    world.globus.pause(world.dst.id, "Maintenance")
    task_id = world.submit()
    world.globus.wait()
    task = world.tc.get_task(task_id)
    assert (task["status"], task["is_paused"], task["is_ok"]) == ("ACTIVE", True, True)
    (rule,) = world.tc.task_pause_info(task_id)["pause_rules"]
    assert (rule["message"], rule["endpoint_id"]) == ("Maintenance", world.dst.id)
    assert (rule["pause_task_transfer_write"], rule["pause_ls"]) == (True, False)
    world.dst.pause_rules.append(PauseRule("No looking", frozenset({"ls", "mkdir"})))
    for call in (world.tc.operation_ls, lambda id: world.tc.operation_mkdir(id, "/x")):
        assert refusal(lambda call=call: call(world.dst.id)) == (409, "OperationPaused")
    assert world.tc.operation_ls(world.src.id)["length"] == 1
    world.globus.pause(world.dst.id, None)
    world.globus.wait()
    assert world.events(task_id) == ["PAUSED", "UNPAUSED", "STARTED", "PROGRESS", "SUCCEEDED"]


def test_a_pause_moves_the_services_own_deadline(world):
    """A pause gives 90 days, its end 24 hours; a deadline that was asked for stays."""
    world.globus.hold()
    own = world.globus.task(world.submit())
    asked = world.globus.task(world.submit("/", "/b", deadline="2026-03-01"))
    for task in (own, asked):
        task.pause()
    assert (own.deadline - world.clock.now()).days == 90
    world.clock.advance(48 * HOUR)
    world.globus.wait()
    assert own.status == "ACTIVE"
    own.unpause()
    assert own.deadline - world.clock.now() == timedelta(hours=24)
    assert world.globus.task_document(asked)["deadline"] == "2026-03-01T00:00:00+00:00"


def test_a_queued_task_shows_its_error_for_a_quarter_of_an_hour(world):
    """A task that waits for a place after an error tells that error for 15 minutes, then that it is Queued."""
    task_id = world.run("/missing")["task_id"]
    world.globus.hold()
    for n in range(3):
        world.submit("/", f"/{n}")
    world.globus.wait()
    for seconds, nice_status, is_ok in ((10, "FILE_NOT_FOUND", False), (15 * 60, "Queued", True)):
        world.clock.advance(seconds)
        world.globus.wait()
        task = world.tc.get_task(task_id)
        assert (task["status"], task["nice_status"], task["is_ok"]) == ("ACTIVE", nice_status, is_ok)


def test_an_inactive_task_ends_too(world):
    """Waiting for a task ends when it is INACTIVE; at its deadline that task is FAILED like any other."""
    world.globus.hold()
    task = world.globus.task(world.submit())
    task.suspend()
    assert world.tc.task_wait(task.id, timeout=2, polling_interval=1)
    found = world.tc.get_task(task.id)
    assert (found["status"], found["completion_time"], found["fatal_error"]) == ("INACTIVE", None, None)
    assert refusal(world.submit) == (409, "ClientError.Conflict")
    world.clock.advance(24 * HOUR)
    world.globus.wait()
    assert world.tc.get_task(task.id)["fatal_error"]["code"] == "EXPIRED"


def test_events_come_in_the_order_of_what_happened(world):
    """One task's whole story: started, in trouble, paused, on again, done with gaps."""
    world.write("bad")
    for n in range(3):
        world.write(f"f{n}")
    world.src.unreadable.add("/bad")
    world.dst.wrong_checksums = 1
    world.globus.hold(after_files=2)
    task_id = world.submit(verify_checksum=True, skip_source_errors=True)
    world.globus.wait()
    world.globus.task(task_id).pause()
    world.globus.wait()
    world.globus.task(task_id).unpause()
    world.globus.release()
    world.globus.wait()
    assert world.events(task_id) == [
        "STARTED", "VERIFY_CHECKSUM", "PAUSED", "PROGRESS", "UNPAUSED", "PROGRESS", "SKIPPED_ERRORS", "SUCCEEDED",
    ]  # fmt: skip


def test_retries_are_never_more_than_ten_minutes_apart(world):
    """The interval doubles with each attempt that comes to nothing, up to ten minutes."""
    task = world.globus.task(world.run("/missing")["task_id"])
    waits = []
    for _ in range(9):
        waits.append((task.retry_at - world.clock.now()).total_seconds())
        world.clock.advance(waits[-1])
        world.globus.wait()
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_a_file_that_changes_while_it_is_copied(world):
    """A file that grows under the copy is a fault, is sent again, and arrives as it is at the end."""
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


def test_a_change_made_up(world):
    """One line makes the next file change while it is copied; the task copes."""
    world.write("a")
    world.src.changing_files = 1
    task = world.run()
    assert (task["status"], task["faults"]) == ("SUCCEEDED", 1)
    assert "FILE_SIZE_CHANGED" in world.events(task["task_id"])
    assert world.tree() == {"a": b"x"}


def test_a_collection_that_goes_offline_later(world):
    """A task waits out a collection that is offline, and goes on by itself when it is back."""
    world.write("a")
    world.dst.online = False
    assert world.run()["nice_status"] == "CONNECT_FAILED"
    world.dst.online = True
    world.clock.advance(60)
    world.globus.wait()
    assert world.tree() == {"a": b"x"}


def test_a_full_destination(world):
    """A full destination is retried, or fatal with fail_on_quota_errors; nothing half-written stays."""
    world.write("a")
    world.dst.full = True
    assert world.run()["nice_status"] == "QUOTA_EXCEEDED"
    task = world.run(destination="/2", fail_on_quota_errors=True)
    assert (task["status"], task["fatal_error"]["code"]) == ("FAILED", "QUOTA_EXCEEDED")
    assert world.tree() == {}


def test_a_destination_that_may_not_be_written(world):
    """Without the right to write, a task stays ACTIVE with PERMISSION_DENIED and writes nothing."""
    world.write("a")
    world.dst.rules[world.client_id, ()] = "r"
    assert world.run()["nice_status"] == "PERMISSION_DENIED"
    assert world.tree() == {}


def test_fail_and_forget(world):
    """A test can end a task with any fatal error, and make its record go; its submission id stays used."""
    world.globus.hold()
    data = world.data()
    task_id = world.tc.submit_transfer(data)["task_id"]
    world.globus.fail(task_id, "ENDPOINT_ERROR")
    assert world.tc.get_task(task_id)["fatal_error"]["code"] == "ENDPOINT_ERROR"
    world.globus.forget(task_id)
    assert refusal(lambda: world.tc.get_task(task_id)) == (404, "ClientError.NotFound")
    assert world.tc.task_list()["total"] == 0
    assert world.tc.submit_transfer(data)["task_id"] == task_id


def test_records_age(world):
    """Events and per-file results go after 30 days, the record itself after 90."""
    world.write("a")
    task_id = world.run()["task_id"]
    world.clock.advance(31 * 24 * HOUR)
    world.tc = world.sign_in()
    assert world.tc.get_task(task_id)["history_deleted"] is True
    assert world.events(task_id) == []
    assert list(world.tc.task_successful_transfers(task_id)) == []
    world.clock.advance(60 * 24 * HOUR)
    world.tc = world.sign_in()
    assert refusal(lambda: world.tc.get_task(task_id))[0] == 404


def test_update_a_task(world):
    """Label and deadline of a live task can be changed, and bring its end nearer."""
    task_id = world.run("/missing")["task_id"]
    soon = (world.clock.now() + timedelta(minutes=5)).isoformat()
    assert world.tc.update_task(task_id, {"DATA_TYPE": "task", "label": "new", "deadline": soon})["code"] == "Updated"
    assert world.tc.get_task(task_id)["label"] == "new"
    world.clock.advance(300)
    assert world.tc.get_task(task_id)["status"] == "FAILED"
    assert refusal(lambda: world.tc.update_task(task_id, {"DATA_TYPE": "task", "label": "x"}))[0] == 409


def test_base_paths_where_they_are_asked_for(world):
    """With store_base_path_info a task tells what its items have in common on each side."""
    world.write("plate/one/a")
    world.write("plate/two/b")
    data = world.data("/plate/one", "/kept/one", additional_fields={"store_base_path_info": True})
    data.add_item("/plate/two", "/kept/two", recursive=True)
    task = world.tc.get_task(world.tc.submit_transfer(data)["task_id"])
    assert (task["source_base_path"], task["destination_base_path"]) == ("/plate", "/kept")
    assert world.run()["source_base_path"] is None


def test_deletes(world):
    """A delete removes what it names, fails at once for what is missing, and with ignore_missing does not mind."""
    world.write("d/a", at_target=True)

    def delete(path, **options):
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


def test_a_stop_in_the_middle_leaves_no_half_file(tmp_path):
    """Stopping the stand-in while files are copied joins all threads and leaves only whole files."""
    source, target = tmp_path / "s", tmp_path / "t"
    source.mkdir()
    target.mkdir()
    (source / "big").write_bytes(b"b" * 64_000_000)
    before = threading.active_count()
    with StandIn(clock=ManualClock()) as globus:
        client, _ = globus.add_client()
        ends = [globus.add_collection(root, permissions={client: "rw"}) for root in (source, target)]
        body = {
            "DATA_TYPE": "transfer", "submission_id": ends[0].id, "verify_checksum": True,
            "source_endpoint": ends[0].id, "destination_endpoint": ends[1].id,
            "DATA": [{"DATA_TYPE": "transfer_item", "source_path": "/", "destination_path": "/"}],
        }  # fmt: skip
        _, task = globus._engine.submit("transfer", body, client)
        while not task.bytes_transferred:
            pass
    assert threading.active_count() == before
    assert task.status == "ACTIVE"
    assert list(target.iterdir()) == []


def refusal(call):
    """Return HTTP status and code of the refusal that a call meets."""
    with pytest.raises(TransferAPIError) as caught:
        call()
    return caught.value.http_status, caught.value.code
