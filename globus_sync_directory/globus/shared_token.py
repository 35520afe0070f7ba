"""The token of one run: every thread uses it, and one thread at a time renews it."""

from __future__ import annotations

import threading
from typing import Any

from globus_sdk import AuthAPIError, ClientCredentialsAuthorizer, GlobusError

from globus_sync_directory.globus.outage import own_words
from globus_sync_directory.globus.this_host import check_settings, no_answer
from globus_sync_directory.model.answer import Unavailable
from globus_sync_directory.text import shorten

# What the SDK, or documents.py, raises: without an answer, and for one that is not what the API promises.
NO_USABLE_REPLY = (GlobusError, OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError)
_SIGN_IN_FIX = (
    "compare clientid with the application's page in the Globus web app; if needed, create a new secret there and "
    "put it into the secret file"
)


class NoToken(Exception):
    """The token could not be renewed; ``failure`` says why."""

    def __init__(self, failure: Unavailable) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class _OfThread(threading.local):
    """The token that one thread has used last, and whether its current call has had a token renewed."""

    token: str | None = None
    has_renewed = False


class SharedToken(ClientCredentialsAuthorizer):
    """
    The SDK's authorizer, made safe to use from several threads.

    The SDK asks it for a header before each request, and tells it when Globus did not accept the last one. A call may
    have the token renewed once; a token that another thread has renewed meanwhile is tried without that.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._turn = threading.RLock()
        self._of_thread = _OfThread()
        self._renewals = 0  # that have ended, with or without success
        self._failure: Unavailable | None = None  # of the last attempt
        super().__init__(*args, **kwargs)

    def get_authorization_header(self) -> str:
        """Return the header with the token, renewed if need be. Raises NoToken."""
        renewals = self._renewals
        with self._turn:
            if self._failure and self._renewals > renewals:  # tried by another thread while this one waited
                raise NoToken(self._failure)
            header = super().get_authorization_header()
            self._of_thread.token = self.access_token
            return header

    def begin_call(self) -> None:
        """Let this thread have the token renewed again."""
        self._of_thread.has_renewed = False

    def handle_missing_authorization(self) -> bool:
        """Return whether there is another token to try: one that another thread has renewed, or that is yet to be."""
        with self._turn:
            if self._of_thread.token != self.access_token:
                return True
            if self._of_thread.has_renewed:
                return False
            self._of_thread.has_renewed = True
            return super().handle_missing_authorization()

    def _get_new_access_token(self) -> None:
        self._failure = None
        try:
            super()._get_new_access_token()
        except NO_USABLE_REPLY as error:
            self._failure = auth_failure(error)
            raise NoToken(self._failure) from None
        finally:
            self._renewals += 1


def auth_failure(error: Exception) -> Unavailable:
    """
    Return why Globus Auth gave no token; only what it rejects itself is a rejected sign-in.

    Raises ConfigError where no request can leave this host.
    """
    if isinstance(error, AuthAPIError):
        return _rejection(error)
    if isinstance(error, GlobusError | OSError):
        return no_answer("Auth", error)
    check_settings("Auth")
    return Unavailable(reason="unexpected reply from Globus Auth; a proxy or login portal may be in between")


def _rejection(error: AuthAPIError) -> Unavailable:
    status, document = error.http_status, error.raw_json
    if status in (408, 429) or status >= 500:
        return Unavailable(reason=f"Globus Auth answered {status}{own_words(error)}")
    if not isinstance(document, dict) or not document:
        reason = f"unexpected reply ({status}) from Globus Auth; a proxy or login portal may be in between"
        return Unavailable(reason=reason)
    code = document.get("error") or error.code
    shown = f" ({shorten(code, 60)})" if isinstance(code, str) and code else ""
    reason = (
        f"Globus Auth rejects the sign-in{shown}: the client id and the secret do not belong together, "
        "or the secret was removed"
    )
    return Unavailable(reason=reason, fix=_SIGN_IN_FIX, is_sign_in=True)
