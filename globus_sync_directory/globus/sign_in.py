"""Signing in as the application: one request to Globus Auth, which also tells how far this host's clock is wrong."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from globus_sdk import ConfidentialAppAuthClient, TransferClient
from globus_sdk.scopes import TransferScopes

from globus_sync_directory.globus.caller import APP_NAME, Caller
from globus_sync_directory.globus.client import GlobusClient, host_now
from globus_sync_directory.globus.shared_token import NO_USABLE_REPLY, SharedToken, auth_failure
from globus_sync_directory.globus.this_host import check_secrecy, check_settings
from globus_sync_directory.globus.threads import Threads
from globus_sync_directory.globus.transport import RateLimiter, make_retry_config, make_transport
from globus_sync_directory.model.answer import Answer, Received

CLOCK_TOLERANCE = timedelta(minutes=5)
_SMALLEST_OFFSET = timedelta(seconds=2)  # less is how long the reply took
_LARGEST_OFFSET = timedelta(days=100 * 365)  # beyond that no time can be counted with it

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
    offset = clock_offset(reply.headers.get("Date"), host_now())
    if warning := clock_warning(offset):
        log.warning("%s", warning)
    return Received(GlobusClient(client_id, Caller(token, limiter, threads), offset))


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


def clock_offset(date: str | None, now: datetime) -> timedelta:
    """Return how far a reply's "Date" header is ahead of this host's clock; zero where it says nothing usable."""
    try:
        offset = parsedate_to_datetime(date or "").astimezone(UTC) - now
    except (ValueError, OverflowError):
        return timedelta(0)
    return offset if _SMALLEST_OFFSET < abs(offset) < _LARGEST_OFFSET else timedelta(0)


def clock_warning(offset: timedelta) -> str | None:
    """Return a sentence about a clock that is too far from Globus', else None."""
    if abs(offset) <= CLOCK_TOLERANCE:
        return None
    minutes, hours = (round(abs(offset) / unit) for unit in (timedelta(minutes=1), timedelta(hours=1)))
    days = round(abs(offset) / timedelta(days=1))
    span = f"{minutes} min" if minutes < 120 else f"{hours} h" if hours < 48 else f"{days} d"
    direction = "behind" if offset > timedelta(0) else "ahead of"
    return f"this host's clock is {span} {direction} Globus'; times are counted on Globus' clock"
