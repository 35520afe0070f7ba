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
    GlobusError,
    GlobusHTTPResponse,
    NetworkError,
    TransferAPIError,
    TransferClient,
)

from globus_sync_directory.globus.consent import Consents, missing_consents
from globus_sync_directory.globus.outage import own_words
from globus_sync_directory.globus.shared_token import NO_USABLE_REPLY, NoToken, SharedToken, auth_failure
from globus_sync_directory.globus.this_host import check_settings, no_answer
from globus_sync_directory.globus.threads import Threads
from globus_sync_directory.globus.transport import RateLimiter, make_retry_config, make_transport
from globus_sync_directory.model.answer import Answer, Failure, Received, Rejected, Unavailable

APP_NAME = "globus_sync_directory"
FAILURES_THAT_MEAN_OUTAGE = 3  # in a row
_REFUSED = Unavailable(reason="Globus Transfer accepted neither the token of this run nor a new one")
_ALWAYS_REFUSED = Unavailable(
    reason="Globus Transfer does not accept the tokens that Globus Auth gives",
    fix="check in the Globus web app that the application still exists; if it does, ask Globus support",
    is_sign_in=True,
)

_Value = TypeVar("_Value")
_Send: TypeAlias = Callable[[TransferClient], GlobusHTTPResponse]


class _Kind(Enum):
    """What a question is for. Only where a NEEDED one is not answered may there be an outage."""

    NEEDED = auto()  # by every pair
    SINGLE = auto()  # about one pair, task or collection
    LOOK = auto()  # at a directory
    DETAIL = auto()  # only explains


class _OfThread(threading.local):
    """One thread's client, and whether the SDK repeated a request of its current call."""

    client: TransferClient | None = None
    was_repeated = False


class Caller:
    """
    Calls Globus Transfer; safe to use from several threads, each of which has its own client.

    What the main thread asks is asked in one of ``threads`` for it.

    After an outage was noticed no request is sent any more: every call returns the reason for it at once.
    """

    def __init__(self, authorizer: SharedToken, limiter: RateLimiter, threads: Threads) -> None:
        self.threads = threads
        self._authorizer = authorizer
        self._limiter = limiter
        self._consents = Consents(self._ask_auth)
        self._of_thread = _OfThread()
        self._clients: list[TransferClient] = []
        self._turn = threading.Lock()  # for what follows
        self._outage: Unavailable | None = None
        self._failures: Counter[_Kind] = Counter()
        self._refusals = 0  # of tokens, in a row
        self._was_accepted = False  # a token, by Globus Transfer

    def ask(self, what: str, send: _Send, read: Callable[[object], _Value]) -> Answer[_Value]:
        """
        Send a request that every pair needs, and return what ``read`` finds in the reply.

        ``what`` names that in a sentence. If there is no answer, that may be an outage.
        """
        return self._ask(what, send, read, _Kind.NEEDED)

    def ask_single(
        self, what: str, send: _Send, read: Callable[[object], _Value], *, data_on: Collection[str] = ()
    ) -> Answer[_Value]:
        """
        Return the answer to a question about one pair, task or collection: its failure says nothing about others.

        ``data_on``: the collections whose data it is about. A data_access consent that is missing there is given.
        """
        return self._consents.ask(data_on, partial(self._ask, what, send, read, _Kind.SINGLE))

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
        ask_once = partial(self._ask_once, what, send, read, kind)
        answer = self.threads.answer(ask_once)
        # Without a token that has worked once, no other question can be answered either.
        while answer is _REFUSED and not self._was_accepted:
            answer = self.threads.answer(ask_once)
        return answer

    def _ask_once(self, what: str, send: _Send, read: Callable[[object], _Value], kind: _Kind) -> Answer[_Value]:
        if self._outage:
            return self._outage
        self._of_thread.was_repeated = False
        self._authorizer.begin_call()
        try:
            answer = Received(read(send(self._client()).data))
        except NoToken as error:
            return self._end(error.failure)
        except NO_USABLE_REPLY as error:
            failure = _failure_of(error, what, was_repeated=self._of_thread.was_repeated)
            return self._note_failure(error, failure, kind)
        self._note_answer()
        return answer

    def forget_outage(self) -> None:
        """Ask again, also after an outage was noticed."""
        with self._turn:
            self._outage = None
            self._failures.clear()
            self._refusals = 0

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
            self._refusals = 0
            self._was_accepted = True

    def _note_failure(self, error: Exception, failure: Failure, kind: _Kind) -> Failure:
        """Count the failure; return it, or what it means together with those before it."""
        if isinstance(failure, Rejected):
            self._note_answer()
            return failure
        with self._turn:
            if failure is _REFUSED:
                self._refusals += 1
                is_outage = self._refusals >= FAILURES_THAT_MEAN_OUTAGE
                failure = _ALWAYS_REFUSED if is_outage else failure
            else:
                self._failures[kind] += 1
                is_many = self._failures[kind] >= FAILURES_THAT_MEAN_OUTAGE
                is_outage = kind is _Kind.NEEDED and (is_many or isinstance(error, NetworkError))
        return self._end(failure) if is_outage else failure

    def _end(self, failure: Unavailable) -> Unavailable:
        """From now on, return ``failure`` to every question."""
        with self._turn:
            self._outage = self._outage or failure
        return failure

    def _ask_auth(self, scope: str) -> Answer[None]:
        """Ask Globus Auth for a token with this scope; the reply is dropped, since a consent is no part of a token."""
        try:
            self.threads.answer(partial(self._authorizer.confidential_client.oauth2_client_credentials_tokens, scope))
        except AuthAPIError as error:
            failure = auth_failure(error)
            return Rejected(http_status=error.http_status, code="", message="") if failure.is_sign_in else failure
        except NO_USABLE_REPLY as error:
            return auth_failure(error)
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


def _failure_of(error: Exception, what: str, *, was_repeated: bool) -> Failure:
    """Return what ``error`` says about a request for ``what``."""
    if isinstance(error, TransferAPIError):
        return _transfer_failure(error, what, was_repeated)
    if isinstance(error, GlobusError | OSError):
        return no_answer("Transfer", error)
    check_settings("Transfer")
    return Unavailable(reason=f"unexpected reply from Globus Transfer when asked for {what}")


def _transfer_failure(error: TransferAPIError, what: str, was_repeated: bool) -> Failure:
    status = error.http_status
    code = error.raw_json.get("code") if isinstance(error.raw_json, dict) else None
    code = code if isinstance(code, str) else ""
    if status == 401 and code:  # the SDK has sent it with a new token by now
        return _REFUSED
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
