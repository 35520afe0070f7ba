"""What counts as news, for whom, and what the records hold afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from globus_sync_directory.config.settings import Settings
from globus_sync_directory.model.pair import Directory, Pair
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.record import Mailed, News, PairRecord
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task
from globus_sync_directory.notify.changes import recipients, record_changes
from globus_sync_directory.output.report_text import describe

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
OPS, LAB = "ops@example.org", "lab@example.org"
PAIR = Pair(
    name="microscope",
    source=Directory(collection="763d50ee-0000-4000-8000-000000000001", path="/images"),
    destination=Directory(collection="9d6d994a-0000-4000-8000-000000000002", path="/archive"),
    email=(LAB,),
)
OTHER = replace(PAIR, name="other", destination=replace(PAIR.destination, path="/other"), email=())
SETTINGS = Settings(path=Path("config.ini"), client_id="id", secret="x", pairs=(PAIR, OTHER), email=(OPS,))
RECORD = PairRecord(name="microscope", first_seen=NOW)
KNOWN = replace(RECORD, mailed={OPS: Mailed(), LAB: Mailed()})


def report(
    status: PairStatus, fix: str = "", *, task: str = "", files: int = 0, is_too_old: bool = False
) -> PairReport:
    """Return a report on PAIR; with ``task``, the id of a task that copied ``files``."""
    return PairReport(
        fingerprint=PAIR.fingerprint,
        name=PAIR.name,
        status=status,
        at=NOW,
        problem=Problem(reason="a reason", fix=fix) if fix else None,
        task_id=task or None,
        task=Task(task_id=task, status="SUCCEEDED", requested_at=NOW, files_copied=files) if task else None,
        counts_from=NOW - timedelta(hours=2),
        max_age=timedelta(hours=1 if is_too_old else 3),
    )


def replay(record: PairRecord, runs: Sequence[PairReport], address: str) -> list[list[str]]:
    """Return the headlines that each run adds for ``address``; everything is mailed after each run."""
    headlines = []
    for one in runs:
        record = record_changes(SETTINGS, [one], {PAIR.fingerprint: record})[PAIR.fingerprint]
        headlines.append([news.headline for news in record.mailed[address].unsent])
        record = replace(record, mailed={key: replace(known, unsent=()) for key, known in record.mailed.items()})
    return headlines


@dataclass(frozen=True)
class Case:
    """Runs one after the other; what follows the name in the headlines of each, for ops and for the pair's lab."""

    name: str
    runs: Sequence[PairReport]
    ops: Sequence[Sequence[str]]
    lab: Sequence[Sequence[str]] | None = None  # None: the same as ops
    record: PairRecord = KNOWN


FAILED = report(PairStatus.FAILED, "free some space", task="1")
DONE = report(PairStatus.SUCCEEDED, task="2")
WAITS = replace(report(PairStatus.QUEUED, "look at the others"), waits_since=NOW - timedelta(hours=3))
LATE = replace(WAITS, waits_since=NOW - timedelta(hours=3, seconds=1))
CASES = [
    Case("well", [report(PairStatus.STARTED), report(PairStatus.RUNNING)], [[], []]),
    Case("a new problem", [FAILED], [["failed"]]),
    Case("to a new address too", [FAILED], [["failed"]], record=RECORD),
    Case("the same problem again", [FAILED, replace(FAILED, task_id="3")], [["failed"], []]),
    Case("the same problem, started in between", [FAILED, report(PairStatus.RUNNING), FAILED], [["failed"], [], []]),
    Case("the same status, another fix", [FAILED, report(PairStatus.FAILED, "connect")], [["failed"], ["failed"]]),
    Case("each once", [FAILED, report(PairStatus.FAILED, "connect"), FAILED], [["failed"], ["failed"], []]),
    Case(
        "another status, the same fix", [FAILED, report(PairStatus.STUCK, "free some space")], [["failed"], ["stuck"]]
    ),
    Case(
        "attention, whatever the status",
        [replace(report(PairStatus.RUNNING, "cancel one"), needs_attention=True)] * 2 + [report(PairStatus.RUNNING)],
        [["running"], [], []],
    ),
    Case("too old", [report(PairStatus.RUNNING, is_too_old=True)] * 2, [["too old"], []]),
    Case("too old although it has succeeded", [replace(DONE, max_age=timedelta(hours=1))], [["too old"]]),
    Case("failed, later too old", [FAILED, replace(FAILED, max_age=timedelta(hours=1))], [["failed"], ["failed"]]),
    Case("both at once", [replace(FAILED, max_age=timedelta(hours=1)), FAILED], [["failed"], []]),
    Case("sign-in", [report(PairStatus.SIGN_IN_REJECTED, "new secret")] * 2, [["sign-in rejected"], []]),
    Case("Globus away", [report(PairStatus.NOT_REACHED, "wait")], [[]]),
    Case("Globus away for long", [report(PairStatus.NOT_REACHED, "wait", is_too_old=True)], [["too old"]]),
    Case("waits", [WAITS], [[]]),
    Case("waits too long, once", [LATE, LATE, DONE], [["queued for too long"], [], ["recovered"]]),
    Case(
        "waits too long for one thing after the other",
        [LATE, report(PairStatus.STARTED), LATE, replace(LATE, status=PairStatus.NOT_REACHED)],
        [["queued for too long"], [], [], ["not reached for too long"]],
    ),
    Case(
        "waits too long, later too old",
        [LATE, replace(LATE, counts_from=NOW - timedelta(hours=4))],
        [["queued for too long"], ["queued for too long"]],
    ),
    Case("recovery", [FAILED, DONE, DONE], [["failed"], ["recovered"], []]),
    Case("recovery with files", [FAILED, report(PairStatus.SUCCEEDED, task="2", files=3)], [["failed"], ["recovered"]]),
    Case(
        "stopped at its time limit is well",
        [FAILED, report(PairStatus.STOPPED_AT_TIME_LIMIT, task="2")],
        [["failed"], ["recovered"]],
    ),
    Case("a start is no recovery", [FAILED, report(PairStatus.STARTED)], [["failed"], []]),
    Case(
        "the success before the problem is no recovery",
        [DONE, report(PairStatus.BLOCKED, "share it"), DONE, report(PairStatus.SUCCEEDED, task="3")],
        [[], ["blocked"], [], ["recovered"]],
    ),
    Case("the same problem after a recovery", [FAILED, DONE, FAILED], [["failed"], ["recovered"], ["failed"]]),
    Case(
        "new files, once for a task",
        [report(PairStatus.SUCCEEDED, task="2", files=3)] * 2 + [report(PairStatus.SUCCEEDED, task="3", files=1)],
        [[], [], []],
        [["3 files copied"], [], ["1 file copied"]],
    ),
    Case(
        "new files at the time limit",
        [report(PairStatus.STOPPED_AT_TIME_LIMIT, task="2", files=1200)],
        [[]],
        [["1,200 files copied"]],
    ),
    Case("nothing new to copy", [DONE], [[]]),
    Case(
        "the first success that a new address sees is no news",
        [report(PairStatus.SUCCEEDED, task="2", files=3), report(PairStatus.SUCCEEDED, task="3", files=4)],
        [[], []],
        [[], ["4 files copied"]],
        record=RECORD,
    ),
    Case(
        "the task that this run replaced comes first",
        [replace(report(PairStatus.BLOCKED, "share it"), before=FAILED)],
        [["failed", "blocked"]],
    ),
    Case("replaced and failed, then started", [replace(report(PairStatus.STARTED), before=FAILED)], [["failed"]]),
    Case(
        "replaced and well, then started",
        [FAILED, replace(report(PairStatus.STARTED), before=report(PairStatus.SUCCEEDED, task="2", files=3))],
        [["failed"], ["recovered"]],
    ),
    Case(
        "replaced and well, then blocked",
        [replace(report(PairStatus.BLOCKED, "share it"), before=report(PairStatus.SUCCEEDED, task="2", files=3))],
        [["blocked"]],
        [["3 files copied", "blocked"]],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_news(case: Case) -> None:
    """Each run adds these headlines for the address of all pairs, and those for the pair's own."""

    def named(expected: Sequence[Sequence[str]]) -> list[list[str]]:
        return [[f"microscope: {words}" for words in run] for run in expected]

    assert replay(case.record, case.runs, OPS) == named(case.ops)
    assert replay(case.record, case.runs, LAB) == named(case.ops if case.lab is None else case.lab)


def test_lines_are_those_of_the_report() -> None:
    """News holds the report's lines as they are: not cut, and not yet cleaned."""
    path = "/data/my  lab/" + "x" * 300
    failed = replace(FAILED, problem=Problem(reason="no space\x1b[31m", fix="free some space", command=f"rm '{path}'"))
    after = record_changes(SETTINGS, [failed], {PAIR.fingerprint: KNOWN})[PAIR.fingerprint]
    assert after.mailed[OPS].unsent == (News(headline="microscope: failed", lines=tuple(describe(failed))),)
    text = "\n".join(after.mailed[OPS].unsent[0].lines)
    assert path in text
    assert "\x1b" in text


def test_other_records_are_returned_unchanged() -> None:
    """All records come back; only those of reported pairs of the config have changed, and the given ones never."""
    records = {PAIR.fingerprint: KNOWN, OTHER.fingerprint: RECORD, "0123456789abcdef": RECORD}
    orphan = replace(FAILED, fingerprint="0123456789abcdef", is_orphaned=True)
    after = record_changes(SETTINGS, [FAILED, orphan], records)
    assert after == records | {PAIR.fingerprint: after[PAIR.fingerprint]}
    assert after[PAIR.fingerprint] != KNOWN
    assert records[PAIR.fingerprint] == KNOWN


def test_no_record_is_made_for_mail_alone() -> None:
    """A pair without a record, as after a state file that cannot be read, gets none."""
    assert record_changes(SETTINGS, [FAILED], {}) == {}


def test_an_address_that_left_the_config_is_forgotten() -> None:
    """The record holds the present recipients only."""
    record = replace(RECORD, mailed={"gone@example.org": Mailed(problems=("FAILED",))})
    after = record_changes(SETTINGS, [DONE], {PAIR.fingerprint: record})[PAIR.fingerprint]
    assert set(after.mailed) == {OPS, LAB}


def test_unsent_news_is_limited() -> None:
    """Only the ten newest changes wait for a mail server that is away."""
    record = KNOWN
    for number in range(12):
        failed = report(PairStatus.FAILED, f"fix {number}")
        record = record_changes(SETTINGS, [failed], {PAIR.fingerprint: record})[PAIR.fingerprint]
    unsent = record.mailed[OPS].unsent
    assert len(unsent) == 10
    assert any("fix 2" in line for line in unsent[0].lines)
    assert any("fix 11" in line for line in unsent[-1].lines)


def test_a_long_name_is_cut_in_the_headline() -> None:
    """The status stays readable in the subject of a mail."""
    failed = replace(FAILED, name="x" * 200)
    after = record_changes(SETTINGS, [failed], {PAIR.fingerprint: KNOWN})[PAIR.fingerprint]
    (news,) = after.mailed[OPS].unsent
    assert news.headline == "x" * 59 + "…: failed"
    assert news.lines[0].startswith("x" * 200)


@pytest.mark.parametrize(
    ("everyone", "own", "expected"),
    [
        ((), (), []),
        ((OPS,), (), [OPS]),
        ((OPS,), (LAB,), [OPS, LAB]),
        ((OPS, LAB), (LAB,), [OPS, LAB]),
    ],
)
def test_recipients(everyone: tuple[str, ...], own: tuple[str, ...], expected: list[str]) -> None:
    """Those for all pairs come first, and nobody twice."""
    assert recipients(replace(SETTINGS, email=everyone), replace(PAIR, email=own)) == expected
