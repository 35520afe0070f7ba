"""The request budget of the design, counted at the stand-in."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
import requests
from world import SUBMIT, World

from globus_sync_directory.globus import threads, transport


def kinds(world: World) -> Counter[str]:
    """How many requests of each kind there were since the last count."""
    counted: Counter[str] = Counter()
    for line in world.asked():
        path = line.split(" ")[1]
        last = path.rsplit("/", 1)[1]
        counted["look" if "/operation/" in path else "task" if path.count("/") == 3 and "/task/" in path else last] += 1
    world.forget_requests()
    return counted


def with_pairs(world: World, count: int) -> None:
    for number in range(count - 1):
        world.pair(f"p{number}")


@pytest.mark.parametrize("count", [1, 5, pytest.param(60, marks=pytest.mark.slow)])
def test_starting_all_pairs(world: World, count: int) -> None:
    """Starting N pairs without proof: 4N and the fixed ones; once their destinations have worked, 3N."""
    with_pairs(world, count)
    world.sync()
    fixed = {"token": 1, "task_list": 2, "submission_id": count, "transfer": count}
    assert kinds(world) == {**fixed, "look": 2 * count}
    world.sync()
    assert kinds(world) == {**fixed, "look": count}


@pytest.mark.parametrize("count", [1, 5, pytest.param(100, marks=pytest.mark.slow)])
def test_every_task_live(world: World, count: int) -> None:
    """A run, or -d, in which every task is live: sign-in and one request."""
    with_pairs(world, count)
    world.globus.hold()
    world.run()
    kinds(world)
    for arguments in ((), ("-d",)):
        world.run(*arguments)
        assert kinds(world) == {"token": 1, "task_list": 1}
    world.globus.release()


@pytest.mark.parametrize(
    ("count", "lists"),
    [(5, 1), pytest.param(100, 1, marks=pytest.mark.slow), pytest.param(101, 2, marks=pytest.mark.slow)],
)
def test_status_of_ended_tasks(world: World, count: int, lists: int) -> None:
    """-d with N remembered tasks: sign-in, the live ones, and one request per hundred of them."""
    with_pairs(world, count)
    world.sync()
    world.sync()
    kinds(world)
    world.run("-d")
    assert kinds(world) == {"token": 1, "task_list": 1 + lists}


def test_directories_are_looked_at_once(world: World) -> None:
    """Pairs that share a source directory cost one look at it."""
    for name in ("b", "c"):
        world.pair(name, src_path="/images", dst_path=f"/{name}")
    world.sync()
    assert kinds(world)["look"] == 1 + 3


def test_one_more_for_a_bad_status(world: World) -> None:
    """A pair whose exit status is not 0 costs one more request, and only such a pair."""
    world.pair("good")
    world.source.unreadable = {"/images/deep"}
    world.sync()
    kinds(world)
    world.run("-d")
    assert kinds(world) == {"token": 1, "task_list": 2, "skipped_errors": 1}


def test_connections_are_kept(world: World) -> None:
    """A run of twenty pairs uses one connection for each of its threads and one for the sign-in."""
    with_pairs(world, 20)
    world.run()
    assert len({request.connection for request in world.globus.requests}) <= 1 + 1 + threads.AT_A_TIME


def test_at_most_eight_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than eight requests are under way at once."""
    with_pairs(world, 20)
    running = most = 0

    class Counting(transport.MeteredAdapter):
        def send(self, *args: Any, **kwargs: Any) -> requests.Response:
            nonlocal running, most
            running += 1
            most = max(most, running)
            try:
                return super().send(*args, **kwargs)
            finally:
                running -= 1

    monkeypatch.setattr(transport, "MeteredAdapter", Counting)
    world.run()
    assert 2 <= most <= 8


@pytest.mark.slow
def test_at_most_150_in_ten_seconds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pairs, no ten seconds see more than 150 requests."""
    monkeypatch.setattr(transport, "WINDOW_SECONDS", 10.0)
    with_pairs(world, 60)
    sent: list[float] = []
    wait = transport.RateLimiter.wait

    def noting(meter: transport.RateLimiter) -> None:
        wait(meter)
        sent.append(time.monotonic())

    monkeypatch.setattr(transport.RateLimiter, "wait", noting)
    world.run()
    assert sum(request.path == SUBMIT for request in world.globus.requests) == 60
    sent.sort()
    assert all(later - sooner > 9.9 for sooner, later in zip(sent, sent[150:], strict=False))
