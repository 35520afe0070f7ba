"""Every question that the tool asks Globus."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias, TypeVar

from globus_sdk import DeleteData, GlobusHTTPResponse, TransferClient

from globus_sync_directory.globus import documents
from globus_sync_directory.globus.caller import Caller
from globus_sync_directory.globus.clock import GlobusClock
from globus_sync_directory.globus.documents import Submitted, read, read_list, read_page
from globus_sync_directory.model.answer import Answer, Received, Rejected
from globus_sync_directory.model.collection import Collection
from globus_sync_directory.model.pair import Directory
from globus_sync_directory.model.task import MOST_EVENTS, Event, Pause, SkippedPath, Task
from globus_sync_directory.text import shorten

__all__ = ["IDS_PER_REQUEST", "LIST_LIMIT", "GlobusClient", "Submitted"]

IDS_PER_REQUEST = 100
LIST_LIMIT = 1000  # Source: Globus SDK, largest page of task_list

log = logging.getLogger(__name__)
_Item = TypeVar("_Item", bound=Hashable)
_Result = TypeVar("_Result")
_Filters: TypeAlias = dict[str, str | list[str]]


class GlobusClient:
    """
    Globus Transfer, signed in; safe to use from several threads.

    No question raises for a request that fails: each returns an ``Answer``. After an outage was noticed no further
    request is sent, and every question returns Unavailable at once.
    """

    def __init__(self, client_id: str, caller: Caller, clock: GlobusClock) -> None:
        self.clock = clock
        self.identity = f"{client_id}@clients.auth.globus.org"  # collections are shared with this
        self._caller = caller
        self._ask, self._ask_single = caller.ask, caller.ask_single
        self._look, self._ask_detail = caller.look, caller.ask_detail
        self._threads = caller.threads

    def __enter__(self) -> GlobusClient:
        return self

    def __exit__(self, *_: object) -> None:
        """Begin no further request; one that is under way ends by itself, and its answer is not waited for."""
        self._caller.close()
        self._threads.stop()

    def now(self) -> datetime:
        """Return the time on Globus' clock, if that can be believed; aware UTC."""
        return self.clock.now()

    def forget_outage(self) -> None:
        """Ask again, also after an outage was noticed."""
        self._caller.forget_outage()

    def map_as_completed(
        self, question: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Generator[dict[_Item, _Result], None, None]:
        """Yield the answers as they come, by item; closing the generator cancels what has not begun."""
        return self._threads.map_as_completed(question, items)

    def map_concurrently(self, question: Callable[[_Item], _Result], items: Iterable[_Item]) -> dict[_Item, _Result]:
        """Ask ``question`` of every item, several at a time, and return all answers, in the order of the items."""
        in_order = list(items)
        answers: dict[_Item, _Result] = {}
        for some in self.map_as_completed(question, in_order):
            answers |= some
        return {item: answers[item] for item in in_order}

    def live_tasks(self) -> Answer[list[Task]]:
        """Return all our tasks that have not ended, newest first."""
        tasks: dict[str, Task] = {}
        offset = 0
        while True:
            send = partial(_list_tasks, filters={"status": ["ACTIVE", "INACTIVE"]}, offset=offset)
            answer = self._ask("the list of tasks", send, read_page)
            if not isinstance(answer, Received):
                return answer
            found, total = answer.value
            known = len(tasks)
            tasks |= {task.task_id: task for task in found}
            offset += len(found)
            if offset >= total or len(tasks) == known:  # the second ends a list that says it has no end
                return Received(list(tasks.values()))

    def tasks_by_id(self, ids: Sequence[str]) -> Answer[list[Task]]:
        """Return those of at most IDS_PER_REQUEST tasks that Globus knows; an unreadable document is left out."""
        send = partial(_list_tasks, filters={"task_id": list(ids)}, limit=IDS_PER_REQUEST)
        return self._ask("the list of tasks", send, partial(read_list, Task, skip_unreadable=True))

    def tasks_by_label(self, label: str) -> Answer[list[Task]]:
        """Return our tasks with exactly this label, ended or not, newest first."""

        def read_exact(document: object) -> list[Task]:
            return [task for task in read_list(Task, document) if task.label == label]

        return self._ask_single("the list of tasks", partial(_list_tasks, filters={"label": f"={label}"}), read_exact)

    def recent_tasks(self) -> Answer[list[Task]]:
        """Return our thousand newest tasks, ended or not, newest first; an unreadable document is left out."""
        return self._ask("the list of tasks", _list_tasks, partial(read_list, Task, skip_unreadable=True))

    def task(self, task_id: str) -> Answer[Task]:
        """Return one task."""
        return self._ask_single("a task", lambda globus: globus.get_task(task_id), partial(read, Task))

    def newest_events(self, task_id: str) -> Answer[list[Event]]:
        """Return the newest entries of a task's log that have a time, newest first, at most MOST_EVENTS."""
        read_log = partial(read_list, Event, skip_unreadable=True)
        return self._ask_detail(
            "a task's log", lambda globus: globus.task_event_list(task_id, limit=MOST_EVENTS), read_log
        )

    def skipped_paths(self, task_id: str) -> Answer[list[SkippedPath]]:
        """Return the first page of the paths that a task left out because of errors."""
        read_paths = partial(read_list, SkippedPath)
        return self._ask_detail("the skipped paths", lambda globus: globus.task_skipped_errors(task_id), read_paths)

    def pauses(self, task: Task) -> Answer[list[Pause]]:
        """Return why a paused task is paused."""
        read_all = partial(documents.read_pauses, task=task)
        return self._ask_detail("the reason of a pause", lambda globus: globus.task_pause_info(task.task_id), read_all)

    def stat(self, directory: Directory) -> Answer[str]:
        """Return the type (``dir``, ``file``, ...) of what is there; by a listing where ``stat`` is not supported."""
        collection, path = directory.collection, directory.path_with_slash
        read_type = documents.read_type
        answer = self._look(collection, lambda globus: globus.operation_stat(collection, path=path), read_type)
        if isinstance(answer, Rejected) and (answer.http_status in (405, 501) or "NotSupported" in answer.code):
            return self.list_one(directory)
        return answer

    def list_one(self, directory: Directory) -> Answer[str]:
        """Return ``dir`` where this is a directory that this application can read."""
        collection, path = directory.collection, directory.path_with_slash
        read_listing = documents.read_listing
        return self._look(collection, lambda globus: globus.operation_ls(collection, path=path, limit=1), read_listing)

    def collection(self, collection_id: str) -> Answer[Collection]:
        """Return what Globus says of a collection; one without a name is named by its id."""
        read_named = partial(read, Collection, name=collection_id)
        return self._ask_single("a collection", lambda globus: globus.get_endpoint(collection_id), read_named)

    def make_directory(self, collection_id: str, path: str) -> Answer[str]:
        """Make one directory, and return what Globus calls that; the directory above it must exist."""

        def send(globus: TransferClient) -> GlobusHTTPResponse:
            return globus.operation_mkdir(collection_id, path=path)

        return self._ask_single("a new directory", send, documents.read_code, data_on={collection_id})

    def remove_directory(self, collection_id: str, path: str) -> Answer[str]:
        """Begin to remove a directory that this tool has just made; return the id of the task that does it."""
        data = DeleteData(collection_id, recursive=True, notify_on_succeeded=False, notify_on_failed=False)
        data.add_item(path)

        def send(globus: TransferClient) -> GlobusHTTPResponse:
            return globus.submit_delete(data)

        return self._ask_single("the removal of a directory", send, documents.read_task_id, data_on={collection_id})

    def submission_id(self) -> Answer[str]:
        """Return a fresh submission id; however often it is sent, it starts one task."""
        return self._ask("a submission id", lambda globus: globus.get_submission_id(), documents.read_submission_id)

    def submit(self, document: Mapping[str, Any]) -> Answer[Submitted]:
        """Submit a transfer document, whose submission id makes it safe to do that again."""

        def send(globus: TransferClient) -> GlobusHTTPResponse:
            return globus.submit_transfer(dict(document))

        ends = {str(document.get(f"{side}_endpoint")) for side in ("source", "destination")}
        answer = self._ask_single("a submission", send, documents.read_submitted, data_on=ends)
        log.debug("submission %s: %s", document["submission_id"], shorten(str(answer)))
        return answer


def _list_tasks(
    globus: TransferClient, filters: _Filters | None = None, *, limit: int = LIST_LIMIT, offset: int = 0
) -> GlobusHTTPResponse:
    """Ask for a page of our tasks that pass ``filters``, newest first."""
    return globus.task_list(limit=limit, offset=offset, filter=filters or {}, orderby="request_time DESC")
