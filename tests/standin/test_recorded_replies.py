"""Answers that users and programs have recorded: the stand-in gives the same."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from globus_sdk import DeleteData, GlobusAPIError, GlobusHTTPResponse

from globus_sync_directory.standin import StandIn
from globus_sync_directory.standin.engine.copying import FileCopier

from .helpers import World


def rejection(call: Callable[..., object], *arguments: Any, **options: Any) -> tuple[int, str | None, str]:
    """Return HTTP status, code and message of the error with which a call is rejected."""
    with pytest.raises(GlobusAPIError) as caught:
        call(*arguments, **options)
    return caught.value.http_status, caught.value.code, caught.value.message or ""


def subtasks(task: GlobusHTTPResponse) -> dict[str, int]:
    """Return the numbers of subtasks that are not zero."""
    counts = {key.removeprefix("subtasks_"): task[key] for key in task.data if key.startswith("subtasks_")}
    return {key: count for key, count in counts.items() if count}


def one_file(world: World) -> dict[str, int]:
    world.write("a")
    return subtasks(world.run("/a", "/a", recursive=False))


def two_directories(world: World) -> dict[str, int]:
    for name in ("a", "b", "deep/c"):
        world.write(name)
    return subtasks(world.run())


def unreadable_file(world: World) -> dict[str, int]:
    world.write("a")
    world.write("b")
    world.src.unreadable.add("/b")
    return subtasks(world.run())


def own_deadline(world: World) -> timedelta:
    world.write("a")
    task = world.run()
    return datetime.fromisoformat(task["deadline"]) - datetime.fromisoformat(task["request_time"])


def wrong_secret(world: World) -> Any:
    with pytest.raises(GlobusAPIError) as caught:
        world.token(secret="wrong")
    error = (caught.value.raw_json or {})["errors"][0]
    return caught.value.http_status, error["code"], error["detail"]


def identical(world: World) -> Any:
    world.globus.hold()
    world.submit()
    return rejection(world.submit)


def submitted(world: World) -> Any:
    answer = world.tc.submit_transfer(world.data())
    return answer["resource"], answer["task_link"]["href"].replace(answer["task_id"], "ID")


def repeated(world: World) -> Any:
    data = world.data()
    world.tc.submit_transfer(data)
    answer = world.tc.submit_transfer(data)
    return answer["code"], answer["message"].replace(str(data["submission_id"]), "ID")


def deletion(world: World, path: str = "/gone") -> DeleteData:
    data = DeleteData(endpoint=world.dst.id)
    data.add_item(path)
    return data


def id_of_a_delete(world: World) -> Any:
    data = deletion(world)
    world.tc.submit_delete(data)
    return rejection(world.submit, submission_id=data["submission_id"])


def skipped(world: World) -> Any:
    (path,) = world.tc.task_skipped_errors(world.run("/none", skip_source_errors=True)["task_id"])
    return path["error_code"], path["error_details"]


def listing_what_is_not_shared(world: World) -> Any:
    world.src.rules.clear()
    status, code, message = rejection(world.tc.operation_ls, world.src.id)
    return status, code, message.replace(world.src.id, "SRC")


def description_of_what_is_not_shared(world: World) -> Any:
    world.src.rules.clear()
    return rejection(world.tc.get_endpoint, world.src.id)


def new_keys(world: World) -> Any:
    world.src.disable_verify = world.src.force_encryption = True
    world.src.auto_delete_timeout = 30
    document = world.tc.get_endpoint(world.src.id)
    return {name: document[name] for name in NEW_KEYS}


def queued_delete(world: World) -> Any:
    world.globus.hold()
    return world.tc.get_task(world.tc.submit_delete(deletion(world))["task_id"])["files"]


def failed_delete(world: World) -> Any:
    task_id = world.tc.submit_delete(deletion(world))["task_id"]
    world.globus.wait()
    task = world.tc.get_task(task_id)
    return task["status"], task["files"], task["directories"], subtasks(task)


def deleted_directory(world: World) -> Any:
    world.write("x/a", at_target=True)
    data = deletion(world, "/x")
    data["recursive"] = True
    task_id = world.tc.submit_delete(data)["task_id"]
    world.globus.wait()
    task = world.tc.get_task(task_id)
    return task["files"], task["directories"], subtasks(task)


def running(world: World) -> Any:
    world.globus.hold()
    task_id = world.submit()
    status, code, message = rejection(lambda: list(world.tc.task_successful_transfers(task_id)))
    return status, code, message.replace(task_id, "ID")


def with_trouble(world: World, **trouble: bool) -> Any:
    for name, value in trouble.items():
        setattr(world.src, name, value)
    status, code, message = rejection(world.submit)
    return status, code, message.replace(world.src.id, "SRC")


NEW_KEYS: dict[str, object] = {
    "storage_type": "posix", "auto_delete_timeout": 30, "last_accessed_time": None, "subscription_admin_verified": None,
    "disable_verify": True, "force_encryption": True,
}  # fmt: skip
_NO_ENTRY = (
    "550-GlobusError: v=1 c=PATH_NOT_FOUND%0D%0A550-GridFTP-Errno: 2%0D%0A550-GridFTP-Reason: System error in "
    "stat%0D%0A550-GridFTP-Error-String: No such file or directory%0D%0A550 End.%0D%0A"
)
_UNKNOWN = "11111111-2222-4333-8444-555555555555"

# What to ask or do, and the answer.
REPLIES: dict[str, tuple[Callable[[World], object], object]] = {
    "identical paths": (identical, (409, "Conflict", "A transfer with identical paths has not yet completed")),
    "wrong secret": (wrong_secret, (401, "UNAUTHORIZED", "Basic auth failed")),
    "resource and task link": (submitted, ("/transfer", "task/ID?format=json")),
    "resource of an error": (
        lambda world: json.loads(error_text(lambda: world.tc.get_task(_UNKNOWN)))["resource"], f"/task/{_UNKNOWN}"
    ),
    "subtasks of a file": (one_file, {"total": 2, "succeeded": 2}),
    "subtasks of an empty directory": (lambda world: subtasks(world.run()), {"total": 2, "succeeded": 2}),
    "subtasks of three files in two directories": (two_directories, {"total": 6, "succeeded": 6}),
    "subtasks of a missing source": (lambda world: subtasks(world.run("/none")), {"total": 1, "pending": 1}),
    "subtasks of an unreadable file": (unreadable_file, {"total": 4, "succeeded": 3, "retrying": 1}),
    "deadline of a task that ends early": (own_deadline, timedelta(hours=24)),
    "mkdir": (lambda world: world.tc.operation_mkdir(world.dst.id, "/new").http_status, 202),
    "details of a skipped path": (skipped, ("FILE_NOT_FOUND", _NO_ENTRY)),
    "a repeated submission": (repeated, ("Duplicate", "A transfer with id 'ID' was already submitted")),
    "unknown task": (
        lambda world: rejection(world.tc.get_task, _UNKNOWN),
        (404, "ClientError.NotFound", f"No task found with id '{_UNKNOWN}'"),
    ),
    "successful transfers of a live task": (
        running,
        (400, "ClientError.BadRequest",
         "Task 'ID' is still in progress, successful transfers are not yet available"),
    ),
    "listing without permission": (
        listing_what_is_not_shared,
        (403, "PermissionDenied", "No effective ACL rules on the endpoint 'SRC'"),
    ),
    "description without permission": (
        description_of_what_is_not_shared,
        (403, "PermissionDenied", "Not authorized for that endpoint"),
    ),
    "newer keys of a collection": (new_keys, NEW_KEYS),
    "line break in a path": (
        lambda world: [rejection(world.submit, f"/a{end}b")[:2] for end in "\r\n"], [(400, "InvalidPath")] * 2
    ),
    "line break in a listed path": (
        lambda world: rejection(world.tc.operation_ls, world.src.id, path="/a\nb")[:2], (400, "InvalidPath")
    ),
    "a queued delete": (queued_delete, 1),
    "a failed delete": (failed_delete, ("FAILED", 1, 0, {"total": 1, "failed": 1})),
    "a deleted directory": (deleted_directory, (0, 1, {"total": 1, "succeeded": 1})),
    "submission id of a delete": (
        id_of_a_delete,
        (409, "ClientError.Conflict.SubmissionIdInUse", "The submission id belongs to a delete task"),
    ),
    "host deleted": (
        lambda world: with_trouble(world, host_deleted=True),
        (409, "Conflict", "Host endpoint of shared endpoint 'Lab (SRC)' has been deleted"),
    ),
    "migration": (
        lambda world: with_trouble(world, migrating=True),
        (409, "ClientError.Conflict", "Endpoint 'Lab (SRC)' is being migrated"),
    ),
}  # fmt: skip


def error_text(call: Callable[[], object]) -> str:
    """Return the text of the error with which a call is rejected."""
    with pytest.raises(GlobusAPIError) as caught:
        call()
    return caught.value.text


@pytest.mark.parametrize("name", REPLIES)
def test_reply(world: World, name: str) -> None:
    """The answer is the recorded one."""
    ask, expected = REPLIES[name]
    assert ask(world) == expected


@pytest.mark.parametrize("is_update", [False, True], ids=["submitted", "updated"])
def test_a_deadline_that_comes_during_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_update: bool
) -> None:
    """With the computer's clock, nothing but the deadline itself ends a task that is copying: FAILED, EXPIRED."""

    def copy_for_ever(copier: FileCopier, *_: int) -> None:
        while True:
            copier.step()
            time.sleep(0.01)

    monkeypatch.setattr(FileCopier, "_send_blocks", copy_for_ever)
    with StandIn() as globus:
        world = World(globus, tmp_path)
        world.write("a")
        deadline = (datetime.now(UTC) + timedelta(seconds=0.5)).isoformat()
        task_id = world.submit(deadline=None if is_update else deadline)
        if is_update:
            world.tc.update_task(task_id, {"DATA_TYPE": "task", "deadline": deadline})
        task = globus.task(task_id)
        with task.changed:
            task.changed.wait_for(lambda: not task.is_live, timeout=5)
        assert (task.status, task.fatal_error) == ("FAILED", "EXPIRED")
        assert world.tree() == {}
        world.close()


def test_a_cancel_by_an_administrator(world: World) -> None:
    """The task says on which side that person is, and what was said; a cancel by the owner says neither."""
    world.globus.hold()
    first, second = world.submit("/", "/a"), world.submit("/", "/b")
    world.globus.cancel_by_admin(first, "DESTINATION", "Ask me first")
    world.globus.cancel(second)
    found = [world.tc.get_task(task_id) for task_id in (first, second)]
    assert [task["fatal_error"]["code"] for task in found] == ["CANCELED", "CANCELED"]
    keys = ("canceled_by_admin", "canceled_by_admin_message")
    assert [[task[key] for key in keys] for task in found] == [["DESTINATION", "Ask me first"], [None, None]]
    with pytest.raises(ValueError, match="SOURCE, DESTINATION or BOTH"):
        world.globus.cancel_by_admin(first, "nobody")
