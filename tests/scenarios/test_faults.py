"""Every kind of request, every kind of fault: one task a pair, nothing forgotten, the right status, then success."""

from __future__ import annotations

import fnmatch
import random
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from reliability_table import count_cases
from world import SUBMIT, TASK_LIST, World, assert_in_order, tree

from globus_sync_directory.globus import transport
from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.slow

REAL_PAUSE = transport.LONGEST_PAUSE_SECONDS
TOKEN = "/v2/oauth2/token"
TASK = "/v0.10/task/*-????????????"

FAULTS: dict[str, dict[str, Any]] = {
    "reset before": {"cut": True},
    "reset after": {"cut": True, "when": "after"},
    "timeout before": {"delay": 1.0},
    "timeout after": {"delay": 1.0, "when": "after"},
    "truncated": {"truncate": 10},
    "html": {"html": True, "status": 200},
    "html 502": {"html": True},
    "429": {"status": 429, "code": "ClientError.TooManyRequests"},
    "429 with Retry-After": {"status": 429, "code": "ClientError.TooManyRequests", "headers": {"Retry-After": "1"}},
    "500": {"status": 500},
    "500 after": {"status": 500, "when": "after"},
    "502": {"status": 502},
    "503": {"status": 503},
    "504 after": {"status": 504, "when": "after"},
    "ExternalError": {"status": 502, "code": "ExternalError.Something"},
    "401": {"status": 401, "code": "AuthenticationFailed"},
    "nonsense": {"body": [1, 2]},
}


def with_nothing(world: World) -> None:
    """No run before."""


def with_ended_task(world: World) -> None:
    """A remembered task that has ended, so that it is asked for by id."""
    world.sync()


def with_unlisted_task(world: World) -> None:
    """A remembered task that no list shows, so that it is asked for by itself."""
    world.sync()
    empty = {"DATA_TYPE": "task_list", "DATA": [], "length": 0, "limit": 1000, "offset": 0, "total": 0}
    world.globus.faults.add(Fault(path=TASK_LIST, body=empty, times=None))


def with_gaps(world: World) -> None:
    """A last task that left something out, so that its skipped paths are asked for."""
    (world.images / "closed").mkdir()
    world.source.unreadable = {"/images/closed"}
    world.sync()
    world.source.unreadable = set()


def with_failure(world: World) -> None:
    """A last task that failed, so that its log is asked for."""
    world.globus.hold()
    world.sync()
    world.globus.fail(world.tasks[0].id, "ENDPOINT_ERROR")
    world.globus.release()


KINDS: dict[str, tuple[str, str, Callable[[World], None], tuple[str, ...]]] = {
    "sign-in": ("POST", TOKEN, with_nothing, ()),
    "live tasks": ("GET", TASK_LIST, with_nothing, ()),
    "tasks by id": ("GET", TASK_LIST, with_ended_task, ()),
    "one task": ("GET", TASK, with_unlisted_task, ()),
    "look at a directory": ("GET", "*/stat", with_nothing, ()),
    "submission id": ("GET", "/v0.10/submission_id", with_nothing, ()),
    "submission": ("POST", SUBMIT, with_nothing, ()),
    "log": ("GET", "*/event_list", with_failure, ("-d",)),
    "skipped paths": ("GET", "*/skipped_errors", with_gaps, ("-d",)),
}


@pytest.mark.promise(4, "every kind of request rejected, cut, late, mangled: once, three times, always")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_of_every_request(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str, fault: str, request: pytest.FixtureRequest
) -> None:
    """Whatever happens to one kind of request: one task, nothing pending afterwards, and the right exit status."""
    monkeypatch.setattr(transport, "TIMEOUT_SECONDS", 0.3)
    method, path, prepare, arguments = KINDS[kind]
    settings = FAULTS[fault]
    prepare(world)
    for number, times in enumerate((1, 3, None), start=1):
        count_cases(request, number)
        world.globus.faults.add(Fault(method=method, path=path, times=times, **settings))
        outcome = world.run("-v", *arguments)
        text = outcome.stdout + outcome.stderr
        expected = {0, 1, 4, 75} if arguments or fault in ("401", "ExternalError") else {0, 75}
        assert outcome.status in expected, text
        assert "Traceback" not in text
        assert outcome.stdout.startswith("microscope: ")
        if outcome.status == 75:
            assert "why: " in text
        world.globus.faults.clear()
        live = [task.label for task in world.live]
        assert len(live) <= 1
        world.globus.wait()
    world.globus.hold()
    assert world.run().status == 0
    assert_in_order(world)
    world.globus.release()
    world.globus.wait()
    assert tree(world.archive) == tree(world.images)


@pytest.mark.promise(4, "one kind of request finds no server")
@pytest.mark.parametrize("kind", KINDS)
def test_connection_refused(world: World, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Where one kind of request finds no server: 75 at most, and success once there is one again."""
    method, path, prepare, arguments = KINDS[kind]
    prepare(world)
    send = transport.MeteredAdapter.send

    def redirected(adapter: transport.MeteredAdapter, request: Any, *args: Any, **kwargs: Any) -> Any:
        address = urlsplit(request.url)
        if request.method == method and fnmatch.fnmatchcase(address.path, path):
            request.url = request.url.replace(address.netloc, f"127.0.0.1:{port}")
        return send(adapter, request, *args, **kwargs)

    with socket.socket() as nobody, monkeypatch.context() as patch:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        patch.setattr(transport.MeteredAdapter, "send", redirected)
        outcome = world.run("-v", *arguments)
    assert outcome.status in ({1} if arguments else {0, 75}), outcome.stdout
    assert "Traceback" not in outcome.stderr
    if outcome.status == 75 or arguments:
        assert "connection refused" in outcome.stdout
    world.globus.faults.clear()
    world.globus.wait()
    world.globus.hold()
    assert world.run().status == 0
    assert_in_order(world)
    world.globus.release()


@pytest.mark.promise(4, "a storm: a third of all requests fail, eight nights")
@pytest.mark.parametrize("seed", range(6))
def test_storm(world: World, seed: int, request: pytest.FixtureRequest) -> None:
    """A third of all requests fail in one way or another, night after night: never two tasks; then success."""
    dice = random.Random(seed)
    for number in range(4):
        world.pair(f"p{number}")
        (world.root / "source" / f"p{number}" / "file").write_bytes(bytes([number]))
    kinds = [settings for name, settings in FAULTS.items() if "timeout" not in name and name != "401"]
    select = world.globus.faults.select

    def storm(method: str, path: str) -> Fault | None:
        return Fault(**dice.choice(kinds)) if dice.random() < 1 / 3 else select(method, path)

    for night in range(8):
        count_cases(request, night + 1)
        world.globus.hold()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(world.globus.faults, "select", storm)
            outcome = world.run("-v")
        assert outcome.status in (0, 1, 4, 75), outcome.stderr
        assert "Traceback" not in outcome.stderr
        labels = [(task.label or "").split("-")[1] for task in world.live]
        assert len(labels) == len(set(labels)), f"night {night}"
        (world.root / "source" / "p0" / "file").write_bytes(bytes([night]))
        world.globus.release()
        world.globus.wait()
    world.globus.hold()
    assert world.run().status == 0
    assert_in_order(world)
    world.globus.release()
    world.globus.wait()
    for name in ("p0", "p1", "p2", "p3"):
        assert tree(world.root / "destination" / "archive" / name) == tree(world.root / "source" / name)


@pytest.mark.promise(7, "a whole service does not answer, 200 pairs")
@pytest.mark.parametrize(
    ("service", "fault"),
    [("AUTH", "reset before"), ("TRANSFER", "503"), ("AUTH", "timeout before"), ("TRANSFER", "timeout before")],
)
def test_outage_is_noticed_soon(world: World, monkeypatch: pytest.MonkeyPatch, service: str, fault: str) -> None:
    """A service that does not answer at all costs three time-outs and two pauses, however many pairs; status 75."""
    assert 3 * transport.TIMEOUT_SECONDS + 2 * REAL_PAUSE < 60
    monkeypatch.setattr(transport, "TIMEOUT_SECONDS", 2.0)
    monkeypatch.setattr(transport, "LONGEST_PAUSE_SECONDS", REAL_PAUSE)
    monkeypatch.setattr(transport, "WINDOW_SECONDS", 10.0)
    for number in range(199):
        world.pair(f"p{number}")
    settings = {**FAULTS[fault], **({"delay": 5.0} if "timeout" in fault else {})}
    path = TOKEN if service == "AUTH" else "/v0.10/*"
    world.globus.faults.add(Fault(path=path, times=None, **settings))
    begun = time.monotonic()
    outcome = world.run()
    assert time.monotonic() - begun < 3 * transport.TIMEOUT_SECONDS + 2 * REAL_PAUSE
    assert outcome.status == 75
    assert list(outcome.statuses.values()) == ["not reached"] * 200
    world.globus.faults.clear()
