"""Which tasks that Globus calls SUCCEEDED are successes of their pair. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from globus_sync_directory.model.pair import Directory, Pair
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import SkippedPath, Task

_VANISHED = "FILE_NOT_FOUND"


class Skips(Enum):
    """What the list of a task's skipped paths shows."""

    GAPS = auto()  # also if the list is not known, or not all of it
    VANISHED = auto()  # every path was a file that was gone when it was to be copied: all that is there was copied
    SOURCE = auto()  # the source directory itself was skipped, so nothing was copied


def judge_skips(task: Task, skipped: Sequence[SkippedPath], source: Directory | None) -> Skips:
    """Return what ``skipped`` shows; it may be the first page of a longer list. ``source`` is None if not known."""
    if source is None:
        return Skips.GAPS
    places = [_place(path, source) for path in skipped]
    if source in places:
        return Skips.SOURCE
    have_vanished = all(place and source.contains(place) for place in places) and all(map(_has_vanished, skipped))
    is_complete = 0 < task.paths_skipped <= len(skipped)
    return Skips.VANISHED if have_vanished and is_complete else Skips.GAPS


def gaps_first(skipped: Sequence[SkippedPath]) -> tuple[SkippedPath, ...]:
    """Return ``skipped`` with the paths that have vanished at the end: they need no explanation."""
    return tuple(sorted(skipped, key=_has_vanished))


def success_status(task: Task, skips: Skips, *, may_be_empty: bool) -> PairStatus:
    """Return the status of a pair whose task is SUCCEEDED; ``may_be_empty``: a source without files is all right."""
    if task.paths_skipped and skips is not Skips.VANISHED:
        return PairStatus.FAILED if skips is Skips.SOURCE else PairStatus.SUCCEEDED_WITH_GAPS
    return PairStatus.SUCCEEDED if task.has_seen_files or may_be_empty else PairStatus.SOURCE_IS_EMPTY


def may_be_empty(record: PairRecord, pair: Pair | None) -> bool:
    """Return whether a source without files is all right; ``pair`` is None if it has left the config."""
    return not record.had_files or (pair is not None and pair.allow_empty)


def is_success(task: Task, record: PairRecord, pair: Pair | None, skips: Skips = Skips.GAPS) -> bool:
    """
    Return whether the task has copied all that its pair is to copy; ``pair`` is None if it has left the config.

    ``skips``: what is known of the skipped paths. Before they have been asked for, a task that skipped any is none.
    """
    status = success_status(task, skips, may_be_empty=may_be_empty(record, pair))
    return task.status == "SUCCEEDED" and status is PairStatus.SUCCEEDED


def _has_vanished(path: SkippedPath) -> bool:
    """Return whether a file was gone; a directory may be on a disk that is not mounted, so it is missed."""
    return path.code == _VANISHED and not path.is_directory


def _place(path: SkippedPath, source: Directory) -> Directory | None:
    """Return where a skipped path is; None if Globus does not say it."""
    if not path.source_path:
        return None
    return Directory(collection=source.collection, path="/" + path.source_path.strip("/"))
