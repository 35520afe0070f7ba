"""Signing in as the application: one request to Globus Auth, which also tells how far this host's clock is wrong."""

from __future__ import annotations

import logging
import shlex
import sys
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from globus_sdk import ConfidentialAppAuthClient, GlobusError, TransferClient
from globus_sdk.scopes import TransferScopes

from globus_sync_directory.errors import ConfigError
from globus_sync_directory.globus.caller import APP_NAME, Caller
from globus_sync_directory.globus.client import GlobusClient, host_now
from globus_sync_directory.globus.shared_token import UNEXPECTED_REPLY, SharedToken, auth_failure
from globus_sync_directory.globus.transport import RateLimiter, make_retry_config, make_transport
from globus_sync_directory.model.answer import Answer, Received

CLOCK_TOLERANCE = timedelta(minutes=5)
_SMALLEST_OFFSET = timedelta(seconds=2)  # less is how long the reply took
_LARGEST_OFFSET = timedelta(days=100 * 365)  # beyond that no time can be counted with it

log = logging.getLogger(__name__)


def sign_in(client_id: str, secret: str) -> Answer[GlobusClient]:
    """
    Return Globus as this application sees it.

    Raises ConfigError for a GLOBUS_SDK_* value that cannot be used, and where this host has no TLS certificates.
    """
    limiter = RateLimiter()
    auth = _auth_client(client_id, secret, limiter)
    try:
        reply = auth.oauth2_client_credentials_tokens(TransferScopes.all)
        (found,) = reply.by_resource_server.values()
        access_token, expires_at = found["access_token"], found["expires_at_seconds"]
        token = SharedToken(auth, TransferScopes.all, access_token=access_token, expires_at=expires_at)
    except (GlobusError, *UNEXPECTED_REPLY) as error:
        return auth_failure(error)
    except OSError as error:  # what the network does is a GlobusError
        fix = f"reinstall them with: {shlex.quote(sys.executable)} -m pip install --force-reinstall certifi"
        raise ConfigError(f"the TLS certificates of this Python installation cannot be used: {error}; {fix}") from None
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
