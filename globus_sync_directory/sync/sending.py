"""Sends one submission, and says what each reply to it means for its pair."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.explain import About, explain, is_no_such_task
from globus_sync_directory.globus.transfer_document import deadline_in, with_deadline
from globus_sync_directory.model.answer import Answer, Received, Rejected, Unavailable
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import LastTask, PendingSubmission
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.sync.ours import is_start_of
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.snapshot import LISTING_DELAY
from globus_sync_directory.text import shorten

NO_ROOM = Outcome(
    status=PairStatus.WAITING_FOR_ROOM,
    problem=Problem(
        reason="this application already has the maximum number of pending tasks", fix="a later run starts it"
    ),
)
_USED_BEFORE = "SubmissionIdUsedBefore"  # our own code, for a rejection that Globus has not noticed
_RESOLVED_LATER = "nothing to do; the next run resolves it"


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """
    The task of a submission that Globus accepted.

    ``shown`` is None if the task is new; else an earlier attempt has started it, so it may have ended.
    """

    last: LastTask
    shown: Task | None = None


Reply = Answer[Accepted]


def send(client: GlobusClient, pair: Pair, pending: PendingSubmission, last: Task | None) -> Reply:
    """
    Submit ``pending`` with a fresh deadline and return the reply; ``last`` is the newest known task of the pair.

    Where Globus names a task that was there before, that task is looked at: only one with our label counts.
    """
    document = with_deadline(pending.document, pair, client.now())
    answer = client.submit(document)
    if not isinstance(answer, Received):
        return answer
    accepted = LastTask(task_id=answer.value.task_id, submitted_at=client.now(), deadline=deadline_in(document))
    if answer.value.is_new:
        return Received(Accepted(last=accepted))
    found = client.task(accepted.task_id)
    if isinstance(found, Received) and is_start_of(found.value, pending, pair, last):
        return Received(Accepted(last=accepted, shown=found.value))
    is_gone = isinstance(found, Rejected) and is_no_such_task(found) and not may_be_unlisted(pending, client.now())
    if isinstance(found, Received) or is_gone:
        return Rejected(http_status=200, code=_USED_BEFORE, message=f"it belongs to task {accepted.task_id}")
    return Unavailable(reason=f"Globus names task {accepted.task_id}, and does not show whether that is ours")


def may_be_unlisted(pending: PendingSubmission, now: datetime) -> bool:
    """Return whether the pending submission may have started a task that Globus does not show yet."""
    return abs(now - (pending.sent_again_at or pending.reserved_at)) < LISTING_DELAY


def outcome_of(pair: Pair, reply: Reply, identity: str) -> Outcome:
    """Return what a reply means; ``identity`` is the application's own."""
    match reply:
        case Received():
            return Outcome(status=PairStatus.STARTED)
        case Unavailable(is_sign_in=True):
            return failed_sign_in(reply)
        case Unavailable(reason=reason):
            return unconfirmed(reason)
        case Rejected(is_definite=False):
            return unconfirmed(f"an attempt got no answer, and the next one was rejected: {words_of(reply)}")
        case Rejected() if has_no_room(reply):
            return NO_ROOM
        case Rejected(code=code, message=message):
            about = About(pair=pair, identity=identity, names_own_paths=True)
            return Outcome(status=PairStatus.REJECTED, problem=explain(code, message, about))


def failed_sign_in(failure: Unavailable) -> Outcome:
    """Return the outcome of a pair that could not be started because the token was not accepted."""
    problem = Problem(reason=failure.reason, fix=failure.fix)
    return Outcome(status=PairStatus.SIGN_IN_REJECTED, problem=problem)


def unconfirmed(reason: str) -> Outcome:
    """Return the outcome of a pair whose submission may have been accepted."""
    return Outcome(status=PairStatus.START_UNCONFIRMED, problem=Problem(reason=reason, fix=_RESOLVED_LATER))


def words_of(rejected: Rejected) -> str:
    """Return a rejection in Globus' words."""
    return shorten(rejected.message or rejected.code)


def has_no_room(reply: Answer[object]) -> bool:
    """Return whether Globus says that this application has too many pending tasks."""
    return isinstance(reply, Rejected) and "TooManyPending" in reply.code
