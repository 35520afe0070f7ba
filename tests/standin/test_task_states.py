"""How tasks queue, retry, pause, expire and end."""

from datetime import timedelta

import pytest
from globus_sdk import (
    DeleteData,
)

from globus_sync_directory.standin import PauseRule, Task

from .helpers import World, refused

HOUR = 3600


def seconds_to_retry(world: World, task: Task) -> float:
    assert task.retry_at is not None
    return (task.retry_at - world.clock.now()).total_seconds()


def test_three_at_a_time_and_the_rest_queued(world: World) -> None:
    """Three transfers of an identity run, a fourth is Queued and healthy; deletes are counted apart."""
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


def test_a_missing_source_is_retried_until_it_is_there(world: World) -> None:
    """Without its source a task stays ACTIVE with FILE_NOT_FOUND, at growing intervals, until the source appears."""
    task = world.run("/later", "/")
    assert (task["status"], task["nice_status"]) == ("ACTIVE", "FILE_NOT_FOUND")
    assert (task["is_ok"], task["faults"]) == (False, 1)
    first = world.globus.task(task["task_id"])
    waits = []
    for _ in range(3):
        waits.append(seconds_to_retry(world, first))
        world.clock.advance(waits[-1])
        world.globus.wait()
    assert waits == [10, 20, 40]
    assert world.tc.get_task(first.id)["faults"] == 4
    world.write("later/a")
    world.clock.advance(HOUR)
    world.globus.wait()
    assert world.tc.get_task(first.id)["status"] == "SUCCEEDED"


def test_a_retrying_task_lets_others_run(world: World) -> None:
    """Three tasks that wait for a retry do not keep a fourth from running."""
    for n in range(3):
        world.submit("/missing", f"/{n}")
    world.globus.wait()
    world.write("a")
    assert world.run("/", "/fine")["status"] == "SUCCEEDED"


@pytest.mark.parametrize("minutes", [None, 30])
def test_a_task_expires_at_its_deadline(world: World, minutes: int | None) -> None:
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


def test_a_deadline_stops_a_task_in_the_middle(world: World) -> None:
    """A task that reaches its deadline while copying keeps complete files and leaves no part of a file."""
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


def test_progress_and_the_queue_move_the_services_own_deadline(world: World) -> None:
    """After a minute, progress moves the service's own deadline to 72 hours; a healthy queued task does not expire."""
    for name in "abc":
        world.write(name)
    world.globus.hold(after_files=1)
    ids = [world.submit("/", f"/{n}") for n in range(4)]
    world.globus.wait()
    first = world.globus.task(ids[0])
    assert first.deadline - world.clock.now() == timedelta(hours=24)
    world.clock.advance(60)
    world.globus.hold(after_files=1)
    world.globus.wait()
    assert first.deadline - world.clock.now() == timedelta(hours=72)
    world.clock.advance(71 * HOUR)
    world.globus.wait()
    assert [world.globus.task(task_id).status for task_id in ids] == ["ACTIVE"] * 4
    world.clock.advance(2 * HOUR)
    world.globus.wait()
    assert [world.globus.task(task_id).status for task_id in ids] == ["FAILED"] * 3 + ["ACTIVE"]


def test_a_deadline_that_was_changed_stays(world: World) -> None:
    """A deadline that was set later is no longer the service's own, which moves: the task expires at it."""
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


def test_sending_again_in_vain_is_no_progress(world: World) -> None:
    """A file that always changes is retried at growing intervals, although bytes are sent each time."""
    world.write("a")
    world.src.changing_files = 1000
    task = world.globus.task(world.run()["task_id"])
    pauses = []
    for _ in range(4):
        pauses.append(seconds_to_retry(world, task))
        world.clock.advance(pauses[-1])
        world.globus.wait()
    assert pauses == [10, 20, 40, 80]


def test_an_error_is_over_once_files_arrive(world: World) -> None:
    """When a later attempt copies files, the task is healthy again."""
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


@pytest.mark.parametrize("phase", ["queued", "held", "copying", "retrying", "paused", "suspended"])
def test_cancel_in_each_phase(world: World, phase: str) -> None:
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


def test_hold_stops_after_so_many_files(world: World) -> None:
    """hold(after_files=N) lets each task do N files; release lets it finish."""
    for name in "abcde":
        world.write(name)
    world.globus.hold(after_files=3)
    task = world.run()
    assert (task["status"], task["files_transferred"]) == ("ACTIVE", 3)
    world.globus.release()
    world.globus.wait()
    assert len(world.tree()) == 5


def test_requests_change_nothing(world: World) -> None:
    """A held task stays the same, however often a client asks for it."""
    world.write("a")
    world.globus.hold()
    task_id = world.submit()
    world.globus.wait()
    looks = {world.tc.get_task(task_id).text for _ in range(5)}
    assert len(looks) == 1


def test_pause_and_suspend(world: World) -> None:
    """A paused task is ACTIVE and shows its rule; a suspended one is INACTIVE and not ok; both continue afterwards."""
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


def test_a_collections_pause_rule(world: World) -> None:
    """A rule pauses the tasks of its collection, also new ones, shows why, and stops the operations that it names."""
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
        assert refused(lambda call=call: call(world.dst.id)) == (409, "OperationPaused")
    assert world.tc.operation_ls(world.src.id)["length"] == 1
    world.globus.pause(world.dst.id, None)
    world.globus.wait()
    assert world.events(task_id) == ["PAUSED", "UNPAUSED", "STARTED", "PROGRESS", "SUCCEEDED"]


def test_a_pause_moves_the_services_own_deadline(world: World) -> None:
    """A pause gives 90 days, its end 24 hours; a deadline of the submission does not move."""
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


def test_a_queued_task_shows_its_error_for_a_quarter_of_an_hour(world: World) -> None:
    """A task that is queued after an error shows that error for 15 minutes, then that it is Queued."""
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


def test_an_inactive_task_ends_too(world: World) -> None:
    """task_wait ends when a task is INACTIVE; at its deadline that task is FAILED like any other."""
    world.globus.hold()
    task = world.globus.task(world.submit())
    task.suspend()
    assert world.tc.task_wait(task.id, timeout=2, polling_interval=1)
    found = world.tc.get_task(task.id)
    assert (found["status"], found["completion_time"], found["fatal_error"]) == ("INACTIVE", None, None)
    assert refused(world.submit) == (409, "Conflict")
    world.clock.advance(24 * HOUR)
    world.globus.wait()
    assert world.tc.get_task(task.id)["fatal_error"]["code"] == "EXPIRED"


def test_events_come_in_the_order_of_what_happened(world: World) -> None:
    """The events of one task: started, an error, paused, continued, succeeded with a skipped path."""
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


def test_retries_are_never_more_than_ten_minutes_apart(world: World) -> None:
    """The interval doubles with each attempt without progress, up to ten minutes."""
    task = world.globus.task(world.run("/missing")["task_id"])
    waits = []
    for _ in range(9):
        waits.append(seconds_to_retry(world, task))
        world.clock.advance(waits[-1])
        world.globus.wait()
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_a_collection_that_goes_offline_later(world: World) -> None:
    """A task waits while a collection is offline, and continues by itself when it is back."""
    world.write("a")
    world.dst.online = False
    assert world.run()["nice_status"] == "CONNECT_FAILED"
    world.dst.online = True
    world.clock.advance(60)
    world.globus.wait()
    assert world.tree() == {"a": b"x"}
