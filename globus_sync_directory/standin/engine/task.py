"""One task: what was asked, how far it is, and the documents that tell it."""

import json
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from os.path import commonpath
from typing import NamedTuple

from ..api.documents import Document, when
from ..clock import Clock
from ..storage import Parts, join_path
from .collection import Collection, PauseRule
from .submission import Submission

QUEUED_ERROR_SHOWN = timedelta(minutes=15)  # Source: task_behavior
OWN_DEADLINE = timedelta(hours=24)  # the service's, where the submission gives none; likewise the next two
PROGRESS_DEADLINE = timedelta(hours=72)
PAUSED_DEADLINE = timedelta(days=90)
PROGRESS_EVERY = timedelta(minutes=1)
EVENTS_KEPT = timedelta(days=30)

_OPTIONS = (
    "encrypt_data", "verify_checksum", "preserve_timestamp", "delete_destination_extra", "skip_source_errors",
    "fail_on_quota_errors",
)  # fmt: skip
_SHOWN = (
    "status", "is_paused", "faults", "history_deleted", "files", "directories", "files_transferred", "files_skipped",
    "bytes_transferred", "bytes_checksummed",
)  # fmt: skip

Key = tuple[int, Parts]  # the number of an item, and a path below it


@dataclass(eq=False)
class TransferError(Exception):
    """One failed step."""

    code: str
    side: Collection
    path: Parts
    message: str = ""
    at_source: bool = False
    wide: bool = False  # no use going on now
    hopeless: bool = False  # no use trying again, ever

    def __str__(self) -> str:
        return self.message or words(self.code)


class Success(NamedTuple):
    """A file that was copied, by the names of the API's "successful_transfer"."""

    source_path: str
    destination_path: str
    size: int
    checksum: str | None
    checksum_algorithm: str | None


class Skip(NamedTuple):
    """A source path that was left out because of an error, by the names of the API's "skipped_error"."""

    source_path: str
    destination_path: str
    error_code: str
    error_details: str
    error_time: str | None
    is_directory: bool


@dataclass(frozen=True)
class Event:
    """An entry of a task's log."""

    code: str
    is_error: bool
    details: str
    time: datetime

    def document(self) -> Document:
        shown = {"DATA_TYPE": "event", "description": words(self.code), "time": when(self.time)}
        return {**shown, "code": self.code, "details": self.details, "is_error": self.is_error}


@dataclass(eq=False)
class Task:
    """A task; the engine and its workers change it, and so may a test through ``pause``, ``suspend`` and so on."""

    owner: str
    submission: Submission
    source_collection: Collection
    destination_collection: Collection | None
    clock: Clock = field(repr=False)
    changed: threading.Condition = field(repr=False)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "ACTIVE"
    label: str | None = field(init=False)
    request_time: datetime = field(init=False)
    deadline: datetime = field(init=False)
    completion_time: datetime | None = None
    fatal_error: tuple[str, str] | None = None
    faults: int = 0
    error: Event | None = None  # the newest trouble, until an attempt goes without
    is_paused: bool = False
    pause_message: str | None = None
    events: list[Event] = field(default_factory=list, repr=False)

    # What is done so far, over all attempts
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

    # How it is worked on
    worker: threading.Thread | None = field(default=None, repr=False)
    parked: bool = False  # the worker waits for release()
    finished_while_held: int = 0
    bytes_when_held: int = 0
    failures: int = 0  # attempts in a row that came to nothing
    retry_at: datetime | None = None
    stop: str | None = None  # why the worker is to stop: YIELD and CLOSED end the attempt, any other code the task

    def __post_init__(self) -> None:
        self.label = self.submission.label
        self.request_time = self.progress_told = self.clock.now()
        self.deadline = self.submission.deadline or self.request_time + OWN_DEADLINE

    @property
    def is_live(self) -> bool:
        return self.status in ("ACTIVE", "INACTIVE")

    @property
    def is_queued(self) -> bool:
        """Whether the task waits for one of its owner's places."""
        return self.status == "ACTIVE" and not (self.worker or self.is_paused or self.retry_at)

    @property
    def history_deleted(self) -> bool:
        """Whether events and per-file results are gone already."""
        return self.completion_time is not None and self.clock.now() - self.completion_time > EVENTS_KEPT

    def pause(self, message: str | None = "Paused by the manager of the collection") -> None:
        """Pause this one task as a collection's manager would; it stays ACTIVE."""
        with self.changed:
            self.pause_message = message
            self.settle_pause()

    def unpause(self) -> None:
        """Take back ``pause``; the task goes on unless a rule of its collections pauses it."""
        self.pause(None)

    def pause_rules(self) -> list[tuple[Collection, PauseRule]]:
        """Return the rules under which the task waits, with the collections whose they are."""
        there = self.destination_collection
        sides = [(self.source_collection, "task_transfer_read" if there else "task_delete")]
        sides += [(there, "task_transfer_write")] if there else []
        return [(side, rule) for side, doing in sides for rule in side.pause_rules if doing in rule.operations]

    def settle_pause(self) -> None:
        """Pause the task, or let it go on, as its own pause and the rules of its collections want it."""
        paused = self.is_live and (self.pause_message is not None or bool(self.pause_rules()))
        if paused == self.is_paused:
            return
        self.is_paused = paused
        self.add_event("PAUSED" if paused else "UNPAUSED")
        self._give_way(paused)
        if self.submission.deadline is None:
            self.deadline = self.clock.now() + (PAUSED_DEADLINE if paused else OWN_DEADLINE)

    def suspend(self, code: str = "NO_CREDENTIALS", details: str = "Credentials have expired") -> None:
        """Make the task INACTIVE, with an error event: it waits for a person."""
        with self.changed:
            if self.status == "ACTIVE":
                self.status = "INACTIVE"
                self.error = self.add_event(code, details, is_error=True)
                self._give_way()

    def resume(self) -> None:
        """Make an INACTIVE task ACTIVE again."""
        with self.changed:
            if self.status == "INACTIVE":
                self.status = "ACTIVE"
                self.error = self.retry_at = None
                self.changed.notify_all()

    def _give_way(self, yields: bool = True) -> None:
        if self.worker and self.stop is None and yields:
            self.stop = "YIELD"
        self.changed.notify_all()

    def add_event(self, code: str, details: str = "", *, is_error: bool = False) -> Event:
        event = Event(code, is_error, details, self.clock.now())
        self.events.append(event)
        return event

    def add_fault(self, trouble: TransferError) -> None:
        """Note one error that the task met."""
        side = trouble.side
        details = (
            f"Error (transfer)\nEndpoint: {side.name} ({side.id})\nServer: localhost:2811\n"
            f"File: {join_path(trouble.path)}\n"
            f"Message: {trouble}\n---\nDetails: 500-GlobusError: v=1 c={trouble.code}\\r\\n"
        )
        with self.changed:
            self.faults += 1
            self.error = self.add_event(trouble.code, details, is_error=True)

    def add_progress(self) -> None:
        """Write a PROGRESS event about everything done so far."""
        self.progress_told = self.clock.now()
        seconds = int((self.progress_told - self.request_time).total_seconds())
        done = {"bytes_transferred": self.bytes_transferred, "duration": seconds, "mbps": self._rate() * 8 / 1e6}
        self.add_event("PROGRESS", json.dumps(done, indent=2))

    def found(self, key: Key, *, is_directory: bool = False) -> None:
        """Count a path when it is met for the first time."""
        if key not in self.seen:
            self.seen.add(key)
            self.directories += is_directory
            self.files += not is_directory

    def finished(self, key: Key) -> None:
        """Note that a file is done, and what follows from that."""
        with self.changed:
            self.done.add(key)
            self.error = None
            self.finished_while_held += 1
            self.extend_deadline(PROGRESS_DEADLINE)
            if self.clock.now() - self.progress_told >= PROGRESS_EVERY:
                self.add_progress()

    def end(self, status: str, code: str = "") -> None:
        """Finish: SUCCEEDED, or FAILED with the ``code`` of its fatal error."""
        self.status = status
        self.completion_time = self.clock.now()
        self.is_paused = False
        self.error = self.retry_at = None
        if code:
            self.fatal_error = (code, words(code))
        self.changed.notify_all()

    def extend_deadline(self, span: timedelta) -> None:
        """Push the service's own deadline away; one that the submission gave stays. Source: task_behavior."""
        if self.submission.deadline is None and self.submission.kind == "transfer":
            self.deadline = max(self.deadline, self.clock.now() + span)

    def document(self) -> Document:
        """Return the task document. Source: Globus Transfer API, "Task document"."""
        with self.changed:
            return {**self._request(), **self._state(), **self._subtasks()}

    def _request(self) -> Document:
        options = self.submission.options
        sides = {"source": self.source_collection, "destination": self.destination_collection}
        document: Document = {
            "DATA_TYPE": "task",
            "task_id": self.id,
            "type": self.submission.kind.upper(),
            "command": "API 0.10",
            "label": self.label,
            "owner_id": self.owner,
            "username": "u_" + self.owner.replace("-", "")[:26],
            "request_time": when(self.request_time),
            "deadline": when(self.deadline),
            "sync_level": self.submission.sync_level,
            "filter_rules": self.submission.filter_rules,
            "recursive_symlinks": "ignore",
            **{name: options.get(name, False) for name in _OPTIONS},
        }
        for side, collection in sides.items():
            document |= {
                f"{side}_endpoint": collection and f"standin#{collection.id}",
                f"{side}_endpoint_id": collection and collection.id,
                f"{side}_endpoint_display_name": collection and collection.name,
                f"{side}_local_user": options.get(f"{side}_local_user"),
                f"{side}_local_user_status": collection and "OK",
                f"{side}_base_path": self._base_path(side) if options.get("store_base_path_info") else None,
            }
        return document

    def _base_path(self, side: str) -> str:
        """Return the longest path that all items have in common on the "source" or "destination" side."""
        return commonpath([join_path(getattr(item, side)) for item in self.submission.items])

    def _state(self) -> Document:
        nice = self._nice_status()
        return {
            **{name: getattr(self, name) for name in _SHOWN},
            **dict.fromkeys(("canceled_by_admin", "canceled_by_admin_message", "nice_status_details")),
            "completion_time": when(self.completion_time),
            "fatal_error": self.fatal_error and dict(zip(("code", "description"), self.fatal_error, strict=True)),
            "is_ok": nice in ("OK", "Queued") if nice else None,
            "nice_status": nice,
            "nice_status_short_description": nice,
            "nice_status_expires_in": -1 if nice else None,
            "symlinks": 0,
            "effective_bytes_per_second": self._rate(),
        }

    def _nice_status(self) -> str | None:
        if not self.is_live:
            return None
        if self.error and not (self.is_queued and self.clock.now() - self.error.time > QUEUED_ERROR_SHOWN):
            return self.error.code
        return "Queued" if self.is_queued else "OK"

    def _subtasks(self) -> dict[str, int]:
        """Two subtasks for each file or directory, one for a path deleted or skipped; the recordings show that much."""
        each = 2 if self.submission.kind == "transfer" else 1
        skipped = len(self.skips)
        done = len(self.done) - skipped
        known = max(self.files + self.directories, done, 0 if skipped else 1)
        counts = dict.fromkeys(("pending", "retrying", "expired", "canceled", "failed"), 0)
        counts |= {"total": each * known + skipped, "succeeded": each * done, "skipped_errors": skipped}
        if self.is_live:
            rest = "retrying" if self.error else "pending"
        elif self.status == "SUCCEEDED":
            rest = "succeeded"
        else:
            code = self.fatal_error[0] if self.fatal_error else "CANCELED"
            rest = {"EXPIRED": "expired", "CANCELED": "canceled"}.get(code, "failed")
        counts[rest] += each * (known - done)
        return {f"subtasks_{name}": count for name, count in counts.items()}

    def _rate(self) -> int:
        seconds = ((self.completion_time or self.clock.now()) - self.request_time).total_seconds()
        return int(self.bytes_transferred / max(seconds, 1.0))


def words(code: str) -> str:
    """Return the short text of an event or error code."""
    return "deadline expired" if code == "EXPIRED" else code.replace("_", " ").lower()
