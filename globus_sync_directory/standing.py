"""How each pair stands: what is remembered and what Globus says, put together as a Finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from globus_sync_directory.causes import Cause, explain, place_in
from globus_sync_directory.clean import clean, quoted
from globus_sync_directory.errors import NoAnswer, SignInRefused
from globus_sync_directory.pairs import Pair, Place
from globus_sync_directory.picture import Picture
from globus_sync_directory.sending import Attempt
from globus_sync_directory.service import Globus, Refused
from globus_sync_directory.state import Memory
from globus_sync_directory.tasks import Event, Pause, Skipped, Task, task_link
from globus_sync_directory.verdicts import Finding, Verdict, judge, needs_log, newest_error

_NOTHING_THERE = "no file was found at the source; should some be there, look at exclude, and at the disk itself"


def stands(globus: Globus, pair: Pair | None, memory: Memory, picture: Picture, now: datetime) -> Finding:
    """
    Return the finding about a pair's current or last task; ``pair`` is None for a left-over.

    Asks for the task's log, or its skipped paths, only where the verdict is bad or hangs on it.
    """
    task = picture.last_task(memory)
    if not (task and task.is_live) and memory.reservation is None:
        if memory.waiting_since:
            return _finding(pair, memory, now, Verdict.WAITING_FOR_ROOM, since=memory.waiting_since)
        if memory.setback and memory.setback.verdict in Verdict.__members__:
            setback = memory.setback
            cause = Cause(what=setback.what, cure=setback.cure, command=setback.command)
            return _finding(pair, memory, now, Verdict[memory.setback.verdict], since=memory.setback.since, cause=cause)
    if task and (memory.reservation is None or task.is_live):
        others = [other for other in picture.live(pair.fingerprint) if other is not task] if pair else []
        notes = tuple(f"another task of this pair is live too: {task_link(other.task_id)}" for other in others)
        return about_task(globus, pair, memory, task, now, notes)
    if memory.reservation:
        cause = Cause(what="Globus' answer was not seen", cure="nothing to do, the next run settles it")
        return _finding(pair, memory, now, Verdict.START_UNCONFIRMED, cause=cause)
    if memory.task is None:
        return _finding(pair, memory, now, Verdict.NEVER_RUN)
    task_id = memory.task.task_id
    trouble = picture.unanswered.get(task_id)
    if trouble is not None:
        verdict = _verdict_on(trouble)
        return _finding(pair, memory, now, verdict, task_id=task_id, cause=_cause_of(trouble))
    if task_id in picture.gone:
        return _finding(pair, memory, now, Verdict.UNKNOWN_TO_GLOBUS, task_id=task_id, since=memory.task.submitted_at)
    notes = ("Globus does not list this task yet",)
    since = memory.task.submitted_at
    return _finding(pair, memory, now, Verdict.STARTED, task_id=task_id, since=since, notes=notes)


def found(
    globus: Globus, pair: Pair, memory: Memory, attempt: Attempt, before: Finding | None, now: datetime
) -> Finding:
    """Return the finding about a pair that this run tried to start; ``before`` is the one about its earlier task."""
    if attempt.task:
        return about_task(globus, pair, memory, attempt.task, now, attempt.notes)
    if attempt.verdict is Verdict.STARTED and memory.task:
        return _finding(
            pair,
            memory,
            now,
            attempt.verdict,
            task_id=memory.task.task_id,
            since=memory.task.submitted_at,
            notes=(*attempt.notes, *_told_of(before)),
        )
    since = memory.waiting_since if attempt.verdict is Verdict.WAITING_FOR_ROOM else None
    if memory.setback and memory.setback.verdict == attempt.verdict.name:
        since = memory.setback.since
    return _finding(pair, memory, now, attempt.verdict, since=since, cause=attempt.cause, notes=attempt.notes)


def not_reached(pair: Pair, memory: Memory | None, trouble: NoAnswer | Refused, now: datetime) -> Finding:
    """Return what can be told of a pair without Globus: when it last succeeded, and whether that is too old."""
    memory = memory or Memory(name=pair.name, first_seen=now)
    return _finding(pair, memory, now, _verdict_on(trouble), cause=_cause_of(trouble))


def _cause_of(trouble: NoAnswer | Refused) -> Cause:
    cure = "the next run asks again; if it stays, show this to Globus' support"
    return Cause(what=str(trouble), cure=trouble.cure if isinstance(trouble, NoAnswer) else cure)


def _verdict_on(trouble: NoAnswer | Refused) -> Verdict:
    return Verdict.SIGNED_OUT if isinstance(trouble, SignInRefused) else Verdict.NOT_REACHED


def _told_of(before: Finding | None) -> tuple[str, ...]:
    """Return a line about the task before the one just started, if it left something to be told."""
    if before is None or before.verdict is Verdict.SUCCEEDED:
        return ()
    if before.verdict is Verdict.STOPPED_AT_TIME_LIMIT:
        return (f"the task before it: {before.verdict.words}; this one goes on from there",)
    told = f": {before.cause.what}" if before.cause else ""
    link = f" ({task_link(before.task_id)})" if before.task_id else ""
    return (f"the task before it: {before.verdict.words}{told}{link}",)


def about_task(
    globus: Globus, pair: Pair | None, memory: Memory, task: Task, now: datetime, notes: tuple[str, ...] = ()
) -> Finding:
    """Return the finding about one task, remembered or not; asks for what is behind it only where that is needed."""
    deadline = memory.task.deadline if memory.task else None
    verdict, _ = judge(task, deadline, now)
    events: Sequence[Event] = ()
    skipped: Sequence[Skipped] = ()
    pauses: Sequence[Pause] = ()
    try:
        if needs_log(task, verdict, now):
            events = globus.newest_events(task.task_id)
        elif verdict is Verdict.SUCCEEDED_WITH_GAPS:
            skipped = globus.skipped(task.task_id)
        elif verdict is Verdict.PAUSED:
            pauses = globus.pauses(task)
    except (NoAnswer, Refused) as trouble:
        notes += (f"the reason could not be asked for: {trouble}",)
    skips_source = pair is not None and any(
        path.source_path.rstrip("/") == pair.source.path.rstrip("/") for path in skipped
    )
    verdict, since = judge(task, deadline, now, events, skips_source)
    if verdict is Verdict.SUCCEEDED and not task.files and not task.files_done:
        notes += (_NOTHING_THERE,)
    if verdict is Verdict.PAUSED:
        cause: Cause | None = _pause(pair, pauses)
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


def _pause(pair: Pair | None, pauses: Sequence[Pause]) -> Cause:
    first = pauses[0] if pauses else Pause(collection="", message="")
    places = (pair.source, pair.destination) if pair else ()
    place = next((place for place in places if place.collection == first.collection), None)
    return explain("PAUSED", first.message, pair, place, "")


def _with_true_cure(cause: Cause, task: Task) -> Cause:
    """Return the cause with the cure that is true of a left-over: no run starts it again."""
    if not task.is_live:
        return replace(cause, cure="", command="")
    return replace(cause, cure="wait, or cancel it", command=f"globus task cancel {task.task_id}")


def _with_names(cause: Cause, task: Task) -> Cause:
    """Return the cause with the names of the task's collections beside their ids."""
    what = cause.what
    for collection, name in (
        (task.source_collection, task.source_name),
        (task.destination_collection, task.destination_name),
    ):
        if collection and name not in ("", collection) and quoted(name) not in what:
            what = what.replace(f"collection {collection}", f"collection {quoted(name)} ({collection})")
    return replace(cause, what=what)


def _cause(
    globus: Globus,
    pair: Pair | None,
    task: Task,
    verdict: Verdict,
    events: Sequence[Event],
    skipped: Sequence[Skipped],
) -> Cause | None:
    """Return the newest error in plain words, or what else is behind a verdict that is not plain sailing."""
    error = newest_error(events)
    behind = None
    if error:
        place = place_in(error.details, pair) if pair else None
        behind = explain(error.code, error.details or error.description, pair, place, globus.identity)
    elif skipped:
        first = skipped[0]
        path = "/" + first.source_path.strip("/")
        place = Place(collection=pair.source.collection, path=path) if pair else None
        behind = explain(first.code, first.details, pair, place, globus.identity)
    elif task.is_live and not task.is_ok:
        behind = explain(task.nice_status, task.nice_status, pair, None, globus.identity)
    if verdict is Verdict.SUSPENDED:
        what = behind.what if behind else "Globus waits for a person before it goes on"
        return Cause(
            what=what,
            cure="once that is cured, cancel the task, as the application (see README); the next run starts anew",
            command=f"globus task cancel {task.task_id}",
        )
    if verdict is Verdict.RAN_OUT_OF_TIME and not behind:
        return _out_of_time(pair, events)
    if verdict is Verdict.CANCELLED:
        told = next((event.details for event in events if event.code == "CANCELED" and event.details), "")
        return Cause(what=clean(told, 160) or "somebody cancelled it", cure="none needed, unless you did not want that")
    if verdict is Verdict.SUCCEEDED_WITH_GAPS and not behind:
        return Cause(what="Globus does not tell which", cure="look at the task's page in the Globus web app")
    if verdict is Verdict.FAILED and not behind:
        return explain(task.fatal_code, task.fatal_description, pair, None, globus.identity)
    return behind


def _out_of_time(pair: Pair | None, events: Sequence[Event]) -> Cause:
    if pair is None or pair.time_limit is None:
        return Cause(what="Globus gave it up because it made no progress", cure="read its log on the task's page")
    count = int(pair.time_limit.total_seconds() // 60)
    minutes = f"{count} minute{'' if count == 1 else 's'}"
    if any(event.code == "STARTED" for event in events):
        return Cause(
            what=f"its {minutes} went by while the two sides were compared",
            cure=f"raise timelimitmins of [{clean(pair.name)}], or take it out: Globus then goes on while it gets on",
        )
    return Cause(
        what=f"it spent its {minutes} in the queue: of one application Globus works on three at a time",
        cure=f"raise timelimitmins of [{clean(pair.name)}], or take it out",
    )


def _finding(
    pair: Pair | None,
    memory: Memory,
    now: datetime,
    verdict: Verdict,
    *,
    task_id: str | None = None,
    task: Task | None = None,
    since: datetime | None = None,
    cause: Cause | None = None,
    skipped: tuple[Skipped, ...] = (),
    notes: tuple[str, ...] = (),
) -> Finding:
    success = memory.success
    if task and task.is_clean_success and task.ended_at:
        counts_from = task.ended_at
    else:
        counts_from = success.ended_at if success else memory.first_seen
    return Finding(
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
