"""Signing in: what each reply of Globus Auth means."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import pytest
import requests

from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.clock import GlobusClock
from globus_sync_directory.globus.sign_in import sign_in
from globus_sync_directory.model.answer import Received, Unavailable

from .fake_service import CLIENT, TOKEN, Reply, Service

SECRET = "not-to-be-shown"


def test_signed_in(service: Service) -> None:
    """One request to Globus Auth is enough."""
    answer = sign_in(CLIENT, SECRET)
    assert isinstance(answer, Received)
    with answer.value as client:
        assert client.identity == f"{CLIENT}@clients.auth.globus.org"
        assert client.clock == GlobusClock()
        assert abs(client.now() - datetime.now(UTC)) < timedelta(seconds=5)
    (request,) = service.requests
    assert parse_qs(request.body)["grant_type"] == ["client_credentials"]


NOT_BELIEVED = "this host's clock; that is not believed, and times are counted on this host's clock"


@pytest.mark.parametrize(("hours", "counted", "warning"), [
    (2, 2, "this host's clock is 2 h behind Globus'; times are counted on Globus' clock"),
    (-72, 0, f"the date in Globus' reply is 3 d behind {NOT_BELIEVED}"),
    (365 * 24, 0, f"the date in Globus' reply is 365 d ahead of {NOT_BELIEVED}"),
    (0, 0, ""),
])  # fmt: skip
def test_clock(service: Service, caplog: pytest.LogCaptureFixture, hours: int, counted: int, warning: str) -> None:
    """Two clocks that differ are a warning; times are counted on Globus' clock, unless that cannot be believed."""
    date = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    service.on("/oauth2/token", Reply(TOKEN, headers={"Date": date}))
    answer = sign_in(CLIENT, SECRET)
    assert isinstance(answer, Received)
    with answer.value as client:
        assert abs(client.now() - datetime.now(UTC) - timedelta(hours=counted)) < timedelta(seconds=5)
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ([warning] if warning else [])


REJECTED = "the client id and the secret do not belong together, or the secret was removed"
PORTAL = "from Globus Auth; a proxy or login portal may be in between"
UNAUTHORIZED = {"errors": [{"code": "UNAUTHORIZED", "detail": "Basic auth failed", "status": "401"}]}


@pytest.mark.parametrize(("reply", "reason", "is_sign_in"), [
    (Reply({"error": "invalid_client"}, 401), f"Globus Auth rejects the sign-in (invalid_client): {REJECTED}", True),
    (Reply(UNAUTHORIZED, 401), f"Globus Auth rejects the sign-in (UNAUTHORIZED): {REJECTED}", True),
    (Reply({"error": "invalid_grant"}, 400), f"Globus Auth rejects the sign-in (invalid_grant): {REJECTED}", True),
    (Reply({"message": "no"}, 403), f"Globus Auth rejects the sign-in: {REJECTED}", True),
    (Reply({"error": ["x"]}, 401), f"Globus Auth rejects the sign-in: {REJECTED}", True),
    (Reply({"error": "x" * 300}, 401), f"Globus Auth rejects the sign-in ({'x' * 59}…): {REJECTED}", True),
    (Reply(b"<html>Log in</html>", 403), f"unexpected reply (403) {PORTAL}", False),
    (Reply([], 401), f"unexpected reply (401) {PORTAL}", False),
    (Reply(b"<html>Log in</html>"), f"unexpected reply {PORTAL}", False),
    (Reply(b"["), f"unexpected reply {PORTAL}", False),
    (Reply(b"[" * 200_000), f"unexpected reply {PORTAL}", False),
    (Reply([]), f"unexpected reply {PORTAL}", False),
    (Reply(None), f"unexpected reply {PORTAL}", False),
    (Reply({}), f"unexpected reply {PORTAL}", False),
    (Reply({**TOKEN, "expires_in": "soon"}), f"unexpected reply {PORTAL}", False),
    (Reply({**TOKEN, "other_tokens": [{**TOKEN, "resource_server": "x"}]}), f"unexpected reply {PORTAL}", False),
    (Reply({"error": "server"}, 503), "Globus Auth answered 503", False),
    (Reply({"error": "slow_down"}, 429), "Globus Auth answered 429", False),
    (Reply(b"", 408), "Globus Auth answered 408", False),
    (requests.ReadTimeout("x"), "no answer from Globus Auth: no answer within 15 s", False),
    (requests.exceptions.ProxyError("x"),
     "no answer from Globus Auth: the proxy did not let the request through", False),
])  # fmt: skip
def test_no_sign_in(service: Service, reply: Reply | Exception, reason: str, is_sign_in: bool) -> None:
    """A rejection is told apart from a service that cannot answer now, and both from what is not Globus."""
    service.on("/oauth2/token", reply)
    answer = sign_in(CLIENT, SECRET)
    assert isinstance(answer, Unavailable)
    assert (answer.reason, answer.is_sign_in) == (reason, is_sign_in)
    assert ("secret file" in answer.fix) is is_sign_in
    assert SECRET not in repr(answer)


@pytest.mark.parametrize(("reply", "requests_sent"), [
    (Reply({"error": "x"}, 503), 3), (requests.ConnectionError("x"), 3), (Reply({"error": "x"}, 401), 1),
])  # fmt: skip
def test_repeats(service: Service, reply: Reply | Exception, requests_sent: int) -> None:
    """What may pass is tried three times, a rejection once."""
    service.on("/oauth2/token", reply)
    assert isinstance(sign_in(CLIENT, SECRET), Unavailable)
    assert len(service.requests) == requests_sent


def test_a_repeat_that_works(service: Service) -> None:
    """Two failures in a row are not the end."""
    service.on("/oauth2/token", Reply({}, 503), requests.ConnectionError("x"), Reply(TOKEN))
    answer = sign_in(CLIENT, SECRET)
    assert isinstance(answer, Received)
    assert isinstance(answer.value, GlobusClient)
    with answer.value:
        assert len(service.requests) == 3
