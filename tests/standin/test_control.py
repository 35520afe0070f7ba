"""The control URLs."""

import json
from typing import Any

import pytest
import requests

from .helpers import Http, World


def test_no_web_page_controls_the_stand_in(world: World) -> None:
    """A request from a web page to a control URL is rejected."""
    answer = requests.get(f"{world.globus.url}/standin/", headers={"Origin": "https://example.org"}, timeout=5)
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/standin/", "/v0.10/task_list", "/v2/oauth2/token"])
@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("127.0.0.1:{port}", True),
        ("LOCALHOST", True),
        ("[::1]:9999", True),  # through a tunnel, with a port of its own
        ("rebound.example.org:{port}", False),
        ("127.0.0.1.example.org", False),
        ("localhost.example.org:{port}", False),
        ("", False),
    ],
)
def test_a_name_of_somebody_else(world: World, path: str, host: str, is_own: bool) -> None:
    """A web page whose name was made to lead to this computer gets no answer, and is not in the log of requests."""
    before = len(world.globus.requests)
    headers = {"Host": host.format(port=world.port)}
    answer = requests.get(world.globus.url + path, headers=headers, timeout=5)
    assert (answer.status_code != 421) is is_own
    assert is_own or len(world.globus.requests) == before
    world.globus.unknown_routes.clear()


def test_a_cancel_by_an_administrator(world: World, http: Http) -> None:
    """With curl one can cancel a task as an administrator of one side, with a message."""
    world.globus.hold()
    task_id = world.submit()
    wanted = {"do": "cancel", "by_admin": "SOURCE", "message": "Ask me first"}
    assert http("POST", f"/standin/tasks/{task_id}", json=wanted | {"by_admin": "x"}).status_code == 400
    assert http("POST", f"/standin/tasks/{task_id}", json=wanted).json()["tasks"] == {task_id: "FAILED"}
    task = world.tc.get_task(task_id)
    assert (task["canceled_by_admin"], task["canceled_by_admin_message"]) == ("SOURCE", "Ask me first")


def test_control_urls(world: World, http: Http) -> None:
    """With curl one can add faults, change collections, move the clock, revoke tokens, hold and release tasks."""

    def control(method: Any, path: str, document: Any = None) -> Any:
        return http(method, f"/standin/{path}", data=None if document is None else json.dumps(document)).json()

    seen = len(world.globus.requests)
    state = control("POST", f"collections/{world.dst.id}", {"online": False})
    assert state["collections"][world.dst.id]["online"] is False
    control("POST", f"collections/{world.dst.id}", {"wrong_checksums": 1, "full": True, "deleted": True})
    assert (world.dst.wrong_checksums, world.dst.full, world.dst.deleted) == (1, True, True)
    control("POST", f"collections/{world.src.id}", {"login_failure": "LOGIN_DENIED", "auto_delete_timeout": 30})
    assert (world.src.login_failure, world.src.auto_delete_timeout) == ("LOGIN_DENIED", 30)
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
