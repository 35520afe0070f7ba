"""Faults: requests that are rejected, delayed, cut or answered with something else."""

import time
from typing import Any, Literal

import pytest
from globus_sdk import (
    GlobusConnectionError,
    NetworkError,
    TransferAPIError,
    TransferClient,
)
from globus_sdk.transport import RetryConfig

from globus_sync_directory.standin import Fault

from .helpers import World, refused

SUBMIT: dict[str, Any] = {"method": "POST", "path": "/v0.10/transfer"}


def test_a_fault_applies_to_the_nth_matching_requests(world: World) -> None:
    """Only matching requests count: a fault applies to the n-th and the following ones, then to no more."""
    world.globus.faults.add(Fault(path="/v0.10/task/*", nth=2, times=2, status=503, headers={"Retry-After": "1"}))
    task_id = world.submit()
    answers: list[object] = []
    for _ in range(4):
        world.tc.task_list()
        try:
            answers.append(world.tc.get_task(task_id).http_status)
        except TransferAPIError as error:
            answers.append((error.http_status, error.code, error.headers["Retry-After"]))
    assert answers == [200, (503, "ServiceUnavailable", "1"), (503, "ServiceUnavailable", "1"), 200]


def test_a_fault_until_it_is_cleared(world: World) -> None:
    """Without an end, a fault applies until it is cleared; its document can be anything."""
    world.globus.faults.add(Fault(path="*/task_list", times=None, status=500, body={"code": "Mine", "message": "m"}))
    assert [refused(world.tc.task_list) for _ in range(3)] == [(500, "Mine")] * 3
    world.globus.faults.clear()
    assert world.tc.task_list()["total"] == 0


def test_a_cut_before_processing(world: World) -> None:
    """If the connection is cut before the request is processed, the client sees a network error and nothing is done."""
    world.globus.faults.add(Fault(**SUBMIT, cut=True))
    with pytest.raises(GlobusConnectionError):
        world.submit()
    assert world.globus.tasks == []
    assert world.globus.requests[-1].status is None


def test_a_cut_after_processing(world: World) -> None:
    """A cut after processing loses the answer, not the task: when the SDK retries, the answer is Duplicate."""
    world.globus.faults.add(Fault(**SUBMIT, when="after", cut=True))
    client = TransferClient(
        authorizer=world.tc.authorizer, base_url=world.globus.url, retry_config=RetryConfig(max_retries=1, max_sleep=0)
    )
    with client:
        answer = client.submit_transfer(world.data())
    assert answer["code"] == "Duplicate"
    assert [task.id for task in world.globus.tasks] == [answer["task_id"]]


def test_truncated_delayed_and_html_answers(world: World) -> None:
    """An answer can break off, be late, or be an HTML page."""
    task_id = world.submit()
    world.globus.faults.add(Fault(path="/v0.10/task/*", truncate=10))
    with pytest.raises(NetworkError):
        world.tc.get_task(task_id)
    world.globus.faults.add(Fault(path="/v0.10/task/*", html=True))
    with pytest.raises(TransferAPIError) as caught:
        world.tc.get_task(task_id)
    assert (caught.value.http_status, caught.value.raw_json) == (502, None)
    world.globus.faults.add(Fault(path="/v0.10/task/*", delay=0.1))
    begin = time.perf_counter()
    assert world.tc.get_task(task_id).http_status == 200
    assert time.perf_counter() - begin >= 0.1


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_action_at_a_point(world: World, when: Literal["before", "after"]) -> None:
    """An action runs exactly before or after the request is processed."""
    seen = []
    world.globus.faults.add(Fault(**SUBMIT, when=when, action=lambda: seen.append(len(world.globus.tasks))))
    world.submit()
    assert seen == [0 if when == "before" else 1]
