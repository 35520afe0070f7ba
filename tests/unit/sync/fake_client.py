"""A client that answers from tables, in place of one that has signed in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from globus_sync_directory.globus.client import GlobusClient, Submitted
from globus_sync_directory.model.answer import Answer, Received, Rejected
from globus_sync_directory.model.collection import Collection
from globus_sync_directory.model.pair import Directory, name_in
from globus_sync_directory.model.task import Event, Pause, SkippedPath, Task

from .samples import NOW, new_id

_Item = TypeVar("_Item", bound=Hashable)
_Result = TypeVar("_Result")

NO_SUCH_TASK = Rejected(http_status=404, code="ClientError.NotFound", message="no such task")
FIRST_SUBMISSION, FIRST_TASK = 100, 200  # what the numbers of submission ids, and of new tasks, begin with


class FakeClient(GlobusClient):
    """
    Asks one question after the other, in order; what has no answer here is a failure of the test.

    ``asked`` is what was asked so far, such as "submit microscope".
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.submission_ids: Iterator[Answer[str]] = (
            Received(new_id(number)) for number in itertools.count(FIRST_SUBMISSION)
        )
        self.replies: dict[str, Answer[Submitted]] = {}  # by pair; a new task where there is none
        self.on_submit: Callable[[Mapping[str, Any]], None] = lambda document: None
        self.live: Answer[list[Task]] | None = None
        self.recent: Answer[list[Task]] | None = None
        self.labelled: dict[str, Answer[list[Task]]] = {}  # by pair
        self.listed: Answer[list[Task]] | None = None  # None: those of ``tasks``
        self.tasks: dict[str, Answer[Task]] = {}  # by id
        self.ends: dict[Directory, Answer[str]] = {}
        self.collections: dict[str, Answer[Collection]] = {}  # by id
        self.events: dict[str, Answer[list[Event]]] = {}  # by task
        self.skipped: dict[str, Answer[list[SkippedPath]]] = {}  # by task
        self.paused: dict[str, Answer[list[Pause]]] = {}  # by task
        self._new_tasks = itertools.count(FIRST_TASK)

    def now(self) -> datetime:
        return NOW

    def map_concurrently(self, question: Callable[[_Item], _Result], items: Iterable[_Item]) -> dict[_Item, _Result]:
        return {item: question(item) for item in items}

    def map_as_completed(
        self, question: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Generator[dict[_Item, _Result], None, None]:
        yield from ({item: question(item)} for item in items)

    def forget_outage(self) -> None:
        self.asked.append("forget outage")

    def submission_id(self) -> Answer[str]:
        self.asked.append("submission id")
        return next(self.submission_ids)

    def submit(self, document: Mapping[str, Any]) -> Answer[Submitted]:
        name = name_in(document["label"])
        self.asked.append(f"submit {name}")
        self.on_submit(document)
        return self.replies.get(name) or Received(Submitted(task_id=new_id(next(self._new_tasks)), is_new=True))

    def live_tasks(self) -> Answer[list[Task]]:
        self.asked.append("live tasks")
        assert self.live is not None
        return self.live

    def recent_tasks(self) -> Answer[list[Task]]:
        self.asked.append("recent tasks")
        assert self.recent is not None
        return self.recent

    def tasks_by_label(self, label: str) -> Answer[list[Task]]:
        self.asked.append(f"label of {name_in(label)}")
        return self.labelled[name_in(label)]

    def tasks_by_id(self, ids: Sequence[str]) -> Answer[list[Task]]:
        self.asked.append(f"{len(ids)} tasks")
        found = [answer.value for key in ids if isinstance(answer := self.tasks.get(key), Received)]
        return self.listed or Received(found)

    def task(self, task_id: str) -> Answer[Task]:
        self.asked.append(f"task {int(task_id[:8])}")
        return self.tasks.get(task_id, NO_SUCH_TASK)

    def stat(self, directory: Directory) -> Answer[str]:
        self.asked.append(f"stat {directory.path}")
        return self.ends[directory]

    def list_one(self, directory: Directory) -> Answer[str]:
        self.asked.append(f"list {directory.path}")
        return self.ends[directory]

    def collection(self, collection_id: str) -> Answer[Collection]:
        self.asked.append(f"collection {collection_id}")
        return self.collections[collection_id]

    def newest_events(self, task_id: str) -> Answer[list[Event]]:
        return self._explain("events", task_id, self.events)

    def skipped_paths(self, task_id: str) -> Answer[list[SkippedPath]]:
        return self._explain("skipped", task_id, self.skipped)

    def pauses(self, task: Task) -> Answer[list[Pause]]:
        return self._explain("pauses", task.task_id, self.paused)

    def _explain(self, what: str, task_id: str, answers: Mapping[str, Answer[list[_Result]]]) -> Answer[list[_Result]]:
        self.asked.append(f"{what} {int(task_id[:8])}")
        return answers[task_id]
