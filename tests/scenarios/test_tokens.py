"""Tokens that die in the middle of a run, and tokens that Globus Transfer never accepts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tiers import also_slow
from world import SUBMIT, TASK_LIST, World, assert_in_order

from globus_sync_directory.globus import transport
from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.promise(7, "a token that dies")
REFUSED = {"status": 401, "code": "AuthenticationFailed"}


@contextmanager
def dying(world: World, *seconds: float) -> Iterator[None]:
    """Revoke all tokens so many seconds after the first request."""
    done = threading.Event()
    begun = threading.Event()
    world.globus.faults.add(Fault(path="/v2/oauth2/token", action=begun.set))

    def revoke() -> None:
        begun.wait(10)
        start = time.monotonic()
        for second in seconds:
            if done.wait(start + second - time.monotonic()):
                return
            world.globus.revoke_tokens()

    thread = threading.Thread(target=revoke)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.promise(4, "a token that dies three times within a second and a half")
@pytest.mark.parametrize("delay", also_slow(0.25, 0.15, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6))
def test_token_that_dies_again_and_again(world: World, monkeypatch: pytest.MonkeyPatch, delay: float) -> None:
    """Three pairs are looked at and submitted meanwhile: three tasks, status 0, and not a word about it."""
    monkeypatch.setattr(transport, "LONGEST_PAUSE_SECONDS", 5)
    for name in ("one", "two"):
        world.pair(name)
    world.globus.hold()
    world.globus.faults.add(Fault(path="*", nth=2, times=None, delay=0.1))
    with dying(world, delay, delay + 0.5, delay + 1):
        outcome = world.run()
    assert (outcome.status, set(outcome.statuses.values())) == (0, {"started"}), outcome.stdout
    assert outcome.stderr.count("started task") == 3
    assert "token" not in outcome.stdout + outcome.stderr
    assert len(world.tasks) == 3
    assert_in_order(world)
    world.globus.release()


def test_one_new_token_for_all(world: World) -> None:
    """However many requests are under way when the token dies, one new one is asked for."""
    for name in ("one", "two", "three"):
        world.pair(name)
    world.globus.faults.add(Fault(path="/v0.10/submission_id", action=world.globus.revoke_tokens))
    assert world.run().status == 0
    assert world.asked().count("POST /v2/oauth2/token") == 2


@pytest.mark.promise(4, "a submission whose token is not accepted, twice")
@pytest.mark.parametrize("when", ["before", "after"])
def test_submission_without_a_token(world: World, when: str) -> None:
    """
    A submission whose token is not accepted twice is unconfirmed, and no rejected sign-in.

    Even if Globus has done it all the same, nothing is ever done twice.
    """
    world.globus.hold()
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=2, when=when, **REFUSED))  # type: ignore[arg-type]
    outcome = world.run()
    assert (outcome.status, outcome.statuses) == (75, {"microscope": "start unconfirmed"})
    assert "Globus Transfer accepted neither the token of this run nor a new one" in outcome.stdout
    assert "clientid" not in outcome.stdout
    assert world.run().status == 0
    assert len(world.tasks) == 1
    assert_in_order(world)
    world.globus.release()


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("path", [SUBMIT, "/v0.10/submission_id", "*/stat"])
def test_tokens_that_one_kind_of_request_does_not_accept(world: World, path: str, count: int) -> None:
    """A call whose token is refused is one pair's trouble; three in a row are a rejected sign-in, with its own fix."""
    world.globus.hold()
    for number in range(count - 1):
        world.pair(f"p{number}")
    world.globus.faults.add(Fault(path=path, times=None, **REFUSED))  # type: ignore[arg-type]
    outcome = world.run()
    is_over = count == 3
    assert outcome.status == (4 if is_over else 0 if path == "*/stat" else 75), outcome.stdout
    assert ("check in the Globus web app that the application still exists" in outcome.stdout) == is_over
    assert "secret" not in outcome.stdout
    world.globus.faults.clear()
    assert world.run().status == 0
    assert_in_order(world)
    world.globus.release()


@pytest.mark.parametrize("arguments", [(), ("-d",), ("check",)])
def test_no_token_is_accepted(world: World, arguments: tuple[str, ...]) -> None:
    """Where Transfer accepts no token at all: the status of a rejected sign-in, after three new tokens."""
    world.globus.faults.add(Fault(path="/v0.10/*", times=None, **REFUSED))  # type: ignore[arg-type]
    outcome = world.run(*arguments)
    assert outcome.status == 4
    assert "Globus Transfer does not accept the tokens that Globus Auth gives" in outcome.stdout


@pytest.mark.parametrize("answer", [{"status": 503}, {"html": True}, {"cut": True}, {"truncate": 5}, {"body": "[]"}])
def test_renewal_without_an_answer(world: World, answer: dict[str, object]) -> None:
    """A token that cannot be renewed because of the network or Globus Auth is 75, never a rejected sign-in."""
    world.globus.hold()
    world.globus.faults.add(Fault(path="/v0.10/submission_id", action=world.globus.revoke_tokens))
    world.globus.faults.add(Fault(path="/v2/oauth2/token", nth=2, times=None, **answer))  # type: ignore[arg-type]
    outcome = world.run()
    assert outcome.status == 75
    assert "Globus Auth" in outcome.stdout
    assert "rejects" not in outcome.stdout
    assert f"GET {TASK_LIST}" in world.asked()
    world.globus.faults.clear()
    assert world.run().status == 0
    assert_in_order(world)
    world.globus.release()
