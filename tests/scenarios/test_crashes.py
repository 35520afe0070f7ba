"""A run that is ended at any instant at which it changes anything outside: one task a pair, nothing forgotten."""

from __future__ import annotations

import itertools
import signal

import pytest
from reliability_table import count_cases
from world import World, Zygote, assert_in_order

pytestmark = pytest.mark.slow


def sweep(world: World, zygote: Zygote, number: signal.Signals, before: int, request: pytest.FixtureRequest) -> int:
    """Send the signal at every instant of a run, each time after ``before`` good runs; return how many there are."""
    for count in itertools.count(1):
        count_cases(request, count)
        for _ in range(before):
            assert world.sync().status == 0
        world.globus.hold()
        answer = zygote.run(world, instant=count, signal=number)
        was_hit = answer["instants"] >= count
        if was_hit and number == signal.SIGKILL:
            assert answer["status"] == -number
        elif was_hit:
            assert answer["status"] in (130, 0), answer
        assert "Traceback" not in answer["stderr"], answer["stderr"]
        assert world.run("-d").status in (0, 75)
        assert world.run().status == 0
        assert_in_order(world)
        world.globus.release()
        world.globus.wait()
        assert world.run("-d").status == 0
        if not was_hit:
            break
        world.reset()
    count_cases(request, count - 1)
    return count - 1


@pytest.mark.promise(4, "SIGKILL before and after each request, new file, write, fsync and rename")
@pytest.mark.parametrize("pairs", [1, 5])
@pytest.mark.parametrize("before", [0, 1])
def test_killed_at_every_instant(
    world: World, zygote: Zygote, pairs: int, before: int, request: pytest.FixtureRequest
) -> None:
    """SIGKILL before and after each request, new file, write, fsync and rename of a run, a first one or a later one."""
    for number in range(pairs - 1):
        world.pair(f"p{number}")
    instants = sweep(world, zygote, signal.SIGKILL, before, request)
    assert instants >= 30 + 6 * pairs


@pytest.mark.promise(8, "SIGTERM, SIGINT and SIGHUP before and after each request, new file, write, fsync and rename")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signalled_at_every_instant(
    world: World, zygote: Zygote, number: signal.Signals, request: pytest.FixtureRequest
) -> None:
    """A signal at each of these instants: status 130, or 0 where all was done; and a state in order."""
    instants = sweep(world, zygote, number, 0, request)
    assert instants >= 30


UNTIL_IT_IS_PRINTED = 3  # instants of the last write, from its rename on


@pytest.mark.promise(7, "SIGKILL before and after each request, new file, write, fsync and rename")
def test_failure_is_reported_wherever_a_run_is_killed(
    world: World, zygote: Zygote, request: pytest.FixtureRequest
) -> None:
    """A failed task is reported by the run that replaces it or by the next; not if the kill hits the printing."""
    lost = []
    for count in itertools.count(1):
        count_cases(request, count)
        world.globus.hold()
        world.run()
        world.globus.fail(world.tasks[0].id, "ENDPOINT_ERROR")
        answer = zygote.run(world, instant=count, signal=signal.SIGKILL)
        if "previous task: failed" not in answer["stdout"] + world.run().stdout:
            lost.append(count)
        if answer["instants"] < count:
            break
        world.reset()
    count_cases(request, count - 1)
    assert count > 30
    assert [instant for instant in lost if instant < count - UNTIL_IT_IS_PRINTED] == []
