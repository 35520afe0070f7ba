"""One call to Globus Transfer, from any thread, and the rules for when it is no use to call any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from globus_sdk import AuthAPIError, ClientCredentialsAuthorizer, GlobusError, NetworkError, TransferClient

from globus_sync_directory.globus.failures import UNEXPECTED_REPLY, failure_of
from globus_sync_directory.globus.transport import RateLimiter, make_retry_config, make_transport
from globus_sync_directory.model.answer import Answer, Failure, Received, Rejected, Unavailable

APP_NAME = "globus_sync_directory"
FAILURES_THAT_MEAN_OUTAGE = 3  # in a row

_Value = TypeVar("_Value")


@dataclass
class _Connection:
    """One thread's client, and whether the SDK repeated a request of its current call."""

    client: TransferClient
    was_repeated: bool = False


class Caller:
    """
    Calls Globus Transfer; safe to use from several threads, each of which has its own client.

    After an outage was noticed no request is sent any more: every call returns the reason for it at once.
    """

    def __init__(self, authorizer: ClientCredentialsAuthorizer, limiter: RateLimiter) -> None:
        self._authorizer = authorizer
        self._limiter = limiter
        self._of_this_thread = threading.local()
        self._connections: list[_Connection] = []
        self._turn = threading.Lock()  # for what follows
        self._outage: Unavailable | None = None
        self._failures = 0
        self._failed_looks = 0

    def ask(
        self, what: str, question: Callable[[TransferClient], _Value], *, can_mean_outage: bool = True
    ) -> Answer[_Value]:
        """Return the answer; ``what`` names in a sentence what is asked for."""
        if self._outage:
            return self._outage
        connection = self._connection()
        connection.was_repeated = False
        try:
            answer = Received(question(connection.client))
        except (GlobusError, *UNEXPECTED_REPLY) as error:
            failure = failure_of(error, what, was_repeated=connection.was_repeated)
            self._note_failure(error, failure, can_mean_outage)
            return failure
        self._failures = 0
        return answer

    def look(self, question: Callable[[TransferClient], _Value]) -> Answer[_Value]:
        """Return the answer to a question about a directory, whose failure says nothing about other questions."""
        if self._failed_looks >= FAILURES_THAT_MEAN_OUTAGE:
            return Unavailable(reason="not asked, because other directories could not be looked at either")
        answer = self.ask("a directory", question, can_mean_outage=False)
        if isinstance(answer, Unavailable):
            with self._turn:
                self._failed_looks += 1
        return answer

    def forget_outage(self) -> None:
        """Ask again, also after an outage was noticed."""
        with self._turn:
            self._outage, self._failures, self._failed_looks = None, 0, 0

    def close(self) -> None:
        """Send no further request, and close the connections; a request that is under way is not waited for."""
        with self._turn:
            self._outage = self._outage or Unavailable(reason="this run has ended")
        for connection in self._connections:
            with suppress(OSError):
                connection.client.close()
        with suppress(OSError):
            self._authorizer.confidential_client.close()

    def _note_failure(self, error: Exception, failure: Failure, can_mean_outage: bool) -> None:
        with self._turn:
            if isinstance(failure, Rejected):
                self._failures = 0
                return
            if failure.is_sign_in or isinstance(error, AuthAPIError):
                self._failures = FAILURES_THAT_MEAN_OUTAGE
            elif can_mean_outage:
                self._failures += FAILURES_THAT_MEAN_OUTAGE if isinstance(error, NetworkError) else 1
            if self._failures >= FAILURES_THAT_MEAN_OUTAGE:
                self._outage = self._outage or failure

    def _connection(self) -> _Connection:
        found: _Connection | None = getattr(self._of_this_thread, "connection", None)
        if found is None:

            def note_repeat() -> None:
                fresh.was_repeated = True

            client = TransferClient(
                authorizer=self._authorizer,
                app_name=APP_NAME,
                transport=make_transport(self._limiter),
                retry_config=make_retry_config(note_repeat),
            )
            self._of_this_thread.connection = found = fresh = _Connection(client)
            self._connections.append(fresh)
        return found
