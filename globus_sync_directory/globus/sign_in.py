"""Signing in as the application: one request to Globus Auth, which also tells the time."""

from __future__ import annotations

import logging
import shlex
import sys
import threading

from globus_sdk import (
    AuthAPIError,
    ClientCredentialsAuthorizer,
    ConfidentialAppAuthClient,
    GlobusError,
    OAuthClientCredentialsResponse,
    TransferClient,
)
from globus_sdk.scopes import TransferScopes

from globus_sync_directory.errors import ConfigError
from globus_sync_directory.globus.caller import APP_NAME, Caller
from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.clock import clock_offset, clock_warning, host_now
from globus_sync_directory.globus.failures import UNEXPECTED_REPLY, sign_in_failure
from globus_sync_directory.globus.transport import RateLimiter, make_retry_config, make_transport, no_reply_reason
from globus_sync_directory.model.answer import Answer, Received, Unavailable

log = logging.getLogger(__name__)


class _SharedToken(ClientCredentialsAuthorizer):
    """The SDK's authorizer, which renews its token, made safe to use from several threads."""

    def __init__(self, client: ConfidentialAppAuthClient, access_token: str, expires_at: int) -> None:
        self._turn = threading.RLock()
        super().__init__(client, TransferScopes.all, access_token=access_token, expires_at=expires_at)

    def get_authorization_header(self) -> str:
        with self._turn:
            return super().get_authorization_header()

    def handle_missing_authorization(self) -> bool:
        with self._turn:
            return super().handle_missing_authorization()


def sign_in(client_id: str, secret: str) -> Answer[GlobusClient]:
    """
    Return Globus as this application sees it.

    Raises ConfigError for a GLOBUS_SDK_* value that cannot be used, and where this host has no TLS certificates.
    """
    limiter = RateLimiter()
    auth = _auth_client(client_id, secret, limiter)
    try:
        reply = auth.oauth2_client_credentials_tokens(TransferScopes.all)
        token = _token(auth, reply)
    except AuthAPIError as error:
        return sign_in_failure(error)
    except GlobusError as error:
        return Unavailable(reason=f"no answer from Globus Auth: {no_reply_reason(error)}")
    except OSError as error:  # what the network does is a GlobusError
        fix = f"reinstall them with: {shlex.quote(sys.executable)} -m pip install --force-reinstall certifi"
        raise ConfigError(f"the TLS certificates of this Python installation cannot be used: {error}; {fix}") from None
    except UNEXPECTED_REPLY:
        return Unavailable(reason="unexpected reply from Globus Auth; a proxy or login portal may be in between")
    offset = clock_offset(reply.headers.get("Date"), host_now())
    if warning := clock_warning(offset):
        log.warning("%s", warning)
    return Received(GlobusClient(client_id, Caller(token, limiter), offset))


def _auth_client(client_id: str, secret: str, limiter: RateLimiter) -> ConfidentialAppAuthClient:
    """Return a client for Globus Auth, after a try whether one for Globus Transfer can be made; raises ConfigError."""
    try:
        TransferClient(app_name=APP_NAME, transport=make_transport(limiter)).close()
        return ConfidentialAppAuthClient(
            client_id, secret, app_name=APP_NAME, transport=make_transport(limiter), retry_config=make_retry_config()
        )
    except ValueError as error:
        raise ConfigError(f"environment: a GLOBUS_SDK_ variable has a value the SDK cannot use: {error}") from None


def _token(auth: ConfidentialAppAuthClient, reply: OAuthClientCredentialsResponse) -> _SharedToken:
    """Return the one token in ``reply``; raises one of UNEXPECTED_REPLY."""
    (found,) = reply.by_resource_server.values()
    return _SharedToken(auth, found["access_token"], found["expires_at_seconds"])
