"""How each pair stands: what is remembered and what Globus says, put together as a Finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from globus_sync_directory.globus.explain import Problem, explain, place_in
from globus_sync_directory.text import sanitize, quote
from globus_sync_directory.errors import ServiceUnavailable, SignInRejected
from globus_sync_directory.model.pair import Pair, Directory
from globus_sync_directory.sync.snapshot import Snapshot
from globus_sync_directory.sync.submit import Attempt
from globus_sync_directory.globus.client import GlobusClient, RequestRejected
from globus_sync_directory.state import PairRecord
from globus_sync_directory.model.task import Event, Pause, Skipped, Task, task_link
from globus_sync_directory.model.status import PairReport, PairStatus, task_status, needs_log, newest_error

_NOTHING_THERE = "no file was found at the source; should some be there, look at exclude, and at the disk itself"


def stands(globus: GlobusClient, pair: Pair | None, memory: PairRecord, picture: Snapshot, now: datetime) -> PairReport:
    """
    Return the finding about a pair's current or last task; ``pair`` is None for a left-over.

    Asks for the task's log, or its skipped paths, only where the verdict is bad or hangs on it.
    """
    task = picture.last_task(memory)
    if not (task and task.is_live) and memory.reservation is None:
        if memory.waiting_since:
            return _finding(pair, memory, now, PairStatus.WAITING_FOR_ROOM, since=memory.waiting_since)
        if memory.setback and memory.setback.verdict in PairStatus.__members__:
            setback = memory.setback
            cause = Problem(reason=setback.reason, fix=setback.fix, command=setback.command)
            return _finding(pair, memory, now, PairStatus[memory.setback.verdict], since=memory.setback.since, cause=cause)
    if task and (memory.reservation is None or task.is_live):
        others = [other for other in picture.live(pair.fingerprint) if other is not task] if pair else []
        notes = tuple(f"another task of this pair is live too: {task_link(other.task_id)}" for other in others)
        return about_task(globus, pair, memory, task, now, notes)
    if memory.reservation:
        cause = Problem(reason="Globus' answer was not seen", fix="nothing to do, the next run settles it")
        return _finding(pair, memory, now, PairStatus.START_UNCONFIRMED, cause=cause)
    if memory.task is None:
        return _finding(pair, memory, now, PairStatus.NEVER_RUN)
    task_id = memory.task.task_id
    trouble = picture.unanswered.get(task_id)
    if trouble is not None:
        verdict = _verdict_on(trouble)
        return _finding(pair, memory, now, verdict, task_id=task_id, cause=_cause_of(trouble))
    if task_id in picture.gone:
        return _finding(pair, memory, now, PairStatus.UNKNOWN_TO_GLOBUS, task_id=task_id, since=memory.task.submitted_at)
    notes = ("Globus does not list this task yet",)
    since = memory.task.submitted_at
    return _finding(pair, memory, now, PairStatus.STARTED, task_id=task_id, since=since, notes=notes)


def found(
    globus: GlobusClient, pair: Pair, memory: PairRecord, attempt: Attempt, before: PairReport | None, now: datetime
) -> PairReport:
    """Return the finding about a pair that this run tried to start; ``before`` is the one about its earlier task."""
    if attempt.task:
        return about_task(globus, pair, memory, attempt.task, now, attempt.notes)
    if attempt.verdict is PairStatus.STARTED and memory.task:
        return _finding(
            pair,
            memory,
            now,
            attempt.verdict,
            task_id=memory.task.task_id,
            since=memory.task.submitted_at,
            notes=(*attempt.notes, *_told_of(before)),
        )
    since = memory.waiting_since if attempt.verdict is PairStatus.WAITING_FOR_ROOM else None
    if memory.setback and memory.setback.verdict == attempt.verdict.name:
        since = memory.setback.since
    return _finding(pair, memory, now, attempt.verdict, since=since, cause=attempt.cause, notes=attempt.notes)


def not_reached(pair: Pair, memory: PairRecord | None, trouble: ServiceUnavailable | RequestRejected, now: datetime) -> PairReport:
    """Return what can be told of a pair without Globus: when it last succeeded, and whether that is too old."""
    memory = memory or PairRecord(name=pair.name, first_seen=now)
    return _finding(pair, memory, now, _verdict_on(trouble), cause=_cause_of(trouble))


def _cause_of(trouble: ServiceUnavailable | RequestRejected) -> Problem:
    cure = "the next run asks again; if it stays, show this to Globus' support"
    return Problem(reason=str(trouble), fix=trouble.fix if isinstance(trouble, ServiceUnavailable) else cure)


def _verdict_on(trouble: ServiceUnavailable | RequestRejected) -> PairStatus:
    return PairStatus.SIGN_IN_REJECTED if isinstance(trouble, SignInRejected) else PairStatus.NOT_REACHED


def _told_of(before: PairReport | None) -> tuple[str, ...]:
    """Return a line about the task before the one just started, if it left something to be told."""
    if before is None or before.verdict is PairStatus.SUCCEEDED:
        return ()
    if before.verdict is PairStatus.STOPPED_AT_TIME_LIMIT:
        return (f"the task before it: {before.verdict.words}; this one goes on from there",)
    told = f": {before.cause.reason}" if before.cause else ""
    link = f" ({task_link(before.task_id)})" if before.task_id else ""
    return (f"the task before it: {before.verdict.words}{told}{link}",)


def about_task(
    globus: GlobusClient, pair: Pair | None, memory: PairRecord, task: Task, now: datetime, notes: tuple[str, ...] = ()
) -> PairReport:
    """Return the finding about one task, remembered or not; asks for what is behind it only where that is needed."""
    deadline = memory.task.deadline if memory.task else None
    verdict, _ = task_status(task, deadline, now)
    events: Sequence[Event] = ()
    skipped: Sequence[Skipped] = ()
    pauses: Sequence[Pause] = ()
    try:
        if needs_log(task, verdict, now):
            events = globus.newest_events(task.task_id)
        elif verdict is PairStatus.SUCCEEDED_WITH_GAPS:
            skipped = globus.skipped(task.task_id)
        elif verdict is PairStatus.PAUSED:
            pauses = globus.pauses(task)
    except (ServiceUnavailable, RequestRejected) as trouble:
        notes += (f"the reason could not be asked for: {trouble}",)
    skips_source = pair is not None and any(
        path.source_path.rstrip("/") == pair.source.path.rstrip("/") for path in skipped
    )
    verdict, since = task_status(task, deadline, now, events, skips_source)
    if verdict is PairStatus.SUCCEEDED and not task.files and not task.files_done:
        notes += (_NOTHING_THERE,)
    if verdict is PairStatus.PAUSED:
        cause: Problem | None = _pause(pair, pauses)
    else:
        cause = _cause(globus, pair, task, verdict, events, skipped)
    return _finding(
        pair,
        memory,
        now,
        verdict,
        task_id=task.task_id,
        task=task,
        since=since,
        cause=cause and _with_names(_with_true_cure(cause, task) if pair is None else cause, task),
        skipped=tuple(skipped),
        notes=notes,
    )


def _pause(pair: Pair | None, pauses: Sequence[Pause]) -> Problem:
    first = pauses[0] if pauses else Pause(collection="", message="")
    places = (pair.source, pair.destination) if pair else ()
    place = next((place for place in places if place.collection == first.collection), None)
    return explain("PAUSED", first.message, pair, place, "")


def _with_true_cure(cause: Problem, task: Task) -> Problem:
    """Return the cause with the cure that is true of a left-over: no run starts it again."""
    if not task.is_live:
        return replace(cause, fix="", command="")
    return replace(cause, fix="wait, or cancel it", command=f"globus task cancel {task.task_id}")


def _with_names(cause: Problem, task: Task) -> Problem:
    """Return the cause with the names of the task's collections beside their ids."""
    what = cause.reason
    for collection, name in (
        (task.source_collection, task.source_name),
        (task.destination_collection, task.destination_name),
    ):
        if collection and name not in ("", collection) and quote(name) not in what:
            what = what.replace(f"collection {collection}", f"collection {quote(name)} ({collection})")
    return replace(cause, reason=what)


def _cause(
    globus: GlobusClient,
    pair: Pair | None,
    task: Task,
    verdict: PairStatus,
    events: Sequence[Event],
    skipped: Sequence[Skipped],
) -> Problem | None:
    """Return the newest error in plain words, or what else is behind a verdict that is not plain sailing."""
    error = newest_error(events)
    behind = None
    if error:
        place = place_in(error.details, pair) if pair else None
        behind = explain(error.code, error.details or error.description, pair, place, globus.identity)
    elif skipped:
        first = skipped[0]
        path = "/" + first.source_path.strip("/")
        place = Directory(collection=pair.source.collection, path=path) if pair else None
        behind = explain(first.code, first.details, pair, place, globus.identity)
    elif task.is_live and not task.is_ok:
        behind = explain(task.nice_status, task.nice_status, pair, None, globus.identity)
    if verdict is PairStatus.SUSPENDED:
        what = behind.reason if behind else "Globus waits for a person before it goes on"
        return Problem(
            reason=what,
            fix="once that is cured, cancel the task, as the application (see README); the next run starts anew",
            command=f"globus task cancel {task.task_id}",
        )
    if verdict is PairStatus.RAN_OUT_OF_TIME and not behind:
        return _out_of_time(pair, events)
    if verdict is PairStatus.CANCELLED:
        told = next((event.details for event in events if event.code == "CANCELED" and event.details), "")
        return Problem(reason=sanitize(told, 160) or "somebody cancelled it", fix="none needed, unless you did not want that")
    if verdict is PairStatus.SUCCEEDED_WITH_GAPS and not behind:
        return Problem(reason="Globus does not tell which", fix="look at the task's page in the Globus web app")
    if verdict is PairStatus.FAILED and not behind:
        return explain(task.fatal_code, task.fatal_description, pair, None, globus.identity)
    return behind


def _out_of_time(pair: Pair | None, events: Sequence[Event]) -> Problem:
    if pair is None or pair.time_limit is None:
        return Problem(reason="Globus gave it up because it made no progress", fix="read its log on the task's page")
    count = int(pair.time_limit.total_seconds() // 60)
    minutes = f"{count} minute{'' if count == 1 else 's'}"
    if any(event.code == "STARTED" for event in events):
        return Problem(
            reason=f"its {minutes} went by while the two sides were compared",
            fix=f"raise timelimitmins of [{sanitize(pair.name)}], or take it out: Globus then goes on while it gets on",
        )
    return Problem(
        reason=f"it spent its {minutes} in the queue: of one application Globus works on three at a time",
        fix=f"raise timelimitmins of [{sanitize(pair.name)}], or take it out",
    )


def _finding(
    pair: Pair | None,
    memory: PairRecord,
    now: datetime,
    verdict: PairStatus,
    *,
    task_id: str | None = None,
    task: Task | None = None,
    since: datetime | None = None,
    cause: Problem | None = None,
    skipped: tuple[Skipped, ...] = (),
    notes: tuple[str, ...] = (),
) -> PairReport:
    success = memory.success
    if task and task.is_clean_success and task.ended_at:
        counts_from = task.ended_at
    else:
        counts_from = success.ended_at if success else memory.first_seen
    return PairReport(
        name=pair.name if pair else memory.name,
        left_over=pair is None,
        known_by_label=pair is None and memory.destination is None,
        verdict=verdict,
        task_id=task_id,
        task=task,
        since=since,
        cause=cause,
        skipped=skipped,
        notes=notes,
        success=success,
        counts_from=counts_from,
        max_age=pair.max_age if pair else None,
        at=now,
    )
