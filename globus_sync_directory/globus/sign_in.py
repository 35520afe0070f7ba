"""Signing in as the application: one request to Globus Auth, which also tells how far this host's clock is wrong."""

from __future__ import annotations

import logging

from globus_sdk import ConfidentialAppAuthClient, TransferClient
from globus_sdk.scopes import TransferScopes

from globus_sync_directory.globus.caller import APP_NAME, Caller
from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.clock import host_now, read_clock
from globus_sync_directory.globus.shared_token import NO_USABLE_REPLY, SharedToken, auth_failure
from globus_sync_directory.globus.this_host import check_secrecy, check_settings
from globus_sync_directory.globus.threads import Threads
from globus_sync_directory.globus.transport import RateLimiter, make_retry_config, make_transport
from globus_sync_directory.model.answer import Answer, Received

log = logging.getLogger(__name__)


def sign_in(client_id: str, secret: str) -> Answer[GlobusClient]:
    """
    Return Globus as this application sees it.

    Raises ConfigError where no request can leave this host: without TLS certificates, for a setting that cannot work.
    The same where the secret would leave it in clear.
    """
    check_secrecy()
    limiter, threads = RateLimiter(), Threads()
    auth = _auth_client(client_id, secret, limiter)
    try:
        reply = threads.answer(lambda: auth.oauth2_client_credentials_tokens(TransferScopes.all))
        (found,) = reply.by_resource_server.values()
        access_token, expires_at = found["access_token"], found["expires_at_seconds"]
        token = SharedToken(auth, TransferScopes.all, access_token=access_token, expires_at=expires_at)
    except NO_USABLE_REPLY as error:
        threads.stop()
        return auth_failure(error)
    clock = read_clock(reply.headers.get("Date"), host_now())
    if clock.warning:
        log.warning("%s", clock.warning)
    return Received(GlobusClient(client_id, Caller(token, limiter, threads), clock))


def _auth_client(client_id: str, secret: str, limiter: RateLimiter) -> ConfidentialAppAuthClient:
    """Return a client for Globus Auth, after a try whether one for Globus Transfer can be made; raises ConfigError."""
    try:
        TransferClient(app_name=APP_NAME, transport=make_transport(limiter)).close()
        return ConfidentialAppAuthClient(
            client_id, secret, app_name=APP_NAME, transport=make_transport(limiter), retry_config=make_retry_config()
        )
    except ValueError:  # for a GLOBUS_SDK_ variable
        check_settings("Auth")
        check_settings("Transfer")
        raise
