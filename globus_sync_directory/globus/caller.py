"""One call to Globus Transfer, from any thread: what its failure means, and when further calls are pointless."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from enum import Enum, auto
from functools import partial
from typing import TypeAlias, TypeVar

from globus_sdk import (
    AuthAPIError,
    ClientCredentialsAuthorizer,
    GlobusError,
    GlobusHTTPResponse,
    NetworkError,
    TransferAPIError,
    TransferClient,
)

from globus_sync_directory.globus.consent import Consents, missing_consents
from globus_sync_directory.globus.outage import own_words
from globus_sync_directory.globus.transport import RateLimiter, make_retry_config, make_transport, no_reply_reason
from globus_sync_directory.model.answer import Answer, Failure, Received, Rejected, Unavailable
from globus_sync_directory.text import shorten

APP_NAME = "globus_sync_directory"
FAILURES_THAT_MEAN_OUTAGE = 3  # in a row
# What the SDK, or documents.py, raises for a reply that is not what the API promises.
UNEXPECTED_REPLY = (LookupError, TypeError, ValueError, AttributeError, RecursionError)
_SIGN_IN_FIX = (
    "compare clientid with the application's page in the Globus web app; if needed, create a new secret there and "
    "put it into the secret file"
)

_Value = TypeVar("_Value")
_Send: TypeAlias = Callable[[TransferClient], GlobusHTTPResponse]


class _Kind(Enum):
    """What a question is for. Only where a NEEDED one is not answered may there be an outage."""

    NEEDED = auto()
    LOOK = auto()  # at a directory
    DETAIL = auto()  # only explains


class _OfThread(threading.local):
    """One thread's client, and whether the SDK repeated a request of its current call."""

    client: TransferClient | None = None
    was_repeated = False


class Caller:
    """
    Calls Globus Transfer; safe to use from several threads, each of which has its own client.

    After an outage was noticed no request is sent any more: every call returns the reason for it at once.
    """

    def __init__(self, authorizer: ClientCredentialsAuthorizer, limiter: RateLimiter) -> None:
        self._authorizer = authorizer
        self._limiter = limiter
        self._consents = Consents(self._ask_auth)
        self._of_thread = _OfThread()
        self._clients: list[TransferClient] = []
        self._turn = threading.Lock()  # for what follows
        self._outage: Unavailable | None = None
        self._failures: Counter[_Kind] = Counter()

    def ask(
        self, what: str, send: _Send, read: Callable[[object], _Value], *, data_on: Collection[str] = ()
    ) -> Answer[_Value]:
        """
        Send a request, and return what ``read`` finds in the reply; ``what`` names that in a sentence.

        ``data_on``: the collections whose data it is about. A data_access consent that is missing there is given.
        """
        return self._consents.ask(data_on, partial(self._ask, what, send, read, _Kind.NEEDED))

    def look(self, collection: str, send: _Send, read: Callable[[object], _Value]) -> Answer[_Value]:
        """Return the answer to a question about a directory, whose failure says nothing about other questions."""
        if self._failures[_Kind.LOOK] >= FAILURES_THAT_MEAN_OUTAGE:
            return Unavailable(reason="not asked, because other directories could not be looked at either")
        return self._consents.ask({collection}, partial(self._ask, "a directory", send, read, _Kind.LOOK))

    def ask_detail(self, what: str, send: _Send, read: Callable[[object], _Value]) -> Answer[_Value]:
        """Return the answer to a question that only explains, whose failure says nothing about other questions."""
        if self._failures[_Kind.DETAIL] >= FAILURES_THAT_MEAN_OUTAGE:
            return Unavailable(reason="not asked, because other questions of this kind were not answered either")
        return self._ask(what, send, read, _Kind.DETAIL)

    def _ask(self, what: str, send: _Send, read: Callable[[object], _Value], kind: _Kind) -> Answer[_Value]:
        if self._outage:
            return self._outage
        self._of_thread.was_repeated = False
        try:
            answer = Received(read(send(self._client()).data))
        except (GlobusError, *UNEXPECTED_REPLY) as error:
            failure = _failure_of(error, what, was_repeated=self._of_thread.was_repeated)
            self._note_failure(error, failure, kind)
            return failure
        self._note_answer()
        return answer

    def forget_outage(self) -> None:
        """Ask again, also after an outage was noticed."""
        with self._turn:
            self._outage = None
            self._failures.clear()

    def close(self) -> None:
        """Send no further request, and close the connections; a request that is under way is not waited for."""
        with self._turn:
            self._outage = self._outage or Unavailable(reason="this run has ended")
        for client in (*self._clients, self._authorizer.confidential_client):
            with suppress(OSError):
                client.close()

    def _note_answer(self) -> None:
        with self._turn:
            self._failures[_Kind.NEEDED] = self._failures[_Kind.DETAIL] = 0  # each failed look may take a minute

    def _note_failure(self, error: Exception, failure: Failure, kind: _Kind) -> None:
        if isinstance(failure, Rejected):
            self._note_answer()
            return
        with self._turn:
            self._failures[kind] += 1
            is_outage = failure.is_sign_in or isinstance(error, AuthAPIError)
            if kind is _Kind.NEEDED:
                is_outage |= isinstance(error, NetworkError) or self._failures[kind] >= FAILURES_THAT_MEAN_OUTAGE
            if is_outage:
                self._outage = self._outage or failure

    def _ask_auth(self, scope: str) -> Answer[None]:
        """Ask Globus Auth for a token with this scope; the reply is dropped, since a consent is no part of a token."""
        try:
            self._authorizer.confidential_client.oauth2_client_credentials_tokens(scope)
        except AuthAPIError as error:
            failure = sign_in_failure(error)
            return Rejected(http_status=error.http_status, code="", message="") if failure.is_sign_in else failure
        except GlobusError as error:
            return Unavailable(reason=f"no answer from Globus Auth: {no_reply_reason(error)}")
        except UNEXPECTED_REPLY:
            return Unavailable(reason="unexpected reply from Globus Auth; a proxy or login portal may be in between")
        return Received(None)

    def _client(self) -> TransferClient:
        if self._of_thread.client is None:
            self._of_thread.client = TransferClient(
                authorizer=self._authorizer,
                app_name=APP_NAME,
                transport=make_transport(self._limiter),
                retry_config=make_retry_config(self._note_repeat),
            )
            self._clients.append(self._of_thread.client)
        return self._of_thread.client

    def _note_repeat(self) -> None:
        self._of_thread.was_repeated = True


def sign_in_failure(error: AuthAPIError) -> Unavailable:
    """Return what an error reply of Globus Auth means."""
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


def _failure_of(error: Exception, what: str, *, was_repeated: bool) -> Failure:
    """Return what ``error`` says about a request for ``what``."""
    if isinstance(error, AuthAPIError):  # while it renewed the token
        return sign_in_failure(error)
    if isinstance(error, TransferAPIError):
        return _transfer_failure(error, what, was_repeated)
    if isinstance(error, GlobusError):
        return Unavailable(reason=f"no answer from Globus Transfer: {no_reply_reason(error)}")
    return Unavailable(reason=f"unexpected reply from Globus Transfer when asked for {what}")


def _transfer_failure(error: TransferAPIError, what: str, was_repeated: bool) -> Failure:
    status = error.http_status
    if status == 401:  # the SDK has renewed the token once by now
        reason = "Globus Transfer does not accept the token that Globus Auth gave"
        return Unavailable(reason=reason, fix=_SIGN_IN_FIX, is_sign_in=True)
    code = error.raw_json.get("code") if isinstance(error.raw_json, dict) else None
    code = code if isinstance(code, str) else ""
    is_about_collection = "ExternalError" in code or "EndpointError" in code
    if not code or status in (408, 429) or (status >= 500 and not is_about_collection):
        return Unavailable(reason=f"Globus Transfer answered {status} when asked for {what}{own_words(error)}")
    is_definite = status < 500 and not was_repeated
    return Rejected(
        http_status=status,
        code=code,
        message=error.message or "",
        is_definite=is_definite,
        missing_consents=missing_consents(error.raw_json),
    )
