"""
One run, step by step: settle what was left open, ask once for all pairs, start what is not running, report.

The policy of the tool is here and in what it calls: ``settle`` (what became of unanswered submissions), ``picture``
(what Globus says of all pairs), ``start`` (looking before leaping, reserving, submitting), ``standing`` (the verdicts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any

from globus_sync_directory.config.load import Config
from globus_sync_directory.errors import EXIT_OK, ServiceUnavailable, StateError, worst
from globus_sync_directory.sync.ledger import Ledger
from globus_sync_directory.notify.changes import record_changes
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.sync.snapshot import Snapshot, take_snapshot, is_over, learn
from globus_sync_directory.sync.submit import Attempt
from globus_sync_directory.globus.client import GlobusClient, RequestRejected, host_now
from globus_sync_directory.sync.recover import recover_pending
from globus_sync_directory.sync.assess import about_task, found, not_reached, stands
from globus_sync_directory.sync.plan import Plan, plan_starts, start, wait_for_earlier
from globus_sync_directory.state import PairRecord, FailedStart
from globus_sync_directory.model.status import PairReport, PairStatus


class Mode(Enum):
    """What a run is for."""

    START = auto()
    STATUS = auto()  # report the current or last tasks
    DRY_RUN = auto()  # every check, and what would be submitted


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run found out: one finding a pair, the documents it would submit, and why it could not start anything."""

    findings: tuple[PairReport, ...]
    trouble: StateError | None = None
    before: Mapping[Pair, PairReport] = field(default_factory=dict)  # how the last tasks had ended of those started
    documents: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # by the pair's name

    @property
    def status(self) -> int:
        """The exit status of the whole run."""
        own = self.trouble.exit_status if self.trouble else EXIT_OK
        return worst([own, *(finding.status for finding in self.findings)])


def run(config: Config, pairs: Sequence[Pair], globus: GlobusClient, ledger: Ledger, mode: Mode) -> Result:
    """Do one run for ``pairs``, some or all of ``config.pairs``, and return what there is to report."""
    now = globus.now()
    trouble: StateError | None = None
    attempts: dict[str, Attempt] = {}
    plans: list[Plan] = []
    before: dict[Pair, PairReport] = {}
    try:
        live = globus.live_tasks()
        try:
            if mode is Mode.START:
                attempts |= recover_pending(globus, ledger, pairs, find_orphaned(config, ledger), live)
        except StateError as error:
            trouble = error
        picture = take_snapshot(globus, ledger, live, now)
    except (ServiceUnavailable, RequestRejected) as error:
        return unreached(pairs, ledger, error, now)
    # What an earlier run had started is looked at like any other task; what is refused now is started anew.
    attempts = {
        key: attempt
        for key, attempt in attempts.items()
        if not attempt.earlier and attempt.verdict is not PairStatus.REJECTED
    }
    try:
        if trouble is None:
            learn(ledger, picture, pairs, config.pairs, now)
            if mode is not Mode.STATUS:
                idle = _idle(config, pairs, ledger, picture, attempts, now)
                before = _before(globus, idle, ledger, picture, now)
                if mode is Mode.START:  # before their tasks are replaced, or a kill in between would lose the news
                    record_changes(config, {pair: [finding] for pair, finding in before.items()}, ledger, now)
                plans, stopped = plan_starts(globus, ledger, idle, picture)
                attempts |= stopped
            if mode is Mode.START:
                attempts |= start(globus, ledger, plans, picture.known)
                ledger.change(_setbacks(ledger, pairs, attempts, now))
    except StateError as error:
        trouble = error
    if mode is Mode.DRY_RUN:
        attempts |= {
            plan.pair.fingerprint: Attempt(verdict=PairStatus.WOULD_START, notes=(plan.why, *plan.notes)) for plan in plans
        }
    findings = _findings(globus, pairs, ledger, picture, attempts, before, now)
    # With some of the pairs only, a left-over stays for the next run of all: what ended badly is told once.
    left_over = find_orphaned(config, ledger) if len(pairs) == len(config.pairs) else []
    findings += _left_over_findings(globus, ledger, picture, left_over, now)
    if trouble is None:
        try:
            if mode is Mode.START:
                by_name = {pair.name: pair for pair in pairs}
                told = {by_name[finding.name]: [finding] for finding in findings if not finding.left_over}
                record_changes(config, told, ledger, now)
            ledger.change({key: None for key in left_over if is_over(ledger.memories[key], picture)})
        except StateError as error:
            trouble = error
    return Result(
        findings=tuple(findings),
        trouble=trouble,
        before=before,
        documents={plan.pair.name: plan.document(globus) for plan in plans} if mode is Mode.DRY_RUN else {},
    )


def look_again(pairs: Sequence[Pair], globus: GlobusClient, ledger: Ledger) -> Result:
    """Return how the tasks stand that the ledger remembers for ``pairs``; one request for up to a hundred of them."""
    now = globus.now()
    try:
        picture = take_snapshot(globus, ledger, [], now, only=pairs)
    except (ServiceUnavailable, RequestRejected) as error:
        return unreached(pairs, ledger, error, now)
    learn(ledger, picture, pairs, pairs, now)
    return Result(findings=tuple(_findings(globus, pairs, ledger, picture, {}, {}, now)))


def _idle(
    config: Config,
    pairs: Sequence[Pair],
    ledger: Ledger,
    picture: Snapshot,
    attempts: dict[str, Attempt],
    now: datetime,
) -> list[Pair]:
    """Return the pairs to start; note in ``attempts`` which have to wait for a left-over."""
    left_over = find_orphaned(config, ledger)
    idle = []
    for pair in pairs:
        if pair.fingerprint in attempts or not is_over(ledger.memory(pair, now), picture):
            continue
        waiting = wait_for_earlier(pair, ledger, picture, left_over, now)
        if waiting:
            attempts[pair.fingerprint] = waiting
        else:
            idle.append(pair)
    return idle


def _findings(
    globus: GlobusClient,
    pairs: Sequence[Pair],
    ledger: Ledger,
    picture: Snapshot,
    attempts: Mapping[str, Attempt],
    before: Mapping[Pair, PairReport],
    now: datetime,
) -> list[PairReport]:
    """Return one finding a pair, in their order; logs are asked for several at a time."""

    def finding(pair: Pair) -> PairReport:
        memory = ledger.memory(pair, now)
        attempt = attempts.get(pair.fingerprint)
        if attempt is None:
            return stands(globus, pair, memory, picture, now)
        return found(globus, pair, memory, attempt, before.get(pair), now)

    answers = globus.map_concurrently(finding, pairs)
    return [answer for pair in pairs if isinstance(answer := answers[pair], PairReport)]


def _left_over_findings(
    globus: GlobusClient, ledger: Ledger, picture: Snapshot, left_over: Sequence[str], now: datetime
) -> list[PairReport]:
    memories = [ledger.memories[fingerprint] for fingerprint in left_over]
    told = [memory for memory in memories if _is_worth_telling(memory, picture)]
    return [stands(globus, None, memory, picture, now) for memory in told]


def find_orphaned(config: Config, ledger: Ledger) -> list[str]:
    """Return the remembered fingerprints that no pair of the config has any more."""
    configured = {pair.fingerprint for pair in config.pairs}
    return [fingerprint for fingerprint in ledger.memories if fingerprint not in configured]


def unreached(
    pairs: Sequence[Pair], ledger: Ledger, trouble: ServiceUnavailable | RequestRejected, now: datetime | None = None
) -> Result:
    """Return what can be told without Globus, by the state file alone; ``now`` defaults to this host's clock."""
    memories = ledger.memories
    moment = now or host_now()
    return Result(findings=tuple(not_reached(pair, memories.get(pair.fingerprint), trouble, moment) for pair in pairs))


def _before(
    globus: GlobusClient, pairs: Sequence[Pair], ledger: Ledger, picture: Snapshot, now: datetime
) -> dict[Pair, PairReport]:
    """Return the finding about the last task of each pair that has one, before another is started."""

    def finding(pair: Pair) -> PairReport | None:
        memory = ledger.memory(pair, now)
        task = picture.last_task(memory)
        return about_task(globus, pair, memory, task, now) if task else None

    answers = globus.map_concurrently(finding, pairs)
    return {pair: answer for pair, answer in answers.items() if isinstance(answer, PairReport)}


def _is_worth_telling(memory: PairRecord, picture: Snapshot) -> bool:
    """Return whether a left-over is still going on, or ended in a way that nobody was told of."""
    if not is_over(memory, picture):
        return True
    task = picture.last_task(memory)
    return task is not None and not task.is_clean_success


def _setbacks(
    ledger: Ledger, pairs: Sequence[Pair], attempts: Mapping[str, Attempt], now: datetime
) -> dict[str, PairRecord | None]:
    """Return the memories with what a later look must tell of starts that came to nothing."""
    changes: dict[str, PairRecord | None] = {}
    for pair in pairs:
        memory, outcome = ledger.memory(pair, now), attempts.get(pair.fingerprint)
        setback = None
        if outcome and outcome.verdict is PairStatus.NOT_REACHED:
            setback = memory.setback
        elif outcome and outcome.cause and outcome.verdict in (PairStatus.BLOCKED, PairStatus.REJECTED):
            same = memory.setback if memory.setback and memory.setback.reason == outcome.cause.reason else None
            setback = FailedStart(
                verdict=outcome.verdict.name,
                reason=outcome.cause.reason,
                fix=outcome.cause.fix,
                command=outcome.cause.command,
                since=same.since if same else now,
            )
        waiting_since = None if setback else memory.waiting_since
        changes[pair.fingerprint] = replace(memory, setback=setback, waiting_since=waiting_since)
    return changes
