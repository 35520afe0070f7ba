"""A client that has signed in to a service which answers as it is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from requests.adapters import HTTPAdapter

from globus_sync_directory.globus import transport
from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.sign_in import sign_in
from globus_sync_directory.model.answer import Received

from .fake_service import CLIENT, TOKEN, Reply, Service


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """Return a service that knows how to sign in, and put it where the network would be."""
    for name in ("AUTH", "TRANSFER"):
        monkeypatch.setenv(f"GLOBUS_SDK_SERVICE_URL_{name}", f"http://127.0.0.1:9/{name.lower()}/")
    monkeypatch.setattr(transport, "LONGEST_PAUSE_SECONDS", 0)
    service = Service()
    service.on("/oauth2/token", Reply(TOKEN))
    monkeypatch.setattr(HTTPAdapter, "send", lambda adapter, request, **given: service.send(adapter, request, **given))
    return service


@pytest.fixture
def client(service: Service) -> Iterator[GlobusClient]:
    """Return a client that has just signed in."""
    answer = sign_in(CLIENT, "a-secret")
    assert isinstance(answer, Received)
    service.requests.clear()
    with answer.value as client:
        yield client
