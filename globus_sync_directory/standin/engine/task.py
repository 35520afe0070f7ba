"""One task: what was submitted, how far it is, and what happened to it."""

import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from ..clock import Clock
from ..storage import Parts
from .collection import Collection, PauseRule
from .errors import TransferError
from .submission import Submission

QUEUED_ERROR_SHOWN = timedelta(minutes=15)  # Source: task_behavior
OWN_DEADLINE = timedelta(hours=24)  # the service's own, if the submission gives none; likewise the next two
PROGRESS_DEADLINE = timedelta(hours=72)
PAUSED_DEADLINE = timedelta(days=90)
PROGRESS_INTERVAL = timedelta(minutes=1)
HISTORY_KEPT = timedelta(days=30)

Key = tuple[int, Parts]  # the number of an item, and a path below it


class Success(NamedTuple):
    """A file that was copied."""

    source_path: Parts
    destination_path: Parts
    size: int
    checksum: str | None
    checksum_algorithm: str | None


class Skip(NamedTuple):
    """A source path that was left out because of an error."""

    source_path: Parts
    destination_path: Parts
    error: TransferError
    time: datetime
    is_directory: bool


class Progress(NamedTuple):
    """How much of a task is done at some moment."""

    bytes_transferred: int
    seconds: int
    bytes_per_second: int


@dataclass(frozen=True)
class Event:
    """An entry of a task's log."""

    code: str
    is_error: bool
    details: str | TransferError | Progress
    time: datetime


@dataclass(eq=False)
class Task:
    """A task. The scheduler and its workers change it, and so may a test: ``pause``, ``suspend`` and so on."""

    owner: str
    submission: Submission
    source_collection: Collection
    destination_collection: Collection | None
    clock: Clock = field(repr=False)
    changed: threading.Condition = field(repr=False)  # the lock of all tasks
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "ACTIVE"
    label: str | None = field(init=False)
    request_time: datetime = field(init=False)
    deadline: datetime = field(init=False)
    completion_time: datetime | None = None
    fatal_error: str | None = None  # an event code
    faults: int = 0
    error: Event | None = None  # the newest error, until an attempt makes progress
    canceled_by_admin: str | None = None  # SOURCE, DESTINATION or BOTH
    canceled_by_admin_message: str | None = None
    is_paused: bool = False
    pause_message: str | None = None
    events: list[Event] = field(default_factory=list, repr=False)

    # What is done so far, in all attempts
    files: int = 0
    directories: int = 0
    files_transferred: int = 0
    files_skipped: int = 0
    bytes_transferred: int = 0
    bytes_checksummed: int = 0
    seen: set[Key] = field(default_factory=set, repr=False)
    done: set[Key] = field(default_factory=set, repr=False)
    successes: list[Success] = field(default_factory=list, repr=False)
    skips: list[Skip] = field(default_factory=list, repr=False)
    skipped: set[Key] = field(default_factory=set, repr=False)

    # The worker's state
    worker: threading.Thread | None = field(default=None, repr=False)
    parked: bool = False  # the worker waits for release()
    finished_while_held: int = 0
    bytes_when_held: int = 0
    failures: int = 0  # attempts in a row without progress
    retry_at: datetime | None = None
    progress_reported: datetime = field(init=False)
    stop: str | None = None  # why the worker must stop: YIELD and CLOSED end the attempt, any other code ends the task

    def __post_init__(self) -> None:
        self.label = self.submission.label
        self.files = len(self.submission.items) if self.submission.kind == "delete" else 0
        self.request_time = self.progress_reported = self.clock.now()
        self.deadline = self.submission.deadline or self.request_time + OWN_DEADLINE

    @property
    def is_live(self) -> bool:
        return self.status in ("ACTIVE", "INACTIVE")

    @property
    def is_queued(self) -> bool:
        """Whether the task waits until the service has a worker for its owner."""
        return self.status == "ACTIVE" and not (self.worker or self.is_paused or self.retry_at)

    @property
    def nice_status(self) -> str | None:
        """The short reason for the state of a live task."""
        if not self.is_live:
            return None
        if self.error and not (self.is_queued and self.clock.now() - self.error.time > QUEUED_ERROR_SHOWN):
            return self.error.code
        return "Queued" if self.is_queued else "OK"

    @property
    def history_deleted(self) -> bool:
        """Whether events and per-file results are deleted already."""
        return self.completion_time is not None and self.clock.now() - self.completion_time > HISTORY_KEPT

    @property
    def bytes_per_second(self) -> int:
        seconds = ((self.completion_time or self.clock.now()) - self.request_time).total_seconds()
        return int(self.bytes_transferred / max(seconds, 1.0))

    def paths(self, key: Key) -> tuple[Parts, Parts]:
        """Return where something is at the source and at the destination."""
        item = self.submission.items[key[0]]
        return item.source + key[1], item.destination + key[1]

    def pause(self, message: str | None = "Paused by the manager of the collection") -> None:
        """Pause this one task, as the manager of a collection does; it stays ACTIVE."""
        with self.changed:
            self.pause_message = message
            self.update_pause()

    def unpause(self) -> None:
        """Undo ``pause``. The task continues unless a rule of its collections pauses it."""
        self.pause(None)

    def pause_rules(self) -> list[tuple[Collection, PauseRule]]:
        """Return the rules that pause the task, each with its collection."""
        destination = self.destination_collection
        sides = [(self.source_collection, "task_transfer_read" if destination else "task_delete")]
        sides += [(destination, "task_transfer_write")] if destination else []
        return [(side, rule) for side, operation in sides for rule in side.pause_rules if operation in rule.operations]

    def update_pause(self) -> None:
        """Pause the task, or let it continue, according to its own pause and the rules of its collections."""
        paused = self.is_live and (self.pause_message is not None or bool(self.pause_rules()))
        if paused == self.is_paused:
            return
        self.is_paused = paused
        self.add_event("PAUSED" if paused else "UNPAUSED")
        if paused:
            self._stop_worker()
        self.changed.notify_all()
        if self.submission.deadline is None:
            self.deadline = self.clock.now() + (PAUSED_DEADLINE if paused else OWN_DEADLINE)

    def suspend(self, code: str = "NO_CREDENTIALS", details: str | TransferError = "Credentials have expired") -> None:
        """Make the task INACTIVE with an error event; it continues only after ``resume``."""
        with self.changed:
            if self.status == "ACTIVE":
                self.status = "INACTIVE"
                self.error = self.add_event(code, details, is_error=True)
                self._stop_worker()
                self.changed.notify_all()

    def resume(self) -> None:
        """Make an INACTIVE task ACTIVE again."""
        with self.changed:
            if self.status == "INACTIVE":
                self.status = "ACTIVE"
                self.error = self.retry_at = None
                self.changed.notify_all()

    def _stop_worker(self) -> None:
        if self.worker and self.stop is None:
            self.stop = "YIELD"

    def add_event(self, code: str, details: str | TransferError | Progress = "", *, is_error: bool = False) -> Event:
        event = Event(code, is_error, details, self.clock.now())
        self.events.append(event)
        return event

    def add_fault(self, error: TransferError) -> None:
        """Record an error that does not end the task."""
        with self.changed:
            self.faults += 1
            self.error = self.add_event(error.code, error, is_error=True)

    def add_progress(self) -> None:
        """Add a PROGRESS event about everything that is done so far."""
        self.progress_reported = self.clock.now()
        seconds = int((self.progress_reported - self.request_time).total_seconds())
        self.add_event("PROGRESS", Progress(self.bytes_transferred, seconds, self.bytes_per_second))

    def add_skip(self, key: Key, error: TransferError, *, is_directory: bool) -> None:
        """Leave out a source path in this and in all later attempts."""
        if key not in self.done:
            self.done.add(key)
            self.skipped.add(key)
            self.skips.append(Skip(*self.paths(key), error, self.clock.now(), is_directory))

    def count(self, key: Key, *, is_directory: bool = False) -> None:
        """Count a path the first time that an attempt meets it."""
        if key not in self.seen:
            self.seen.add(key)
            self.directories += is_directory
            self.files += not is_directory

    def finish(self, key: Key) -> None:
        """Record that a file is done: the error is over, and every minute the service's own deadline moves."""
        with self.changed:
            self.done.add(key)
            self.error = None
            self.finished_while_held += 1
            if self.clock.now() - self.progress_reported >= PROGRESS_INTERVAL:
                self.add_progress()
                self.extend_deadline(PROGRESS_DEADLINE)

    def end(self, status: str, fatal_error: str | None = None) -> None:
        """End the task as SUCCEEDED, or as FAILED with the code of its fatal error."""
        self.status = status
        self.completion_time = self.clock.now()
        self.is_paused = False
        self.error = self.retry_at = None
        self.fatal_error = fatal_error
        self.changed.notify_all()

    def extend_deadline(self, span: timedelta) -> None:
        """Move the service's own deadline; a deadline from the submission does not move. Source: task_behavior."""
        if self.submission.deadline is None and self.submission.kind == "transfer":
            self.deadline = max(self.deadline, self.clock.now() + span)
