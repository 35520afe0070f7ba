"""``--wait``: looks at the tasks repeatedly until all have ended, and shows their progress."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from globus_sync_directory.errors import ExitStatus, worst
from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.report import PairReport, RunReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.output.progress import Progress
from globus_sync_directory.output.report_text import headline
from globus_sync_directory.sync.records import last_task, record_of
from globus_sync_directory.sync.run import look_again
from globus_sync_directory.sync.scope import Scope
from globus_sync_directory.timed_waits import sleep

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, GROWTH = 1.0, 60.0, 1.3
_LONGEST_SILENCE_SECONDS = 3600.0
_GIVEN_UP = "for an hour no usable answer about this task came, so it was not waited for any longer; it may continue"

log = logging.getLogger(__name__)


def wait_for_tasks(
    scope: Scope,
    client: GlobusClient,
    records: Mapping[str, PairRecord],
    report: RunReport,
    mail: Callable[[tuple[PairReport, ...]], None],
    *,
    shows_bars: bool,
) -> RunReport:
    """
    Return ``report`` as it is once every task of the scope's pairs has ended.

    A look is one request for up to a hundred running tasks, at intervals that grow to a minute. It waits on through an
    outage, but not after a rejected sign-in, and not for a task about which no usable answer came for an hour: its
    pair is then *not reached*. ``mail`` gets the report on a live task as soon as that needs attention,
    and those on all awaited tasks at the end.
    """
    latest = {found.fingerprint: found for found in report.pairs}
    awaited = {pair: latest[pair.fingerprint] for pair in scope.pairs if latest[pair.fingerprint].has_live_task}
    remembered = {pair.fingerprint: _record(pair, found, records) for pair, found in awaited.items()}
    heard = dict.fromkeys(remembered, time.monotonic())  # when the last usable answer about each task came
    pause = FIRST_PAUSE_SECONDS
    is_reached = True
    with Progress(bars=shows_bars and bool(awaited)) as progress:
        while running := [pair for pair in awaited if latest[pair.fingerprint].has_live_task]:
            progress.show([latest[pair.fingerprint] for pair in awaited])
            sleep(pause)
            pause = min(pause * GROWTH, LONGEST_PAUSE_SECONDS)
            found = _look(client, replace(scope, pairs=tuple(running)), remembered)
            answered = [one for one in found if one.status is not PairStatus.NOT_REACHED]
            heard |= dict.fromkeys((one.fingerprint for one in answered), time.monotonic())
            told = [*answered, *_given_up(found, latest, heard)]
            changed = [one for one in told if _has_changed(one, latest[one.fingerprint])]
            has_turned = is_reached is not bool(answered)  # an outage has begun or ended
            if has_turned or changed:
                progress.pause()
            if has_turned:
                is_reached = bool(answered)
                _log_outage(found, is_reached=is_reached)
            for one in changed:
                log.info("%s: %s", one.name, headline(one))
            latest |= {one.fingerprint: replace(one, before=latest[one.fingerprint].before) for one in told}
            need_attention = tuple(one for one in changed if one.exit_status and one.has_live_task)
            if need_attention:
                mail(need_attention)
            if any(one.status is PairStatus.SIGN_IN_REJECTED for one in answered):
                break
    pairs = tuple(latest[found.fingerprint] for found in report.pairs)
    # The rest was mailed before the waiting, and another run may know better by now.
    mail(tuple(replace(latest[pair.fingerprint], before=None) for pair in awaited))
    own_status = report.exit_status if report.errors else ExitStatus.OK
    return replace(report, pairs=pairs, exit_status=worst([own_status, *(found.exit_status for found in pairs)]))


def _record(pair: Pair, report: PairReport, records: Mapping[str, PairRecord]) -> PairRecord:
    """Return what is remembered of an awaited task, which may have been adopted for this report only."""
    record = record_of(records, pair, report.at)
    if record.task and record.task.task_id == report.task_id:
        return replace(record, replaced=None, has_history=True)
    task = last_task(report.task, pair) if report.task else None
    return replace(record, task=task, pending=None, replaced=None, has_history=True)


def _look(client: GlobusClient, scope: Scope, records: Mapping[str, PairRecord]) -> tuple[PairReport, ...]:
    client.forget_outage()
    wanted = {pair.fingerprint: records[pair.fingerprint] for pair in scope.pairs}
    return look_again(scope, client, wanted).pairs


def _given_up(
    found: Sequence[PairReport], latest: Mapping[str, PairReport], heard: Mapping[str, float]
) -> list[PairReport]:
    """Return those of ``found`` whose tasks are not to be waited for any longer; ``heard``: seconds, monotonic."""
    now = time.monotonic()
    silent = [one for one in found if now - heard[one.fingerprint] >= _LONGEST_SILENCE_SECONDS]
    return [replace(one, task_id=latest[one.fingerprint].task_id, notes=(*one.notes, _GIVEN_UP)) for one in silent]


def _has_changed(report: PairReport, before: PairReport) -> bool:
    return (report.status, report.exit_status) != (before.status, before.exit_status)


def _log_outage(found: Sequence[PairReport], *, is_reached: bool) -> None:
    problem = next((one.problem for one in found if one.problem), None)
    if is_reached:
        log.warning("Globus answers again")
    elif problem:
        log.warning("%s; still waiting", problem.reason)
