"""Every question that the tool asks Globus."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from globus_sdk import DeleteData, TransferClient

from globus_sync_directory.globus import documents
from globus_sync_directory.globus.caller import Caller
from globus_sync_directory.globus.clock import host_now
from globus_sync_directory.globus.documents import Submitted
from globus_sync_directory.globus.worker_pool import WorkerPool
from globus_sync_directory.model.answer import Answer, Received, Rejected
from globus_sync_directory.model.collection import Collection
from globus_sync_directory.model.pair import Directory
from globus_sync_directory.model.task import Event, Pause, SkippedPath, Task

__all__ = ["IDS_PER_REQUEST", "MOST_EVENTS", "GlobusClient", "Submitted", "host_now"]

IDS_PER_REQUEST = 100
MOST_EVENTS = 1000  # of a task's log that are looked at, the newest. Source: Globus SDK, largest page
_LIST_LIMIT = 1000  # Source: Globus SDK, largest page of task_list
_LIVE_STATUSES = ("ACTIVE", "INACTIVE")

log = logging.getLogger(__name__)
_Item = TypeVar("_Item", bound=Hashable)
_Result = TypeVar("_Result")


class GlobusClient:
    """
    Globus Transfer, signed in; safe to use from several threads.

    No question raises for a request that fails: each returns an ``Answer``. After an outage was noticed no further
    request is sent, and every question returns Unavailable at once.
    """

    def __init__(self, client_id: str, caller: Caller, clock_offset: timedelta) -> None:
        self.clock_offset = clock_offset
        self.identity = f"{client_id}@clients.auth.globus.org"  # collections are shared with this
        self._caller = caller
        self._pool = WorkerPool()

    def __enter__(self) -> GlobusClient:
        return self

    def __exit__(self, *_: object) -> None:
        """Begin no further request; one that is under way ends by itself, and its answer is not waited for."""
        self._caller.close()
        self._pool.close()

    def now(self) -> datetime:
        """Return the time on Globus' clock, aware UTC."""
        return host_now() + self.clock_offset

    def forget_outage(self) -> None:
        """Ask again, also after an outage was noticed."""
        self._caller.forget_outage()

    def map_concurrently(self, question: Callable[[_Item], _Result], items: Iterable[_Item]) -> dict[_Item, _Result]:
        """Ask ``question`` of every item, several at a time, and return all answers, in the order of the items."""
        return self._pool.map_concurrently(question, items)

    def map_as_completed(
        self, question: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Generator[dict[_Item, _Result], None, None]:
        """Ask the same way, and yield the answers as they come; closing the generator cancels what has not begun."""
        return self._pool.map_as_completed(question, items)

    def live_tasks(self) -> Answer[list[Task]]:
        """Return all our tasks that have not ended, newest first."""
        tasks: dict[str, Task] = {}
        offset = 0
        while True:
            page = partial(_page, filters={"status": list(_LIVE_STATUSES)}, offset=offset)
            answer = self._caller.ask("the list of tasks", page)
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

        def question(client: TransferClient) -> list[Task]:
            reply = client.task_list(limit=IDS_PER_REQUEST, filter={"task_id": list(ids)})
            return documents.read_tasks(reply.data, skip_unreadable=True)

        return self._caller.ask("the list of tasks", question)

    def tasks_by_label(self, label: str) -> Answer[list[Task]]:
        """Return our tasks with exactly this label, ended or not, newest first."""

        def question(client: TransferClient) -> list[Task]:
            found, _ = _page(client, filters={"label": f"={label}"})
            return [task for task in found if task.label == label]

        return self._caller.ask("the list of tasks", question)

    def recent_tasks(self) -> Answer[list[Task]]:
        """Return our thousand newest tasks, ended or not, newest first; an unreadable document is left out."""
        return self._caller.ask("the list of tasks", lambda client: _page(client, filters={}, skip_unreadable=True)[0])

    def task(self, task_id: str) -> Answer[Task]:
        """Return one task."""
        return self._caller.ask("a task", lambda client: documents.read_task(client.get_task(task_id).data))

    def newest_events(self, task_id: str) -> Answer[list[Event]]:
        """Return the newest entries of a task's log, newest first, at most MOST_EVENTS."""
        read = documents.read_events
        return self._caller.ask(
            "a task's log", lambda client: read(client.task_event_list(task_id, limit=MOST_EVENTS).data)
        )

    def skipped_paths(self, task_id: str) -> Answer[list[SkippedPath]]:
        """Return the first page of the paths that a task left out because of errors."""
        read = documents.read_skipped_paths
        return self._caller.ask("the skipped paths", lambda client: read(client.task_skipped_errors(task_id).data))

    def pauses(self, task: Task) -> Answer[list[Pause]]:
        """Return why a paused task is paused."""
        read = documents.read_pauses
        return self._caller.ask(
            "the reason of a pause", lambda client: read(client.task_pause_info(task.task_id).data, task)
        )

    def stat(self, directory: Directory) -> Answer[str]:
        """Return the type (``dir``, ``file``, ...) of what is there; by a listing where ``stat`` is not supported."""

        def question(client: TransferClient) -> str:
            reply = client.operation_stat(directory.collection, path=directory.path_with_slash)
            return documents.read_type(reply.data)

        answer = self._caller.look(question)
        if isinstance(answer, Rejected) and _is_unsupported(answer):
            return self.list_one(directory)
        return answer

    def list_one(self, directory: Directory) -> Answer[str]:
        """Return ``dir`` where this is a directory that this application can read."""

        def question(client: TransferClient) -> str:
            reply = client.operation_ls(directory.collection, path=directory.path_with_slash, limit=1)
            documents.read_listing(reply.data)
            return "dir"

        return self._caller.look(question)

    def collection(self, collection_id: str) -> Answer[Collection]:
        """Return what Globus says of a collection."""
        read = documents.read_collection
        return self._caller.ask(
            "a collection", lambda client: read(client.get_endpoint(collection_id).data, collection_id)
        )

    def make_directory(self, collection_id: str, path: str) -> Answer[None]:
        """Make one directory; the one above it must exist."""

        def question(client: TransferClient) -> None:
            documents.read_code(client.operation_mkdir(collection_id, path=path).data)

        return self._caller.ask("a new directory", question)

    def remove_directory(self, collection_id: str, path: str) -> Answer[str]:
        """Begin to remove a directory that this tool has just made; return the id of the task that does it."""

        def question(client: TransferClient) -> str:
            data = DeleteData(collection_id, recursive=True, notify_on_succeeded=False, notify_on_failed=False)
            data.add_item(path)
            return documents.read_submitted(client.submit_delete(data).data).task_id

        return self._caller.ask("the removal of a directory", question)

    def submission_id(self) -> Answer[str]:
        """Return a fresh submission id; however often it is sent, it starts one task."""
        read = documents.read_submission_id
        return self._caller.ask("a submission id", lambda client: read(client.get_submission_id().data))

    def submit(self, document: Mapping[str, Any]) -> Answer[Submitted]:
        """Submit a transfer document, whose submission id makes it safe to do that again."""

        def question(client: TransferClient) -> Submitted:
            reply = client.submit_transfer(dict(document)).data
            log.debug("submission %s: %s", document["submission_id"], documents.read_code(reply))
            return documents.read_submitted(reply)

        return self._caller.ask("a submission", question)


def _page(
    client: TransferClient, *, filters: Mapping[str, Any], offset: int = 0, skip_unreadable: bool = False
) -> tuple[list[Task], int]:
    """Return a page of our tasks that pass ``filters``, newest first, and how many there are on all pages."""
    reply = client.task_list(limit=_LIST_LIMIT, offset=offset, filter=dict(filters), orderby="request_time DESC")
    return documents.read_tasks(reply.data, skip_unreadable=skip_unreadable), documents.read_total(reply.data)


def _is_unsupported(answer: Rejected) -> bool:
    return answer.http_status in (405, 501) or "NotSupported" in answer.code
