"""Replies that make no sense or never end, from Globus and from a mail server."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from trickle import trickling_server
from world import SUBMIT, TASK_LIST, World

from globus_sync_directory.globus import transport
from globus_sync_directory.notify import smtp
from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.promise(7, "replies that make no sense")


ENDED = {
    "status": "SUCCEEDED",
    "request_time": "2026-01-01T00:00:00+00:00",
    "completion_time": "2026-01-01T00:10:00+00:00",
}


@pytest.mark.parametrize("service", ["AUTH", "TRANSFER"])
def test_trickling_reply(world: World, monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    """A reply that never ends counts as no reply, although each of its bytes comes soon."""
    monkeypatch.setattr(transport, "TIMEOUT_SECONDS", 0.25)
    with trickling_server(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" ") as server:
        monkeypatch.setenv(f"GLOBUS_SDK_SERVICE_URL_{service}", f"http://127.0.0.1:{server.port}")
        outcome = world.run()
    assert outcome.status == 75
    assert "no answer within" in outcome.stdout


def test_trickling_mail_server(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail server whose greeting never ends does not keep the run waiting: a warning for each recipient."""
    monkeypatch.setattr(smtp, "TOTAL_SECONDS", 0.2)
    with trickling_server(b"220-hello\r\n", b"220-hello\r\n") as server:
        mail = f"email = a@example.org, b@example.org\nsmtp_host = 127.0.0.1\nsmtp_port = {server.port}\n"
        world.write_config("[notification]\n" + mail)
        world.pair("microscope", src_path="/missing")
        outcome = world.run()
    assert outcome.status == 1
    assert outcome.stderr.count("is too slow; the next run tries again") == 2


@pytest.mark.promise(8, "a list with no end")
def test_list_without_end(world: World) -> None:
    """A list that claims a billion tasks and always shows the same one is read twice."""
    world.globus.hold()
    world.run()
    (task,) = world.tasks
    same = {**world.globus.task_document(task), "deadline": None}
    world.globus.faults.add(Fault(path=TASK_LIST, body={"DATA": [same], "total": 10**9}, times=None))
    world.forget_requests()
    assert world.run("-d").statuses == {"microscope": "running"}
    assert world.asked().count(f"GET {TASK_LIST}") == 2


@pytest.mark.promise(6, "deeply nested replies")
@pytest.mark.parametrize(("path", "status"), [(TASK_LIST, 75), ("/v2/oauth2/token", 75), ("*/stat", 0)])
def test_deeply_nested_reply(world: World, path: str, status: int) -> None:
    """JSON that is nested too deeply is an unusable reply like any other, also for the debug log."""
    body = '{"DATA": [], "total": ' + "[" * 200_000
    world.globus.faults.add(Fault(path=path, body=body, times=None))
    assert world.run("-v").status == status


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359"])
def test_absurd_date(world: World, date: str) -> None:
    """A Date that no clock can show does not count; the time limit counts from the host's clock."""
    world.pair("microscope", timelimitmins="300")
    world.globus.faults.add(Fault(path="/v2/oauth2/token", when="after", headers={"Date": date}))
    outcome = world.sync()
    assert (outcome.status, outcome.statuses) == (0, {"microscope": "started"})


def test_date_of_next_year(world: World) -> None:
    """A Date a year ahead is told, and counts for nothing: neither in what is remembered nor for max_age."""
    world.pair("microscope", max_age="36h")
    date = format_datetime(world.clock.now() + timedelta(days=365), usegmt=True)
    world.globus.faults.add(Fault(path="/v2/oauth2/token", when="after", headers={"Date": date}))
    outcome = world.sync()
    assert "the date in Globus' reply is 365 d ahead of this host's clock; that is not believed" in outcome.stderr
    submitted_at = datetime.fromisoformat(world.state()["microscope"]["task"]["submitted_at"])
    assert submitted_at == world.clock.now()
    world.clock.advance(37 * 3600)
    assert (world.run("-d").status, world.run("-d").statuses) == (3, {"microscope": "succeeded"})


def answer_with(world: World, **fields: Any) -> None:
    """Answer the next question for ended tasks with the newest one, in which these fields are different."""
    task = world.tasks[-1]
    document = {**ENDED, "task_id": task.id, "label": task.label, **fields}
    world.globus.faults.add(Fault(method="GET", path=TASK_LIST, nth=2, body={"DATA": [document], "total": 1}))


def test_absurd_count(world: World) -> None:
    """A number of bytes that no disk can hold stops neither the report nor the record."""
    world.sync()
    answer_with(world, bytes_transferred=10**400)
    world.globus.hold()
    assert world.run().status == 0
    assert world.run("-d").status == 0


@pytest.mark.parametrize("fault", [{"status": 403, "code": "PermissionDenied"}, {"body": {"DATA": []}}])
def test_gaps_without_names(world: World, fault: dict[str, Any]) -> None:
    """Where Globus does not name the skipped paths, the report says how many there are and where to look."""
    world.sync()
    answer_with(world, subtasks_skipped_errors=7)
    world.globus.faults.add(Fault(path="*/skipped_errors", **fault))
    outcome = world.run("-d")
    assert outcome.status == 1
    assert "7 paths not copied\n" in outcome.stdout
    assert "why:  Globus does not say which paths were skipped" in outcome.stdout


@pytest.mark.promise(6, "one unreadable task among others")
def test_unreadable_task_among_others(world: World) -> None:
    """A task document that makes no sense is asked for by itself, and does not disturb other pairs."""
    world.pair("two", src_path="/images", dst_path="/archive/two")
    world.sync()
    shown = [world.globus.task_document(task) for task in world.tasks]
    shown[-1]["request_time"] = None
    world.globus.faults.add(Fault(method="GET", path=TASK_LIST, nth=2, body={"DATA": shown, "total": 2}))
    assert world.run("-d").statuses == {"microscope": "succeeded", "two": "succeeded"}


@pytest.mark.promise(6, "one unreadable task among others")
def test_unreadable_task_when_a_pair_is_new(world: World) -> None:
    """Where a new pair is looked for among all our tasks, one that makes no sense stops neither it nor the others."""
    world.sync()
    shown = world.globus.task_document(world.tasks[0]) | {"request_time": None}
    world.pair("new")
    world.globus.faults.add(Fault(method="GET", path=TASK_LIST, nth=2, body={"DATA": [shown], "total": 1}))
    assert world.run().statuses == {"microscope": "started", "new": "started"}


@pytest.mark.parametrize("kind", [None, 5])
def test_directory_of_no_type(world: World, kind: object) -> None:
    """A directory whose type makes no sense is a note, and the pair is started."""
    world.globus.faults.add(Fault(path="*/stat", body={"type": kind}))
    outcome = world.run()
    assert outcome.statuses == {"microscope": "started"}
    assert "note: could not look at " in outcome.stdout


def test_rejected_list_of_tasks(world: World) -> None:
    """Where Globus rejects the question for our tasks, the report says so and what to do."""
    world.globus.faults.add(Fault(path=TASK_LIST, status=403, code="PermissionDenied", message="no way"))
    outcome = world.run()
    assert (outcome.status, outcome.statuses) == (75, {"microscope": "not reached"})
    assert "fix:  the next run asks again; if this persists" in outcome.stdout


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "code": "EndpointError"},
        {"status": 200, "body": {"DATA_TYPE": "transfer_result", "code": "Accepted", "task_id": None}},
        {"status": 200, "body": {"code": "Accepted", "task_id": "x"}},
    ],
    ids=["502", "null", "no id"],
)
def test_unclear_reply_to_a_submission(world: World, fault: dict[str, Any]) -> None:
    """Only a 4xx is a rejection and only a UUID is a task: anything else leaves the submission pending."""
    world.globus.hold()
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, when="after", **fault))
    outcome = world.run()
    assert outcome.status == 75
    assert world.state()["microscope"]["pending"] is not None
    assert world.run().status == 0
    assert len(world.tasks) == 1


def test_submission_id_that_is_missing(world: World) -> None:
    """A reply without a submission id counts as no reply; the next run starts the pair."""
    world.globus.faults.add(Fault(path="/v0.10/submission_id", body={"DATA_TYPE": "submission_id", "value": None}))
    assert world.run().status == 75
    assert world.sync().status == 0


@pytest.mark.slow
def test_collection_that_does_not_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collection that does not answer costs time, but every pair is started."""
    monkeypatch.setattr(transport, "TIMEOUT_SECONDS", 0.3)
    (world.root / "slow").mkdir()
    slow = world.globus.add_collection(world.root / "slow", permissions={world.client_id: "r"})
    world.pair("slow", src_endpoint=slow.id)
    world.globus.faults.add(Fault(path=f"*/endpoint/{slow.id}/*", times=None, delay=1.0))
    outcome = world.run()
    assert outcome.statuses == {"microscope": "started", "slow": "started"}
    assert f"could not look at '/slow' on collection {slow.id}" in outcome.stdout
