"""Globus, signed in: every question the tool asks, and what each kind of answer means. Nothing else calls the SDK."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from globus_sdk import (
    AuthAPIError,
    ClientCredentialsAuthorizer,
    ConfidentialAppAuthClient,
    DeleteData,
    GlobusAPIError,
    GlobusError,
    TransferAPIError,
    TransferClient,
)
from globus_sdk.scopes import TransferScopes

from globus_sync_directory.text import sanitize
from globus_sync_directory.errors import ConfigError, ServiceUnavailable, SignInRejected
from globus_sync_directory.model.task import (
    LIVE_STATUSES,
    MOST_EVENTS,
    Event,
    NotATask,
    Pause,
    Skipped,
    Task,
    read_event,
    read_pauses,
    read_skipped,
    read_task,
)
from globus_sync_directory.globus.transport import AT_A_TIME, RateLimiter, make_retry_config, make_transport, reason

IDS_PER_REQUEST = 100
LIST_LIMIT = 1000  # Source: Globus SDK, largest page of task_list
CLOCK_TOLERANCE = timedelta(minutes=5)
_LARGEST_OFFSET = timedelta(days=100 * 365)  # beyond that the Date is nonsense, not this host's clock
_FAILURES_THAT_MEAN_OUTAGE = 3
_APP_NAME = "globus_sync_directory"

log = logging.getLogger(__name__)
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


class RequestRejected(Exception):
    """Globus answered, and the answer is no: ``http_status``, ``code`` and ``message`` of its error document."""

    def __init__(self, http_status: int, code: str, message: str, definite: bool) -> None:
        super().__init__(sanitize(message))
        self.http_status = http_status
        self.code = code
        self.message = message
        self.definite = definite  # no earlier attempt of the same call went without an answer


@dataclass(frozen=True, kw_only=True)
class CollectionInfo:
    """What Globus tells of a collection; ``connected`` is None where it is not a personal one."""

    name: str
    kind: str  # its "entity_type"
    owner: str  # a user's name, or a client's
    connected: bool | None


@dataclass
class _Line:
    """One thread's client, and whether its current call was repeated."""

    client: TransferClient
    repeated: bool = False


class GlobusClient:
    """
    A signed-in connection, safe to use from several threads: one token, one client for each thread.

    Every method raises NoAnswer (no network, outage, nonsense in place of an answer), SignInRefused, or Refused.
    After an outage has shown itself no further request is sent: all that follow raise NoAnswer at once.
    """

    def __init__(
        self, client_id: str, authorizer: ClientCredentialsAuthorizer, meter: RateLimiter, clock_offset: timedelta
    ) -> None:
        self.client_id = client_id
        self.clock_offset = clock_offset
        self._authorizer = authorizer
        self._meter = meter
        self._pool = ThreadPoolExecutor(max_workers=AT_A_TIME)
        self._mine = threading.local()
        self._lines: list[_Line] = []
        self._outage: ServiceUnavailable | None = None
        self._failures = 0
        self._failed_looks = 0

    def __enter__(self) -> GlobusClient:
        return self

    def __exit__(self, *_: object) -> None:
        """Begin no further request; those under way end by themselves, and what they answer is not waited for."""
        self._outage = self._outage or ServiceUnavailable("this run has ended")
        self._pool.shutdown(wait=False, cancel_futures=True)
        for line in self._lines:
            with suppress(OSError):
                line.client.close()
        with suppress(OSError):
            self._authorizer.confidential_client.close()

    def map_as_completed(
        self, question: Callable[[_Item], _Answer], items: Iterable[_Item]
    ) -> Generator[dict[_Item, _Answer | ServiceUnavailable | RequestRejected], None, None]:
        """
        Ask ``question`` of every item, several at a time, and yield the answers as they come, by item.

        NoAnswer and Refused are answers here: one item's trouble is not another's.
        """

        def ask(item: _Item) -> _Answer | ServiceUnavailable | RequestRejected:
            try:
                return question(item)
            except (ServiceUnavailable, RequestRejected) as trouble:
                return trouble

        waiting: dict[Future[_Answer | ServiceUnavailable | RequestRejected], _Item] = {
            self._pool.submit(ask, item): item for item in items
        }
        try:
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                yield {waiting.pop(future): future.result() for future in done}
        finally:
            for future in waiting:  # who stopped listening wants no more of it begun
                future.cancel()

    def map_concurrently(
        self, question: Callable[[_Item], _Answer], items: Collection[_Item]
    ) -> dict[_Item, _Answer | ServiceUnavailable | RequestRejected]:
        """Ask ``question`` of every item, several at a time, and return all answers by item, in their order."""
        answers: dict[_Item, _Answer | ServiceUnavailable | RequestRejected] = {}
        for some in self.map_as_completed(question, items):
            answers |= some
        return {item: answers[item] for item in items}

    @property
    def identity(self) -> str:
        """The name under which collections are shared with this client."""
        return f"{self.client_id}@clients.auth.globus.org"

    def now(self) -> datetime:
        """Return the time on Globus' clock, aware UTC."""
        return host_now() + self.clock_offset

    def live_tasks(self) -> list[Task]:
        """Return all our tasks that have not ended."""
        return self._list({"status": list(LIVE_STATUSES)}, everything=True)

    def tasks_by_id(self, task_ids: Sequence[str]) -> list[Task]:
        """Return those of at most IDS_PER_REQUEST tasks that Globus knows, ended or not."""
        return self._list({"task_id": list(task_ids)}, limit=IDS_PER_REQUEST, skip_nonsense=True)

    def tasks_by_label(self, label: str) -> list[Task]:
        """Return our tasks with exactly this label, ended or not."""
        return [task for task in self._list({"label": f"={label}"}) if task.label == label]

    def recent_tasks(self) -> list[Task]:
        """Return our tasks, ended or not, newest first, at most LIST_LIMIT."""
        return self._list({})

    def task(self, task_id: str) -> Task:
        """Return one task."""
        return self._ask("a task", lambda client: read_task(client.get_task(task_id).data))

    def newest_events(self, task_id: str) -> list[Event]:
        """Return the newest entries of a task's log, newest first, at most MOST_EVENTS."""

        def question(client: TransferClient) -> list[Event]:
            reply = client.task_event_list(task_id, limit=MOST_EVENTS)
            events = [read_event(document) for document in _documents(reply.data)]
            return [event for event in events if event]

        return self._ask("a task's log", question)

    def skipped(self, task_id: str) -> list[Skipped]:
        """Return the first page of the paths a task left out because of errors."""
        return self._ask(
            "the skipped paths",
            lambda client: [read_skipped(doc) for doc in _documents(client.task_skipped_errors(task_id).data)],
        )

    def pauses(self, task: Task) -> list[Pause]:
        """Return why a paused task is paused."""
        return self._ask(
            "the reason of a pause", lambda client: read_pauses(client.task_pause_info(task.task_id).data, task)
        )

    def stat(self, collection: str, path: str) -> str:
        """Return the type (``dir``, ``file``, ...) of what is at ``path``; by a listing where ``stat`` is refused."""

        def question(client: TransferClient) -> str:
            kind = client.operation_stat(collection, path=path).data["type"]
            if not isinstance(kind, str):
                raise TypeError("not a text")
            return kind

        try:
            return self._look(question)
        except RequestRejected as refused:
            if not _is_unsupported(refused):
                raise
        return self.list_one(collection, path)

    def list_one(self, collection: str, path: str) -> str:
        """Return ``dir`` where ``path`` is a directory that this application can read."""
        self._look(lambda client: _documents(client.operation_ls(collection, path=path, limit=1).data))
        return "dir"

    def collection(self, collection: str) -> CollectionInfo:
        """Return what Globus tells of a collection."""

        def question(client: TransferClient) -> CollectionInfo:
            document = client.get_endpoint(collection).data
            connected = document.get("gcp_connected")
            return CollectionInfo(
                name=str(document.get("display_name") or document["id"]),
                kind=str(document.get("entity_type") or ""),
                owner=str(document.get("owner_string") or ""),
                connected=connected if isinstance(connected, bool) else None,
            )

        return self._ask("a collection's description", question)

    def make_directory(self, collection: str, path: str) -> None:
        """Make one directory; the one above it must be there."""
        self._ask("a new directory", lambda client: client.operation_mkdir(collection, path=path).data["code"])

    def remove_directory(self, collection: str, path: str) -> str:
        """Begin to remove a directory that this tool has just made; return the id of the task that does."""

        def question(client: TransferClient) -> str:
            data = DeleteData(collection, recursive=True, notify_on_succeeded=False, notify_on_failed=False)
            data.add_item(path)
            return str(UUID(client.submit_delete(data).data["task_id"]))

        return self._ask("the removal of a directory", question)

    def try_again(self) -> None:
        """Ask again, also after an outage has shown itself."""
        self._outage, self._failures, self._failed_looks = None, 0, 0

    def submission_id(self) -> str:
        """Return a fresh submission id; sending it twice starts one task."""
        return self._ask("a submission id", lambda client: str(UUID(client.get_submission_id().data["value"])))

    def submit(self, document: Mapping[str, Any]) -> tuple[str, bool]:
        """Return the id of the one task that this document's submission id stands for, and whether it is new."""

        def question(client: TransferClient) -> tuple[str, bool]:
            reply = client.submit_transfer(dict(document)).data
            log.debug("submission %s: %s", sanitize(document["submission_id"]), sanitize(reply["code"]))
            return str(UUID(reply["task_id"])), reply["code"] != "Duplicate"

        return self._ask("a submission", question)

    def _list(
        self,
        filters: dict[str, Any],
        limit: int = LIST_LIMIT,
        everything: bool = False,
        skip_nonsense: bool = False,
    ) -> list[Task]:
        """
        Return our tasks that pass ``filters``, newest first.

        ``everything`` reads on to the reply's ``total``, as long as there is news in a page. ``skip_nonsense`` leaves
        out entries that are no tasks, which are else an answer of no use.
        """

        def read(document: Mapping[str, Any]) -> Task | None:
            try:
                return read_task(document)
            except NotATask:
                if skip_nonsense:
                    return None
                raise

        def page(client: TransferClient, offset: int) -> tuple[list[Task], int]:
            order = "request_time DESC"
            data = client.task_list(limit=limit, offset=offset, filter=filters, orderby=order).data
            return [task for document in _documents(data) if (task := read(document))], int(data["total"])

        tasks: dict[str, Task] = {}
        offset = 0
        while True:
            found, total = self._ask("the list of tasks", partial(page, offset=offset))
            news = {task.task_id: task for task in found if task.task_id not in tasks}
            tasks |= news
            offset += len(found)
            if not everything or not news or offset >= total:
                return list(tasks.values())

    def _line(self) -> _Line:
        line: _Line | None = getattr(self._mine, "line", None)
        if line is None:

            def note_repeat() -> None:
                fresh.repeated = True

            fresh = _Line(
                TransferClient(
                    authorizer=self._authorizer,
                    app_name=_APP_NAME,
                    transport=make_transport(self._meter),
                    retry_config=make_retry_config(note_repeat),
                )
            )
            self._mine.line = line = fresh
            self._lines.append(fresh)
        return line

    def _ask(self, what: str, question: Callable[[TransferClient], _Answer], counts: bool = True) -> _Answer:
        """Return the answer; a failure that ``counts`` is one step towards taking the service for down."""
        if self._outage:
            raise self._outage
        line = self._line()
        line.repeated = False
        try:
            answer = question(line.client)
        except AuthAPIError as error:
            raise self._give_up(_sign_in_failure(error)) from None
        except TransferAPIError as error:
            raise self._not_answered(what, error, line.repeated, counts) from None
        except GlobusError as error:
            failure = ServiceUnavailable(f"no answer from Globus Transfer: {reason(error)}")
            raise (self._give_up(failure) if counts else failure) from None
        except (NotATask, KeyError, TypeError, ValueError, AttributeError, RecursionError):
            raise self._failed(f"Globus Transfer sent something else than {what}", counts) from None
        self._failures = 0
        return answer

    def _look(self, question: Callable[[TransferClient], _Answer]) -> _Answer:
        """Return the answer to a question that a start can do without: its failure is nobody else's."""
        what = "a directory's description"
        if self._failed_looks >= _FAILURES_THAT_MEAN_OUTAGE:
            raise ServiceUnavailable("not asked, as other directories could not be looked at either")
        try:
            return self._ask(what, question, counts=False)
        except ServiceUnavailable:
            self._failed_looks += 1
            raise

    def _not_answered(self, what: str, error: TransferAPIError, repeated: bool, counts: bool) -> Exception:
        said = error.raw_json.get("code") if isinstance(error.raw_json, dict) else None
        code = said if isinstance(said, str) else ""
        status = error.http_status
        if status == 401:
            return self._give_up(SignInRejected("Globus Transfer does not accept the token that Globus Auth gave"))
        from_collection = "ExternalError" in code or "EndpointError" in code
        if not code or status in (408, 429) or (status >= 500 and not from_collection):
            return self._failed(f"Globus Transfer answered {status} when asked for {what}", counts)
        self._failures = 0
        return RequestRejected(status, code, error.message or "", definite=status < 500 and not repeated)

    def _failed(self, sentence: str, counts: bool) -> ServiceUnavailable:
        """Return the failure of one call; several in a row mean that the service is down, not one pair's trouble."""
        self._failures += counts
        failure = ServiceUnavailable(sentence)
        if self._failures >= _FAILURES_THAT_MEAN_OUTAGE:
            self._give_up(failure)
        return failure

    def _give_up(self, failure: ServiceUnavailable) -> ServiceUnavailable:
        self._outage = self._outage or failure
        return failure


class _OneToken(ClientCredentialsAuthorizer):
    """The SDK's renewing authorizer, shared by several threads."""

    def __init__(self, client: ConfidentialAppAuthClient, access_token: str, expires_at: int) -> None:
        self._turn = threading.RLock()
        super().__init__(client, TransferScopes.all, access_token=access_token, expires_at=expires_at)

    def get_authorization_header(self) -> str:
        with self._turn:
            return super().get_authorization_header()

    def handle_missing_authorization(self) -> bool:
        with self._turn:
            return super().handle_missing_authorization()


def sign_in(client_id: str, secret: str) -> GlobusClient:
    """
    Return Globus as this application sees it, after one request to Globus Auth.

    Raises SignInRefused, NoAnswer, or ConfigError for a bad GLOBUS_SDK_* setting in the environment.
    """
    meter = RateLimiter()
    try:
        auth = ConfidentialAppAuthClient(
            client_id,
            secret,
            app_name=_APP_NAME,
            transport=make_transport(meter),
            retry_config=make_retry_config(),
        )
        TransferClient(app_name=_APP_NAME, transport=make_transport(meter)).close()
    except ValueError as error:
        raise ConfigError(
            [f"environment: a GLOBUS_SDK_ variable has a value the SDK cannot use: {sanitize(error)}"]
        ) from None
    try:
        reply = auth.oauth2_client_credentials_tokens(TransferScopes.all)
        (token,) = reply.by_resource_server.values()
        authorizer = _OneToken(auth, token["access_token"], token["expires_at_seconds"])
    except AuthAPIError as error:
        raise _sign_in_failure(error) from None
    except GlobusError as error:
        raise ServiceUnavailable(f"no answer from Globus Auth: {reason(error)}") from None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise ServiceUnavailable(
            "Globus Auth sent something else than a token; is there a proxy or a portal in between?"
        ) from None
    offset = _clock_offset(reply.headers.get("Date"))
    if abs(offset) > CLOCK_TOLERANCE:
        ahead = "behind" if offset > timedelta(0) else "ahead of"
        log.warning(
            "this host's clock is %d minutes %s Globus'; times are counted on Globus' clock",
            round(abs(offset) / timedelta(minutes=1)),
            ahead,
        )
    return GlobusClient(client_id, authorizer, meter, offset)


def host_now() -> datetime:
    """Return the time on this host's clock, aware UTC."""
    return datetime.now(UTC)


def _sign_in_failure(error: GlobusAPIError) -> ServiceUnavailable:
    document = error.raw_json if isinstance(error.raw_json, dict) else {}
    if error.http_status in (408, 429) or error.http_status >= 500:
        return ServiceUnavailable(f"Globus Auth answered {error.http_status}")
    if not document:
        return ServiceUnavailable(
            f"something in the place of Globus Auth answered {error.http_status}; is there a proxy in between?"
        )
    said = document.get("error") or error.code or ""
    told = f" ({sanitize(said, 60)})" if isinstance(said, str) and said else ""
    return SignInRejected(
        f"Globus Auth refuses the sign-in{told}: the client id and the secret do not belong together, or the secret "
        "was removed"
    )


def _clock_offset(date: str | None) -> timedelta:
    """Return how far Globus' clock is ahead of this host's; zero where the reply had no usable Date."""
    try:
        difference = parsedate_to_datetime(date or "").astimezone(UTC) - host_now()
    except (ValueError, OverflowError):
        return timedelta(0)
    return difference if timedelta(seconds=2) < abs(difference) < _LARGEST_OFFSET else timedelta(0)


def _documents(data: Any) -> list[Mapping[str, Any]]:
    return [document for document in data["DATA"] if isinstance(document, Mapping)]


def _is_unsupported(refused: RequestRejected) -> bool:
    return refused.http_status in (405, 501) or "NotSupported" in refused.code
