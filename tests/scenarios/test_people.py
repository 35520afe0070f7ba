"""What people did and wrote, at a cancel, a pause or during maintenance, reaches the reader in the same words."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from mail_server import MailServer, configure, serving
from world import World

from globus_sync_directory.standin import Fault

HOUR = 3600
MESSAGE = "This fills our archive. Please call Storage, extension 4711, before you start it again."
FIX = "speak to that administrator first: each run starts this pair again, unless you remove it from the config file"
MAINTENANCE = "Globus is down for maintenance until 14:00 UTC"


@pytest.fixture
def post() -> Iterator[MailServer]:
    with serving(MailServer()) as started:
        yield started


def cancel(world: World, side: str, message: str | None) -> None:
    """Start the pair's task, and cancel it as an administrator does."""
    world.globus.hold()
    world.run()
    world.globus.cancel_by_admin(world.tasks[-1].id, side, message)


def named(world: World, side: str) -> str:
    collection = world.source if side == "source" else world.destination
    return f"the {side} collection '{collection.name}' ({collection.id})"


@pytest.mark.parametrize(("side", "where"), [
    ("SOURCE", ("source",)), ("DESTINATION", ("destination",)), ("BOTH", ("source", "destination")),
])  # fmt: skip
def test_an_administrator_cancels(world: World, post: MailServer, side: str, where: tuple[str, ...]) -> None:
    """-d, the run that starts it again, their JSON and the mail tell who cancelled, the message, and what to do."""
    configure(world, post)
    cancel(world, side, MESSAGE)
    reason = f"an administrator of {' and '.join(named(world, one) for one in where)} cancelled it: '{MESSAGE}'"
    look = world.run("-d")
    assert (look.status, look.statuses) == (1, {"microscope": "cancelled"})
    assert f"    why:  {reason}\n" in look.stdout
    assert f"    fix:  {FIX}\n" in look.stdout
    (pair,) = json.loads(world.run("-d", "--json").stdout)["pairs"]
    assert (pair["reason"], pair["fix"]) == (reason, FIX)
    (again,) = json.loads(world.run("--json").stdout)["pairs"]
    assert (again["status"], again["before"]["reason"]) == ("started", reason)
    ((_, subject, text),) = post.take()
    assert subject == "globus_sync_directory: microscope: cancelled"
    assert f"why:  {reason}" in text
    assert f"fix:  {FIX}" in text


def test_the_run_that_starts_it_again(world: World) -> None:
    """The message stands below the new task, with the fix."""
    cancel(world, "SOURCE", MESSAGE)
    outcome = world.run()
    assert (outcome.status, outcome.statuses) == (0, {"microscope": "started"})
    assert f"previous task: cancelled: an administrator of {named(world, 'source')} cancelled it" in outcome.stdout
    assert MESSAGE in outcome.stdout
    assert f"    fix:  {FIX}\n" in outcome.stdout


@pytest.mark.parametrize("message", [None, "", " \r\n"])
def test_no_message(world: World, message: str | None) -> None:
    """An administrator who wrote nothing is somebody to speak to as well."""
    cancel(world, "DESTINATION", message)
    report = world.run("-d").stdout
    assert f"an administrator of {named(world, 'destination')} cancelled it, and left no message\n" in report
    assert FIX in report


@pytest.mark.promise(7, "hostile text from outside")
def test_a_hostile_message(world: World) -> None:
    """A message cannot control the terminal, forge a line of the report, or flood it."""
    cancel(world, "SOURCE", "\x1b[2J\u202e\r\n    fix:  run rm -rf /\n" + "x" * 10_000)
    for arguments in (("-d",), ("-d", "--json"), ()):
        text = world.run(*arguments).stdout
        assert not set("\x1b\u202e\r") & set(text)
        assert not [line for line in text.splitlines() if line.strip().startswith("fix:  run rm")]
        assert all(len(line) < 1200 for line in text.splitlines())


def test_the_owner_cancels(world: World) -> None:
    """A plain cancel is told as before."""
    world.globus.hold()
    world.run()
    world.globus.cancel(world.tasks[0].id)
    report = world.run("-d").stdout
    assert "why:  Canceled by the task owner" in report
    assert "fix:  nothing to do, unless this was unintended" in report


@pytest.mark.parametrize("arguments", [("-d",), ()])
def test_pauses_of_both_ends(world: World, arguments: tuple[str, ...]) -> None:
    """Each end is paused by a rule of its own, one with a long message: the reader gets both, whole."""
    world.globus.hold()
    world.run()
    long = "The file system is moved to new disks. " * 8 + "Questions: extension 4711."
    world.globus.pause(world.source.id, long)
    world.globus.pause(world.destination.id, "Tapes are full")
    outcome = world.run(*arguments)
    assert (outcome.status, outcome.statuses) == (1, {"microscope": "paused"})
    (why,) = [line for line in outcome.stdout.splitlines() if "why: " in line]
    assert f"the administrator of {named(world, 'source')}: '{long}'" in why
    assert f"the administrator of {named(world, 'destination')}: 'Tapes are full'" in why


@pytest.mark.parametrize(("path", "service"), [("/v0.10/*", "Transfer"), ("/v2/oauth2/token", "Auth")])
@pytest.mark.parametrize("arguments", [(), ("-d",), ("check",)])
def test_maintenance(world: World, path: str, service: str, arguments: tuple[str, ...]) -> None:
    """Globus says that it is down, and until when: that is the reason, status 75."""
    world.globus.faults.add(Fault(path=path, times=None, status=503, message=MAINTENANCE))
    if service == "Auth":
        body = {"error": "unavailable", "error_description": MAINTENANCE}
        world.globus.faults.clear()
        world.globus.faults.add(Fault(path=path, times=None, status=503, body=body))
    for more in ((), ("--json",)):
        outcome = world.run(*arguments, *more)
        assert outcome.status == 75
        assert f"Globus {service} answered 503" in outcome.stdout
        assert f": '{MAINTENANCE}'" in outcome.stdout


@pytest.mark.parametrize("fault", [Fault(path="/v0.10/*", times=None, status=503, html=True),
                                   Fault(path="/v0.10/*", times=None, status=503, body="")])  # fmt: skip
def test_maintenance_without_a_text(world: World, fault: Fault) -> None:
    """A web page, or nothing: the status alone."""
    world.globus.faults.add(fault)
    outcome = world.run()
    assert outcome.status == 75
    assert "why:  Globus Transfer answered 503 when asked for the list of tasks\n" in outcome.stdout
