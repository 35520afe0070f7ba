"""Tasks, labels and answers that are not what they seem: other configs, other hosts, copies, and one sick pair."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from world import SUBMIT, TASK_LIST, World, no_room

from globus_sync_directory.globus import threads, transport
from globus_sync_directory.standin import Fault

SUBMISSION_ID = "/v0.10/submission_id"
TIMES_OF_ONE_CALL = 1 + transport.REPEATS
ANSWER_IS_LOST: dict[str, Any] = {"method": "POST", "path": SUBMIT, "when": "after", "cut": True}


def submitted(world: World) -> list[str]:
    """The names in the labels of all submissions since the last ``forget_requests``."""
    bodies = [request.body for request in world.globus.requests if request.path == SUBMIT]
    return [str(body["label"]).split(" sync-")[0] for body in bodies if body]


def other_config(world: World, *arguments: str, **keys: str) -> Callable[[], Any]:
    """A second config of the same application, with one pair; returns what runs it."""
    name = keys.pop("name", "microscope")
    path = world.root / "second.ini"
    section = {**world.pairs["microscope"], **keys}
    lines = "".join(f"{key} = {value}\n" for key, value in section.items())
    path.write_text(f"[globus]\nclientid = {world.client_id}\n[{name}]\n{lines}")
    return lambda: world.run("-c", str(path), *arguments)


@pytest.mark.promise(6, "three ended tasks whose documents make no sense")
def test_ended_tasks_whose_documents_make_no_sense(world: World) -> None:
    """They are that pair's trouble, however many there are: a healthy pair is started."""
    for name in ("one", "two", "three"):
        world.pair(name)
    world.sync()
    for task in world.tasks:
        if not (task.label or "").startswith("microscope"):
            nonsense = {**world.globus.task_document(task), "request_time": None}
            world.globus.faults.add(Fault(path=f"/v0.10/task/{task.id}", body=nonsense, times=None))
    shown = [world.globus.task_document(task) for task in world.tasks]
    for document in shown:
        if not document["label"].startswith("microscope"):
            document["request_time"] = None
    world.globus.faults.add(Fault(path=TASK_LIST, nth=2, body={"DATA": shown, "total": 4}))
    assert world.run().statuses == {
        "microscope": "started", "one": "not reached", "two": "not reached", "three": "not reached",
    }  # fmt: skip


SICK: list[dict[str, Any]] = [{"cut": True}, {"status": 503}, {"html": True}, {"delay": 1.3, "status": 503}]


@pytest.mark.promise(6, "submissions of three sick pairs, new ones and pending ones")
@pytest.mark.parametrize("fault", SICK)
def test_submissions_that_get_no_answer(world: World, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]) -> None:
    """Three pairs in a row whose submissions fail are no outage; the next night they are sent after all others."""
    if "delay" in fault:  # the others need no time, so a busy computer cannot make them late
        monkeypatch.setattr(transport, "TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(transport, "REPEATS", 0)
    world.globus.hold()
    sick = ("a", "b", "c")
    del world.pairs["microscope"]
    for name in (*sick, "x"):
        world.pair(name)
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, **fault, times=3))
    monkeypatch.setattr(threads, "AT_A_TIME", 1)
    assert world.run().statuses == {**dict.fromkeys(sick, "start unconfirmed"), "x": "started"}
    world.globus.faults.clear()
    world.globus.cancel(world.tasks[0].id)
    world.pair("y")
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, **fault, nth=3, times=3))
    world.forget_requests()
    assert world.run().statuses == {**dict.fromkeys(sick, "start unconfirmed"), "x": "started", "y": "started"}
    assert set(submitted(world)[:2]) == {"x", "y"}
    world.globus.release()


@pytest.mark.promise(6, "two configs of one application")
@pytest.mark.parametrize("name", ["microscope", "micro.scope", "micro_scope"])
@pytest.mark.parametrize("is_suspended", [False, True])
def test_two_configs_with_the_same_names(world: World, name: str, is_suspended: bool) -> None:
    """Their pairs have one name, or names that are one in a label, and write to different paths: none waits."""
    world.globus.hold()
    world.pairs["micro_scope"] = world.pairs.pop("microscope")
    world.write_config()
    world.run()
    if is_suspended:
        world.tasks[0].suspend()
    world.pairs["microscope"] = world.pairs.pop("micro_scope")
    outcome = other_config(world, name=name, dst_path="/elsewhere")()
    assert outcome.statuses[name] == "started"
    assert outcome.status == 0
    world.globus.release()


@pytest.mark.promise(4, "an orphaned task that is known by its label alone")
def test_another_config_that_writes_to_the_same_place(world: World) -> None:
    """Where Globus shows that a task of another config writes there, a pair waits for it."""
    world.globus.hold()
    world.run()
    (world.root / "source" / "other").mkdir()
    outcome = other_config(world, name="telescope", src_path="/other", dst_path="/archive/images/deep")()
    assert outcome.statuses["telescope"] == "waiting for the earlier task"
    world.globus.release()


REJECTIONS: list[dict[str, Any]] = [
    {"status": 403, "code": "ClientError.PermissionDenied"},
    {"status": 409, "code": "ClientError.Conflict.TooManyPendingJobs"},
    {"status": 400, "code": "ClientError.BadRequest", "message": "Submission ID was used for another document"},
]


@pytest.mark.promise(4, "a rejection of a submission that was accepted before")
@pytest.mark.parametrize("is_failed", [True, False])
@pytest.mark.parametrize("fault", REJECTIONS)
def test_rejected_repeat(world: World, fault: dict[str, Any], is_failed: bool) -> None:
    """It is no evidence: the accepted task is found by its label, and what it did counts for the next pass."""
    world.pair("microscope", sync_level="size")
    world.sync()
    world.globus.hold()
    world.globus.faults.add(Fault(**ANSWER_IS_LOST, times=TIMES_OF_ONE_CALL))
    world.run()
    if is_failed:
        world.globus.fail(world.tasks[-1].id, "ENDPOINT_ERROR")
    world.globus.release()
    world.globus.wait()
    world.clock.advance(86400)
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, **fault))
    assert world.run().statuses == {"microscope": "started"}
    lost, newest = world.tasks[1:]
    assert newest.submission.sync_level == (3 if is_failed else 1)
    entry = world.state()["microscope"]
    assert entry["success"]["task_id"] == (world.tasks[0].id if is_failed else lost.id)


@pytest.mark.promise(4, "a rejection of a submission that was accepted before")
def test_rejected_repeat_while_the_list_lags(world: World) -> None:
    """A task that Globus does not list yet may be there: 75 for this pair, and no new submission."""
    world.globus.behaviour = replace(world.globus.behaviour, task_list_lag=timedelta(minutes=5))
    world.globus.faults.add(Fault(**ANSWER_IS_LOST, times=TIMES_OF_ONE_CALL))
    world.sync()
    for _ in range(2):
        world.globus.faults.add(no_room(times=1))
        outcome = world.run()
        assert (outcome.status, outcome.statuses) == (75, {"microscope": "start unconfirmed"})
        assert "an earlier attempt got no answer, and this one was rejected" in outcome.stdout
        world.clock.advance(240)
        world.globus.faults.clear()
    (task,) = world.tasks
    world.clock.advance(600)
    world.run()
    assert world.state()["microscope"]["success"]["task_id"] == task.id


@pytest.mark.promise(4, "a submission id that was used before")
@pytest.mark.parametrize("changed_body", ["duplicate", "refused"])
def test_one_submission_id_for_two_pairs(world: World, changed_body: Any) -> None:
    """One is started; of the other nobody says that, and the next run starts it."""
    world.globus.behaviour = replace(world.globus.behaviour, changed_body=changed_body)
    world.pair("two")
    same = {"DATA_TYPE": "submission_id", "value": str(uuid.uuid4())}
    world.globus.faults.add(Fault(path=SUBMISSION_ID, body=same, times=2))
    outcome = world.sync()
    assert (outcome.status, sorted(outcome.statuses.values())) == (1, ["rejected", "started"])
    assert len(world.tasks) == 1
    if changed_body == "duplicate":
        assert f"used before: it belongs to task {world.tasks[0].id}" in " ".join(outcome.stdout.split())
    world.globus.faults.clear()
    assert set(world.sync().statuses.values()) == {"started"}
    assert set(world.run("-d").statuses.values()) == {"succeeded"}


@pytest.mark.promise(4, "a submission id that was used before")
@pytest.mark.parametrize("is_lost", [False, True])
def test_the_submission_id_of_yesterday(world: World, is_lost: bool) -> None:
    """A task of yesterday is not taken for a new one, also where the answer is lost at first."""
    yesterday = {"DATA_TYPE": "submission_id", "value": str(uuid.uuid4())}
    world.globus.faults.add(Fault(path=SUBMISSION_ID, body=yesterday, times=2))
    world.sync()
    world.clock.advance(86400)
    if is_lost:
        world.globus.faults.add(Fault(**ANSWER_IS_LOST, times=TIMES_OF_ONE_CALL))
        assert world.run().statuses == {"microscope": "start unconfirmed"}
        world.clock.advance(86400)
        assert world.run().statuses == {"microscope": "started"}
    else:
        outcome = world.run()
        assert (outcome.status, outcome.statuses) == (1, {"microscope": "rejected"})
        assert world.run().statuses == {"microscope": "started"}
    assert len(world.tasks) == 2


@pytest.mark.promise(4, "a copied label")
def test_a_live_task_between_other_collections(world: World) -> None:
    """It carries the label of the pair, and is none of its tasks."""
    world.globus.hold()
    world.run()
    (task,) = world.tasks
    (world.root / "third").mkdir()
    third = world.globus.add_collection(world.root / "third", permissions={world.client_id: "rw"})
    task.submission = replace(task.submission, destination=third.id)
    task.destination_collection = third
    world.state_file.unlink()
    assert world.run("-d").statuses == {"microscope": "never run"}
    outcome = world.run()
    assert (outcome.status, outcome.statuses) == (0, {"microscope": "started"})
    assert len(world.live) == 2
    world.globus.release()


@pytest.mark.promise(7, "two live tasks of one pair")
def test_two_live_tasks_need_attention(world: World) -> None:
    """Both are named, the status is 1 and -q speaks, until one has ended."""
    world.globus.hold()
    lag = timedelta(minutes=1)
    world.globus.behaviour = replace(world.globus.behaviour, task_list_lag=lag, identical_paths_refused=False)
    world.run()
    world.run("-t", str(world.root / "other.json"))
    world.clock.advance(120)
    for arguments in ((), ("-d",), ("-q",)):
        outcome = world.run(*arguments)
        assert outcome.status == 1
        assert all(task.id in outcome.stdout for task in world.tasks)
        assert "more than one task of this pair is running" in outcome.stdout
    document = json.loads(world.run("--json").stdout)
    assert (document["exit_status"], document["pairs"][0]["needs_attention"]) == (1, True)
    remembered = world.state()["microscope"]["task"]["task_id"]
    other = next(task for task in world.tasks if task.id != remembered)
    world.globus.cancel(other.id)
    assert (world.run().status, len(world.live)) == (0, 1)
    world.globus.release()


def fail_newest(world: World) -> None:
    """Let the newest task of the first pair fail."""
    newest = [task for task in world.live if (task.label or "").startswith("microscope")][-1]
    world.globus.fail(newest.id, "ENDPOINT_ERROR")


def failed_elsewhere(world: World) -> None:
    """Let a task of another host fail, after one that this host knows of succeeded."""
    world.globus.hold()
    world.run("-t", str(world.root / "other.json"))
    fail_newest(world)
    world.globus.release()


def restored_from_a_copy(world: World) -> None:
    """Let a task fail, and then bring back the state file from before it."""
    world.globus.hold()
    before = world.state_file.read_bytes()
    world.run()
    fail_newest(world)
    world.state_file.write_bytes(before)
    world.globus.release()


@pytest.mark.promise(3, "a task that failed and that this state file does not know")
@pytest.mark.parametrize("fail_unseen", [failed_elsewhere, restored_from_a_copy])
def test_damage_of_an_unknown_task(world: World, fail_unseen: Callable[[World], None]) -> None:
    """A file that it left damaged, of the right size, is repaired by the next run."""
    world.pair("microscope", sync_level="size")
    world.pair("two", sync_level="mtime")
    world.sync()
    world.clock.advance(86400)
    world.forget_requests()
    world.sync()
    assert world.asked().count(f"GET {TASK_LIST}") == 3  # live ones, those of the last runs, and newer ones
    world.clock.advance(86400)
    fail_unseen(world)
    world.globus.wait()
    (world.archive / "a.txt").write_bytes(b"FIRST")
    world.clock.advance(86400)
    world.sync()
    assert (world.archive / "a.txt").read_bytes() == b"first"
    levels = {(task.label or "").split(" ")[0]: task.submission.sync_level for task in world.tasks[-2:]}
    assert levels == {"microscope": 3, "two": 2}
