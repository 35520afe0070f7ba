"""One task and its details -> the report on it, with the reason and the fix. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from globus_sync_directory.globus.error_text import read_error_text
from globus_sync_directory.globus.explain import About, explain
from globus_sync_directory.model.collection import with_names
from globus_sync_directory.model.pair import Directory, Pair
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import SkippedPath, Task
from globus_sync_directory.sync.details import Details
from globus_sync_directory.sync.people import explain_cancel, explain_pause
from globus_sync_directory.sync.success import Skips, judge_skips
from globus_sync_directory.sync.task_status import newest_error, task_status
from globus_sync_directory.text import count, quote

_VANISHED_SHOWN = 3
_NO_FILES = "no file was found at the source; if there should be some, check exclude, and whether its disk is mounted"


@dataclass(frozen=True, kw_only=True)
class ReportedTask:
    """A task to report on; ``pair`` is None for an orphaned one, ``deadline_sent``: what this tool asked for."""

    task: Task
    pair: Pair | None
    deadline_sent: datetime | None
    details: Details
    identity: str  # of this application
    may_be_empty: bool = True  # a source without files is all right


def report_on_task(blank: PairReport, found: ReportedTask) -> PairReport:
    """Return ``blank`` filled in with how the task is doing."""
    task, details = found.task, found.details
    skips = judge_skips(task, details.skipped, found.pair.source if found.pair else None)
    status, since = task_status(
        task, found.deadline_sent, blank.at, details.events, skips, may_be_empty=found.may_be_empty
    )
    notes: tuple[str, ...] = (details.missing,) if details.missing else ()
    if skips is Skips.VANISHED:
        notes += (_vanished(details.skipped),)
    if status in (PairStatus.SUCCEEDED, PairStatus.SUCCEEDED_WITH_GAPS) and not task.has_seen_files:
        notes += (_NO_FILES,)
    problem = _problem(found, status)
    if problem and found.pair is None:
        problem = _for_orphan(problem, task)
    names = {task.source_collection: task.source_name, task.destination_collection: task.destination_name}
    return replace(
        blank,
        status=status,
        since=since,
        task_id=task.task_id,
        task=task,
        problem=problem and replace(problem, reason=with_names(problem.reason, names)),
        skipped=() if skips is Skips.VANISHED else details.skipped,
        notes=blank.notes + notes,
        counts_from=task.ended_at if status is PairStatus.SUCCEEDED and task.ended_at else blank.counts_from,
    )


def _vanished(skipped: Sequence[SkippedPath]) -> str:
    """Return what there is to say of paths that are no gaps; ``skipped`` are all of them."""
    shown = ", ".join(quote(path.source_path) for path in skipped[:_VANISHED_SHOWN])
    more = f", and {len(skipped) - _VANISHED_SHOWN:,} more" if len(skipped) > _VANISHED_SHOWN else ""
    when = "was gone when it was" if len(skipped) == 1 else "were gone when they were"
    return f"{count(len(skipped), 'path')} {when} to be copied: {shown}{more}; nothing to do"


def _problem(found: ReportedTask, status: PairStatus) -> Problem | None:
    """Return the reason and the fix for a status that is not simply good."""
    task, details = found.task, found.details
    cause = _cause(found)
    match status:
        case PairStatus.SUCCEEDED:
            return None
        case PairStatus.SOURCE_IS_EMPTY:
            return _empty_source(found.pair)
        case PairStatus.PAUSED:
            return explain_pause(details.pauses, task)
        case PairStatus.SUSPENDED:
            return Problem(
                reason=cause.reason if cause else "Globus has suspended the task until somebody acts",
                fix="fix that, then cancel the task with the application's credentials (see README); the next run "
                "starts a new one",
                command=f"globus task cancel {task.task_id}",
            )
        case PairStatus.RAN_OUT_OF_TIME if not cause:
            return _out_of_time(found)
        case PairStatus.CANCELLED:
            said = next((event.details for event in details.events if event.code == "CANCELED" and event.details), "")
            return explain_cancel(task, said)
        case PairStatus.SUCCEEDED_WITH_GAPS if not cause:
            return Problem(
                reason="Globus does not say which paths were skipped",
                fix="see the task's page in the Globus web app",
            )
        case PairStatus.FAILED if not cause:
            return explain(task.fatal_code, task.fatal_description, _about(found, None))
        case _:
            return cause


def _cause(found: ReportedTask) -> Problem | None:
    """Return the newest error, or the first skipped path, in plain words."""
    task, details = found.task, found.details
    error = newest_error(details.events)
    if error:
        return explain(error.code, error.details or error.description, _about(found, None))
    if details.skipped:
        first = details.skipped[0]
        source = found.pair.source.collection if found.pair else task.source_collection
        directory = Directory(collection=source, path="/" + first.source_path.strip("/"))
        names_place = bool(read_error_text(first.details).collection)
        return explain(first.code, first.details, _about(found, None if names_place else directory))
    if task.is_live and not task.is_ok:
        return explain(task.nice_status, task.nice_status, _about(found, None))
    return None


def _about(found: ReportedTask, directory: Directory | None) -> About:
    return About(pair=found.pair, directory=directory, identity=found.identity)


def _out_of_time(found: ReportedTask) -> Problem:
    pair = found.pair
    if pair is None or pair.time_limit is None:
        return Problem(
            reason="Globus stopped the task because it made no progress", fix="read its log on the task's page"
        )
    minutes = count(int(pair.time_limit.total_seconds() // 60), "minute")
    fix = f"raise timelimitmins of [{pair.name}], or remove it: Globus then continues as long as it makes progress"
    if any(event.code == "STARTED" for event in found.details.events):
        return Problem(reason=f"the time limit of {minutes} passed while the two sides were compared", fix=fix)
    return Problem(
        reason=f"the time limit of {minutes} passed in the queue (Globus runs three transfers per application at a "
        "time)",
        fix=fix,
    )


def _empty_source(pair: Pair | None) -> Problem:
    if pair is None:
        return Problem(reason="no file was found at the source, although there have been files before")
    where = f"source {quote(pair.source.path)} on collection {pair.source.collection}"
    excluded = ", and that exclude does not leave out everything" if pair.exclude else ""
    return Problem(
        reason=f"no file was found in {where}, although there have been files before",
        fix=f"check that the disk is mounted{excluded}; if the source may be empty, set allow_empty = true in "
        f"[{pair.name}]",
    )


def _for_orphan(problem: Problem, task: Task) -> Problem:
    """Return the problem with the fix that fits an orphaned task: no run starts it again."""
    if not task.is_live:
        return replace(problem, fix="", command="")
    return replace(problem, fix="wait, or cancel it", command=f"globus task cancel {task.task_id}")
