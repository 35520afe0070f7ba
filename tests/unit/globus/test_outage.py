"""A service that cannot answer now: its status, and what it says to people."""

from __future__ import annotations

from typing import Any

import pytest

from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.sign_in import sign_in
from globus_sync_directory.model.answer import Unavailable

from .fake_service import CLIENT, Reply, Service

TEXT = "Globus is down for maintenance until 14:00 UTC"
OTHER = {"Content-Type": "text/html"}


def json(**document: Any) -> Reply:
    return Reply(document, 503)


@pytest.mark.parametrize(("reply", "said"), [
    (json(code="ServiceUnavailable", message=TEXT), f": '{TEXT}'"),
    (json(message=TEXT), f": '{TEXT}'"),
    (json(code="ServiceUnavailable", message="Back\x1b[31m\r\n at 2\u202e"), ": 'Back [31m at 2'"),
    (json(code="ServiceUnavailable", message="x " * 999), f": '{('x ' * 150)[:299].rstrip()}…'"),
    (json(error="down until 14:00"), ": 'down until 14:00'"),
    (Reply(b"Down for maintenance\n", 503, {"Content-Type": "text/plain"}), ": 'Down for maintenance'"),
    (json(code="ServiceUnavailable", message=""), ""),
    (json(code="ServiceUnavailable", message=["x"]), ""),
    (json(code="ServiceUnavailable"), ""),
    (json(errors=[{"status": "503", "title": "Unavailable", "detail": TEXT}]), f": '{TEXT}'"),
    (json(error="temporarily_unavailable", error_description=TEXT), f": '{TEXT}'"),
    (json(error="temporarily_unavailable", error_description=5), ""),
    (Reply([TEXT], 503), ""),
    (Reply("x", 503), ""),
    (Reply(b"", 503), ""),
    (Reply(b"<html><h1>Maintenance</h1></html>", 503, OTHER), ""),
    (Reply(b"{", 503), ""),
])  # fmt: skip
def test_what_it_says(service: Service, client: GlobusClient, reply: Reply, said: str) -> None:
    """The text for people in a reply of either service, on one line and shortened; a web page is none."""
    service.on("/task_list", reply)
    answer = client.recent_tasks()
    assert answer == Unavailable(reason=f"Globus Transfer answered 503 when asked for the list of tasks{said}")
    service.on("/oauth2/token", reply)
    assert sign_in(CLIENT, "a-secret") == Unavailable(reason=f"Globus Auth answered 503{said}")
