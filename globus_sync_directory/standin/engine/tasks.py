"""The records of tasks: submission ids, new tasks, and what their owners may ask for and change."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from .collection import Collection
from .errors import (
    CollectionOffline,
    IdenticalPaths,
    SubmissionIdInUse,
    SubmissionIdRejected,
    TaskEnded,
    TooManyTasks,
    UnknownTask,
)
from .scheduler import Scheduler
from .service import Service
from .submission import Submission
from .task import Task

MAX_PENDING = 100  # Source: docs.globus.org, FAQ, transfer and sharing


class Tasks:
    """All tasks of one service, live or ended."""

    def __init__(self, service: Service, scheduler: Scheduler) -> None:
        self._service = service
        self._clock = service.clock
        self._scheduler = scheduler
        self._changed = scheduler.changed
        self._records: dict[str, Task] = {}
        self._submitted: dict[tuple[str, str], Task] = {}  # by identity and submission id; kept after the record
        self._handed_out: dict[tuple[str, str], datetime] = {}

    def new_submission_id(self, identity: str) -> str:
        """Return a new submission id for ``identity``."""
        with self._changed:
            submission_id = str(uuid.uuid4())
            self._handed_out[identity, submission_id] = self._clock.now()
        return submission_id

    def find_submitted(self, kind: str, submission_id: str, body: Mapping[str, Any], identity: str) -> Task | None:
        """
        Return the task that was submitted with this id, if there is one.

        A caller asks this before anything else: a repeated submission is not rejected for any other reason.
        Raises SubmissionIdInUse if that task is of another kind, and SubmissionIdRejected where the behaviour says that
        the document must be the same.
        """
        with self._changed:
            task = self._submitted.get((identity, submission_id))
            if task is None or self._is_older(task.request_time, self._service.behaviour.submission_id_lifetime):
                return None
            if task.submission.kind != kind:
                raise SubmissionIdInUse(task.submission.kind)
            if self._service.behaviour.changed_body == "refused" and task.submission.body != body:
                raise SubmissionIdRejected(f"Submission ID '{submission_id}' was used for another document")
            return task

    def submit(self, submission: Submission, identity: str) -> tuple[Task, bool]:
        """Return the task of a submission, and whether it is new. Raises ServiceError."""
        with self._changed:
            submission_id = submission.submission_id
            if first := self.find_submitted(submission.kind, submission_id, submission.body, identity):
                return first, False
            self._check_submission_id(submission_id, identity)
            source = self._use_online(submission.source, identity)
            destination = self._use_online(submission.destination, identity) if submission.destination else None
            self._check_limits(submission, identity)
            task = Task(identity, submission, source, destination, self._clock, self._changed)
            self._records[task.id] = self._submitted[identity, submission_id] = task
            self._scheduler.add(task)
            return task, True

    def _is_older(self, moment: datetime | None, span: timedelta | None) -> bool:
        return moment is not None and span is not None and self._clock.now() - moment > span

    def _check_submission_id(self, submission_id: str, identity: str) -> None:
        handed_out = self._handed_out.get((identity, submission_id))
        if handed_out is None and not self._service.behaviour.own_submission_ids:
            raise SubmissionIdRejected(f"Unknown submission_id '{submission_id}'")
        if self._is_older(handed_out, self._service.behaviour.submission_id_lifetime):
            raise SubmissionIdRejected(f"submission_id '{submission_id}' has expired")

    def _use_online(self, collection_id: str, identity: str) -> Collection:
        collection = self._service.use_collection(collection_id, identity)
        if collection.is_personal and not collection.online:
            raise CollectionOffline(collection, "transfer")
        return collection

    def _check_limits(self, new: Submission, identity: str) -> None:
        """Raise IdenticalPaths for a transfer with the paths of a live one, and TooManyTasks."""
        pending = [task for task in self._scheduler.live if task.is_live and task.owner == identity]
        transfers = [task.submission.paths() for task in pending if task.submission.kind == "transfer"]
        is_checked = self._service.behaviour.identical_paths_refused and new.kind == "transfer"
        if is_checked and new.paths() in transfers:
            raise IdenticalPaths
        if len(pending) >= MAX_PENDING:
            raise TooManyTasks(MAX_PENDING)

    def kept(self) -> list[Task]:
        """Return the tasks whose records are kept, in order of submission."""
        with self._changed:
            return [task for task in self._records.values() if self._is_kept(task)]

    def _is_kept(self, task: Task) -> bool:
        return not self._is_older(task.completion_time, self._service.behaviour.records_kept)

    def find(self, task_id: str, identity: str) -> Task:
        """Return a task of ``identity``. Raises UnknownTask."""
        task = self._records.get(task_id)
        if task is None or task.owner != identity or not self._is_kept(task):
            raise UnknownTask(task_id)
        return task

    def listed(self, identity: str) -> list[Task]:
        """Return the tasks that a list shows to ``identity``, newest first."""
        newest = self._clock.now() - self._service.behaviour.task_list_lag
        return [task for task in self.kept()[::-1] if task.owner == identity and task.request_time <= newest]

    def forget(self, task: Task) -> None:
        """Delete the record of a task that has ended; its submission id stays used. Raises ValueError if it is live."""
        with self._changed:
            if task.is_live:
                raise ValueError("the record of a live task cannot be deleted; cancel the task first")
            del self._records[task.id]

    def update(self, task: Task, label: str | None, deadline: datetime | None) -> None:
        """Set the label of a live task, and its deadline unless that is None. Raises TaskEnded."""
        with self._changed:
            if not task.is_live:
                raise TaskEnded
            task.label = label
            if deadline:
                task.submission, task.deadline = replace(task.submission, deadline=deadline), deadline
            self._scheduler.reconsider()

    def cancel_by_admin(self, task: Task, side: str, message: str | None) -> None:
        """Cancel a task as an administrator of its "SOURCE", its "DESTINATION" or "BOTH" does. Raises ValueError."""
        if side not in ("SOURCE", "DESTINATION", "BOTH"):
            raise ValueError(f"an administrator is of SOURCE, DESTINATION or BOTH, not of {side!r}")
        with self._changed:
            if task.is_live:
                task.canceled_by_admin, task.canceled_by_admin_message = side, message
                self.cancel(task)

    def cancel(self, task: Task) -> Literal["Canceled", "CancelAccepted", "TaskComplete"]:
        """Cancel a task for its owner; the result says whether it has ended now, ends soon, or had ended before."""
        with self._changed:
            if not task.is_live:
                return "TaskComplete"
            return "Canceled" if self._scheduler.fail(task, "CANCELED") else "CancelAccepted"

    def fail(self, task: Task, code: str) -> None:
        """End a live task as FAILED with the fatal error ``code``."""
        with self._changed:
            if task.is_live:
                self._scheduler.fail(task, code)
