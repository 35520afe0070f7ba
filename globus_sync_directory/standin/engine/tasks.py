"""The task engine: takes submissions, works on them in threads, retries, expires and ends them; no HTTP in here."""

import logging
import sys
import threading
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..api.documents import ApiError, bad_request
from .collection import Collection
from .copying import Delete, Transfer
from .service import Service, disconnected
from .submission import read_deadline, read_document, read_label, read_submission
from .task import OWN_DEADLINE, Task, TransferError

MAX_ACTIVE = 3  # transfers, and as many deletes, of one identity at a time. Source: task_behavior
MAX_PENDING = 100  # Source: docs.globus.org, FAQ, transfer and sharing
FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(minutes=10)

_STARTED = '{\n  "type": "GridFTP Transfer",\n  "concurrency": 2,\n  "parallelism": 4,\n  "pipelining": 20\n}'

log = logging.getLogger(__name__)


class Engine:
    """
    All tasks of one stand-in.

    A task moves because work was done, the clock was moved or somebody released, paused or cancelled it, never because
    it was looked at. Everything that changes happens under ``changed``, which is told of it.
    """

    def __init__(self, site: Service) -> None:
        self.site = site
        self.clock = site.clock
        self.changed = threading.Condition()
        self._tasks: dict[str, Task] = {}
        self._live: list[Task] = []
        self._used: dict[tuple[str, str], Task] = {}  # by identity and submission id; outlives the record
        self._handed_out: dict[tuple[str, str], datetime] = {}
        self._hold: tuple[int, int] | None = None  # after so many files or bytes of each task
        self._closed = False
        self._scheduler = threading.Thread(target=self._schedule, name="standin-scheduler", daemon=True)
        site.clock.when_moved(self.advance)

    def start(self) -> None:
        """Begin to watch the clock."""
        self._scheduler.start()

    def close(self) -> None:
        """Stop all work where it is, leave no half-written file, and join every thread."""
        with self.changed:
            self._closed = True
            workers = [task.worker for task in self._live if task.worker]
            for task in self._live:
                task.stop = task.stop or "CLOSED"
            self.changed.notify_all()
        for thread in (*workers, self._scheduler):
            thread.join()

    def new_submission_id(self, identity: str) -> str:
        """Return a fresh submission id for ``identity``."""
        with self.changed:
            submission_id = str(uuid.uuid4())
            self._handed_out[identity, submission_id] = self.clock.now()
        return submission_id

    def submit(self, kind: str, body: dict[str, Any], identity: str) -> tuple[str, Task]:
        """
        Return ("Accepted", new task) or ("Duplicate", first task) for a "transfer" or "delete" document.

        The submission id comes first of all rules, or a repeated submission would be refused. Raises ApiError.
        """
        with self.changed:
            known = self._used.get((identity, str(body.get("submission_id")).lower()))
            if known and not self._is_past(known.request_time, self.site.behaviour.submission_id_lifetime):
                if self.site.behaviour.changed_body == "refused" and known.submission.body != body:
                    raise bad_request(f"Submission ID '{known.submission.submission_id}' was used for another document")
                return "Duplicate", known
            submission = read_submission(body, kind, self.clock.now(), self.site.behaviour.label_limit)
            self._check_submission_id(submission.submission_id, identity)
            source = self._usable(submission.source, identity)
            destination = self._usable(submission.destination, identity) if submission.destination else None
            task = Task(identity, submission, source, destination, self.clock, self.changed)
            self._check_conflicts(task)
            self._tasks[task.id] = self._used[identity, submission.submission_id] = task
            self._live.append(task)
            self.advance()
            return "Accepted", task

    def _is_past(self, since: datetime | None, span: timedelta | None) -> bool:
        return since is not None and span is not None and self.clock.now() - since > span

    def _check_submission_id(self, submission_id: str, identity: str) -> None:
        since = self._handed_out.get((identity, submission_id))
        if since is None and not self.site.behaviour.own_submission_ids:
            raise bad_request(f"Unknown submission_id '{submission_id}'")
        if self._is_past(since, self.site.behaviour.submission_id_lifetime):
            raise bad_request(f"submission_id '{submission_id}' has expired")

    def _usable(self, collection_id: str, identity: str) -> Collection:
        collection = self.site.use(collection_id, identity)
        if collection.is_personal and not collection.online:
            raise disconnected(collection)
        return collection

    def _check_conflicts(self, new: Task) -> None:
        """Raise ApiError for a transfer with the paths of a live one, and for one pending task too many."""
        pending = [task for task in self._live if task.is_live and task.owner == new.owner]
        transfers = [task.submission.paths() for task in pending if task.submission.kind == "transfer"]
        refused = self.site.behaviour.identical_paths_refused and new.submission.kind == "transfer"
        if refused and new.submission.paths() in transfers:
            message = "A transfer with identical paths has not yet completed"
            raise ApiError(409, self.site.behaviour.identical_paths_code, message)
        if len(pending) >= MAX_PENDING:
            message = f"You have too many pending tasks; the limit is {MAX_PENDING}"
            raise ApiError(409, "ClientError.Conflict.TooManyPendingJobs", message)

    def tasks(self) -> list[Task]:
        """Return the tasks that there are records of, in order of submission."""
        with self.changed:
            kept = self.site.behaviour.records_kept
            return [task for task in self._tasks.values() if not self._is_past(task.completion_time, kept)]

    def task(self, task_id: str, identity: str) -> Task:
        """Return one task, which must be ``identity``'s own; raises ApiError 404 (or 403)."""
        task = self._tasks.get(task_id)
        if task and task.owner == identity and not self._is_past(task.completion_time, self.site.behaviour.records_kept):
            return task
        if self.site.behaviour.unknown_task == 403:
            raise ApiError(403, "PermissionDenied", f"You do not have permission on task '{task_id}'")
        raise ApiError(404, "ClientError.NotFound", f"Task ID '{task_id}' not found")

    def listed(self, identity: str) -> list[Task]:
        """Return the tasks that a list shows to ``identity``, newest first."""
        since = self.clock.now() - self.site.behaviour.task_list_lag
        return [task for task in self.tasks()[::-1] if task.owner == identity and task.request_time <= since]

    def forget(self, task: Task) -> None:
        """Delete the record of a task that has ended; its submission id stays used."""
        with self.changed:
            if task.is_live:
                raise ValueError("a live task is not forgotten; cancel it first")
            del self._tasks[task.id]

    def update(self, task: Task, body: dict[str, Any]) -> None:
        """Change the label or the deadline of a live task; raises ApiError."""
        fields = read_document(body, "task")
        with self.changed:
            if not task.is_live:
                raise ApiError(409, "ClientError.Conflict", "The task has completed and cannot be changed")
            label = read_label(fields, self.site.behaviour.label_limit)
            deadline = read_deadline(fields, self.clock.now())
            task.label = label if "label" in body else task.label
            if deadline:
                task.submission, task.deadline = replace(task.submission, deadline=deadline), deadline
            self.advance()

    def cancel(self, task: Task) -> str:
        """Cancel a task as its owner and return the result code: Canceled, CancelAccepted or TaskComplete."""
        return self.fail(task, "CANCELED")

    def fail(self, task: Task, code: str) -> str:
        """End a live task as FAILED with the fatal error ``code``; return as ``cancel`` does."""
        with self.changed:
            if not task.is_live:
                return "TaskComplete"
            self._stop(task, code)
            ended = self.changed.wait_for(lambda: self._closed or not task.is_live, timeout=5)
            return "Canceled" if ended else "CancelAccepted"

    def hold(self, after_files: int | None = None, after_bytes: int | None = None) -> None:
        """Let no task finish its work until ``release``; each stops at once, or after so many more files or bytes."""
        with self.changed:
            if after_files is None:
                after_files = 0 if after_bytes is None else sys.maxsize
            self._hold = after_files, sys.maxsize if after_bytes is None else after_bytes
            for task in self._live:
                task.finished_while_held, task.bytes_when_held = 0, task.bytes_transferred

    def release(self) -> None:
        """Let the tasks that ``hold`` stopped go on."""
        with self.changed:
            self._hold = None
            self.changed.notify_all()

    def holds(self, task: Task) -> bool:
        """Whether a task is to do nothing more for now."""
        if self._hold is None:
            return False
        files, size = self._hold
        return task.finished_while_held >= files or task.bytes_transferred - task.bytes_when_held >= size

    def wait(self, timeout: float = 10) -> None:
        """Return when every task has ended or waits for something; raises TimeoutError after so many real seconds."""
        with self.changed:
            if not self.changed.wait_for(self._is_still, timeout):
                busy = [f"{task.id} ({task.submission.kind})" for task in self._live if task.worker]
                raise TimeoutError(f"still at work after {timeout} s: {', '.join(busy)}")

    def _is_still(self) -> bool:
        self.advance()
        return all(
            task.worker is None or (task.parked and task.stop is None and self.holds(task)) for task in self._live
        )

    def _schedule(self) -> None:
        with self.changed:
            while not self._closed:
                self.advance()
                self.changed.wait(self._next_due())

    def _next_due(self) -> float | None:
        waiting = [task for task in self._live if task.stop is None]
        moments = [moment for task in waiting for moment in (task.retry_at, task.deadline) if moment is not None]
        spans = [span for moment in moments if (span := self.clock.seconds_until(moment)) is not None]
        return min([*spans, threading.TIMEOUT_MAX]) if spans else None

    def advance(self) -> None:
        """Do all that is due: expire, put back into the queue, start."""
        with self.changed:
            if self._closed:
                return
            now = self.clock.now()
            self._live = [task for task in self._live if task.is_live]
            for task in list(self._live):
                task.settle_pause()
                if task.is_queued and not (task.error and now - task.error.time < OWN_DEADLINE):
                    task.extend_deadline(OWN_DEADLINE)
                if now >= task.deadline:
                    self._stop(task, "EXPIRED")
                elif task.retry_at is not None and now >= task.retry_at:
                    task.retry_at = None
                if task.is_queued and self._has_place(task):
                    task.worker = threading.Thread(target=self._work, args=(task,), name="standin-task", daemon=True)
                    task.worker.start()

    def _has_place(self, task: Task) -> bool:
        busy = [(peer.owner, peer.submission.kind) for peer in self._live if peer.worker]
        return busy.count((task.owner, task.submission.kind)) < MAX_ACTIVE

    def _stop(self, task: Task, reason: str) -> None:
        """End a task for ``reason``: at once, or as soon as its worker comes past the gate."""
        if task.worker is None:
            self._end(task, reason)
        elif task.stop in (None, "YIELD"):
            task.stop = reason
            self.changed.notify_all()

    def _end(self, task: Task, reason: str) -> None:
        task.add_event(reason, "Canceled by the task owner" if reason == "CANCELED" else "", is_error=True)
        task.end("FAILED", reason if reason != "CANCELED" or self.site.behaviour.cancel_error == "canceled" else "")

    def _work(self, task: Task) -> None:
        """Make one attempt at a task, in its own thread."""
        with self.changed:
            if not any(event.code == "STARTED" for event in task.events):
                task.add_event("STARTED", _STARTED)
            task.progress_told = self.clock.now()
        before = len(task.done), task.bytes_transferred
        finished, trouble = False, None
        try:
            finished = self._attempt(task)
        except _Stopped:
            pass
        except TransferError as error:
            trouble = error
        except Exception:
            log.exception("task %s: a bug in the stand-in", task.id)
            task.stop = "INTERNAL_ERROR"
        with self.changed:
            task.worker, reason, task.stop = None, task.stop, None
            moved = before != (len(task.done), task.bytes_transferred)
            if moved:
                task.add_progress()
            if trouble:
                task.add_fault(trouble)
            if reason not in (None, "YIELD", "CLOSED"):
                self._end(task, reason)
            elif finished:
                if task.skips:
                    task.add_event("SKIPPED_ERRORS", f"{len(task.skips)} paths were skipped because of errors")
                task.add_event("SUCCEEDED")
                task.end("SUCCEEDED")
            elif trouble and trouble.hopeless:
                task.end("FAILED", trouble.code)
            elif not reason:
                task.failures = 1 if before[0] != len(task.done) else task.failures + 1
                # the exponent is bounded only to keep the arithmetic small
                pause = min(FIRST_RETRY * 2 ** min(task.failures - 1, 16), LONGEST_RETRY)
                task.retry_at = self.clock.now() + pause
            self.advance()
            self.changed.notify_all()

    def _attempt(self, task: Task) -> bool:
        """Return whether everything is done; raises TransferError or _Stopped."""

        def checkpoint() -> None:
            with self.changed:
                while task.stop is None and self.holds(task):
                    task.parked = True
                    self.changed.notify_all()
                    self.changed.wait()
                task.parked = False
                if task.stop is not None:
                    raise _Stopped

        fatal = self.site.behaviour.missing_source == "fatal"
        there = task.destination_collection
        work = Transfer(task, there, checkpoint, missing_is_fatal=fatal) if there else Delete(task, checkpoint)
        complete = work.run()
        checkpoint()  # a held task does not end
        return complete


class _Stopped(Exception):
    """The worker is to stop, for the reason in ``Task.stop``."""
