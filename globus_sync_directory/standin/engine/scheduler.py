"""The scheduler: works on tasks in threads, retries, expires and ends them, and holds them where a test wants it."""

import logging
import sys
import threading
from datetime import timedelta

from .delete import Delete
from .errors import TransferError
from .service import Service
from .task import OWN_DEADLINE, PROGRESS_DEADLINE, Task
from .transfer import Transfer

MAX_WORKERS = 3  # for transfers, and as many for deletes, of one identity. Source: task_behavior
FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(minutes=10)
_STARTED = '{\n  "type": "GridFTP Transfer",\n  "concurrency": 2,\n  "parallelism": 4,\n  "pipelining": 20\n}'

log = logging.getLogger(__name__)


class Scheduler:
    """
    The live tasks and their workers.

    A task changes because a worker did something, the clock moved, or somebody released, paused or cancelled it; never
    because somebody asked about it. Every change happens under ``changed``, which is notified.
    """

    def __init__(self, service: Service) -> None:
        self.changed = threading.Condition()
        self.live: list[Task] = []
        self._service = service
        self._clock = service.clock
        self._hold: tuple[int, int] | None = None  # after how many files or bytes of each task
        self._closed = False
        self._thread = threading.Thread(target=self._watch_clock, name="standin-scheduler", daemon=True)
        self._clock.when_moved(self.advance)

    def start(self) -> None:
        """Begin to watch the clock."""
        self._thread.start()

    def close(self) -> None:
        """Stop all workers, leave no half-written file, and join every thread."""
        with self.changed:
            self._closed = True
            workers = [task.worker for task in self.live if task.worker]
            for task in self.live:
                task.stop = task.stop or "CLOSED"
            self.changed.notify_all()
        for thread in (*workers, self._thread):
            thread.join()

    def add(self, task: Task) -> None:
        """Take on a new task."""
        self.live.append(task)
        self.reconsider()

    def fail(self, task: Task, code: str) -> bool:
        """
        End a live task as FAILED with the fatal error ``code``.

        Returns whether it has ended, which takes a worker that does not stop within five seconds longer.
        """
        with self.changed:
            self._stop(task, code)
            return self.changed.wait_for(lambda: self._closed or not task.is_live, timeout=5)

    def hold(self, after_files: int | None = None, after_bytes: int | None = None) -> None:
        """Let no task finish until ``release``. Each stops at once, or after so many more files or bytes."""
        with self.changed:
            if after_files is None:
                after_files = 0 if after_bytes is None else sys.maxsize
            self._hold = after_files, sys.maxsize if after_bytes is None else after_bytes
            for task in self.live:
                task.finished_while_held, task.bytes_when_held = 0, task.bytes_transferred
            self.changed.notify_all()

    def release(self) -> None:
        """Let the tasks that ``hold`` stopped continue."""
        with self.changed:
            self._hold = None
            self.changed.notify_all()

    def _holds(self, task: Task) -> bool:
        if self._hold is None:
            return False
        files, size = self._hold
        return task.finished_while_held >= files or task.bytes_transferred - task.bytes_when_held >= size

    def wait(self, timeout: float = 10) -> None:
        """Return when every task has ended or waits for something. Raises TimeoutError after so many real seconds."""
        with self.changed:
            if not self.changed.wait_for(self._is_idle, timeout):
                busy = [f"{task.id} ({task.submission.kind})" for task in self.live if task.worker]
                raise TimeoutError(f"still working after {timeout} s: {', '.join(busy)}")

    def _is_idle(self) -> bool:
        self.advance()
        return all(
            task.worker is None or (task.parked and task.stop is None and self._holds(task)) for task in self.live
        )

    def _watch_clock(self) -> None:
        with self.changed:
            while not self._closed:
                self.advance()
                self.changed.wait(self._seconds_to_next())

    def _seconds_to_next(self) -> float | None:
        waiting = [task for task in self.live if task.stop is None]
        moments = [moment for task in waiting for moment in (task.retry_at, task.deadline) if moment is not None]
        spans = [span for moment in moments if (span := self._clock.seconds_until(moment)) is not None]
        return min([*spans, threading.TIMEOUT_MAX]) if spans else None

    def reconsider(self) -> None:
        """Do everything that is due, and let the clock's watcher see that something else may be due next."""
        with self.changed:
            self.advance()
            self.changed.notify_all()

    def advance(self) -> None:
        """Do everything that is due: expire tasks, put them back into the queue, start workers."""
        with self.changed:
            if self._closed:
                return
            self.live = [task for task in self.live if task.is_live]
            for task in list(self.live):
                self._advance_task(task)

    def _advance_task(self, task: Task) -> None:
        now = self._clock.now()
        task.update_pause()
        if task.is_queued and not (task.error and now - task.error.time < OWN_DEADLINE):
            task.extend_deadline(OWN_DEADLINE)
        if now >= task.deadline:
            self._stop(task, "EXPIRED")
        elif task.retry_at is not None and now >= task.retry_at:
            task.retry_at = None
        if task.is_queued and self._has_worker_for(task):
            task.worker = threading.Thread(target=self._work, args=(task,), name="standin-task", daemon=True)
            task.worker.start()

    def _has_worker_for(self, task: Task) -> bool:
        busy = [(other.owner, other.submission.kind) for other in self.live if other.worker]
        return busy.count((task.owner, task.submission.kind)) < MAX_WORKERS

    def _stop(self, task: Task, reason: str) -> None:
        """End a live task for ``reason``: at once, or as soon as its worker comes to a checkpoint."""
        if task.worker is None:
            self._end(task, reason)
        elif task.stop in (None, "YIELD"):
            task.stop = reason
            self.changed.notify_all()

    def _end(self, task: Task, reason: str) -> None:
        who = "an administrator" if task.canceled_by_admin else "the task owner"
        task.add_event(reason, f"Canceled by {who}" if reason == "CANCELED" else "", is_error=True)
        has_error = reason != "CANCELED" or self._service.behaviour.cancel_error == "canceled"
        task.end("FAILED", reason if has_error else None)

    def _work(self, task: Task) -> None:
        """Make one attempt at a task, in its own thread."""
        with self.changed:
            if not any(event.code == "STARTED" for event in task.events):
                task.add_event("STARTED", _STARTED)
            task.progress_reported = self._clock.now()
        done, size = len(task.done), task.bytes_transferred
        complete, error = False, None
        try:
            complete = self._attempt(task)
        except _Stopped:
            pass
        except TransferError as caught:
            error = caught
        except Exception:
            log.exception("task %s: a bug in the stand-in", task.id)
            task.stop = "INTERNAL_ERROR"
        with self.changed:
            if (done, size) != (len(task.done), task.bytes_transferred):
                task.add_progress()
            if len(task.done) != done and not complete:
                task.failures = 0
                task.extend_deadline(PROGRESS_DEADLINE)
            self._after_attempt(task, complete, error)
            self.advance()
            self.changed.notify_all()

    def _after_attempt(self, task: Task, complete: bool, error: TransferError | None) -> None:
        task.worker, reason, task.stop = None, task.stop, None
        if error:
            task.add_fault(error)
        if reason not in (None, "YIELD", "CLOSED"):
            self._end(task, reason)
        elif complete:
            if task.skips:
                task.add_event("SKIPPED_ERRORS", f"{len(task.skips)} paths were skipped because of errors")
            task.add_event("SUCCEEDED")
            task.end("SUCCEEDED")
        elif error and error.permanent:
            task.end("FAILED", error.code)
        elif not reason:
            # The exponent is limited only to keep the number small.
            pause = min(FIRST_RETRY * 2 ** min(task.failures, 16), LONGEST_RETRY)
            task.failures += 1
            task.retry_at = self._clock.now() + pause

    def _attempt(self, task: Task) -> bool:
        """Return whether everything is done. Raises TransferError or _Stopped."""

        def checkpoint() -> None:
            with self.changed:
                while task.stop is None and self._holds(task):
                    task.parked = True
                    self.changed.notify_all()
                    self.changed.wait()
                task.parked = False
                if task.stop is not None:
                    raise _Stopped

        if task.destination_collection is None:
            complete = Delete(task, checkpoint).run()
        else:
            is_fatal = self._service.behaviour.missing_source == "fatal"
            complete = Transfer(task, task.destination_collection, checkpoint, missing_is_fatal=is_fatal).run()
        checkpoint()  # a held task does not end
        return complete


class _Stopped(Exception):
    """The worker must stop, for the reason in ``Task.stop``."""
