"""Every question: what is sent, what comes back, and what a failure means for the questions after it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from globus_sync_directory.globus.client import IDS_PER_REQUEST, GlobusClient, Submitted
from globus_sync_directory.model.answer import Answer, Received, Rejected, Unavailable
from globus_sync_directory.model.collection import Collection
from globus_sync_directory.model.pair import Directory
from globus_sync_directory.model.task import Pause, SkippedPath, Task

from .fake_service import CLIENT, Reply, Service, error

ONE = "763d50ee-e814-4080-878b-6a8be5cf7570"
LAB = Directory(collection=ONE, path="/my  lab")
LIST, STAT, LS, TASK = "/task_list", "/stat", "/ls", "/v0.10/task/x"


def task_document(number: int, **fields: Any) -> dict[str, Any]:
    """Return the document of a task."""
    task_id = f"{number:08d}-0000-4000-8000-00000000abcd"
    return {"task_id": task_id, "status": "ACTIVE", "request_time": "2026-11-23T12:00:00Z", **fields}


def page(*numbers: int, total: int | None = None, **fields: Any) -> Reply:
    """Return a page of a task list."""
    return Reply(
        {"DATA": [task_document(n, **fields) for n in numbers], "total": len(numbers) if total is None else total}
    )


def value(answer: Answer[Any]) -> Any:
    """Return what was received."""
    assert isinstance(answer, Received), answer
    return answer.value


def reason(answer: Answer[object]) -> str:
    """Return why nothing of use came."""
    assert isinstance(answer, Unavailable), answer
    return answer.reason


def numbers(answer: Answer[list[Task]]) -> list[int]:
    """Return which tasks were received."""
    return [int(task.task_id[:8]) for task in value(answer)]


def test_live_tasks(service: Service, client: GlobusClient) -> None:
    """Live tasks are read page by page, up to the total; one that moves to the next page meanwhile counts once."""
    service.on(LIST, page(1, 2, 3, total=5), page(3, 4, total=6), page(5, total=6))
    assert numbers(client.live_tasks()) == [1, 2, 3, 4, 5]
    assert [request.query["offset"] for request in service.requests] == [["0"], ["3"], ["5"]]
    assert service.requests[0].query["filter"] == ["status:ACTIVE,INACTIVE"]
    assert service.requests[0].query["limit"] == ["1000"]
    assert service.requests[0].query["orderby"] == ["request_time DESC"]


@pytest.mark.parametrize("pages", [[page(1, 2, total=10**9)], [page(1, total=5), page(total=5)], [page(total=5)]])
def test_a_list_without_end(service: Service, client: GlobusClient, pages: list[Reply]) -> None:
    """A list whose pages bring nothing new has ended, whatever its total says."""
    service.on(LIST, *pages)
    assert isinstance(client.live_tasks(), Received)
    assert len(service.requests) == 2 if len(pages[0].body["DATA"]) else 1


@pytest.mark.parametrize("second", [error(403, "PermissionDenied"), requests.ReadTimeout("x"), Reply({"DATA": None})])
def test_half_a_list_is_none(service: Service, client: GlobusClient, second: Reply | Exception) -> None:
    """Where one page cannot be had, nobody knows which tasks are live."""
    service.on(LIST, page(1, total=2), second)
    assert not isinstance(client.live_tasks(), Received)


def test_other_lists(service: Service, client: GlobusClient) -> None:
    """Tasks by id and recent ones leave out what is unreadable; by label they are exact; recent ones are one page."""
    service.on(LIST, Reply({"DATA": [task_document(1), {"task_id": "?"}], "total": 2}))
    assert numbers(client.tasks_by_id(["a", "b"])) == [1]
    assert service.requests[-1].query["filter"] == ["task_id:a,b"]
    assert service.requests[-1].query["limit"] == [str(IDS_PER_REQUEST)]
    assert numbers(client.recent_tasks()) == [1]
    assert reason(client.tasks_by_label("a")).endswith("when asked for the list of tasks")
    service.on(LIST, Reply({"DATA": [task_document(1, label="ab"), task_document(2, label="a")], "total": 2}))
    assert numbers(client.tasks_by_label("a")) == [2]
    assert service.requests[-1].query["filter"] == ["label:=a"]
    service.on(LIST, page(2, 1, total=5000))
    assert numbers(client.recent_tasks()) == [2, 1]
    assert "filter" not in service.requests[-1].query


def test_one_task_and_its_details(service: Service, client: GlobusClient) -> None:
    """A task, its log, what it left out, and why it is paused."""
    service.on(TASK, Reply(task_document(7)))
    task = value(client.task("x"))
    assert task.task_id.startswith("00000007")
    service.on("/event_list", Reply({"DATA": [{"time": "2026-11-23T12:00:00Z", "code": "X"}]}))
    assert [event.code for event in value(client.newest_events("x"))] == ["X"]
    assert service.requests[-1].query["limit"] == ["1000"]
    service.on("/skipped_errors", Reply({"DATA": [{"error_code": "E", "source_path": "/a"}]}))
    assert value(client.skipped_paths("x")) == [SkippedPath(code="E", source_path="/a")]
    service.on("/pause_info", Reply({"pause_rules": [{"endpoint_id": ONE, "message": "m"}]}))
    assert value(client.pauses(task)) == [Pause(collection=ONE, message="m")]


def test_directories_and_collections(service: Service, client: GlobusClient) -> None:
    """A path is sent as it is, with the slash of a directory."""
    service.on(STAT, Reply({"type": "file"}))
    assert value(client.stat(LAB)) == "file"
    assert service.requests[-1].query["path"] == ["/my  lab/"]
    service.on(LS, Reply({"DATA": []}))
    assert value(client.list_one(LAB)) == "dir"
    assert service.requests[-1].query == {"path": ["/my  lab/"], "limit": ["1"]}
    service.on(f"/endpoint/{ONE}", Reply({"id": ONE, "display_name": "Lab"}))
    expected = Collection(collection_id=ONE, name="Lab", kind="", owner="", is_connected=None)
    assert value(client.collection(ONE)) == expected
    service.on("/mkdir", Reply({"code": "DirectoryCreated"}, 202))
    assert value(client.make_directory(ONE, "/x/")) == "DirectoryCreated"
    assert json.loads(service.requests[-1].body)["path"] == "/x/"
    service.on("/submission_id", Reply({"value": CLIENT}))
    service.on("/delete", Reply({"code": "Accepted", "task_id": CLIENT}))
    assert value(client.remove_directory(ONE, "/x/")) == CLIENT
    assert json.loads(service.requests[-1].body)["DATA"][0]["path"] == "/x/"


@pytest.mark.parametrize(("reply", "listed"), [
    (error(405, "X"), True),
    (error(501, "ExternalError.NotImplemented"), True),
    (error(400, "ClientError.NotSupported"), True),
    (error(404, "NotFound"), False),
])  # fmt: skip
def test_stat_falls_back_to_a_listing(service: Service, client: GlobusClient, reply: Reply, listed: bool) -> None:
    """Where a collection does not support stat, a listing shows that the directory is there."""
    service.on(STAT, reply)
    service.on(LS, Reply({"DATA": []}))
    answer = client.stat(LAB)
    assert isinstance(answer, Received) is listed
    assert service.count(LS) == listed


@pytest.mark.parametrize(("code", "is_new"), [("Accepted", True), ("Duplicate", False)])
def test_submission(service: Service, client: GlobusClient, code: str, is_new: bool) -> None:
    """A document is sent as it is, and the caller's stays as it was."""
    service.on("/submission_id", Reply({"value": CLIENT}))
    assert value(client.submission_id()) == CLIENT
    service.on("/transfer", Reply({"code": code, "task_id": ONE}))
    document = {"submission_id": CLIENT, "DATA_TYPE": "transfer"}
    assert value(client.submit(document)) == Submitted(task_id=ONE, is_new=is_new)
    assert json.loads(service.requests[-1].body) == document
    assert service.count("/submission_id") == 1


@pytest.mark.parametrize(("reply", "expected"), [
    (error(404, "TaskNotFound", "m"), Rejected(http_status=404, code="TaskNotFound", message="m")),
    (error(409, "Conflict"), Rejected(http_status=409, code="Conflict", message="")),
    (error(502, "ExternalError.X.LoginFailed", "m"),
     Rejected(http_status=502, code="ExternalError.X.LoginFailed", message="m", is_definite=False)),
    (error(503, "EndpointError"), Rejected(http_status=503, code="EndpointError", message="", is_definite=False)),
    (error(503, "ServiceUnavailable"), "Globus Transfer answered 503 when asked for a task"),
    (error(500, "X"), "Globus Transfer answered 500 when asked for a task"),
    (error(429, "TooManyRequests"), "Globus Transfer answered 429 when asked for a task"),
    (error(408, "X"), "Globus Transfer answered 408 when asked for a task"),
    (error(403, ""), "Globus Transfer answered 403 when asked for a task"),
    (Reply({"code": 5}, 403), "Globus Transfer answered 403 when asked for a task"),
    (Reply({}, 404), "Globus Transfer answered 404 when asked for a task"),
    (Reply([], 400), "Globus Transfer answered 400 when asked for a task"),
    (Reply(b"<html>", 407), "Globus Transfer answered 407 when asked for a task"),
    (Reply(b"<html>"), "unexpected reply from Globus Transfer when asked for a task"),
    (Reply({"code": 5}, 503), "Globus Transfer answered 503 when asked for a task"),
    (Reply({"task_id": ONE}), "unexpected reply from Globus Transfer when asked for a task"),
    (Reply(b"[" * 200_000), "unexpected reply from Globus Transfer when asked for a task"),
    (requests.ReadTimeout("x"), "no answer from Globus Transfer: no answer within 15 s"),
])  # fmt: skip
def test_failures(service: Service, client: GlobusClient, reply: Reply | Exception, expected: Rejected | str) -> None:
    """A rejection is Globus' word about this question; all else is no usable answer, and never an exception."""
    service.on(TASK, reply)
    answer = client.task("x")
    if isinstance(expected, Rejected):
        assert answer == expected
    else:
        assert answer == Unavailable(reason=expected)


@pytest.mark.parametrize(("reply", "attempts"), [
    (error(503, "X"), 3), (requests.ConnectionError("x"), 3), (error(429, "X"), 3),
    (error(502, "ExternalError.X"), 1), (error(404, "X"), 1), (Reply(b"<html>"), 1),
])  # fmt: skip
def test_repeats(service: Service, client: GlobusClient, reply: Reply | Exception, attempts: int) -> None:
    """What may pass is tried three times; what a collection says, and a rejection, once."""
    service.on(TASK, reply)
    client.task("x")
    assert len(service.requests) == attempts


@pytest.mark.parametrize("first", [requests.ConnectionError("x"), error(503, "X"), error(429, "X"), Reply(b"", 502)])
def test_a_rejection_after_an_unclear_attempt_is_not_definite(
    service: Service, client: GlobusClient, first: Reply | Exception
) -> None:
    """An attempt without an answer may have been carried out, whatever is said to the next one."""
    service.on("/transfer", first, error(409, "Conflict"))
    answer = client.submit({"submission_id": CLIENT})
    assert isinstance(answer, Rejected)
    assert not answer.is_definite
    answer = client.submit({"submission_id": CLIENT})
    assert isinstance(answer, Rejected)
    assert answer.is_definite


NONSENSE = Reply({"DATA": 5})
BROKEN = requests.ConnectionError("x")


@pytest.mark.parametrize(("replies", "questions", "is_outage"), [
    ([NONSENSE] * 2, 2, False),
    ([NONSENSE] * 3, 3, True),
    ([error(500, "X")] * 9, 3, True),
    ([NONSENSE, Reply({"code": ""}, 400), NONSENSE], 3, True),
    ([NONSENSE, NONSENSE, page(1), NONSENSE, NONSENSE], 5, False),
    ([NONSENSE, NONSENSE, error(404, "X"), NONSENSE, NONSENSE], 5, False),
    ([BROKEN] * 3, 1, True),
    ([BROKEN, BROKEN, page(1)], 1, False),
])  # fmt: skip
def test_outage(
    service: Service, client: GlobusClient, replies: list[Reply | Exception], questions: int, is_outage: bool
) -> None:
    """Three questions in a row that fail, or one that the network does not answer: no further request is sent."""
    service.on(LIST, *replies)
    service.on("/submission_id", Reply({"value": CLIENT}))
    for _ in range(questions):
        client.recent_tasks()
    assert len(service.requests) == len(replies)
    assert isinstance(client.submission_id(), Unavailable) is is_outage
    assert service.count("/submission_id") == (not is_outage)


def test_an_outage_keeps_its_reason(service: Service, client: GlobusClient) -> None:
    """All later questions get the reason of the failure that showed the outage, until it is forgotten."""
    service.on(LIST, requests.ReadTimeout("x"))
    service.on(STAT, Reply({"type": "dir"}))
    first = client.recent_tasks()
    service.requests.clear()
    questions: list[Callable[[], Answer[object]]] = [
        client.recent_tasks, client.live_tasks, client.submission_id,
        lambda: client.stat(LAB), lambda: client.list_one(LAB), lambda: client.submit({"submission_id": CLIENT}),
    ]  # fmt: skip
    assert [question() for question in questions] == [first] * len(questions)
    assert service.requests == []
    client.forget_outage()
    assert value(client.stat(LAB)) == "dir"


@pytest.mark.parametrize("reply", [requests.ReadTimeout("x"), error(503, "X"), Reply(b""), Reply({"type": 5})])
def test_looks_never_mean_an_outage(service: Service, client: GlobusClient, reply: Reply | Exception) -> None:
    """Three directories that cannot be looked at stop the looking, and nothing else."""
    service.on(STAT, reply)
    service.on(LS, reply)
    service.on(LIST, page(1))
    assert isinstance(client.stat(LAB), Unavailable)
    assert isinstance(client.list_one(LAB), Unavailable)
    assert numbers(client.recent_tasks()) == [1]
    assert isinstance(client.stat(LAB), Unavailable)
    service.requests.clear()
    assert reason(client.stat(LAB)) == "not asked, because other directories could not be looked at either"
    assert service.requests == []
    assert numbers(client.recent_tasks()) == [1]
    client.forget_outage()
    service.on(STAT, Reply({"type": "dir"}))
    assert value(client.stat(LAB)) == "dir"


@pytest.mark.parametrize("reply", [requests.ReadTimeout("x"), error(503, "X"), Reply(b"<html>"), Reply({"DATA": 5})])
def test_a_question_about_one_pair_never_means_an_outage(
    service: Service, client: GlobusClient, reply: Reply | Exception
) -> None:
    """However many of them get no answer: each is asked, and so is what every pair needs."""
    questions: list[Callable[[], Answer[object]]] = [
        lambda: client.submit({"submission_id": CLIENT}), lambda: client.task("x"),
        lambda: client.collection("x"), lambda: client.tasks_by_label("x"),
    ]  # fmt: skip
    for path in ("/transfer", TASK, "/endpoint/x", LIST):
        service.on(path, reply)
    for question in questions * 2:
        service.requests.clear()
        assert isinstance(question(), Unavailable)
        assert service.requests
    service.on(LIST, page(1))
    assert numbers(client.recent_tasks()) == [1]


EVENTS, SKIPPED = "/event_list", "/skipped_errors"
NOT_ASKED = "not asked, because other questions of this kind were not answered either"


@pytest.mark.parametrize(
    "reply", [requests.ReadTimeout("x"), error(503, "X"), Reply(b"<html>"), Reply({"DATA": 5}), Reply([1, 2])]
)
def test_details_never_mean_an_outage(service: Service, client: GlobusClient, reply: Reply | Exception) -> None:
    """Three in a row that do not come end the details, and nothing else; one or two end nothing."""
    service.on(EVENTS, reply)
    service.on(SKIPPED, reply)
    service.on(TASK, Reply(task_document(7)))
    service.on(LIST, page(1))
    task = value(client.task("x"))
    assert isinstance(client.newest_events("x"), Unavailable)
    assert isinstance(client.skipped_paths("x"), Unavailable)
    service.on(SKIPPED, Reply({"DATA": []}))
    assert value(client.skipped_paths("x")) == []
    assert NOT_ASKED not in [reason(client.newest_events("x")) for _ in range(3)]
    service.requests.clear()
    answers = [client.newest_events("x"), client.skipped_paths("x"), client.pauses(task)]
    assert [reason(answer) for answer in answers] == [NOT_ASKED] * 3
    assert service.requests == []
    assert numbers(client.recent_tasks()) == [1]
    client.forget_outage()
    assert value(client.skipped_paths("x")) == []


def test_looks_that_failed_stop_no_details(service: Service, client: GlobusClient) -> None:
    """Each kind is counted by itself."""
    service.on(STAT, error(503, "X"))
    service.on(SKIPPED, Reply({"DATA": []}))
    for _ in range(4):
        client.stat(LAB)
    assert value(client.skipped_paths("x")) == []
    service.on(SKIPPED, error(503, "X"))
    service.on(STAT, Reply({"type": "dir"}))
    client.forget_outage()
    for _ in range(4):
        client.skipped_paths("x")
    assert value(client.stat(LAB)) == "dir"


def test_rejected_looks_do_not_stop_the_looking(service: Service, client: GlobusClient) -> None:
    """A directory that does not exist says nothing about others."""
    service.on(STAT, *[error(404, "NotFound")] * 5, Reply({"type": "dir"}))
    assert [type(client.stat(LAB)) for _ in range(6)] == [Rejected] * 5 + [Received]


def test_several_at_a_time(service: Service, client: GlobusClient) -> None:
    """Questions can be asked from several threads, and one item's failure is not another's."""
    service.on(STAT, error(404, "NotFound"), Reply({"type": "dir"}))
    places = [Directory(collection=ONE, path=f"/{number}") for number in range(20)]
    answers = client.map_concurrently(client.stat, places)
    assert list(answers) == places
    assert sorted(type(answer).__name__ for answer in answers.values()) == ["Received"] * 19 + ["Rejected"]
    groups = client.map_as_completed(client.stat, places)
    assert sum(len(group) for group in groups) == 20


def test_after_the_end(service: Service, client: GlobusClient) -> None:
    """Nothing is sent after the run has ended."""
    client.__exit__()
    assert reason(client.submission_id()) == "this run has ended"
    assert service.requests == []
