"""Which task is whose. A label can be copied, so it counts only together with what else Globus shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from globus_sync_directory.model.pair import Directory, fingerprint_in
from globus_sync_directory.model.record import PendingSubmission
from globus_sync_directory.model.task import Task

_HOME = "/~/"


class _Ends(Protocol):
    """A pair, or the record of one; None where an end is not known."""

    @property
    def source(self) -> Directory | None: ...

    @property
    def destination(self) -> Directory | None: ...


def newest_first(tasks: Iterable[Task]) -> list[Task]:
    """Return ``tasks`` in the order of their submission, the newest first."""
    return sorted(tasks, key=lambda task: task.requested_at, reverse=True)


def label_fingerprint(task: Task) -> str:
    """Return the fingerprint in the label of a transfer task; empty if this tool did not start it."""
    return (fingerprint_in(task.label) or "") if task.kind == "TRANSFER" else ""


def tasks_of(tasks: Iterable[Task], fingerprint: str, ends: _Ends) -> list[Task]:
    """Return those of ``tasks`` that carry ``fingerprint`` and fit ``ends``, newest first."""
    return newest_first(task for task in tasks if label_fingerprint(task) == fingerprint and _fits(task, ends))


def is_start_of(task: Task, pending: PendingSubmission, ends: _Ends, last: Task | None) -> bool:
    """
    Return whether ``pending`` has started this task; ``last`` is the task of its pair before that, if it is known.

    A submission id may have been used before, by another pair or by an earlier task of the same one.
    """
    is_new = last is None or (task.task_id != last.task_id and task.requested_at >= last.requested_at)
    has_label = task.kind == "TRANSFER" and task.label == pending.document.get("label")
    return is_new and has_label and _fits(task, ends)


def is_seen_to_write_to(task: Task, destination: Directory) -> bool:
    """Return whether Globus shows that the task writes to, into or around ``destination``."""
    if not task.destination_path:
        return False
    shown = Directory(collection=task.destination_collection, path=_normal(task.destination_path))
    return shown.loosely.overlaps(destination.loosely)


def _fits(task: Task, ends: _Ends) -> bool:
    """Return whether nothing that Globus shows of the task speaks against these ends."""
    return _may_be(ends.source, task.source_collection, task.source_path) and _may_be(
        ends.destination, task.destination_collection, task.destination_path
    )


def _may_be(end: Directory | None, collection: str, path: str) -> bool:
    """Return whether a task's end, of which Globus shows the collection and perhaps a path, may be ``end``."""
    if end is None or not path or _is_in_home(path) is not _is_in_home(end.path):
        return end is None or end.collection == collection
    return end.overlaps(Directory(collection=collection, path=_normal(path)))


def _is_in_home(path: str) -> bool:
    return f"{path}/".startswith(_HOME)


def _normal(path: str) -> str:
    return "/" + path.strip("/")
