"""Globus Auth: tokens, secrets, scopes, and how many requests a client may send."""

from dataclasses import replace
from typing import Any, Literal

import pytest
from globus_sdk import (
    AccessTokenAuthorizer,
    AuthAPIError,
    ConfidentialAppAuthClient,
    TransferClient,
)
from globus_sdk.scopes import ComputeScopes, FlowsScopes, GCSCollectionScopes, TimersScopes

from .helpers import World, refused


def test_a_token_for_each_resource_server(world: World) -> None:
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
def test_tokens_of_services_that_are_not_imitated(world: World, scopes: Any, server: str) -> None:
    """A client that asks for another service beside Transfer gets a token for each, named as the SDK expects."""
    tokens = world.token(scope=f"{TransferClient.scopes.all} {getattr(scopes, 'all', None) or scopes.timer}")
    assert set(tokens.by_resource_server) == {"transfer.api.globus.org", server}
    https = world.token(scope=str(GCSCollectionScopes(world.src.id).https))
    assert https["resource_server"] == world.src.id


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [(401, "oauth", "invalid_client"), (400, "oauth", "invalid_client"), (401, "globus", "unauthorized")],
)
def test_a_wrong_secret(world: World, status: Literal[400, 401], body: Literal["oauth", "globus"], error: str) -> None:
    """A wrong secret and an unknown client are rejected in the form that the behaviour says."""
    world.globus.behaviour = replace(world.globus.behaviour, wrong_secret_status=status, wrong_secret_body=body)
    for client_id in (world.client_id, world.src.id):
        with pytest.raises(AuthAPIError) as caught:
            world.token(client_id, "wrong")
        assert caught.value.http_status == status
        assert (caught.value.raw_json or {})["error"] == error
        assert ("WWW-Authenticate" in caught.value.headers) is (status == 401)
    stranger = ConfidentialAppAuthClient(world.client_id, "wrong", base_url=world.globus.url)
    with stranger, pytest.raises(AuthAPIError):
        stranger.oauth2_revoke_token(world.access_token())
    assert world.tc.task_list()["total"] == 0


@pytest.mark.parametrize("scope", ["unknown", "openid[" * 1500, "a[", f"{TransferClient.scopes.all}[]", "]"])
def test_unknown_scopes(world: World, scope: str) -> None:
    """An unknown or malformed scope is rejected, and so is data_access for a guest collection."""
    guest = f"https://auth.globus.org/scopes/{world.src.id}/data_access"
    for wrong in (scope, guest, f"{TransferClient.scopes.all}[*{guest}]"):
        with pytest.raises(AuthAPIError) as caught:
            world.token(scope=wrong)
        assert (caught.value.http_status, (caught.value.raw_json or {})["error"]) == (400, "invalid_scope")


def test_tokens_expire_and_are_revoked(world: World) -> None:
    """An old, revoked or invented token, or one of another service, is not active; a request without one is a 400."""
    assert world.tc.task_list()["total"] == 0
    world.clock.advance(2 * 24 * 3600)
    assert refused(world.tc.task_list) == (401, "ClientError.AuthenticationFailed")
    client = world.sign_in()
    assert client.task_list()["total"] == 0
    token = world.access_token()
    other = world.client_with(token)
    world.revoke(token)
    assert refused(other.task_list) == (401, "ClientError.AuthenticationFailed")
    assert client.task_list()["total"] == 0
    world.globus.revoke_tokens()
    assert refused(client.task_list) == (401, "ClientError.AuthenticationFailed")
    openid = world.token(scope="openid")["access_token"]
    for token in (openid, "made-up"):
        with TransferClient(authorizer=AccessTokenAuthorizer(token), base_url=world.globus.url) as other:
            assert refused(other.task_list) == (401, "ClientError.AuthenticationFailed")
    with TransferClient(base_url=world.globus.url) as nobody:
        assert refused(nobody.task_list) == (400, "ClientError.AuthenticationFailed")


@pytest.mark.slow
def test_rate_metering(world: World) -> None:
    """With metering, request 201 within ten seconds is rejected."""
    world.globus.behaviour = replace(world.globus.behaviour, rate_metering=True)
    for _ in range(200):
        world.tc.get("/v0.10/submission_id")
    assert refused(world.tc.task_list)[0] == 429
    world.clock.advance(10)
    assert world.tc.task_list()["total"] == 0
