"""Statuses that may last for ever: after two days, or after max_age, a person hears of it, once by mail."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from mail_server import MailServer, configure, serving
from world import SUBMIT, TASK_LIST, World, no_room

from globus_sync_directory.commands import wait
from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.promise(7, "a status that would last for ever")

HOUR = 3600  # seconds
TEN_DAYS = "14400"  # minutes; without a limit Globus ends a task that makes no progress
TOO_LONG = "waits too long: nothing else has happened since "


@pytest.fixture
def post() -> Iterator[MailServer]:
    with serving(MailServer()) as started:
        yield started


def no_room_ever(world: World) -> None:
    world.globus.faults.add(no_room())


def earlier_task(world: World) -> None:
    """The pair's source changes while its task hangs."""
    world.pair("microscope", timelimitmins=TEN_DAYS)
    world.globus.hold()
    world.run()
    (world.root / "source" / "more").mkdir()
    world.pair("microscope", src_path="/more")


def lost_answers(world: World) -> None:
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=None, cut=True))


def queue(world: World) -> None:
    """Three tasks of another config of the application hang."""
    config = world.pairs.copy()
    world.pairs.clear()
    for name in ("a", "b", "c"):
        world.pair(name, timelimitmins=TEN_DAYS)
    world.globus.hold()
    world.sync("-t", str(world.root / "other.json"))
    world.pairs = config
    world.pair("microscope", timelimitmins=TEN_DAYS)
    world.sync()


def away(world: World) -> None:
    world.globus.faults.add(Fault(path="*", times=None, status=503))


def no_list(world: World) -> None:
    world.globus.faults.add(Fault(path=TASK_LIST, times=None, status=403, code="PermissionDenied"))


CASES: list[tuple[Callable[[World], None], str, int, str]] = [
    (
        no_room_ever,
        "waiting for room",
        0,
        "look at the tasks of this application (see README), and cancel those that hang",
    ),
    (earlier_task, "waiting for the earlier task", 0, "look at the earlier task, and cancel it if it hangs"),
    (lost_answers, "start unconfirmed", 75, "run check; if it finds nothing, ask Globus support"),
    (queue, "queued", 0, "look at the tasks of this application that are ahead of it"),
    (away, "not reached", 75, "run check; if the network of this host works, look at https://status.globus.org"),
    (no_list, "not reached", 75, "if this persists, report it to Globus support"),
]


def own_pair(world: World, *arguments: str) -> tuple[int, str | None]:
    outcome = world.run(*arguments)
    return outcome.status, outcome.statuses.get("microscope")


@pytest.mark.parametrize(("trouble", "status", "usual", "fix"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_a_status_that_lasts(
    world: World, post: MailServer, trouble: Callable[[World], None], status: str, usual: int, fix: str
) -> None:
    """Silent for two days, then 1 with since when and what to do, also from -d; mailed once."""
    trouble(world)
    configure(world, post)
    begun = world.clock.now()
    for hours in (0, 24, 23):
        world.clock.advance(hours * HOUR)
        assert own_pair(world) == (usual, status)
        assert own_pair(world, "-d") == (usual, status)
    assert post.take() == []
    world.clock.advance(2 * HOUR)
    for arguments in ((), ("-q",), ("-d",), ("-q", "-d")):
        late = world.run(*arguments)
        assert (late.status, late.statuses["microscope"]) == (1, status)
        assert f"microscope: {status}" in late.stdout
        assert f"{TOO_LONG}{begun.astimezone():%Y-%m-%d %H:%M}" in late.stdout
        assert "(2 d 1 h ago); without max_age, 2 d is the limit\n" in late.stdout
        assert fix in late.stdout
    world.clock.advance(24 * HOUR)
    assert own_pair(world) == (1, status)
    ((_, subject, text),) = post.take()
    assert subject == f"globus_sync_directory: microscope: {status} for too long"
    assert fix in text
    world.globus.faults.clear()
    world.globus.release()
    world.globus.wait()
    for _ in range(3):
        world.sync()
    assert own_pair(world, "-d") == (0, "succeeded")
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: recovered"]


def test_one_wait_after_the_other(world: World) -> None:
    """Whatever the pair waits for each night: what counts is that nothing else has happened."""
    nights = itertools.cycle([away, no_room_ever, lost_answers])
    statuses = []
    for _ in range(4):
        world.globus.faults.clear()
        next(nights)(world)
        statuses.append(world.run().status)
        world.clock.advance(20 * HOUR)
    assert statuses == [75, 0, 75, 1]


def test_before_a_run_has_found_it(world: World) -> None:
    """-d only says that a pair waits for the earlier task once a run has made it wait."""
    earlier_task(world)
    assert world.run("-d").statuses["microscope"] == "never run"
    world.run()
    assert world.run("-d").statuses["microscope"] == "waiting for the earlier task"


def test_while_waiting(world: World, post: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """-w mails it as soon as the wait is too long, once."""
    queue(world)
    configure(world, post)
    mails = []

    def sleep(_: float) -> None:
        mails.append(len(post.messages))
        if len(mails) == 2:
            world.clock.advance(49 * HOUR)
        if len(mails) == 5:
            world.globus.release()
            world.globus.wait()

    monkeypatch.setattr(wait, "time", SimpleNamespace(monotonic=lambda: 0.0))
    monkeypatch.setattr(wait, "sleep", sleep)
    assert own_pair(world, "-w") == (0, "succeeded")
    assert mails == [0, 0, 1, 1, 1]
    assert post.take()[0][1] == "globus_sync_directory: microscope: queued for too long"


def test_max_age(world: World) -> None:
    """max_age is the limit where there is one."""
    world.sync()
    world.pair("microscope", max_age="5d")
    away(world)
    statuses = []
    for _ in range(6):
        world.clock.advance(24 * HOUR)
        statuses.append(world.run().status)
    assert statuses == [75, 75, 75, 75, 75, 3]
    world.clock.advance(HOUR)
    late = world.run()
    assert late.status == 1
    assert "not reached; WAITS TOO LONG; TOO OLD" in late.stdout
    assert "; max_age is 5 d\n" in late.stdout


def test_a_run_that_gets_through(world: World) -> None:
    """One night in which the pair was started begins the count anew."""
    for _ in range(4):
        away(world)
        world.clock.advance(20 * HOUR)
        assert world.run().status == 75
        world.clock.advance(20 * HOUR)
        world.globus.faults.clear()
        assert world.sync().statuses == {"microscope": "started"}


@pytest.mark.parametrize("path", ["*", "/v2/oauth2/token", TASK_LIST])
def test_never_reached(world: World, path: str) -> None:
    """The age of a pair counts from its first run, also if Globus was never reached."""
    world.pair("microscope", max_age="36h")
    world.globus.faults.add(Fault(path=path, times=None, cut=True))
    assert world.run().status == 75
    assert list(world.state()) == ["microscope"]
    world.clock.advance(30 * HOUR)
    assert world.run("-d").status == 75
    world.clock.advance(7 * HOUR)
    late = world.run("-d")
    assert late.status == 1
    assert "too old: no success is known since " in late.stdout
    world.globus.faults.clear()
    world.sync()
    assert world.run("-d").statuses == {"microscope": "succeeded"}


def test_sign_in_always_rejected(world: World) -> None:
    """Such a pair is remembered, and not taken for one whose history is known."""
    world.sync()
    world.state_file.unlink()
    world.secret_file.write_text("wrong")
    assert world.run().status == 4
    assert world.state()["microscope"]["first_seen"]
    world.secret_file.write_text(world.secret)
    world.globus.hold()
    assert world.run("-d").statuses == {"microscope": "succeeded"}
    world.run()
    assert world.state()["microscope"]["success"]["task_id"] == world.tasks[0].id


def test_another_client_id_touches_nothing(world: World) -> None:
    """A client id that Globus does not know leaves the state file of the right one in place."""
    world.sync()
    state = world.state_file.read_bytes()
    config = world.config.read_text()
    world.config.write_text(config.replace(world.client_id, "00000000-1111-4222-8333-444444444444"))
    assert world.run().status == 4
    assert world.state_file.read_bytes() == state
    assert list(world.root.glob("*.unusable-*")) == []


def test_state_lost_each_night(world: World) -> None:
    """If the state file is lost each night and no task succeeds, the age counts from the oldest task that is known."""
    world.pair("microscope", max_age="36h")
    statuses = []
    for _ in range(3):
        world.globus.hold()
        statuses.append(world.run().status)
        world.state_file.unlink()
        world.clock.advance(10 * HOUR)
        world.globus.cancel(world.live[0].id)
        world.clock.advance(10 * HOUR)
    assert statuses == [0, 0, 3]
    late = world.run("-d")
    assert "; TOO OLD" in late.stdout
    assert "too old: no success is known since " in late.stdout
    world.globus.release()
