"""The line: tokens, strictness, faults, control URLs, dates, connections, starting and stopping."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import globus_sdk
import pytest
import requests
from globus_sdk import (
    AccessTokenAuthorizer,
    AuthAPIError,
    ConfidentialAppAuthClient,
    GlobusConnectionError,
    NetworkError,
    TransferAPIError,
    TransferClient,
)
from globus_sdk.config import get_service_url
from globus_sdk.scopes import ComputeScopes, FlowsScopes, GCSCollectionScopes, TimersScopes
from globus_sdk.transport import RetryConfig

from globus_sync_directory.standin import Fault, ManualClock, StandIn

SUBMIT = {"method": "POST", "path": "/v0.10/transfer"}


@pytest.fixture
def http(world):
    """A plain HTTP client that sends our token, and a function that calls the stand-in with it."""
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer " + world.token()["access_token"]
        yield lambda method, path, **options: session.request(method, world.globus.url + path, timeout=10, **options)


def refusal(call, *args, **options):
    with pytest.raises(TransferAPIError) as caught:
        call(*args, **options)
    return caught.value.http_status, caught.value.code


def test_a_token_for_each_resource_server(world):
    """One request for scopes of several services gives one token each, the first at the top."""
    scope = f"{TransferClient.scopes.all} openid email"
    tokens = world.token(scope=scope).by_resource_server
    assert set(tokens) == {"transfer.api.globus.org", "auth.globus.org"}
    assert tokens["auth.globus.org"]["scope"] == "openid email"
    assert world.token()["expires_in"] == 172800


@pytest.mark.parametrize(
    ("scopes", "server"),
    [(ComputeScopes, "funcx_service"), (FlowsScopes, "flows.globus.org"), (TimersScopes, TimersScopes.resource_server)],
)
def test_tokens_of_services_that_are_not_imitated(world, scopes, server):
    """Who asks for another service beside Transfer gets tokens for both, each named as the SDK expects."""
    tokens = world.token(scope=f"{TransferClient.scopes.all} {getattr(scopes, 'all', None) or scopes.timer}")
    assert set(tokens.by_resource_server) == {"transfer.api.globus.org", server}
    https = world.token(scope=str(GCSCollectionScopes(world.src.id).https))
    assert https["resource_server"] == world.src.id


def test_every_service_of_the_sdk_leads_here(world, monkeypatch):
    """With the variables set, no client of the SDK would ask the real Globus."""
    for name, value in world.globus.environment.items():
        monkeypatch.setenv(name, value)
    clients = [getattr(globus_sdk, name) for name in dir(globus_sdk) if "Client" in name]
    services = {getattr(kind, "service_name", "_base") for kind in clients} - {"_base", "globus_connect_server"}
    assert {"transfer", "auth", "compute", "timer"} <= services
    for service in services | {"app"}:
        assert get_service_url(service) == world.globus.url


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [(401, "oauth", "invalid_client"), (400, "oauth", "invalid_client"), (401, "globus", "unauthorized")],
)
def test_a_wrong_secret(world, status, body, error):
    """A wrong secret or an unknown client is refused in the form that the switches name."""
    world.globus.behaviour = replace(world.globus.behaviour, wrong_secret_status=status, wrong_secret_body=body)
    for client_id in (world.client_id, world.src.id):
        with pytest.raises(AuthAPIError) as caught:
            world.token(client_id, "wrong")
        assert caught.value.http_status == status
        assert caught.value.raw_json["error"] == error
        assert ("WWW-Authenticate" in caught.value.headers) is (status == 401)
    stranger = ConfidentialAppAuthClient(world.client_id, "wrong", base_url=world.globus.url)
    with stranger, pytest.raises(AuthAPIError):
        stranger.oauth2_revoke_token(world.tc.authorizer.access_token)
    assert world.tc.task_list()["total"] == 0


@pytest.mark.parametrize("scope", ["unknown", "openid[" * 1500, "a[", f"{TransferClient.scopes.all}[]", "]"])
def test_unknown_scopes(world, scope):
    """A scope that is unknown or malformed is refused; so is data_access for a guest collection."""
    guest = f"https://auth.globus.org/scopes/{world.src.id}/data_access"
    for wrong in (scope, guest, f"{TransferClient.scopes.all}[*{guest}]"):
        with pytest.raises(AuthAPIError) as caught:
            world.token(scope=wrong)
        assert (caught.value.http_status, caught.value.raw_json["error"]) == (400, "invalid_scope")


def test_tokens_expire_and_are_revoked(world):
    """A token that is old, revoked, of another service or made up is not active; none at all is a 400."""
    assert world.tc.task_list()["total"] == 0
    world.clock.advance(2 * 24 * 3600)
    assert refusal(world.tc.task_list) == (401, "ClientError.AuthenticationFailed")
    client = world.sign_in()
    assert client.task_list()["total"] == 0
    other = world.sign_in()
    world.revoke(other.authorizer.access_token)
    assert refusal(other.task_list) == (401, "ClientError.AuthenticationFailed")
    assert client.task_list()["total"] == 0
    world.globus.revoke_tokens()
    assert refusal(client.task_list) == (401, "ClientError.AuthenticationFailed")
    openid = world.token(scope="openid")["access_token"]
    for token in (openid, "made-up"):
        with TransferClient(authorizer=AccessTokenAuthorizer(token), base_url=world.globus.url) as other:
            assert refusal(other.task_list) == (401, "ClientError.AuthenticationFailed")
    with TransferClient(base_url=world.globus.url) as nobody:
        assert refusal(nobody.task_list) == (400, "ClientError.AuthenticationFailed")


def test_every_error_is_a_document(world, http):
    """Every refusal is JSON with code, message, request_id and resource, and an unknown route is remembered."""
    for method, path, status in [
        ("GET", "/v0.10/endpoint_search", 501), ("PATCH", "/v0.10/transfer", 501), ("GET", "/", 501),
        ("GET", "/v0.10/task_list/", 501), ("POST", "/v0.10/transfer", 400), ("GET", "/v0.10/task/xyz", 400),
    ]:  # fmt: skip
        answer = http(method, path)
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/json"
        assert set(answer.json()) - {"error"} == {"code", "message", "request_id", "resource"}
        assert answer.json()["resource"] == path
    assert world.globus.unknown_routes == [
        "GET /v0.10/endpoint_search", "PATCH /v0.10/transfer", "GET /", "GET /v0.10/task_list/",
    ]  # fmt: skip
    world.globus.unknown_routes.clear()


WRONG = [
    {"sync_leval": 3}, {"sync_level": 4}, {"sync_level": "3"}, {"sync_level": True}, {"verify_checksum": 1},
    {"DATA": []}, {"DATA": [{"DATA_TYPE": "transfer_item"}]}, {"source_endpoint": "lab"}, {"submission_id": None},
    {"submission_id": "mine"}, {"label": "x" * 129}, {"label": " x"}, {"label": "a\nb"}, {"deadline": "soon"},
    {"deadline": "2025-12-31T00:00:00+00:00"}, {"DATA_TYPE": "delete"}, {"recursive_symlinks": "copy"},
    {"filter_rules": [{"DATA_TYPE": "filter_rule", "name": "a", "method": "omit"}]},
]  # fmt: skip


def test_strict_documents(world, http, new_id):
    """A field that is unknown, missing, mistyped or out of range makes a submission a 400, and no task."""
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


def test_bodies_that_are_not_what_they_say(world):
    """A body in chunks is refused, also where its sender goes in the middle; so are two lengths that differ."""
    port = int(world.globus.url.rpartition(":")[2])
    for head, body in [
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", b"ffffffffff\r\nhello"),
        ("Content-Length: x", b""),
    ]:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(f"POST /v2/oauth2/token HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode() + body)
            assert line.recv(100).startswith(b"HTTP/1.1 400 ")
    parts = {f"field{number}": (None, "x") for number in range(1200)}
    assert requests.post(f"{world.globus.url}/v2/oauth2/token", files=parts, timeout=5).status_code in (400, 401, 413)


def test_no_web_page_turns_the_stand_in(world):
    """What a page in a browser asks of the control URLs is refused."""
    answer = requests.get(f"{world.globus.url}/standin/", headers={"Origin": "https://example.org"}, timeout=5)
    assert answer.status_code == 403


def test_orders_that_cannot_be(world, http):
    """A list cannot be ordered by what is itself a list or a document."""
    world.run()
    world.globus.hold()
    world.globus.fail(world.submit(), "ENDPOINT_ERROR")
    for key, status in [("fatal_error", 400), ("nothing", 400), ("label,faults DESC", 200)]:
        assert http("GET", "/v0.10/task_list", params={"orderby": key}).status_code == status


def test_activation_of_old(world, http):
    """Clients from before 2024 first ask whether a collection is active: all are, but those nobody knows."""
    answer = http("POST", f"/v0.10/endpoint/{world.src.id}/autoactivate", params={"if_expires_in": 60})
    assert (answer.status_code, answer.json()["code"]) == (200, "AlreadyActivated")
    assert http("POST", f"/v0.10/endpoint/{world.client_id}/autoactivate").status_code == 404


def test_the_date_follows_the_stand_ins_clock(world, http):
    """Every answer carries the date of the stand-in's own clock."""
    world.clock.advance(3600)
    for path in ("/v0.10/task_list", "/nowhere", "/standin/"):
        assert http("GET", path).headers["Date"] == "Thu, 01 Jan 2026 01:00:00 GMT"
    world.globus.unknown_routes.clear()


def test_connections_are_kept_and_quick(world, http):
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


def test_two_hundred_at_once(world):
    """Two hundred connections at the same moment are all answered."""
    together = threading.Barrier(200)

    def call(_):
        together.wait()
        with socket.create_connection(("127.0.0.1", int(world.globus.url.rpartition(":")[2])), 10) as connection:
            connection.sendall(b"GET /v0.10/task_list HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return connection.recv(12)

    with ThreadPoolExecutor(200) as pool:
        assert set(pool.map(call, range(200))) == {b"HTTP/1.1 400"}


def test_the_request_log(world):
    """The log shows method, path, query, body, status and caller in order, never a token, and can be cleared."""
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


def test_a_fault_strikes_the_nth_matching_requests(world):
    """Counting only matching requests, a fault strikes the n-th and the following ones, then no more."""
    world.globus.faults.add(Fault(path="/v0.10/task/*", nth=2, times=2, status=503, headers={"Retry-After": "1"}))
    task_id = world.submit()
    answers = []
    for _ in range(4):
        world.tc.task_list()
        try:
            answers.append(world.tc.get_task(task_id).http_status)
        except TransferAPIError as error:
            answers.append((error.http_status, error.code, error.headers["Retry-After"]))
    assert answers == [200, (503, "ServiceUnavailable", "1"), (503, "ServiceUnavailable", "1"), 200]


def test_a_fault_for_ever_until_cleared(world):
    """Without an end, a fault strikes until it is cleared; its document can be anything."""
    world.globus.faults.add(Fault(path="*/task_list", times=None, status=500, body={"code": "Mine", "message": "m"}))
    assert [refusal(world.tc.task_list) for _ in range(3)] == [(500, "Mine")] * 3
    world.globus.faults.clear()
    assert world.tc.task_list()["total"] == 0


def test_a_cut_before_processing(world):
    """A connection cut before processing is a network error, and nothing was done."""
    world.globus.faults.add(Fault(**SUBMIT, cut=True))
    with pytest.raises(GlobusConnectionError):
        world.submit()
    assert world.globus.tasks == []
    assert world.globus.requests[-1].status is None


def test_a_cut_after_processing(world):
    """A connection cut after processing loses the answer, not the task; the SDK's own repeat meets the Duplicate."""
    world.globus.faults.add(Fault(**SUBMIT, when="after", cut=True))
    client = TransferClient(
        authorizer=world.tc.authorizer, base_url=world.globus.url, retry_config=RetryConfig(max_retries=1, max_sleep=0)
    )
    with client:
        answer = client.submit_transfer(world.data())
    assert answer["code"] == "Duplicate"
    assert [task.id for task in world.globus.tasks] == [answer["task_id"]]


def test_truncated_delayed_and_html_answers(world):
    """An answer can break off, come late, or be a page of HTML."""
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
def test_an_action_at_a_point(world, when):
    """An action runs exactly before or after the request is processed, and sees the world of that moment."""
    seen = []
    world.globus.faults.add(Fault(**SUBMIT, when=when, action=lambda: seen.append(len(world.globus.tasks))))
    world.submit()
    assert seen == [0 if when == "before" else 1]


@pytest.mark.slow
def test_rate_metering(world):
    """With metering, the request after the two hundredth in ten seconds is refused."""
    world.globus.behaviour = replace(world.globus.behaviour, rate_metering=True)
    for _ in range(200):
        world.tc.get("/v0.10/submission_id")
    assert refusal(world.tc.task_list)[0] == 429
    world.clock.advance(10)
    assert world.tc.task_list()["total"] == 0


def test_control_urls(world, http):
    """A person with curl adds faults, changes collections, moves the clock, revokes tokens, holds and releases."""

    def control(method, path, document=None):
        return http(method, f"/standin/{path}", data=None if document is None else json.dumps(document)).json()

    seen = len(world.globus.requests)
    state = control("POST", f"collections/{world.dst.id}", {"online": False})
    assert state["collections"][world.dst.id]["online"] is False
    control("POST", f"collections/{world.dst.id}", {"wrong_checksums": 1, "full": True, "deleted": True})
    assert (world.dst.wrong_checksums, world.dst.full, world.dst.deleted) == (1, True, True)
    assert control("POST", "clock", {"advance": 60})["now"] == "2026-01-01T00:01:00+00:00"
    control("POST", "faults", {"path": "*/task_list", "status": 503, "times": None})
    assert http("GET", "/v0.10/task_list").status_code == 503
    control("DELETE", "faults")
    assert http("GET", "/v0.10/task_list").status_code == 200
    control("DELETE", "tokens")
    assert http("GET", "/v0.10/task_list").status_code == 401
    assert control("POST", "hold", {})["tasks"] == control("DELETE", "hold")["tasks"] == {}
    for path, document in [
        ("faults", {"pth": "x"}), ("faults", {"nth": "1"}), ("clock", {"advance": -1}), ("faults", {"delay": 1e999}),
        ("faults", {"when": "later"}), ("faults", {"headers": {"a": "b\r\n"}}), ("faults", {"status": 42}),
        ("faults", {"truncate": -1}), ("faults", {"nth": 0}), ("faults", {"times": -1}),
        (f"collections/{world.src.id}", {"entity_type": "x"}), (f"collections/{world.src.id}", {"list_limit": -1}),
        ("behaviour", {"label-limit": 5, "identical-paths-code": None}),
        ("tasks/x", {"do": "dance"}), ("tasks/x", {"do": "pause"}),
    ]:  # fmt: skip
        assert control("POST", path, document)["code"].startswith("ClientError.")
    assert world.globus.behaviour.label_limit == 128
    assert len(world.globus.requests) == seen + 3


def test_start_and_stop_are_quick_and_complete(world):
    """A stand-in starts and stops in milliseconds, frees its port, and refuses one that is taken."""
    begin = time.perf_counter()
    with StandIn(clock=ManualClock(), port=0) as other:
        port = int(other.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            StandIn(port=port)
    assert time.perf_counter() - begin < 0.5
    with StandIn(port=port) as again:
        assert again.url == other.url


def test_only_loopback(world):
    """The port is bound to 127.0.0.1 and nothing else."""
    assert world.globus._listener.socket.getsockname()[0] == "127.0.0.1"


def test_the_system_clock(tmp_path):
    """By default the stand-in runs by the host's clock, and a deadline passes without anybody moving anything."""
    with StandIn() as globus:
        client, _ = globus.add_client()
        ends = [globus.add_collection(tmp_path, permissions={client: "rw"}) for _ in range(2)]
        body = {
            "DATA_TYPE": "transfer", "submission_id": ends[0].id,
            "source_endpoint": ends[0].id, "destination_endpoint": ends[1].id,
            "deadline": (globus.clock.now() + timedelta(seconds=0.2)).isoformat(),
            "DATA": [{"DATA_TYPE": "transfer_item", "source_path": "/missing", "destination_path": "/"}],
        }  # fmt: skip
        _, task = globus._engine.submit("transfer", body, client)
        with globus._engine.changed:
            assert globus._engine.changed.wait_for(lambda: not task.is_live, timeout=5)
    assert task.fatal_error == ("EXPIRED", "deadline expired")
