"""Submissions: which become tasks, and how long a task is remembered."""

from dataclasses import replace
from datetime import timedelta

import pytest
from globus_sdk import (
    TransferAPIError,
)

from .helpers import World, refused

HOUR = 3600


def test_a_repeated_submission_is_a_duplicate(world: World) -> None:
    """The same submission id gets the first task, even while identical paths would be rejected, or after its end."""
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


def test_a_submission_id_belongs_to_one_identity(world: World) -> None:
    """Another application may use the same submission id for its own task."""
    other, secret = world.globus.add_client()
    for collection, right in ((world.src, "r"), (world.dst, "rw")):
        collection.rules[other, ()] = right
    data = world.data()
    mine = world.tc.submit_transfer(data)["task_id"]
    theirs = world.sign_in(other, secret).submit_transfer(data)
    assert (theirs["code"], theirs["task_id"] == mine) == ("Accepted", False)


def test_the_options_of_submission_ids(world: World, new_id: str) -> None:
    """A changed body, an id of one's own and an old id are rejected if the behaviour says so."""
    data = world.data()
    world.tc.submit_transfer(data)
    world.globus.wait()
    world.globus.behaviour = replace(world.globus.behaviour, changed_body="refused", own_submission_ids=False)
    data["label"] = "changed"
    assert refused(lambda: world.tc.submit_transfer(data)) == (400, "ClientError.BadRequest")
    assert refused(lambda: world.submit(submission_id=new_id)) == (400, "ClientError.BadRequest")
    world.globus.behaviour = replace(world.globus.behaviour, submission_id_lifetime=timedelta(hours=1))
    world.clock.advance(2 * HOUR)
    assert refused(lambda: world.tc.submit_transfer(data)) == (400, "ClientError.BadRequest")


def test_identical_paths_are_rejected_while_the_first_is_live(world: World) -> None:
    """A new submission id with the paths of a live task is a 409 that names no task; other paths are accepted."""
    world.globus.hold()
    first = world.submit("/", "/a")
    with pytest.raises(TransferAPIError) as caught:
        world.submit("/", "/a/", sync_level=3)
    assert (caught.value.http_status, caught.value.code) == (409, "Conflict")
    assert caught.value.message == "A transfer with identical paths has not yet completed"
    assert first not in caught.value.text
    world.submit("/", "/b")
    world.globus.release()
    world.globus.wait()
    world.submit("/", "/a")


@pytest.mark.slow
def test_a_hundred_pending_tasks_are_the_limit(world: World) -> None:
    """Pending task 101 of an identity is rejected."""
    world.globus.hold()
    for n in range(100):
        world.submit("/", f"/{n}")
    assert refused(lambda: world.submit("/", "/more")) == (409, "ClientError.Conflict.TooManyPendingJobs")


def test_fail_and_forget(world: World) -> None:
    """A test can end a task with any fatal error and delete its record; its submission id stays used."""
    world.globus.hold()
    data = world.data()
    task_id = world.tc.submit_transfer(data)["task_id"]
    world.globus.fail(task_id, "ENDPOINT_ERROR")
    assert world.tc.get_task(task_id)["fatal_error"]["code"] == "ENDPOINT_ERROR"
    world.globus.forget(task_id)
    assert refused(lambda: world.tc.get_task(task_id)) == (404, "ClientError.NotFound")
    assert world.tc.task_list()["total"] == 0
    assert world.tc.submit_transfer(data)["task_id"] == task_id


def test_records_age(world: World) -> None:
    """Events and per-file results are deleted after 30 days, the record itself after 90."""
    world.write("a")
    task_id = world.run()["task_id"]
    world.clock.advance(31 * 24 * HOUR)
    world.tc = world.sign_in()
    assert world.tc.get_task(task_id)["history_deleted"] is True
    assert world.events(task_id) == []
    assert list(world.tc.task_successful_transfers(task_id)) == []
    world.clock.advance(60 * 24 * HOUR)
    world.tc = world.sign_in()
    assert refused(lambda: world.tc.get_task(task_id))[0] == 404


def test_update_a_task(world: World) -> None:
    """The label and the deadline of a live task can be changed, and it ends at the new deadline."""
    task_id = world.run("/missing")["task_id"]
    soon = (world.clock.now() + timedelta(minutes=5)).isoformat()
    assert world.tc.update_task(task_id, {"DATA_TYPE": "task", "label": "new", "deadline": soon})["code"] == "Updated"
    assert world.tc.get_task(task_id)["label"] == "new"
    world.clock.advance(300)
    assert world.tc.get_task(task_id)["status"] == "FAILED"
    assert refused(lambda: world.tc.update_task(task_id, {"DATA_TYPE": "task", "label": "x"}))[0] == 409
