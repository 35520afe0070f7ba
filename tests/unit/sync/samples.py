"""Values for the tests of this room: one pair, its tasks, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from globus_sync_directory.globus.transfer_document import build_document
from globus_sync_directory.model.answer import Failure, Rejected, Unavailable
from globus_sync_directory.model.pair import Directory, Pair, task_label
from globus_sync_directory.model.record import LastTask, LeftConfig, PairRecord, PendingSubmission, Success
from globus_sync_directory.model.task import Event, Task
from globus_sync_directory.sync.scope import Scope
from globus_sync_directory.sync.snapshot import Snapshot

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BEGUN = NOW - 6 * HOUR  # of tasks that have ended, and of those that run for long
ENDED = NOW - 2 * HOUR
ONE, TWO = "763d50ee-e814-4080-878b-6a8be5cf7570", "9d6d994a-6d04-11e5-ba46-22000b92c6ec"
IDENTITY = "3f2a0c52-0000-4000-8000-0000000000aa@clients.auth.globus.org"
SOURCE, DESTINATION = Directory(collection=ONE, path="/images"), Directory(collection=TWO, path="/archive/images")
PAIR = Pair(name="microscope", source=SOURCE, destination=DESTINATION)
OTHER = Pair(name="sequencer", source=replace(SOURCE, path="/reads"), destination=replace(DESTINATION, path="/reads"))
THIRD = Pair(name="camera", source=replace(SOURCE, path="/frames"), destination=replace(DESTINATION, path="/frames"))
FINGERPRINT = PAIR.fingerprint


def new_id(number: int) -> str:
    """Return a task or submission id; its first eight digits differ from those of other numbers."""
    return f"{number:08d}-0000-4000-8000-000000000000"


def task(number: int = 1, pair: Pair | None = PAIR, **more: Any) -> Task:
    """Return a task of ``pair`` that runs since BEGUN; for no pair, one with a label that somebody else wrote."""
    label = task_label(pair.name, pair.fingerprint, new_id(number)) if pair else "by hand"
    running = Task(
        task_id=new_id(number),
        status="ACTIVE",
        requested_at=BEGUN,
        kind="TRANSFER",
        label=label,
        source_collection=pair.source.collection if pair else "",
        destination_collection=pair.destination.collection if pair else "",
    )
    return replace(running, **more)


def ended(number: int = 1, status: str = "SUCCEEDED", pair: Pair | None = PAIR, **more: Any) -> Task:
    """Return a task of ``pair`` that ended at ENDED, having found and copied a file."""
    usual: dict[str, Any] = {"ended_at": ENDED, "files_found": 1, "files_copied": 1}
    return replace(task(number, pair), status=status, **usual | more)


def expired(number: int = 1, **more: Any) -> Task:
    """Return a task that ended at its deadline."""
    usual: dict[str, Any] = {"fatal_code": "EXPIRED", "deadline": ENDED}
    return ended(number, "FAILED", **usual | more)


def event(code: str, *, at: datetime = ENDED, is_error: bool = False, details: str = "") -> Event:
    """Return an entry of a task's log."""
    return Event(code=code, is_error=is_error, time=at, details=details)


def remembered(number: int = 1, **more: Any) -> LastTask:
    """Return the task of this number as records remember it."""
    return replace(LastTask(task_id=new_id(number), submitted_at=BEGUN), **more)


def record(number: int | None = 1, pair: Pair = PAIR, **more: Any) -> PairRecord:
    """Return what is remembered of ``pair``, whose last task has this number."""
    known = PairRecord(
        name=pair.name,
        first_seen=NOW - 30 * DAY,
        source=pair.source,
        destination=pair.destination,
        task=None if number is None else remembered(number),
        has_history=True,
    )
    return replace(known, **more)


def orphan(number: int | None = 1, pair: Pair = PAIR, *, is_end_reported: bool = False, **more: Any) -> PairRecord:
    """Return what is remembered of ``pair``, which left the config a day ago."""
    left = LeftConfig(since=NOW - DAY, is_end_reported=is_end_reported)
    return record(number, pair, **{"left_config": left} | more)


def pending(number: int = 9, pair: Pair = PAIR, at: datetime = NOW - HOUR) -> PendingSubmission:
    """Return a submission of ``pair`` whose answer was not seen."""
    document = build_document(pair, new_id(number), pair.sync_level, at)
    return PendingSubmission(submission_id=new_id(number), document=document, reserved_at=at)


def success(number: int = 1, at: datetime = ENDED) -> Success:
    """Return what is remembered of a task that copied one empty file."""
    return Success(task_id=new_id(number), ended_at=at, files=1, bytes=0)


def snapshot(
    *tasks: Task,
    gone: Sequence[int] = (),
    unanswered: Mapping[int, Failure] | None = None,
    has_recent: bool = False,
) -> Snapshot:
    """Return a look at Globus that found ``tasks``."""
    return Snapshot(
        known={found.task_id: found for found in tasks},
        gone=frozenset(map(new_id, gone)),
        unanswered={new_id(number): failure for number, failure in (unanswered or {}).items()},
        has_recent=has_recent,
    )


LOOKED = snapshot(task(8, OTHER))  # of PAIR it shows nothing


def scope(*pairs: Pair, config: Sequence[Pair] | None = None) -> Scope:
    """Return a run about ``pairs``, which are all of the config unless that is given."""
    return Scope(pairs=pairs, all_pairs=pairs if config is None else tuple(config), identity=IDENTITY)


def rejected(code: str = "ClientError.BadRequest", message: str = "", http_status: int = 400) -> Rejected:
    """Return a definite no."""
    return Rejected(http_status=http_status, code=code, message=message)


NO_ANSWER = Unavailable(reason="Globus Transfer answered 503")
NO_TOKEN = Unavailable(reason="Globus does not accept the token", fix="compare clientid", is_sign_in=True)
