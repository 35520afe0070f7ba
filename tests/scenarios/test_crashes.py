"""A run that ends at any instant at which the world outside it may change: one task a pair, nothing forgotten."""

from __future__ import annotations

import signal

import pytest
from reliability_table import count_cases
from world import World, Zygote, assert_in_order

pytestmark = pytest.mark.slow


def sweep(world: World, zygote: Zygote, number: signal.Signals, before: int) -> int:
    """Strike at every instant of a run, each time in a world where ``before`` runs have ended well; return how many."""
    count = 0
    while True:
        count += 1
        for _ in range(before):
            assert world.sync().status == 0
        world.globus.hold()
        answer = zygote.run(world, instant=count, signal=number)
        struck = answer["instants"] >= count
        if struck and number == signal.SIGKILL:
            assert answer["status"] == -number
        elif struck:
            assert answer["status"] in (130, 0), answer
        assert "Traceback" not in answer["stderr"], answer["stderr"]
        told = world.run("-d")
        assert told.status in (0, 75)
        assert world.run().status == 0
        assert_in_order(world)
        world.globus.release()
        world.globus.wait()
        assert world.run("-d").status == 0
        if not struck:
            return count - 1
        world.reset()


@pytest.mark.promise(4, "SIGKILL before and after each request, write, fsync and rename")
@pytest.mark.parametrize("pairs", [1, 5])
@pytest.mark.parametrize("before", [0, 1])
def test_killed_at_every_instant(
    world: World, zygote: Zygote, pairs: int, before: int, request: pytest.FixtureRequest
) -> None:
    """SIGKILL before and after each request, write, fsync and rename of a run, a first one or a later one."""
    for number in range(pairs - 1):
        world.pair(f"p{number}")
    instants = sweep(world, zygote, signal.SIGKILL, before)
    count_cases(request, instants)
    assert instants >= 30 + 6 * pairs


@pytest.mark.promise(8, "SIGTERM, SIGINT and SIGHUP before and after each request, write, fsync and rename")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signalled_at_every_instant(
    world: World, zygote: Zygote, number: signal.Signals, request: pytest.FixtureRequest
) -> None:
    """A signal at each of these instants: status 130 or a run that was as good as done, and a state in order."""
    instants = sweep(world, zygote, number, 0)
    count_cases(request, instants)
    assert instants >= 30
