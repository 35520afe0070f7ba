"""The server: errors, strictness, dates, connections, the request log, starting and stopping."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import globus_sdk
import pytest
import requests
from globus_sdk.config import get_service_url

from globus_sync_directory.standin import ManualClock, StandIn

from .helpers import Http, World


def test_every_service_of_the_sdk_leads_here(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variables set, no client of the SDK sends a request to the real Globus."""
    for name, value in world.globus.environment.items():
        monkeypatch.setenv(name, value)
    clients = [getattr(globus_sdk, name) for name in dir(globus_sdk) if "Client" in name]
    services = {getattr(kind, "service_name", "_base") for kind in clients} - {"_base", "globus_connect_server"}
    assert {"transfer", "auth", "compute", "timer"} <= services
    for service in services | {"app"}:
        assert get_service_url(service) == world.globus.url


def test_every_error_is_a_document(world: World, http: Http) -> None:
    """Every error is JSON with code, message, request_id and resource, and an unknown route is recorded."""
    for method, path, status in [
        ("GET", "/v0.10/endpoint_search", 501), ("PATCH", "/v0.10/transfer", 501), ("GET", "/", 501),
        ("GET", "/v0.10/task_list/", 501), ("POST", "/v0.10/transfer", 400), ("GET", "/v0.10/task/xyz", 400),
    ]:  # fmt: skip
        answer = http(method, path)
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/json"
        assert set(answer.json()) - {"error"} == {"code", "message", "request_id", "resource"}
        assert answer.json()["resource"] == path.removeprefix("/v0.10")
    assert world.globus.unknown_routes == [
        "GET /v0.10/endpoint_search", "PATCH /v0.10/transfer", "GET /", "GET /v0.10/task_list/",
    ]  # fmt: skip
    world.globus.unknown_routes.clear()


WRONG: list[dict[str, Any]] = [
    {"sync_leval": 3}, {"sync_level": 4}, {"sync_level": "3"}, {"sync_level": True}, {"verify_checksum": 1},
    {"DATA": []}, {"DATA": [{"DATA_TYPE": "transfer_item"}]}, {"source_endpoint": "lab"}, {"submission_id": None},
    {"submission_id": "mine"}, {"label": "x" * 129}, {"label": " x"}, {"label": "a\nb"}, {"deadline": "soon"},
    {"deadline": "2025-12-31T00:00:00+00:00"}, {"DATA_TYPE": "delete"}, {"recursive_symlinks": "copy"},
    {"filter_rules": [{"DATA_TYPE": "filter_rule", "name": "a", "method": "omit"}]},
]  # fmt: skip


def test_strict_documents(world: World, http: Http, new_id: str) -> None:
    """An unknown, missing, mistyped or impossible field makes a submission a 400, and no task."""
    body = {
        "DATA_TYPE": "transfer", "submission_id": new_id,
        "source_endpoint": world.src.id, "destination_endpoint": world.dst.id,
        "DATA": [{"DATA_TYPE": "transfer_item", "source_path": "/", "destination_path": "/"}],
    }  # fmt: skip
    answers = [http("POST", "/v0.10/transfer", json={**body, **change}) for change in WRONG]
    assert [(answer.status_code, change) for answer, change in zip(answers, WRONG, strict=True)] == [
        (400, change) for change in WRONG
    ]
    assert answers[WRONG.index({"DATA": []})].json()["code"] == "ClientError.BadRequest.NoTransferItems"
    assert world.globus.tasks == []
    assert http("POST", "/v0.10/transfer", json=body).status_code == 200


def test_bodies_that_are_not_what_they_say(world: World) -> None:
    """A body in chunks is rejected, even if its sender stops in the middle, and so is a wrong length."""
    port = world.port
    for head, body in [
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", b"ffffffffff\r\nhello"),
        ("Content-Length: x", b""),
    ]:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(f"POST /v2/oauth2/token HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n".encode() + body)
            assert line.recv(100).startswith(b"HTTP/1.1 400 ")
    parts = {f"field{number}": (None, "x") for number in range(1200)}
    assert requests.post(f"{world.globus.url}/v2/oauth2/token", files=parts, timeout=5).status_code in (400, 401, 413)


def test_impossible_orders(world: World, http: Http) -> None:
    """A list cannot be ordered by a field that contains a list or a document."""
    world.run()
    world.globus.hold()
    world.globus.fail(world.submit(), "ENDPOINT_ERROR")
    for key, status in [("fatal_error", 400), ("nothing", 400), ("label,faults DESC", 200)]:
        assert http("GET", "/v0.10/task_list", params={"orderby": key}).status_code == status


def test_activation(world: World, http: Http) -> None:
    """Clients from before 2024 first ask whether a collection is active: every known collection is."""
    answer = http("POST", f"/v0.10/endpoint/{world.src.id}/autoactivate", params={"if_expires_in": 60})
    assert (answer.status_code, answer.json()["code"]) == (200, "AlreadyActivated")
    assert http("POST", f"/v0.10/endpoint/{world.client_id}/autoactivate").status_code == 404


def test_the_date_follows_the_stand_ins_clock(world: World, http: Http) -> None:
    """Every answer has the date of the stand-in's clock."""
    world.clock.advance(3600)
    for path in ("/v0.10/task_list", "/nowhere", "/standin/"):
        assert http("GET", path).headers["Date"] == "Thu, 01 Jan 2026 01:00:00 GMT"
    world.globus.unknown_routes.clear()


def test_connections_are_kept_and_quick(world: World, http: Http) -> None:
    """A session's requests share one connection, and none waits for delayed acknowledgements."""
    for _ in range(20):
        http("GET", "/v0.10/task_list")
    times = []
    for _ in range(50):
        begin = time.perf_counter()
        http("POST", "/v0.10/transfer", data=b"{}")
        times.append(time.perf_counter() - begin)
    assert len({entry.connection for entry in world.globus.requests[-70:]}) == 1
    assert sorted(times)[25] < 0.03


def test_two_hundred_at_once(world: World) -> None:
    """Two hundred connections at the same moment are all answered."""
    together = threading.Barrier(200)

    def call(_: Any) -> Any:
        together.wait()
        with socket.create_connection(("127.0.0.1", world.port), 10) as connection:
            connection.sendall(b"GET /v0.10/task_list HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(12)

    with ThreadPoolExecutor(200) as pool:
        assert set(pool.map(call, range(200))) == {b"HTTP/1.1 400"}


def test_the_request_log(world: World) -> None:
    """The log has method, path, query, body, status and identity in order, never a token, and can be cleared."""
    world.globus.requests.clear()
    world.tc.task_list(limit=5, filter="status:ACTIVE")
    task_id = world.submit()
    first, *_, last = world.globus.requests
    assert (first.method, first.path, first.status) == ("GET", "/v0.10/task_list", 200)
    assert first.query == {"limit": "5", "filter": "status:ACTIVE"}
    assert first.identity == world.client_id
    assert last.body["source_endpoint"] == world.src.id
    assert "globus-sdk" in last.headers["User-Agent"].lower()
    assert "Authorization" not in last.headers
    assert task_id


def test_start_and_stop_are_quick_and_complete(world: World) -> None:
    """A stand-in starts and stops in milliseconds, frees its port, and does not start on a port in use."""
    begin = time.perf_counter()
    with StandIn(clock=ManualClock(), port=0) as other:
        port = int(other.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            StandIn(port=port)
    assert time.perf_counter() - begin < 0.5
    with StandIn(port=port) as again:
        assert again.url == other.url


def test_only_loopback(world: World) -> None:
    """The port is bound to 127.0.0.1 and nothing else."""
    assert world.globus._server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.slow
def test_the_clock_of_the_computer(tmp_path: Path) -> None:
    """By default the stand-in uses the computer's clock, and a deadline passes without anybody moving it."""
    with StandIn() as globus:
        world = World(globus, tmp_path)
        deadline = (globus.clock.now() + timedelta(seconds=1.5)).isoformat()
        task = globus.task(world.submit("/missing", deadline=deadline))
        limit = time.perf_counter() + 5
        while task.is_live and time.perf_counter() < limit:
            time.sleep(0.01)
        world.close()
    assert task.fatal_error == "EXPIRED"
