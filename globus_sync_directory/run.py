"""
One run, step by step: settle what was left open, ask once for all pairs, start what is not running, report.

The policy of the tool is here and in what it calls: ``settle`` (what became of unanswered submissions), ``picture``
(what Globus says of all pairs), ``start`` (looking before leaping, reserving, submitting), ``standing`` (the verdicts).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any

from globus_sync_directory.causes import Cause
from globus_sync_directory.clean import clean
from globus_sync_directory.config import Config
from globus_sync_directory.errors import EXIT_OK, NoAnswer, StateError, worst
from globus_sync_directory.ledger import Ledger
from globus_sync_directory.pairs import Pair
from globus_sync_directory.picture import Picture, draw_picture, is_over, learn
from globus_sync_directory.sending import Sent
from globus_sync_directory.service import Globus, Refused, host_now
from globus_sync_directory.settle import settle
from globus_sync_directory.standing import found, not_reached, stands
from globus_sync_directory.start import Plan, blocking_task, plan_starts, start
from globus_sync_directory.state import Memory, Setback
from globus_sync_directory.tasks import Task
from globus_sync_directory.verdicts import Finding, Verdict


class Mode(Enum):
    """What a run is for."""

    START = auto()
    LOOK = auto()  # report the current or last tasks
    REHEARSE = auto()  # every check, and what would be submitted


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run found out: one finding a pair, the documents it would submit, and why it could not start anything."""

    findings: tuple[Finding, ...]
    trouble: StateError | None = None
    documents: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # by the pair's name

    @property
    def status(self) -> int:
        """The exit status of the whole run."""
        own = self.trouble.exit_status if self.trouble else EXIT_OK
        return worst([own, *(finding.status for finding in self.findings)])


def run(config: Config, pairs: Sequence[Pair], globus: Globus, ledger: Ledger, mode: Mode) -> Result:
    """Do one run for ``pairs``, some or all of ``config.pairs``, and return what there is to report."""
    now = globus.now()
    trouble: StateError | None = None
    sent: dict[str, Sent] = {}

    def unless_unwritable(step: Callable[[], dict[str, Sent] | None]) -> None:
        """Do a step that writes the state file; after the first failure there are no more."""
        nonlocal trouble, sent
        if trouble is None:
            try:
                sent |= step() or {}
            except StateError as error:
                trouble = error

    try:
        live = globus.live_tasks()
        if mode is Mode.START:
            unless_unwritable(lambda: settle(globus, ledger, pairs, left_overs(config, ledger), live))
        picture = draw_picture(globus, ledger, live, now)
    except (NoAnswer, Refused) as error:
        return unreached(pairs, ledger, error, now)
    before = {pair: _last_task(ledger, pair, picture) for pair in pairs}
    unless_unwritable(lambda: learn(ledger, picture, pairs, config.pairs, now))
    left_over = left_overs(config, ledger)

    sent = {key: outcome for key, outcome in sent.items() if not outcome.earlier}
    plans: list[Plan] = []
    if mode is not Mode.LOOK and trouble is None:
        idle = []
        for pair in pairs:
            if pair.fingerprint in sent or not is_over(ledger.memory(pair, now), picture):
                continue
            blocking = blocking_task(pair, ledger, picture, left_over)
            if blocking:
                sent[pair.fingerprint] = _waiting(*blocking)
            else:
                idle.append(pair)
        plans, stopped = plan_starts(globus, ledger, idle, picture)
        sent |= stopped
    if mode is Mode.START:
        unless_unwritable(lambda: start(globus, ledger, plans))
        unless_unwritable(lambda: ledger.change(_setbacks(ledger, pairs, sent, now)))
    elif mode is Mode.REHEARSE:
        sent |= {
            plan.pair.fingerprint: Sent(verdict=Verdict.WOULD_START, notes=(plan.why, *plan.notes)) for plan in plans
        }

    def finding(pair: Pair) -> Finding:
        memory = ledger.memory(pair, now)
        outcome = sent.get(pair.fingerprint)
        if outcome is None:
            return stands(globus, pair, memory, picture, now)
        return found(globus, pair, memory, outcome, before[pair], now)

    by_pair: dict[Pair, Finding] = {}
    for answers in globus.for_each(finding, pairs):
        by_pair |= {pair: answer for pair, answer in answers.items() if isinstance(answer, Finding)}
    told = [ledger.memories[key] for key in left_over if _is_worth_telling(ledger.memories[key], picture)]
    left_over_findings = [stands(globus, None, memory, picture, now) for memory in told]
    ended = [key for key in left_over if is_over(ledger.memories[key], picture)]
    unless_unwritable(lambda: ledger.change(dict.fromkeys(ended)))
    return Result(
        findings=(*(by_pair[pair] for pair in pairs), *left_over_findings),
        trouble=trouble,
        documents={plan.pair.name: plan.document(globus) for plan in plans} if mode is Mode.REHEARSE else {},
    )


def left_overs(config: Config, ledger: Ledger) -> list[str]:
    """Return the remembered fingerprints that no pair of the config has any more."""
    configured = {pair.fingerprint for pair in config.pairs}
    return [fingerprint for fingerprint in ledger.memories if fingerprint not in configured]


def unreached(
    pairs: Sequence[Pair], ledger: Ledger, trouble: NoAnswer | Refused, now: datetime | None = None
) -> Result:
    """Return what can be told without Globus, by the state file alone; ``now`` defaults to this host's clock."""
    memories = ledger.memories
    moment = now or host_now()
    return Result(findings=tuple(not_reached(pair, memories.get(pair.fingerprint), trouble, moment) for pair in pairs))


def _last_task(ledger: Ledger, pair: Pair, picture: Picture) -> Task | None:
    memory = ledger.memories.get(pair.fingerprint)
    return picture.known.get(memory.task.task_id) if memory and memory.task else None


def _is_worth_telling(memory: Memory, picture: Picture) -> bool:
    """Return whether a left-over is still going on, or ended in a way that nobody was told of."""
    if not is_over(memory, picture):
        return True
    task = picture.known.get(memory.task.task_id) if memory.task else None
    return task is not None and not task.is_clean_success


def _setbacks(
    ledger: Ledger, pairs: Sequence[Pair], sent: Mapping[str, Sent], now: datetime
) -> dict[str, Memory | None]:
    """Return the memories with what a later look must tell of starts that came to nothing."""
    changes: dict[str, Memory | None] = {}
    for pair in pairs:
        memory, outcome = ledger.memory(pair, now), sent.get(pair.fingerprint)
        setback = None
        if outcome and outcome.verdict is Verdict.NOT_REACHED:
            setback = memory.setback
        elif outcome and outcome.cause and outcome.verdict in (Verdict.NOT_STARTABLE, Verdict.REFUSED):
            same = memory.setback if memory.setback and memory.setback.what == outcome.cause.what else None
            setback = Setback(
                verdict=outcome.verdict.name,
                what=outcome.cause.what,
                cure=outcome.cause.cure,
                since=same.since if same else now,
            )
        changes[pair.fingerprint] = replace(memory, setback=setback)
    return changes


def _waiting(memory: Memory, task: Task | None) -> Sent:
    named = f"task {clean(task.task_id)}" if task else "a task"
    return Sent(
        verdict=Verdict.WAITING_FOR_EARLIER_TASK,
        cause=Cause(
            what=f"{named}, left over from [{clean(memory.name)}], still writes to the same destination",
            cure="the run after its end starts this pair; cancel it in the web app if it is not wanted any more",
        ),
    )
